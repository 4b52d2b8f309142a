"""The fault table: what goes wrong, and what each flow must make of it.

Rows are judged three ways: by driving the bare flow, and through both clients over a scripted
network. Jitter stands at its least for waits (polls come every 5 s exactly) and at its most for
submissions (pauses of 0.5, 1, 2, 4, 8, 8 … s), so that every number below can be worked out by
hand from the rules.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from attrs import field, frozen

from cometapi_runway import errors

from .both_clients import ID
from .scripted_transport import HANG, Event, Failure, Reply, json_reply

URL = "https://cdn.example/output.mp4"
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1>nginx</body></html>"
HTML_HEADERS = {"content-type": "text/html; charset=utf-8"}

ACCEPTED = json_reply({"id": ID})
PENDING = json_reply({"id": ID, "status": "PENDING"})
RUNNING = json_reply({"id": ID, "status": "RUNNING"})
DONE = json_reply({"id": ID, "status": "SUCCEEDED", "output": [URL]})


def running(request: httpx.Request) -> httpx.Response:
    """The state of the task that is polled."""
    task_id = request.url.path.rpartition("/")[2]
    return httpx.Response(200, json={"id": task_id, "status": "RUNNING"})


def page(status: int) -> Reply:
    """What a proxy in front of the gateway says."""
    return Reply(status, HTML, HTML_HEADERS)


def platform(status: int, message: str, code: str = "") -> Reply:
    """An error in the platform's envelope."""
    return json_reply(
        {"error": {"message": message, "type": "comet_api_error", "param": "", "code": code}},
        status,
    )


def family(status: int, code: str | int, message: str = "") -> Reply:
    """An error in the task family's envelope."""
    return json_reply({"code": code, "message": message or str(code), "data": None}, status)


def paced(seconds: str, status: int = 429) -> Reply:
    """A refusal that says when to come again."""
    return json_reply({"error": {"message": "slow down", "code": ""}}, status, headers={
        "retry-after": seconds
    })  # fmt: skip


def _concrete(kind: type[httpx.TransportError]) -> Iterator[type[httpx.TransportError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _concrete(below)


TRANSPORT_ERRORS = tuple(_concrete(httpx.TransportError))
"""Every way in which httpx can fail to bring an answer, as this httpx has it."""

NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Those that come before the first byte of the request."""
RETRIED = tuple(kind for kind in NOT_SENT if kind is not httpx.UnsupportedProtocol)
"""Those that a later attempt may not meet."""

PASSING_STATUSES = (408, 425, 429, 499, *range(500, 512), *range(520, 531), 599)

BROKEN_BODIES: dict[str, Reply] = {
    "HTML": page(200),
    "HTML that claims to be JSON": Reply(200, HTML),
    "truncated JSON": Reply(200, b'{"id": "d0658ae1-bbdd-4adc-aaba-fd8070e1'),
    "empty": Reply(200, b""),
    "blank": Reply(200, b" \r\n"),
    "204": Reply(204, b""),
    "a list": json_reply([{"status": "RUNNING"}]),
    "a text": json_reply("RUNNING"),
    "null": json_reply(None),
    "a number": json_reply(7),
    "no known field": json_reply({"hello": "world"}),
    "not UTF-8": Reply(200, b'{"id": "\xff\xfe\xfd"}'),
    "another content type": Reply(200, b"pong", {"content-type": "application/octet-stream"}),
    "no content type": Reply(200, b"pong", {"content-type": ""}),
    "too deeply nested": Reply(200, b"[" * 100_000),
}

NOT_EXIST: dict[str, Reply] = {
    "400 in the family's envelope": family(400, "task_not_exist"),
    "404 in the family's envelope": family(404, "task_not_exist"),
    "500 in the family's envelope": family(500, "task_not_exist"),
    "200 in the family's envelope": family(200, "task_not_exist"),
    "200 as a status": json_reply({"status": "task_not_exist"}),
    "200 as a status, upper case": json_reply({"status": "TASK_NOT_EXIST"}),
    "200 as a status beside the id": json_reply({"id": ID, "status": "task_not_exist"}),
    "400 in the platform's envelope": platform(400, "task_not_exist (request id: 20260101abc)"),
    "200 in the platform's envelope": platform(200, "task_not_exist", "task_not_exist"),
    "404 in Runway's words": json_reply({"error": "Task not found"}, 404),
    "404 as a page": page(404),
    "404 with nothing": Reply(404, b""),
    "200 as bare text": Reply(200, b'"task_not_exist"', {"content-type": "text/plain"}),
}


@frozen
class Row:
    """One fault.

    Attributes:
        name: What goes wrong.
        events: What the network does; the last goes on for ever.
        requests: How many requests are on the wire in the end.
        time: Seconds of virtual time in the end.
        raises: The error it ends with, or None for the result.
        timeout: The caller's deadline (waits).
        request_timeout: Seconds for one request.
    """

    name: str
    events: tuple[Event, ...]
    requests: int
    time: float
    raises: type[errors.RunwayError] | None = None
    timeout: float | None = 600.0
    request_timeout: float = field(default=60.0)


def _wait(name: str, *events: Event, requests: int, time: float, **more: object) -> Row:
    return Row(name, events, requests, time, **more)  # type: ignore[arg-type] # a table's words


def _one(name: str, event: Event, times: int = 1) -> Row:
    """A fault between two good polls, some times in a row: it costs its polls and nothing else."""
    return Row(name, (RUNNING, *[event] * times, DONE), times + 2, 5.0 * (times + 1))


PEERS: tuple[Row, ...] = (
    _one("503", page(503)),
    _one("503 three times", page(503), 3),
    _one("503 six times", page(503), 6),
    _one("500", platform(500, "oops")),
    _one("502", page(502)),
    _wait("429, come in 7 s", RUNNING, paced("7"), DONE, requests=3, time=12),
    _wait("429, come in 7 s, three times", RUNNING, *[paced("7")] * 3, DONE, requests=5, time=26),
    _wait("429, come in 300 s", RUNNING, paced("300"), DONE, requests=3, time=305),
    _one("connection refused", Failure(httpx.ConnectError)),
    _one("connection refused three times", Failure(httpx.ConnectError), 3),
    _one("read timeout", Failure(httpx.ReadTimeout)),
    _one("connection reset", Failure(httpx.ReadError)),
    _one("200 with HTML", page(200)),
    _wait("404 at first", page(404), RUNNING, DONE, requests=3, time=10),
    _one("unknown status", json_reply({"id": ID, "status": "WARMING_UP"})),
)
"""The faults that the official SDK and its like were measured with; each has some that end it."""

WAITS: tuple[Row, ...] = (
    *PEERS,
    *(_one(f"{status} as a page", page(status)) for status in PASSING_STATUSES),
    *(_one(f"{status} in an envelope", platform(status, "x"))
      for status in (408, 425, 429, 499, 500, 503, 524, 599)),
    *(_one(kind.__name__, Failure(kind)) for kind in TRANSPORT_ERRORS),
    *(_one(f"200: {name}", reply) for name, reply in BROKEN_BODIES.items()),
    *(_one(f"seen, then {name}", reply, 40) for name, reply in NOT_EXIST.items()),
    *(
        Row(f"new, {name}", (reply, reply, reply, DONE), 4, 15.0)
        for name, reply in NOT_EXIST.items()
    ),
    *(
        Row(f"never, {name}", (reply,), 25, 120.0, errors.TaskNotFoundError)
        for name, reply in NOT_EXIST.items()
    ),
    _one("answer broken off", Reply(200, b'{"id":', breaks=httpx.RemoteProtocolError, declared=90)),
    _one("a failure inside 200", family(200, 500, "boom")),
    _one("a refusal of the platform inside 200", platform(200, "try again", "bad_gateway")),
    _one("quota inside 200", family(200, "quota_not_enough")),
    _one("redirect", Reply(302, b"", {"location": "https://www.cometapi.com/login"})),
    _one("the provider refuses the gateway", family(401, "fail_to_fetch_task", "unauthorized")),
    _one("success without a file", json_reply({"id": ID, "status": "SUCCEEDED", "output": []})),
    _one("status missing", json_reply({"id": ID})),
    _wait("503, come in 9 s", RUNNING, paced("9", 503), DONE, requests=3, time=14),
    _wait("429, come in 2 s", RUNNING, paced("2"), DONE, requests=3, time=10),
    _wait("a request that hangs", RUNNING, HANG, DONE, requests=3, time=65),
    _wait("right at once", DONE, requests=1, time=0),
    _wait("wrong content type, right words", Reply(200, DONE.content, {"content-type": "text/x"}),
          requests=1, time=0),
    # Nothing of this heals.
    _wait("401", RUNNING, platform(401, "Invalid Token"), requests=2, time=5,
          raises=errors.AuthenticationError),
    _wait("403", platform(403, "blocked"), requests=1, time=0,
          raises=errors.PermissionDeniedError),
    _wait("402", RUNNING, platform(402, "pay"), requests=2, time=5,
          raises=errors.InsufficientQuotaError),
    _wait("400", family(400, "invalid_request"), requests=1, time=0,
          raises=errors.BadRequestError),
    _wait("failed", RUNNING, json_reply({"id": ID, "status": "FAILED", "failure": "no face"}),
          requests=2, time=5, raises=errors.TaskFailedError),
    _wait("cancelled", RUNNING, json_reply({"id": ID, "status": "CANCELLED"}),
          requests=2, time=5, raises=errors.TaskCancelledError),
    # Deadlines.
    _wait("no time, and running", RUNNING, requests=1, time=0, timeout=0.0,
          raises=errors.TaskTimeoutError),
    _wait("no time, and done", DONE, requests=1, time=0, timeout=0.0),
    _wait("10 s on a healthy server", RUNNING, requests=3, time=10, timeout=10.0,
          raises=errors.TaskTimeoutError),
    _wait("10 s on a dead server", HANG, requests=1, time=10, timeout=10.0,
          raises=errors.TaskTimeoutError),
    # The last look may take a second.
    _wait("10 s on a dead server, 3 s each", HANG, requests=3, time=11, timeout=10.0,
          request_timeout=3.0, raises=errors.TaskTimeoutError),
    _wait("10 s where nobody listens", Failure(httpx.ConnectError), requests=3, time=10,
          timeout=10.0, raises=errors.TaskTimeoutError),
    _wait("429 beyond the deadline", paced("300"), requests=2, time=60, timeout=60.0,
          raises=errors.TaskTimeoutError),
    _wait("unknown until the deadline", *NOT_EXIST.values(), requests=13, time=60, timeout=60.0,
          raises=errors.TaskTimeoutError),
    _wait("done in the last look", RUNNING, RUNNING, DONE, requests=3, time=10, timeout=10.0),
    _wait("done as the deadline comes", Reply(200, DONE.content, takes=9.99), requests=1, time=9.99,
          timeout=10.0),
    _wait("done just after it", RUNNING, RUNNING, Reply(200, DONE.content, takes=0.9),
          requests=3, time=10.9, timeout=10.0),
    _wait("failed just after it", RUNNING, RUNNING,
          json_reply({"id": ID, "status": "FAILED"}, takes=0.9), requests=3, time=10.9,
          timeout=10.0, raises=errors.TaskFailedError),
    _wait("no limit", *[RUNNING] * 1000, DONE, requests=1001, time=5000, timeout=None),
)  # fmt: skip


def _error(kind: type[httpx.TransportError]) -> type[errors.RunwayError]:
    timed = issubclass(kind, httpx.TimeoutException)
    return errors.APITimeoutError if timed else errors.APIConnectionError


def _sent_once(name: str, event: Event, raises: type[errors.RunwayError]) -> Row:
    return Row(name, (event, ACCEPTED), 1, 0.0, raises)


_UNKNOWN = errors.SubmissionUnknownError

SUBMISSIONS: tuple[Row, ...] = (
    Row("accepted", (ACCEPTED,), 1, 0.0),
    Row("accepted in an envelope", (json_reply({"code": 200, "msg": "成功", "data": {
        "task_id": ID}, "exec_time": 0.2}),), 1, 0.0),
    # Safe rows: more than one POST.
    *(Row(f"{kind.__name__} twice", (Failure(kind), Failure(kind), ACCEPTED), 3, 1.5)
      for kind in RETRIED),
    *(Row(f"{kind.__name__} for ever", (Failure(kind),), 7, 23.5, _error(kind))
      for kind in RETRIED),
    # Permanent: no later attempt can do better.
    *(Row(kind.__name__, (Failure(kind), ACCEPTED), 1, 0.0, _error(kind))
      for kind in NOT_SENT if kind not in RETRIED),
    Row("connecting takes 10 s, for ever", (Failure(httpx.ConnectTimeout, 10.0),), 3, 31.5,
        errors.APITimeoutError),
    Row("429 twice", (page(429), platform(429, "saturated"), ACCEPTED), 3, 1.5),
    Row("429, come in 7 s", (paced("7"), ACCEPTED), 2, 7.05),
    Row("429, come in 7 s, for ever", (paced("7"),), 5, 28.75, errors.RateLimitError),
    Row("429, come in 300 s", (paced("300"), ACCEPTED), 1, 0.0, errors.RateLimitError),
    Row("429 inside 200", (family(200, 429, "busy"), ACCEPTED), 2, 0.5),
    # Unsafe rows: exactly one, though the next would have been accepted.
    *(_sent_once(kind.__name__, Failure(kind), _UNKNOWN)
      for kind in TRANSPORT_ERRORS if kind not in NOT_SENT),
    *(_sent_once(f"{status} as a page", page(status), _UNKNOWN)
      for status in (408, 499, *range(500, 512), *range(520, 531), 599, 600, 999)),
    *(_sent_once(f"{status} in an envelope", platform(status, "x"), _UNKNOWN)
      for status in (408, 499, 500, 502, 503, 504, 524)),
    *(_sent_once(f"200: {name}", reply, _UNKNOWN) for name, reply in BROKEN_BODIES.items()),
    _sent_once("503, come in 9 s", paced("9", 503), _UNKNOWN),
    _sent_once("an id that is empty", json_reply({"id": ""}), _UNKNOWN),
    _sent_once("a failure inside 200", family(200, 500, "boom"), _UNKNOWN),
    _sent_once("an unexplained code inside 200", family(200, "do_request_failed"), _UNKNOWN),
    _sent_once("broken off", Reply(200, b'{"id":', breaks=httpx.ReadError, declared=99), _UNKNOWN),
    Row("a request that hangs", (HANG, ACCEPTED), 1, 60.0, _UNKNOWN),
    Row("no id, after 2 s", (json_reply({"ok": True}, takes=2.0), ACCEPTED), 1, 2.0, _UNKNOWN),
    # Refused for good.
    _sent_once("400", family(400, "invalid_request"), errors.BadRequestError),
    _sent_once("401", platform(401, "Invalid Token"), errors.AuthenticationError),
    _sent_once("402", platform(402, "pay"), errors.InsufficientQuotaError),
    _sent_once("403", platform(403, "blocked"), errors.PermissionDeniedError),
    _sent_once("403 for want of quota", family(403, "quota_not_enough"),
               errors.InsufficientQuotaError),
    _sent_once("404", page(404), errors.NotFoundError),
    _sent_once("413", page(413), errors.BadRequestError),
    _sent_once("422", platform(422, "no"), errors.BadRequestError),
    _sent_once("redirect", Reply(301, b"", {"location": "/v1"}), errors.APIStatusError),
    _sent_once("malformed, told as 500", platform(500, "field x is required", "invalid_request"),
               errors.BadRequestError),
    _sent_once("no channel, told as 503", platform(503, "no channel", "model_not_found"),
               errors.BadRequestError),
    _sent_once("quota inside 200", family(200, "quota_not_enough"),
               errors.InsufficientQuotaError),
    # A refusal after tries that never arrived is a refusal.
    Row("never sent, then 401", (Failure(httpx.ConnectError), platform(401, "no")), 2, 0.5,
        errors.AuthenticationError),
    Row("never sent, then lost", (Failure(httpx.ConnectError), Failure(httpx.ReadError),
        ACCEPTED), 2, 0.5, _UNKNOWN),
)  # fmt: skip
