"""Real connection resets with uvicorn."""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from cometapi_runway.simulator._server.delivery import RESET

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from starlette.types import ASGIApp, Receive, Scope, Send
    from uvicorn import Config
    from uvicorn.server import ServerState

# With a linger time of zero, closing the socket sends RST instead of FIN.
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class ResettingProtocol(H11Protocol):
    """Uvicorn's HTTP/1.1 protocol, extended so that the application can reset the connection.

    ``scope["extensions"][RESET]`` is a function without arguments that does it.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        inner: ASGIApp = self.app

        async def with_reset(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**(scope.get("extensions") or {}), RESET: self.reset}
            await inner(scope, receive, send)

        self.app = with_reset

    def reset(self) -> None:
        """Resets the connection; the client sees ECONNRESET."""
        own: socket.socket = self.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()
