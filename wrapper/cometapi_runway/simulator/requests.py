"""A request as it came in, and what is kept of it: never a key, never a whole data URI."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cometapi_runway._core.json_values import JSON

Origin: TypeAlias = Literal["api", "media"]

HIDDEN: Final = "[hidden]"

_BEARER: Final = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_SECRET: Final = frozenset(("authorization", "proxy-authorization", "cookie", "x-api-key"))
# Plain ASCII only: cut inside an escape or a character, the body would be JSON no more.
_DATA_URI: Final = re.compile(rb"(data:[!#-+\--\[\]-~]{0,100},[!#-\[\]-~]{32})[!#-\[\]-~]{32,}")
_LEAST_SECRET: Final = 8
_LONGEST: Final = 64 * 1024
_SHORTENED: Final = rb"\1..."


@frozen
class Request:
    """A request on its way in.

    Attributes:
        method: As sent.
        path: As sent: percent-encoded, without the query.
        query: As sent, without the question mark.
        host: Host and port that it was sent to, from the address or the ``Host`` header.
        headers: As sent.
        body: As sent.
        scheme: Of the address, where it was whole.
    """

    method: str
    path: str
    query: str
    host: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    scheme: str = ""

    @classmethod
    def read(
        cls, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Request:
        """Takes a request apart; the address may be whole, or begin with the path."""
        fields = tuple(headers)
        # A path that begins with two slashes would be read as a host.
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
        found = _BEARER.fullmatch(value.strip()) if value else None
        return found[1] if found else None

    def header(self, name: str) -> str | None:
        """The first header field of that name, given in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@frozen
class RequestRecord:
    """What the log keeps of a request.

    Attributes:
        number: Counted from 1, over both origins.
        at: When, in Unix seconds.
        origin: Which of the two it came to.
        method: HTTP method.
        path: The path, without the query.
        headers: The header fields; credentials are hidden.
        content: The body, data URIs shortened, at most 64 KiB of it.
        operation: Id of the operation that it hit, if any.
        task_id: The task that it made or read, if any.
        status: HTTP status of the answer, or None if the connection was reset first.
        fault: The kind of fault that hit it, if any.
    """

    number: int
    at: float
    origin: Origin
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes = field(repr=False)
    operation: str | None = None
    task_id: str | None = None
    status: int | None = None
    fault: str | None = None

    @property
    def json(self) -> JSON:
        """The body as JSON; None if there is none, or it is something else."""
        try:
            value: JSON = json.loads(self.content)
        except ValueError:
            return None
        return value

    def header(self, name: str) -> str | None:
        """The first header field of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def shortened(body: bytes) -> bytes:
    """A body without the payloads of its data URIs; JSON stays JSON."""
    return _DATA_URI.sub(_SHORTENED, body) if b"data:" in body else body


def redacted(request: Request) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
    """Path, headers and body as they may be kept: the key is nowhere in them."""
    key = request.key
    path, body = request.path, shortened(request.body)[:_LONGEST]
    headers = tuple(
        (name, _hidden(value) if name.lower() in _SECRET else value)
        for name, value in request.headers
    )
    if key is None or len(key) < _LEAST_SECRET:
        # "any" is no secret, and stands in many a word: the log would no longer be what was sent.
        return path, headers, body
    kept = tuple((name, value.replace(key, HIDDEN)) for name, value in headers)
    return path.replace(key, HIDDEN), kept, body.replace(key.encode(), HIDDEN.encode())


def _hidden(value: str) -> str:
    return f"Bearer {HIDDEN}" if _BEARER.fullmatch(value.strip()) else HIDDEN
