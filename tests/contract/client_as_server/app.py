"""The mirror as an ASGI application: `/openapi.json` and every operation in it."""

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
    """What the mirror answers."""

    status: int
    body: JSON
    headers: dict[str, str] | None = None


class ClientServer:
    """The client as a server.

    Args:
        contract: the contract of the client.
        found: what can be called.
    """

    def __init__(self, contract: Contract, found: Iterable[Endpoint]) -> None:
        self.doors = {endpoint_id(door): door for door in found}
        self.document = describe_server(contract.document, self.doors.values())
        self._contract = Contract(self.document)
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; calls are made one after the other, since the wire is one."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        target = scope["raw_path"].decode("ascii", "replace")
        if query := scope["query_string"].decode("ascii", "replace"):
            target = f"{target}?{query}"
        pairs = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
        url = f"http://mirror{target}"
        sent = SentRequest(request.method, url, tuple(pairs), await request.body())
        reply = await run_sync(self._answer_alone, sent)
        await JSONResponse(reply.body, reply.status, reply.headers)(scope, receive, send)

    def _answer_alone(self, sent: SentRequest) -> Reply:
        with self._lock:
            return self.answer(sent)

    def answer(self, sent: SentRequest) -> Reply:
        """Repeat a request through the client, and say how it went."""
        path = sent.target.partition("?")[0]
        if path == DOCUMENT_PATH:
            return Reply(200, self.document)
        hit = self._contract.match(sent.method, path)
        if hit is None:
            return self._lost(path)
        operation, values = hit
        try:
            asked = parse_arguments(self.document, operation, sent, dict(values))
        except UnsupportedRequestError as error:
            return Reply(422, {"refused": str(error)})
        return self._repeat(operation, RequestArguments(asked, "asked of the mirror"))

    def _lost(self, path: str) -> Reply:
        """An address that is no operation's, or another method's."""
        methods = [one.method for one in self._contract.operations
                   if self._contract.match(one.method, path)]  # fmt: skip
        if methods:
            allowed = {"Allow": ", ".join(sorted(set(methods)))}
            return Reply(405, {"refused": "no such method"}, allowed)
        return Reply(404, {"refused": "no argument makes this address"})

    def _repeat(self, operation: Operation, call: RequestArguments) -> Reply:
        verdicts = list(self.doors[operation.id].drive(call, self._blamed(operation, call)))
        kinds = {verdict.kind for verdict in verdicts}
        words = "; ".join(dict.fromkeys(one.words for one in verdicts if one.words))
        if "different" in kinds or len(kinds) > 1:
            return Reply(500, {"different": words or f"flavours disagree: {kinds}"})
        if kinds <= {"refused", "changed"}:
            return Reply(422, {"refused": words})
        if any(one.answer != verdicts[0].answer for one in verdicts):
            return Reply(500, {"different": "flavours disagree about the answer"})
        success = success_response(self.doors[operation.id].operation)
        return Reply(int(success.status), verdicts[0].answer)

    def _blamed(self, operation: Operation, call: RequestArguments) -> list[str]:
        """What the description holds against the parse_arguments themselves."""
        found = []
        if "body" in call.arguments:
            found += self._contract.check_body(operation.id, call.arguments["body"])
        for place in PARAMETER_LOCATIONS:
            values = {name.lower() if place == "header" else name: [parameter_text(value)]
                      for name, value in call.arguments[place].items()}  # fmt: skip
            for judge in self._contract.parameter_judges(operation, place):
                found += judge.judge(values)
        return [issue.message for issue in found]
