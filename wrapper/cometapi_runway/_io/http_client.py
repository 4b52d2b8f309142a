"""How the httpx clients are made: with the key or without, with bounds, without cookies."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import httpx

from cometapi_runway import _settings as settings
from cometapi_runway._core import redaction
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import redact_text, redact_url
from cometapi_runway._core.version import __version__
from cometapi_runway._settings import Settings
from cometapi_runway.errors import ConfigurationError
from cometapi_runway_api import AuthenticatedClient

# These describe the bytes on the wire, not the decoded body; and a cookie is a secret.
_WIRE_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding", "set-cookie"})


class SafeClient(AuthenticatedClient):
    """The generated client, with a representation that does not show the key."""

    def __repr__(self) -> str:
        """The address alone."""
        return f"SafeClient(base_url={redact_url(self._base_url)!r}, token={redaction.HIDDEN!r})"


def make_api_client(
    chosen: Settings,
    hooks: Mapping[str, Any],
    base: httpx.BaseTransport | httpx.AsyncBaseTransport | None,
) -> SafeClient:
    """The generated client, for one kind of call.

    Raises:
        ConfigurationError: The gateway's address is none to httpx, or the environment names a
            proxy or certificates that it cannot use.
    """
    try:
        httpx.URL(chosen.base_url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(
            f"base_url cannot be sent to: {error}", setting="base_url"
        ) from error
    # A timeout must be given: the generated client's own default is none at all.
    return SafeClient(
        base_url=chosen.base_url,
        token=chosen.api_key,
        headers={"User-Agent": f"cometapi-runway/{__version__}"},
        timeout=httpx_timeout(chosen.timeout),
        follow_redirects=False,
        raise_on_unexpected_status=True,
        verify_ssl=_tls(base),
        httpx_args={"transport": base, "event_hooks": hooks, "limits": _limits()},
    )


class _NoCookies(httpx.Cookies):
    """Keeps none: the key is what lets us in, and a cookie would be one secret more."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leave them; to look for them takes httpx a quarter of the time of a call."""


C = TypeVar("C", httpx.Client, httpx.AsyncClient)


def make_http_client(make: Callable[[], C]) -> C:
    """Make a client, which keeps no cookies.

    Raises:
        ConfigurationError: The environment names a proxy or certificates that httpx cannot use.
    """
    try:
        client = make()
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        words = redact_text(str(error))
        raise ConfigurationError(f"no connections can be made here: {words}") from error
    # httpx's own setter would copy it into a jar that keeps them.
    vars(client)["_cookies"] = _NoCookies()
    return client


def check_transport(transport: object, wanted: type) -> None:
    """Refuse what is no transport, or is the other client's.

    Raises:
        ConfigurationError: It is not of the wanted kind.
    """
    if transport is not None and not isinstance(transport, wanted):
        given = type(transport).__name__
        raise ConfigurationError(
            f"transport must be an httpx.{wanted.__name__}, got {given}", setting="transport"
        )


def _limits() -> httpx.Limits:
    return httpx.Limits(
        max_connections=settings.MAX_IN_FLIGHT, max_keepalive_connections=settings.MAX_IN_FLIGHT
    )


def file_client_options(
    base: httpx.BaseTransport | httpx.AsyncBaseTransport | None,
) -> dict[str, Any]:
    """How the client that fetches files is made."""
    # No key, no cookies from the gateway: this client has never met them. Encodings are declined
    # so that sizes and ranges count the bytes of the file.
    return {
        "transport": base,
        "verify": _tls(base),
        "follow_redirects": True,
        "headers": {"User-Agent": f"cometapi-runway/{__version__}", "Accept-Encoding": "identity"},
    }


def _tls(base: httpx.BaseTransport | httpx.AsyncBaseTransport | None) -> ssl.SSLContext | bool:
    """What certificates are held against; nothing, where a transport of the caller's own does it.

    Loading the authorities takes longer than all else that a client needs to be made.
    """
    if base is not None:
        return True
    return _authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _authorities(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    # httpx looks into the environment itself; the arguments are what its answer depends on.
    return httpx.create_ssl_context()


@lru_cache(maxsize=64)
def httpx_timeout(seconds: float) -> httpx.Timeout:
    """Seconds for a request, of which making the connection may take some."""
    return httpx.Timeout(seconds, connect=min(seconds, settings.CONNECT_TIMEOUT))


def to_httpx_response(response: RawResponse) -> httpx.Response:
    """Build an httpx response from a raw one, detached from its connection and its request."""
    return httpx.Response(
        response.status,
        headers={k: v for k, v in response.headers.items() if k not in _WIRE_HEADERS},
        content=response.body,
    )
