"""The simulator as an ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Unpack

import anyio
from attrs import frozen
from starlette.applications import Starlette

from cometapi_runway.simulator._control.control import Control
from cometapi_runway.simulator._gateway.gateway import Gateway
from cometapi_runway.simulator._responses.reply import Reply, html_reply
from cometapi_runway.simulator._server.callback_sender import send_callbacks
from cometapi_runway.simulator._server.delivery import Delivery
from cometapi_runway.simulator._settings import Options, SimulatorSettings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

_MAX_BODY: Final = 64 * 1024 * 1024
# CometAPI documents this status without a body; a proxy's page is the likely one.
_TOO_LARGE: Final = html_reply("413 Request Entity Too Large", 413)


class _ClientGoneError(Exception):
    """The client disconnected."""


class _BodyTooLargeError(Exception):
    """The body is larger than `_MAX_BODY`."""


@frozen
class _Endpoint:
    """Passes every HTTP request to the gateway or to the control API."""

    gateway: Gateway
    control: Control
    media_port: int | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        delivery = Delivery(self.gateway.clock, scope, receive, send)
        try:
            body = await _read_body(receive)
        except _ClientGoneError:
            return
        except _BodyTooLargeError:
            await delivery.send_reply(_TOO_LARGE)
            return
        await delivery.send_reply(self._handle(scope, body))

    def _handle(self, scope: Scope, body: bytes) -> Reply:
        raw: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        url = raw.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        method: str = scope["method"]
        server: tuple[str, int | None] = scope.get("server") or ("", None)
        if self.media_port is not None and server[1] == self.media_port:
            url = self.gateway.settings.media_url + url
        elif self.control.matches(url):
            return self.control.handle(method, url, headers, body)
        return self.gateway.handle(method, url, headers, body)


async def _read_body(receive: Receive) -> bytes:
    """Reads the whole body of a request.

    Raises:
        _ClientGoneError: The client disconnected before the end.
        _BodyTooLargeError: The body is larger than `_MAX_BODY`.
    """
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > _MAX_BODY:
            raise _BodyTooLargeError
        if not message.get("more_body", False):
            return b"".join(pieces)


def create_app(
    settings: SimulatorSettings | None = None,
    *,
    gateway: Gateway | None = None,
    media_port: int | None = None,
    **options: Unpack[Options],
) -> Starlette:
    """Makes the simulator's application, for any ASGI server and for in-process transports.

    It serves both origins: requests whose ``Host`` is that of the setting `media_url` get output
    files, all others the API, with the control API under ``/_simulator/``. With a server of your
    own, use two names of the machine as two origins: ``http://127.0.0.1:8000`` for the API, and
    ``http://localhost:8000`` as `media_url`.

    Args:
        settings: The simulator's settings.
        gateway: An existing gateway to serve; `settings` and `options` are then not used.
        media_port: A port whose requests are all for output files, whatever their ``Host``.
        options: Fields of `SimulatorSettings`, used if `settings` is None.

    Returns:
        The application; its ``state.gateway`` is the `Gateway`.
    """
    core = gateway or Gateway(settings, **options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as group:
            if core.settings.deliver_callbacks:
                group.start_soon(send_callbacks, core)
            yield
            group.cancel_scope.cancel()

    endpoint = _Endpoint(core, Control(core), media_port)
    app = Starlette(lifespan=lifespan)
    # Not a route: the pattern of a route matches no path with a line feed in it.
    app.router.default = endpoint
    app.state.gateway = core
    return app
