"""A gateway that follows the contract except in one way, and counts what reaches it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx
from attrs import define, field, frozen

from cometapi_runway._live_check._questions import WRONG_KEY
from cometapi_runway._live_check._verdicts import Verdict
from cometapi_runway.simulator import INSTANT, Gateway
from cometapi_runway.testing._transports import SimulatedTransport

from .terminal import KEY

BASE_URL = "http://127.0.0.1:9"
READS = ("/runwayml/v1/tasks/", "/runway/feed")
VERSION = "x-runway-version"

Lie: TypeAlias = Callable[[httpx.Request], httpx.Response | None]


@define
class Wire(httpx.BaseTransport):
    """Passes requests to a simulator, apart from those that it answers itself.

    Attributes:
        lie: Answers a request, or returns None for the simulator's response.
        seen: Every request.
        now: What the client's clock says.
    """

    lie: Lie = lambda _: None
    seen: list[httpx.Request] = field(factory=list[httpx.Request])
    now: float = 0.0
    truth: SimulatedTransport = field(
        factory=lambda: SimulatedTransport(Gateway(keys={KEY}, timings=INSTANT), BASE_URL)
    )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.seen.append(request)
        return self.lie(request) or self.truth.respond(request)

    @property
    def creates(self) -> list[httpx.Request]:
        """The requests that could create a task: all that change something but the read by POST."""
        return [one for one in self.seen if one.method not in SAFE and not is_read(one)]


SAFE = {"GET", "OPTIONS", "HEAD"}


def is_read(request: httpx.Request) -> bool:
    """Whether a request reads a task in either family."""
    return (request.method, request.url.path) == ("POST", READS[1]) or (
        request.method == "GET" and request.url.path.startswith(READS[0])
    )


def is_method_question(request: httpx.Request) -> bool:
    return request.method in SAFE and not is_read(request)


def has_wrong_key(request: httpx.Request) -> bool:
    return WRONG_KEY in request.headers["authorization"]


def reads(answer: Callable[[], httpx.Response]) -> Lie:
    """Answers reads with the right key."""
    return lambda request: answer() if is_read(request) and not has_wrong_key(request) else None


def respond(status: int, body: Any, **headers: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, json=body, headers=headers)


def page(status: int) -> httpx.Response:
    return httpx.Response(status, html="<title>nginx</title><h1>404 Not Found</h1>")


def fail(error: Exception) -> httpx.Response:
    raise error


UNKNOWN = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
REFUSED = {"error": {"message": "no", "type": "comet_api_error", "param": "", "code": ""}}
TASK = {"id": "5b91e444-c232-deaf-a4d7-8aef3e57336b", "status": "RUNNING"}


@frozen
class Deviation:
    """One way in which a gateway is not as the contract says.

    Attributes:
        name: What it is.
        verdicts: All verdicts that the output names for it.
        lie: What it answers.
    """

    name: str
    verdicts: set[Verdict]
    lie: Lie


DEVIATIONS = [
    Deviation(
        "another envelope",
        {Verdict.OTHER_ENVELOPE},
        reads(respond(400, {"reason": "task_not_exist", "ok": False, "message": "task_not_exist"})),
    ),
    Deviation("an HTML 404", {Verdict.HTML_PAGE}, reads(lambda: page(404))),
    Deviation(
        "the version header is required",
        {Verdict.HEADER_REQUIRED},
        lambda one: (
            respond(400, REFUSED)() if is_read(one) and VERSION not in one.headers else None
        ),
    ),
    Deviation(
        "a wrong key is accepted",
        {Verdict.WRONG_KEY_ACCEPTED},
        lambda one: respond(400, UNKNOWN)() if has_wrong_key(one) else None,
    ),
    Deviation(
        "a wrong key is refused with another status",
        {Verdict.OTHER_STATUS},
        lambda one: respond(400, REFUSED)() if has_wrong_key(one) else None,
    ),
    Deviation("HTTP 200 for an unknown id", {Verdict.UNKNOWN_ID_FOUND}, reads(respond(200, TASK))),
    Deviation(
        "an unknown status word",
        {Verdict.UNKNOWN_ID_FOUND, Verdict.NEW_WORD},
        reads(respond(200, {**TASK, "status": "ARCHIVED"})),
    ),
    Deviation(
        "another status for GET on a POST route",
        {Verdict.OTHER_STATUS},
        lambda one: respond(422, REFUSED)() if is_method_question(one) else None,
    ),
    Deviation(
        "GET works on a POST route",
        {Verdict.METHOD_ACCEPTED},
        lambda one: respond(200, {})() if one.method == "GET" and not is_read(one) else None,
    ),
    Deviation(
        "a redirect",
        {Verdict.REDIRECT},
        reads(lambda: httpx.Response(301, headers={"location": "https://other.example/?k=v"})),
    ),
    Deviation(
        "another content type",
        {Verdict.NEW_CONTENT_TYPE},
        reads(lambda: httpx.Response(400, text=json.dumps(UNKNOWN))),
    ),
    Deviation(
        "an unknown field", {Verdict.NEW_FIELD}, reads(respond(400, {**UNKNOWN, "trace": "t"}))
    ),
    Deviation(
        "a missing field",
        {Verdict.MISSING_FIELD},
        reads(respond(400, {"error": {"message": "x", "code": "task_not_exist"}})),
    ),
    Deviation(
        "a field of another type",
        {Verdict.OTHER_TYPE},
        reads(respond(404, {"error": "task_not_exist"})),
    ),
    Deviation(
        "a number as code", {Verdict.CODE_TYPE}, reads(respond(400, {**UNKNOWN, "code": 400}))
    ),
    Deviation(
        "another code",
        {Verdict.OTHER_CODE},
        reads(respond(400, {**UNKNOWN, "code": "gone", "message": "gone"})),
    ),
    Deviation("another status", {Verdict.NEW_STATUS}, reads(respond(410, UNKNOWN))),
    Deviation(
        "no answer", {Verdict.NO_ANSWER}, reads(lambda: fail(httpx.ReadTimeout("timed out")))
    ),
    Deviation(
        "no connection",
        {Verdict.NO_CONNECTION},
        lambda _: fail(httpx.ConnectError("Connection refused")),
    ),
    Deviation("the key is refused", {Verdict.KEY_REFUSED}, reads(respond(401, REFUSED))),
    Deviation(
        "no quota",
        {Verdict.NO_QUOTA},
        reads(respond(403, {**UNKNOWN, "code": "quota_not_enough", "message": "no"})),
    ),
    Deviation("too many requests", {Verdict.RATE_LIMITED}, reads(respond(429, REFUSED))),
    Deviation("a failure", {Verdict.GATEWAY_FAILURE}, reads(respond(503, REFUSED))),
]
