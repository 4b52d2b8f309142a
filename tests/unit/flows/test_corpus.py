"""Every response of the corpus is read as its file says, by flows and by clients."""

from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, datetime
from random import Random

import httpx
import pytest
from attrs import evolve
from tests.cases import each_case

from cometapi_runway import (
    AsyncRunwayClient,
    RunwayClient,
    SubmissionUnknownError,
    TaskFailedError,
    TaskNotFoundError,
    callbacks,
    errors,
)
from cometapi_runway._core.task import FAILED, Task
from cometapi_runway._flows.parse_task import parse_created_id, parse_task
from cometapi_runway._flows.read_response import parse_response
from cometapi_runway._settings import NOT_FOUND_GRACE
from cometapi_runway.errors import RunwayError

from ..support import corpus
from ..support.both_clients import ID

ALL = corpus.shapes()
FACTS = ("id", "status", "progress", "output", "failure", "failure_code", "created_at")
EXPECTED = {
    "task": {*FACTS, "can_retry"},
    "creation": {"id"},
    "error": {
        "error", "code", "message", "request_id", "retry_after", "while_polling", "while_creating"
    },
    "callback": {*FACTS, "error"},
}  # fmt: skip
DAMAGES = 60


def each(*kinds):
    found = corpus.shapes(*kinds)
    return each_case("shape", found, ids=[shape.name for shape in found])


def facts(seen):
    return {name: getattr(seen, name) for name in FACTS}


def expected(shape):
    told = {name: shape.expect.get(name) for name in FACTS}
    return told | {"output": tuple(told["output"] or ())}


@each()
def test_a_file_says_what_it_is_and_where_it_is_from(shape):
    assert shape.kind in corpus.KINDS
    assert shape.name.startswith(f"{shape.kind}s/")
    assert shape.confidence in corpus.CONFIDENCE
    assert shape.title
    assert shape.source
    assert shape.expect.keys() <= EXPECTED[shape.kind]
    assert shape.expect.get("while_polling", "ends") in corpus.POLLING
    assert shape.expect.get("while_creating", "refused") in corpus.CREATING


def test_no_two_files_hold_the_same_answer():
    seen = {(s.kind, s.status, s.body, str(s.headers)) for s in ALL}
    assert len(seen) == len(ALL)


def test_both_documented_shapes_and_both_envelopes_are_on_file():
    documented = {shape.name for shape in ALL if shape.confidence == "documented"}
    assert documented >= {
        "tasks/raw-succeeded",
        "tasks/wrapped-queued",
        "tasks/flat-success",
        "creations/raw",
        "creations/compat",
        "creations/compat-older",
        "errors/platform-400",
        "callbacks/finished",
        "callbacks/completed",
    }


@each("task")
def test_a_task_is_read(shape):
    payload = parse_response(shape.arrived())
    seen = parse_task(payload, shape.known)
    assert facts(seen) == expected(shape)
    assert seen.raw == payload.payload
    if shape.asked is None:
        assert parse_task(payload) == seen


@each("task")
def test_a_failed_task_says_whether_to_try_again(shape):
    seen = parse_task(parse_response(shape.arrived()), shape.known)
    if seen.status == FAILED:
        assert TaskFailedError(seen.id, seen).can_retry is shape.expect.get("can_retry")
    else:
        assert "can_retry" not in shape.expect


@each("creation")
def test_an_accepted_task_is_read(shape):
    assert parse_created_id(parse_response(shape.arrived())) == shape.expect["id"]


@each("error")
def test_a_failure_is_classified(shape):
    error = read_error(shape)
    assert type(error).__name__ == shape.expect["error"]
    for name in ("code", "request_id", "retry_after"):
        assert getattr(error, name, None) == shape.expect.get(name), name
    if "message" in shape.expect:
        assert error.message == shape.expect["message"]
    assert error.status_code == shape.status


def read_error(shape):
    with pytest.raises(RunwayError) as caught:
        parse_task(parse_response(shape.arrived()), shape.known)
    return caught.value


@each("callback")
def test_a_callback_is_read(shape):
    if "error" in shape.expect:
        with pytest.raises(getattr(errors, shape.expect["error"])):
            callbacks.parse(shape.body)
        return
    seen = callbacks.parse(shape.body)
    assert facts(seen) == expected(shape)
    assert seen.route == "feed"
    assert callbacks.parse(shape.body.decode()) == seen
    assert callbacks.parse(seen.raw) == seen


FINISHED = {"id": ID, "status": "SUCCEEDED", "output": ["https://example.com/output.mp4"]}
BIRTH = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    """Time that passes when someone sleeps."""

    def __init__(self):
        self.time = BIRTH

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


class AsyncClock(Clock):
    async def sleep(self, seconds):
        self.time += seconds


class Gateway:
    """Answers with each reply in turn, with the last one for ever."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, dict):
            return httpx.Response(200, json=reply)
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


class Clients:
    """Both clients over whichever gateway a test brings; made once, since that takes longer."""

    def __init__(self):
        self.gateway = None
        self.loop = asyncio.Runner()
        transport = httpx.MockTransport(self.answer)
        self.blocking = RunwayClient("sk-corpus", transport=transport, clock=Clock())
        self.awaiting = AsyncRunwayClient("sk-corpus", transport=transport, clock=AsyncClock())

    def answer(self, request):
        return self.gateway(request)

    def run(self, mode, gateway, call):
        """Make a call on one of the clients; a coroutine is awaited."""
        self.gateway = gateway
        client = getattr(self, mode)
        client.session.rng.seed(1)
        result = call(client)
        return self.loop.run(result) if inspect.iscoroutine(result) else result

    def close(self):
        self.blocking.close()
        self.loop.run(self.awaiting.close())
        self.loop.close()


@pytest.fixture(scope="module")
def clients():
    both = Clients()
    yield both
    both.close()


@pytest.fixture
def run(clients):
    return clients.run


ways = pytest.mark.parametrize("mode", ["blocking", "awaiting"])
routes = each_case("route", ["tasks", "feed"])


def ask(shape, route):
    return lambda client: client.bind(Task(shape.asked_id, "PENDING", route=route)).refresh()


def wait(shape, route="tasks", **options):
    return lambda client: client.bind(
        Task(shape.asked_id, "PENDING", route=route), client.session.driver.clock.now()
    ).wait(**options)


def create(client):
    return client.character_performance.create(
        character="https://example.com/face.png", reference="https://example.com/act.mp4", seed=7
    )


@ways
@routes
@each("task")
def test_both_clients_read_a_task_on_either_route(shape, route, mode, run):
    gateway = Gateway(shape)
    assert facts(run(mode, gateway, ask(shape, route))) == expected(shape)
    assert gateway.requests[0].method == ("GET" if route == "tasks" else "POST")


@ways
@each("creation")
def test_both_clients_read_an_accepted_task(shape, mode, run):
    made = run(mode, Gateway(shape), create)
    assert (made.id, made.status, made.seed) == (shape.expect["id"], "PENDING", 7)


@ways
@each("error")
def test_a_wait_makes_of_a_failure_what_the_file_says(shape, mode, run):
    gateway = Gateway(shape, FINISHED)
    match shape.expect.get("while_polling"):
        case "goes on":
            assert run(mode, gateway, wait(shape)).status == "SUCCEEDED"
            assert len(gateway.requests) == 2
        case "unknown task":
            assert run(mode, gateway, wait(shape)).status == "SUCCEEDED"
            silent = Gateway(shape)
            with pytest.raises(TaskNotFoundError):
                run(mode, silent, wait(shape, timeout=NOT_FOUND_GRACE * 3))
            assert len(silent.requests) > 10
        case "ends":
            with pytest.raises(getattr(errors, shape.expect["error"])) as caught:
                run(mode, gateway, wait(shape))
            assert caught.value.task_id == shape.asked_id
            assert len(gateway.requests) == 1


@ways
@each("error")
def test_a_create_call_makes_of_a_failure_what_the_file_says(shape, mode, run):
    gateway = Gateway(shape, {"id": "accepted"})
    match shape.expect.get("while_creating"):
        case "refused":
            with pytest.raises(getattr(errors, shape.expect["error"])):
                run(mode, gateway, create)
            assert len(gateway.requests) == 1
        case "sent again":
            assert run(mode, gateway, create).id == "accepted"
            assert len(gateway.requests) == 2
        case "unknown":
            with pytest.raises(SubmissionUnknownError) as caught:
                run(mode, gateway, create)
            assert type(caught.value.__cause__).__name__ == shape.expect["error"]
            assert len(gateway.requests) == 1


def damaged(shape):
    """The answer cut short, and with bytes changed, at places drawn from the file's own name."""
    dice = Random(shape.name)
    body = shape.body or b"\x00"
    for _ in range(DAMAGES):
        yield evolve(shape, body=body[: dice.randrange(len(body))])
        changed = bytearray(body)
        for _ in range(dice.choice([1, 1, 1, 2, 8])):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        yield evolve(shape, body=bytes(changed))


READINGS = (
    lambda shape: parse_task(parse_response(shape.arrived()), shape.known),
    lambda shape: parse_task(parse_response(shape.arrived())),
    lambda shape: parse_created_id(parse_response(shape.arrived())),
    lambda shape: callbacks.parse(shape.body),
)


@each()
def test_every_damaged_response_is_an_error_of_the_package(shape):
    for broken in damaged(shape):
        for read in READINGS:
            # Whatever comes of it can be printed.
            try:
                repr(read(broken)).encode()
            except RunwayError as error:
                str(error).encode()


@ways
def test_every_damaged_response_is_an_error_of_the_package_in_a_client(mode, run):
    dice = Random(3)
    for shape in dice.sample(corpus.shapes("task", "creation", "error"), 25):
        for broken in list(damaged(shape))[:6]:
            for call in (create, wait(shape, timeout=12), ask(shape, "feed")):
                try:
                    repr(run(mode, Gateway(broken), call)).encode()
                except RunwayError as error:
                    str(error).encode()
