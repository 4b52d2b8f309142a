"""The ASGI application: `/openapi.json` and every operation in that document."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from anyio.to_thread import run_sync
from attrs import frozen
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Contract, Operation

from ..checks.harness import RequestArguments, success_response
from ..drivers.request_capture import PARAMETER_LOCATIONS, SentRequest
from .endpoints import Endpoint
from .openapi_document import describe_server, endpoint_id
from .request_parsing import UnsupportedRequestError, parameter_text, parse_arguments

DOCUMENT_PATH = "/openapi.json"


@frozen
class Reply:
    """The response of the server."""

    status: int
    body: JSON
    headers: dict[str, str] | None = None


class ClientServer:
    """A server that repeats each request through the client.

    Args:
        contract: the contract of the client.
        endpoints: the functions of the client.
    """

    def __init__(self, contract: Contract, endpoints: Iterable[Endpoint]) -> None:
        self.endpoints = {endpoint_id(one): one for one in endpoints}
        self.document = describe_server(contract.document, self.endpoints.values())
        self._contract = Contract(self.document)
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request; calls run one at a time, because they share one transport."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        target = scope["raw_path"].decode("ascii", "replace")
        if query := scope["query_string"].decode("ascii", "replace"):
            target = f"{target}?{query}"
        pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
        url = f"http://client-as-server{target}"
        sent = SentRequest(request.method, url, tuple(pairs), await request.body())
        reply = await run_sync(self._respond_locked, sent)
        await JSONResponse(reply.body, reply.status, reply.headers)(scope, receive, send)

    def _respond_locked(self, sent: SentRequest) -> Reply:
        with self._lock:
            return self.respond(sent)

    def respond(self, sent: SentRequest) -> Reply:
        """Repeat a request through the client and report the result."""
        path = sent.target.partition("?")[0]
        if path == DOCUMENT_PATH:
            return Reply(200, self.document)
        match = self._contract.match(sent.method, path)
        if match is None:
            return self._not_found(path)
        operation, values = match
        try:
            arguments = parse_arguments(self.document, operation, sent, dict(values))
        except UnsupportedRequestError as error:
            return Reply(422, {"rejected": str(error)})
        return self._repeat(operation, RequestArguments(arguments, "received by the server"))

    def _not_found(self, path: str) -> Reply:
        """The reply to a path that no operation has, or that has other methods."""
        methods = [one.method for one in self._contract.operations
                   if self._contract.match(one.method, path)]  # fmt: skip
        if methods:
            allowed = {"Allow": ", ".join(sorted(set(methods)))}
            return Reply(405, {"rejected": "no such method"}, allowed)
        return Reply(404, {"rejected": "no arguments lead to this path"})

    def _repeat(self, operation: Operation, request: RequestArguments) -> Reply:
        endpoint = self.endpoints[operation.id]
        results = list(endpoint.call(request, self._argument_issues(operation, request)))
        kinds = {one.kind for one in results}
        message = "; ".join(dict.fromkeys(one.message for one in results if one.message))
        if "different" in kinds or len(kinds) > 1:
            return Reply(500, {"different": message or f"flavours disagree: {kinds}"})
        if kinds <= {"rejected", "changed"}:
            return Reply(422, {"rejected": message})
        if any(one.response != results[0].response for one in results):
            return Reply(500, {"different": "flavours disagree about the response"})
        success = success_response(endpoint.operation)
        return Reply(int(success.status), results[0].response)

    def _argument_issues(self, operation: Operation, request: RequestArguments) -> list[str]:
        """The violations of the server's document in the arguments."""
        found = []
        if "body" in request.arguments:
            found += self._contract.check_body(operation.id, request.arguments["body"])
        for location in PARAMETER_LOCATIONS:
            values = {name.lower() if location == "header" else name: [parameter_text(value)]
                      for name, value in request.arguments[location].items()}  # fmt: skip
            found += self._contract.check_parameters(operation, location, values)
        return [issue.message for issue in found]
