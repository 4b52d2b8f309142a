"""What a client really sends: captured, checked for wire legality, judged, and read back.

A mock transport carries header bytes that no connection would (a line break, a NUL), so each
captured request is written once more by h11, which is what httpx speaks HTTP/1.1 with.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qsl

import h11
import httpx
from attrs import define, field, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation

# What an HTTP client adds by itself; anything else in a request was put there by our code.
TRANSPORT_HEADERS = frozenset(
    {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
)

PLACES = ("path", "query", "header")


def place_schema(operation: Operation, place: str) -> Object | None:
    """The parameters of one place as the schema of one object; None where there are none."""
    parameters = operation.parameters_in(place)
    if not parameters:
        return None
    return {
        "type": "object",
        "properties": {parameter.name: parameter.schema for parameter in parameters},
        "required": [parameter.name for parameter in parameters if parameter.required],
        "additionalProperties": False,
    }


@frozen
class Sent:
    """A captured request, as the bytes that would have gone out."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @classmethod
    def of(cls, request: httpx.Request) -> Sent:
        """Take a request as it reached the transport."""
        netloc = request.url.netloc.decode("ascii")
        target = request.url.raw_path.decode("ascii")
        pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
        url = f"{request.url.scheme}://{netloc}{target}"
        return cls(request.method, url, tuple(pairs), request.content)

    @property
    def target(self) -> str:
        """Path and query."""
        return "/" + self.url.split("/", 3)[3]

    def header(self, name: str) -> str | None:
        """The value of a header, None without it."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def curl(self) -> str:
        """The request as a command; the key is left for the shell to fill in."""
        skipped = TRANSPORT_HEADERS | {"authorization"}
        kept = "".join(f" -H '{k}: {v}'" for k, v in self.headers if k.lower() not in skipped)
        body = self.content.decode("utf-8", "replace").replace("'", "'\\''")
        data = f" -d '{body}'" if body else ""
        key = ' -H "Authorization: Bearer $COMETAPI_KEY"'
        return f"curl -X {self.method} '{self.url}'{key}{kept}{data}"


@define
class Wire:
    """A transport for httpx that keeps what it is given and answers what it is told to.

    It serves the sync and the async client alike and lives as long as they do: building a client
    costs more than a hundred calls through one.
    """

    answer: Callable[[httpx.Request], httpx.Response]
    sent: list[Sent] = field(factory=list)
    last: Sent | None = None

    def transport(self) -> httpx.MockTransport:
        """The transport to hand to a client."""
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.last = Sent.of(request)
        self.sent.append(self.last)
        return self.answer(request)

    def take(self) -> list[Sent]:
        """What was sent since the last time."""
        taken, self.sent = self.sent, []
        return taken


def complaints(contract: Contract, operation: Operation, sent: Sent) -> list[str]:
    """Everything wrong with a captured request, before it is compared with what was asked."""
    issues = contract.check_request(
        sent.method, sent.url, sent.headers, sent.content, operation_id=operation.id
    )
    found = [issue.message for issue in issues]
    known = {parameter.name.lower() for parameter in operation.parameters_in("header")}
    known |= TRANSPORT_HEADERS | {"authorization", "content-type"}
    found += [f"header {k} is not asked for" for k, _ in sent.headers if k.lower() not in known]
    if problem := _illegal(sent):
        found.append(problem)
    return found


def read_back(contract: Contract, operation: Operation, sent: Sent) -> dict[str, JSON]:
    """A captured request as the arguments it carries, by place."""
    path, _, query = sent.target.partition("?")
    hit = contract.match(sent.method, path)
    arguments: dict[str, JSON] = {
        "path": dict(hit[1]) if hit else {},
        "query": dict(parse_qsl(query, keep_blank_values=True)),
        "header": _declared_headers(operation, sent),
    }
    if sent.content:
        arguments["body"] = json.loads(sent.content)
    return arguments


def _declared_headers(operation: Operation, sent: Sent) -> dict[str, JSON]:
    names = (parameter.name for parameter in operation.parameters_in("header"))
    values = {name: sent.header(name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _illegal(sent: Sent) -> str | None:
    connection = h11.Connection(h11.CLIENT)
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in sent.headers]
    try:
        connection.send(h11.Request(method=sent.method, target=sent.target, headers=headers))
    except h11.LocalProtocolError as error:
        return f"no connection would send this: {error}"
    return None
