"""The simulator on real sockets: two origins on two loopback ports, served by uvicorn."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Final, Self, Unpack
from urllib.parse import urlsplit

import attrs
import uvicorn

from cometapi_runway.simulator.app import create_app
from cometapi_runway.simulator.gateway import Gateway
from cometapi_runway.simulator.protocol import ResettingProtocol
from cometapi_runway.simulator.settings import Options, Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_START: Final = 10.0
_GRACE: Final = 1
_BACKLOG: Final = 1024
# Where a wait without end cannot be interrupted (Windows), signals are noticed in between.
_WAKE: Final = 1.0


class _Server(uvicorn.Server):
    """Uvicorn, saying when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _listen(host: str, port: int) -> socket.socket:
    # The protocol must be named: asyncio only switches Nagle's algorithm off for sockets that say
    # they are TCP, and with it on, every answer waits 40 ms for the client's delayed ACK.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # There it would let two servers share a port.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        # Else nobody could tell which of the two ports it was.
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    return listening


def _origin(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class SimulatorServer:
    """A simulator that serves while the context lasts.

    ::

        with SimulatorServer(clock=SimClock.scaled(20)) as server:
            client = RunwayClient("any key", base_url=server.base_url)

    It runs in a thread of its own. Output files have a second port, and so a second origin.

    Args:
        settings: The simulator's settings, but for `media_url`, which follows from the port; or
            give them one by one as keyword arguments.
        host: Address to listen on.
        port: Port of the API; 0 for a free one.
        media_port: Port of the output files; 0 for a free one.
        options: Fields of `Settings`.

    Attributes:
        gateway: What is behind it.
        base_url: Origin of the API.
        media_url: Origin of the output files.

    Raises:
        OSError: A port is taken.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        media_port: int = 0,
        **options: Unpack[Options],
    ) -> None:
        self._sockets = [_listen(host, port)]
        try:
            self._sockets.append(_listen(host, media_port))
        except OSError:
            self._sockets[0].close()
            raise
        self.base_url, self.media_url = map(_origin, self._sockets)
        chosen = attrs.evolve(settings or Settings(**options), media_url=self.media_url)
        self.gateway = Gateway(chosen)
        self._server = _Server(
            uvicorn.Config(
                create_app(gateway=self.gateway, media_port=urlsplit(self.media_url).port),
                http=ResettingProtocol,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                timeout_graceful_shutdown=_GRACE,
                # The simulator's own time and name go out instead.
                date_header=False,
                server_header=False,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="runway-simulator", daemon=True)

    @property
    def status_url(self) -> str:
        """Address of the status page."""
        return f"{self.base_url}/_simulator/"

    def start(self) -> Self:
        """Starts serving, and returns once requests are answered.

        Raises:
            RuntimeError: It does not come up.
        """
        self._thread.start()
        deadline = time.monotonic() + _START
        while not self._server.ready.wait(0.05):
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.close()
                raise RuntimeError("the simulator did not start")
        return self

    def close(self) -> None:
        """Stops serving. Connections that are still busy are given a second."""
        self._server.should_exit = True
        while self._thread.is_alive():
            self._thread.join(_WAKE)
        for listening in self._sockets:
            listening.close()

    def _serve(self) -> None:
        self._server.run(self._sockets)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def run(
    settings: Settings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    media_port: int = 0,
    on_ready: Callable[[SimulatorServer], None] = lambda server: None,
    **options: Unpack[Options],
) -> None:
    """Serves until the process is interrupted or told to end (SIGINT, SIGTERM).

    Must be called in the main thread, as signals are.

    Args:
        settings: As for `SimulatorServer`.
        host: Address to listen on.
        port: Port of the API; 0 for a free one.
        media_port: Port of the output files; 0 for a free one.
        on_ready: Called once requests are answered, to say where.
        options: Fields of `Settings`.

    Raises:
        OSError: A port is taken.
    """
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        server = SimulatorServer(settings, host=host, port=port, media_port=media_port, **options)
        with server:
            on_ready(server)
            while not stop.wait(_WAKE):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
