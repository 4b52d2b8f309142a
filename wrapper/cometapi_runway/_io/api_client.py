"""The generated client, for callers of its functions; this package's own calls do without it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
from attrs import define, field

from cometapi_runway._core import redaction
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.secret import Secret
from cometapi_runway._io.http_client import write_key
from cometapi_runway._io.http_logs import redact_http_logs
from cometapi_runway._io.key_protection import hide_key_in_errors
from cometapi_runway_api import AuthenticatedClient


@define
class SafeClient(AuthenticatedClient):
    """The generated client, with the key in no field that can be shown.

    The generated code would write `token` into `_headers`. Both are placeholders here; the key is
    written into the headers of the httpx client only.

    Attributes:
        api_key: The key.
    """

    api_key: Secret = field(kw_only=True)

    def __repr__(self) -> str:
        """Show the base URL only."""
        base_url = getattr(self, "_base_url", "")
        return f"SafeClient(base_url={redact_url(base_url)!r}, token={redaction.HIDDEN!r})"

    def get_httpx_client(self) -> httpx.Client:
        """The httpx client; it is created at the first call."""
        is_new = self._client is None
        client = super().get_httpx_client()
        if is_new:
            write_key(client.headers, self.api_key)
            self.protect(client)
        return client

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The asynchronous httpx client; it is created at the first call."""
        is_new = self._async_client is None
        client = super().get_async_httpx_client()
        if is_new:
            write_key(client.headers, self.api_key)
            self.protect_async(client)
        return client

    def protect(self, client: httpx.Client) -> None:
        """Keep the key out of the logs and the errors of what the client sends."""
        vars(client)["send"] = self._protect(client.send)

    def protect_async(self, client: httpx.AsyncClient) -> None:
        """Keep the key out of the logs and the errors of what the client sends."""
        vars(client)["send"] = self._protect_async(client.send)

    def _protect(self, send: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
        def protected(request: httpx.Request, **options: Any) -> httpx.Response:
            with redact_http_logs(self.api_key), hide_key_in_errors(self.api_key):
                return send(request, **options)

        return protected

    def _protect_async(
        self, send: Callable[..., Awaitable[httpx.Response]]
    ) -> Callable[..., Awaitable[httpx.Response]]:
        async def protected(request: httpx.Request, **options: Any) -> httpx.Response:
            with redact_http_logs(self.api_key), hide_key_in_errors(self.api_key):
                return await send(request, **options)

        return protected


def make_api_client(options: Mapping[str, Any], api_key: Secret) -> SafeClient:
    """Create the generated client, without an httpx client.

    Args:
        options: `http_client.gateway_client_options`.
        api_key: The key.
    """
    names = ("transport", "event_hooks", "limits")
    return SafeClient(
        base_url=options["base_url"],
        token=redaction.HIDDEN,
        api_key=api_key,
        headers=dict(options["headers"]),
        # Explicit, because the generated client's default is no timeout.
        timeout=options["timeout"],
        follow_redirects=options["follow_redirects"],
        raise_on_unexpected_status=True,
        verify_ssl=options["verify"],
        httpx_args={name: options[name] for name in names},
    )
