"""What the log keeps of a request: never a key, never a whole data URI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import field, frozen

from cometapi_runway._core.json_values import parse_json
from cometapi_runway._core.redaction import HIDDEN
from cometapi_runway.simulator._gateway.request import BEARER

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON
    from cometapi_runway.simulator._gateway.request import SimulatedRequest

Origin: TypeAlias = Literal["api", "media"]

# A deny-list, unlike `_core.redaction`: tests look up here which other headers a client sent.
_CREDENTIAL_HEADERS: Final = frozenset(
    ("authorization", "proxy-authorization", "cookie", "x-api-key")
)
# Matches plain ASCII only: a cut inside an escape or a character would make the JSON invalid.
_DATA_URI: Final = re.compile(rb"(data:[!#-+\--\[\]-~]{0,100},[!#-\[\]-~]{32})[!#-\[\]-~]{32,}")
_SHORTENED: Final = rb"\1..."
_MIN_SECRET: Final = 8
_MAX_BODY: Final = 64 * 1024


@frozen
class RequestRecord:
    """A request in the log.

    Attributes:
        number: Counted from 1, over both origins.
        at: When, in Unix seconds.
        origin: ``"api"``, or ``"media"`` for output files.
        method: HTTP method.
        path: The path, without the query.
        headers: The header fields; credentials are hidden.
        content: The body with data URIs shortened, at most 64 KiB of it.
        operation: Id of the requested operation, if any.
        task_id: The task that was created or read, if any.
        status: HTTP status of the response; None if the connection was reset before it.
        fault: The kind of fault that was applied, if any.
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
        """The body as JSON; None if it is empty or not JSON."""
        try:
            return parse_json(self.content)
        except ValueError:
            return None

    def header(self, name: str) -> str | None:
        """The first header field of a name, ignoring case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def shorten_data_uris(body: bytes) -> bytes:
    """Cuts the payloads of long data URIs in a body; JSON stays valid."""
    return _DATA_URI.sub(_SHORTENED, body) if b"data:" in body else body


def redact_request(
    request: SimulatedRequest,
) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
    """Returns path, headers and body without credentials, for the log."""
    key = request.key
    path, body = request.path, shorten_data_uris(request.body)[:_MAX_BODY]
    headers = tuple(
        (name, _hide(value) if name.lower() in _CREDENTIAL_HEADERS else value)
        for name, value in request.headers
    )
    if key is None or len(key) < _MIN_SECRET:
        # A key such as "any" is no secret, and is part of ordinary words that must stay readable.
        return path, headers, body
    redacted = tuple((name, value.replace(key, HIDDEN)) for name, value in headers)
    return path.replace(key, HIDDEN), redacted, body.replace(key.encode(), HIDDEN.encode())


def _hide(value: str) -> str:
    return f"Bearer {HIDDEN}" if BEARER.fullmatch(value.strip()) else HIDDEN
