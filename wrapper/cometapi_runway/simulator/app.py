"""The simulator as an ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Unpack

import anyio
from attrs import frozen
from starlette.applications import Starlette
from starlette.routing import Mount

from cometapi_runway.simulator.callbacks import deliver_forever
from cometapi_runway.simulator.control import Control
from cometapi_runway.simulator.delivery import Delivery
from cometapi_runway.simulator.gateway import Gateway
from cometapi_runway.simulator.settings import Options, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

_LARGEST_BODY: Final = 64 * 1024 * 1024


@frozen
class _Endpoint:
    """Hands every HTTP request to the gateway, whatever its path."""

    gateway: Gateway
    control: Control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        raw: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        url = raw.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        method: str = scope["method"]
        answerer = self.control if self.control.is_meant(url) else self.gateway
        reply = answerer.handle(method, url, headers, body)
        await Delivery(self.gateway.clock, scope, receive, send).carry(reply)


async def _read(receive: Receive) -> bytes | None:
    """Reads a body; None if the client went away before it was whole."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if not message.get("more_body", False) or size > _LARGEST_BODY:
            return b"".join(pieces)


def create_app(
    settings: Settings | None = None, *, gateway: Gateway | None = None, **options: Unpack[Options]
) -> Starlette:
    """Makes the simulator's application, for any ASGI server and for in-process transports.

    It answers for both origins: requests whose ``Host`` is that of the setting `media_url` get
    output files, all others the API, with the control API under ``/_simulator/``.

    Args:
        settings: The simulator's settings; or give them one by one as keyword arguments.
        gateway: A gateway made before, in place of settings.
        options: Fields of `Settings`.

    Returns:
        The application; its ``state.gateway`` is the `Gateway` to look into.
    """
    core = gateway or Gateway(settings, **options)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with anyio.create_task_group() as group:
            if core.settings.deliver_callbacks:
                group.start_soon(deliver_forever, core)
            yield
            group.cancel_scope.cancel()

    endpoint = _Endpoint(core, Control(core))
    app = Starlette(routes=[Mount("/", app=endpoint)], lifespan=lifespan)
    app.state.gateway = core
    return app
