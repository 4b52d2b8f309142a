"""Records the requests of a client, checks that they are legal HTTP, and parses them.

A mock transport accepts header bytes that no connection carries (a line break, a NUL), so each
recorded request is serialized again by h11, the HTTP/1.1 implementation of httpx.
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

# Headers that an HTTP client adds by itself; every other header was set by the tested client.
TRANSPORT_HEADERS = frozenset(
    {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
)

PARAMETER_LOCATIONS = ("path", "query", "header")


def parameter_schema(operation: Operation, location: str) -> Object | None:
    """The parameters of one location as an object schema; None if there are none."""
    parameters = operation.parameters_in(location)
    if not parameters:
        return None
    return {
        "type": "object",
        "properties": {parameter.name: parameter.schema for parameter in parameters},
        "required": [parameter.name for parameter in parameters if parameter.required],
        "additionalProperties": False,
    }


@frozen
class SentRequest:
    """A request as the bytes that would be sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    content: bytes

    @classmethod
    def of(cls, request: httpx.Request) -> SentRequest:
        """Copy a request as it reached the transport."""
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
        """The value of a header, or None."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def curl(self) -> str:
        """The request as a curl command that takes the key from the shell's environment."""
        skipped = TRANSPORT_HEADERS | {"authorization"}
        kept = "".join(f" -H '{k}: {v}'" for k, v in self.headers if k.lower() not in skipped)
        body = self.content.decode("utf-8", "replace").replace("'", "'\\''")
        data = f" -d '{body}'" if body else ""
        key = ' -H "Authorization: Bearer $COMETAPI_KEY"'
        return f"curl -X {self.method} '{self.url}'{key}{kept}{data}"


@define
class RecordingTransport:
    """An httpx transport that records requests and returns prepared responses.

    It serves the sync and the async client and lives as long as they do: creating a client takes
    longer than a hundred calls.
    """

    respond: Callable[[httpx.Request], httpx.Response]
    sent: list[SentRequest] = field(factory=list)
    last_request: SentRequest | None = None

    def mock_transport(self) -> httpx.MockTransport:
        """The transport to pass to a client."""
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.last_request = SentRequest.of(request)
        self.sent.append(self.last_request)
        return self.respond(request)

    def take_requests(self) -> list[SentRequest]:
        """The requests since the last call."""
        taken, self.sent = self.sent, []
        return taken


def find_request_issues(contract: Contract, operation: Operation, sent: SentRequest) -> list[str]:
    """Every violation of the contract and of HTTP in a recorded request."""
    issues = contract.check_request(
        sent.method, sent.url, sent.headers, sent.content, operation_id=operation.id
    )
    found = [issue.message for issue in issues]
    known = {parameter.name.lower() for parameter in operation.parameters_in("header")}
    known |= TRANSPORT_HEADERS | {"authorization", "content-type"}
    found += [f"header {k} is not declared" for k, _ in sent.headers if k.lower() not in known]
    if problem := _http_violation(sent):
        found.append(problem)
    return found


def parse_request(contract: Contract, operation: Operation, sent: SentRequest) -> dict[str, JSON]:
    """A recorded request as the arguments it carries, by location."""
    path, _, query = sent.target.partition("?")
    match = contract.match(sent.method, path)
    arguments: dict[str, JSON] = {
        "path": dict(match[1]) if match else {},
        "query": dict(parse_qsl(query, keep_blank_values=True)),
        "header": _declared_headers(operation, sent),
    }
    if sent.content:
        arguments["body"] = json.loads(sent.content)
    return arguments


def _declared_headers(operation: Operation, sent: SentRequest) -> dict[str, JSON]:
    names = (parameter.name for parameter in operation.parameters_in("header"))
    values = {name: sent.header(name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _http_violation(sent: SentRequest) -> str | None:
    connection = h11.Connection(h11.CLIENT)
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in sent.headers]
    try:
        connection.send(h11.Request(method=sent.method, target=sent.target, headers=headers))
    except h11.LocalProtocolError as error:
        return f"not legal HTTP/1.1: {error}"
    return None
