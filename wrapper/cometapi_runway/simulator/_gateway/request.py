"""A request as the simulator received it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)
"""The value of a well-formed ``Authorization`` header; its group is the key."""


@frozen
class SimulatedRequest:
    """A request as received.

    Attributes:
        method: HTTP method.
        path: The path, percent-encoded, without the query.
        query: The query without the question mark.
        host: Host and port, from the URL or the ``Host`` header.
        headers: Header fields.
        body: The body.
        scheme: The URL's scheme; empty if the URL begins with the path.
    """

    method: str
    path: str
    query: str
    host: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    scheme: str = ""

    @classmethod
    def parse(
        cls, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> SimulatedRequest:
        """Splits the URL of a request; it may be complete, or begin with the path."""
        fields = tuple(headers)
        # urlsplit would read a path that begins with two slashes as a host.
        parts = urlsplit(url if not url.startswith("/") else "//" + url)
        host = parts.netloc or next((v for k, v in fields if k.lower() == "host"), "")
        return cls(method, parts.path or "/", parts.query, host, fields, body, parts.scheme)

    @property
    def target(self) -> str:
        """Path and query, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def key(self) -> str | None:
        """The key of a well-formed ``Authorization: Bearer`` header."""
        value = self.header("authorization")
        found = BEARER.fullmatch(value.strip()) if value else None
        return found[1] if found else None

    def header(self, name: str) -> str | None:
        """The first header field of a name, which must be in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)
