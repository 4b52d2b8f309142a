"""A loopback server that sends exactly the bytes a test wants, and breaks off where it wants.

Mock transports cannot show what a hostile wire does: bytes after a response, a reset after the
last byte, a body that is longer or shorter than announced, a client that reads after its deadline.
Every connection runs in a thread of its own, and everything ends with the server.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_CONTENT_LENGTH = re.compile(rb"(?im)^content-length: *(\d+)")
# More than any test needs, so that a defect in the client cannot hang the suite.
_MAX_SECONDS = 30.0
_RESET = struct.pack("ii", 1, 0)


class Connection:
    """One accepted connection.

    Attributes:
        number: Which connection of the server it is, from 0.
        requests: The requests read from it so far, head and body.
    """

    def __init__(self, server: WireServer, sock: socket.socket, number: int) -> None:
        self._server = server
        self._socket = sock
        self._buffer = b""
        self.number = number
        self.requests: list[bytes] = []

    def read_request(self) -> bytes | None:
        """Read one request, or None when the client has closed the connection."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._receive():
                return None
        head, _, rest = self._buffer.partition(b"\r\n\r\n")
        found = _CONTENT_LENGTH.search(head)
        size = int(found[1]) if found else 0
        while len(rest) < size:
            if not self._receive():
                return None
            rest = self._buffer.partition(b"\r\n\r\n")[2]
        request, self._buffer = head + b"\r\n\r\n" + rest[:size], rest[size:]
        self.requests.append(request)
        self._server.record(request)
        return request

    def _receive(self) -> bool:
        data = self._socket.recv(65536)
        self._buffer += data
        return bool(data)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def respond(self, status: int, body: bytes = b"", *headers: str) -> None:
        """Send a well-formed response that keeps the connection open."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
        if body and not any(line.lower().startswith("content-type") for line in headers):
            lines.append("Content-Type: application/json")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()

    def wait(self, seconds: float = _MAX_SECONDS) -> bool:
        """Wait until the server stops, at most so long; whether it has."""
        return self._server.stopped.wait(min(seconds, _MAX_SECONDS))


Conversation = Callable[[Connection], None]


class WireServer:
    """Accepts connections and holds the same conversation on each.

    Args:
        converse: What happens on a connection, until it returns.
        tls: Server-side TLS, or None for clear text.

    Attributes:
        requests: Every request read, in the order of arrival.
        connections: How many connections were accepted.
        stopped: Set when the server stops.
    """

    def __init__(self, converse: Conversation, tls: ssl.SSLContext | None = None) -> None:
        self._converse = converse
        self._tls = tls
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._start(self._accept)

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def base_url(self) -> str:
        """Its address."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def record(self, request: bytes) -> None:
        """Keep a request that was read."""
        with self._lock:
            self.requests.append(request)

    def paid_requests(self) -> list[bytes]:
        """The requests that create a task."""
        return [
            one
            for one in self.requests
            if one.startswith(b"POST") and not one.startswith(b"POST /runway/feed")
        ]

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                number, self.connections = self.connections, self.connections + 1
                self._open.append(sock)
            self._start(lambda sock=sock, number=number: self._serve(sock, number))

    def _serve(self, sock: socket.socket, number: int) -> None:
        sock.settimeout(_MAX_SECONDS)
        with contextlib.suppress(OSError):
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                with self._lock:
                    self._open.append(sock)
            with sock:
                self._converse(Connection(self, sock, number))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            # Closing alone does not wake a thread that is in accept().
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(_MAX_SECONDS)
