"""The simulator as an ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Unpack

import anyio
from attrs import frozen
from starlette.applications import Starlette
from starlette.routing import Mount

from cometapi_runway.simulator.control import Control
from cometapi_runway.simulator.delivery import Delivery
from cometapi_runway.simulator.gateway import Gateway
from cometapi_runway.simulator.reply import Reply, html_reply
from cometapi_runway.simulator.settings import Options, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

_LARGEST_BODY: Final = 64 * 1024 * 1024
# CometAPI names this status without showing its body; a proxy's page is what to expect.
_TOO_LARGE: Final = html_reply("413 Request Entity Too Large", 413)


class _ClientGoneError(Exception):
    """The client went away."""


class _BodyTooLargeError(Exception):
    """A body beyond all measure."""


@frozen
class _Endpoint:
    """Hands every HTTP request to the gateway, whatever its path."""

    gateway: Gateway
    control: Control
    media_port: int | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        delivery = Delivery(self.gateway.clock, scope, receive, send)
        try:
            body = await _read(receive)
        except _ClientGoneError:
            return
        except _BodyTooLargeError:
            await delivery.carry(_TOO_LARGE)
            return
        await delivery.carry(self._answer(scope, body))

    def _answer(self, scope: Scope, body: bytes) -> Reply:
        raw: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        url = raw.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        method: str = scope["method"]
        server: tuple[str, int | None] = scope.get("server") or ("", None)
        if self.media_port is not None and server[1] == self.media_port:
            url = self.gateway.settings.media_url + url
        elif self.control.is_meant(url):
            return self.control.handle(method, url, headers, body)
        return self.gateway.handle(method, url, headers, body)


async def _read(receive: Receive) -> bytes:
    """Reads a body.

    Raises:
        _ClientGoneError: The client went away before it was whole.
        _BodyTooLargeError: It is more than any contract has use for.
    """
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > _LARGEST_BODY:
            raise _BodyTooLargeError
        if not message.get("more_body", False):
            return b"".join(pieces)


def create_app(
    settings: Settings | None = None,
    *,
    gateway: Gateway | None = None,
    media_port: int | None = None,
    **options: Unpack[Options],
) -> Starlette:
    """Makes the simulator's application, for any ASGI server and for in-process transports.

    It answers for both origins: requests whose ``Host`` is that of the setting `media_url` get
    output files, all others the API, with the control API under ``/_simulator/``. Under a server
    of your own, two names of one machine are two origins: call the API ``http://127.0.0.1:8000``
    and set `media_url` to ``http://localhost:8000``.

    Args:
        settings: The simulator's settings; or give them one by one as keyword arguments.
        gateway: A gateway made before, in place of settings.
        media_port: A port whose requests are all for output files, whatever ``Host`` they name.
        options: Fields of `Settings`.

    Returns:
        The application; its ``state.gateway`` is the `Gateway` to look into.
    """
    core = gateway or Gateway(settings, **options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as group:
            if core.settings.deliver_callbacks:
                # Here, as only those who want callbacks sent pay for a client of HTTP.
                from cometapi_runway.simulator.callbacks import (  # noqa: PLC0415
                    deliver_forever,
                )

                group.start_soon(deliver_forever, core)
            yield
            group.cancel_scope.cancel()

    endpoint = _Endpoint(core, Control(core), media_port)
    app = Starlette(routes=[Mount("/", app=endpoint)], lifespan=lifespan)
    app.state.gateway = core
    return app
