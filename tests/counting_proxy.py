"""A proxy in front of a PostgreSQL server that counts round trips."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

from tests.postgres_server import ADMIN


class CountingProxy:
    """Passes a connection on to a server and counts its round trips.

    A round trip begins when the client sends after the server did, or first. Bytes are passed on
    one chunk at a time, so that an answer that overlaps with a question counts as one more.

    Args:
        target: The server's Unix socket.

    Attributes:
        round_trips: The round trips so far, of all connections.
    """

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._lock = threading.Lock()
        self._last_sender = "server"
        self.round_trips = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: str) -> str:
        """The URL of a database behind the proxy."""
        port = self._listener.getsockname()[1]
        return f"postgresql://{ADMIN}@127.0.0.1:{port}/{database}?sslmode=disable"

    def close(self) -> None:
        """Take no more connections; those that are open end with the client."""
        # Closing alone does not wake a thread that is in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            for source, sink, name in ((client, server, "client"), (server, client, "server")):
                threading.Thread(
                    target=self._pass_on, args=(source, sink, name), daemon=True
                ).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self._lock:
                    if (self._last_sender, name) == ("server", "client"):
                        self.round_trips += 1
                    self._last_sender = name
                sink.sendall(data)
        sink.close()
