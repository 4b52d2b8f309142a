"""The simulator on sockets: two origins on two loopback ports, served by uvicorn."""

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

from cometapi_runway.simulator._gateway.gateway import Gateway
from cometapi_runway.simulator._server.app import create_app
from cometapi_runway.simulator._server.reset_protocol import ResettingProtocol
from cometapi_runway.simulator._settings import Options, SimulatorSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_START_TIMEOUT: Final = 10.0
_CLOSE_TIMEOUT: Final = 1
_BACKLOG: Final = 1024
# On Windows a signal does not interrupt an endless wait; it is noticed between these.
_WAIT_SLICE: Final = 1.0


class _Server(uvicorn.Server):
    """A uvicorn server with an event for its start."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _listen(host: str, port: int) -> socket.socket:
    # asyncio disables Nagle's algorithm only on sockets whose protocol is given as TCP. With
    # Nagle's algorithm, each response waits 40 ms for the client's delayed ACK.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # On Windows the option would let two servers share a port.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        # The original error does not say which of the two ports is in use.
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
    return listening


def _origin(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class SimulatorServer:
    """Serves a simulator while its context is open.

    ::

        with SimulatorServer(clock=SimClock.scaled(20)) as server:
            client = RunwayClient("any key", base_url=server.base_url)

    It runs in its own thread. Output files have a second port, and so a second origin.

    Args:
        settings: The simulator's settings; `media_url` is replaced by the actual one.
        host: Address to listen on.
        port: Port of the API; 0 for a free one.
        media_port: Port of the output files; 0 for a free one.
        options: Fields of `SimulatorSettings`, used if `settings` is None.

    Attributes:
        gateway: The gateway that is served.
        base_url: Origin of the API.
        media_url: Origin of the output files.

    Raises:
        OSError: A port is in use.
    """

    def __init__(
        self,
        settings: SimulatorSettings | None = None,
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
        settings = settings or SimulatorSettings(**options)
        self.gateway = Gateway(attrs.evolve(settings, media_url=self.media_url))
        self._server = _Server(
            uvicorn.Config(
                create_app(gateway=self.gateway, media_port=urlsplit(self.media_url).port),
                http=ResettingProtocol,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                timeout_graceful_shutdown=_CLOSE_TIMEOUT,
                # The simulator sends its own time and name instead.
                date_header=False,
                server_header=False,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="runway-simulator", daemon=True)

    @property
    def status_url(self) -> str:
        """URL of the status page."""
        return f"{self.base_url}/_simulator/"

    def start(self) -> Self:
        """Starts serving, and returns when requests are accepted.

        Raises:
            RuntimeError: It did not start within 10 seconds.
        """
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._server.ready.wait(0.05):
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self.close()
                raise RuntimeError("the simulator did not start")
        return self

    def close(self) -> None:
        """Stops serving. Busy connections have one second to finish."""
        self._server.should_exit = True
        while self._thread.is_alive():
            self._thread.join(_WAIT_SLICE)
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
    settings: SimulatorSettings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    media_port: int = 0,
    on_ready: Callable[[SimulatorServer], None] = lambda server: None,
    **options: Unpack[Options],
) -> None:
    """Serves until the process receives SIGINT or SIGTERM.

    Must be called in the main thread, because it handles signals.

    Args:
        settings: As for `SimulatorServer`.
        host: Address to listen on.
        port: Port of the API; 0 for a free one.
        media_port: Port of the output files; 0 for a free one.
        on_ready: Called with the server when requests are accepted.
        options: Fields of `SimulatorSettings`, used if `settings` is None.

    Raises:
        OSError: A port is in use.
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
            while not stop.wait(_WAIT_SLICE):
                pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
