"""What must not be there: notes on ordinary errors, contents in messages, threads afterwards."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import AsyncRunwayClient, RunwayClient, errors
from cometapi_runway.errors import InvalidRequestError, Issue, RunwayError
from cometapi_runway.simulator import INSTANT, SimulatorServer
from cometapi_runway.validation import Operation, contract

from .support.both_clients import ID, KEY, MODES, ClientHarness, Mode
from .support.fault_table import DONE, RUNNING
from .support.responses import platform
from .support.scripted_transport import Event, Failure, json_reply

Call = Callable[[ClientHarness], Any]


def status(code: int) -> Event:
    return json_reply(platform("no"), code)


def failed_task(state: str) -> Event:
    return json_reply({"id": ID, "status": state, "failure": "no"})


def create(harness: ClientHarness) -> Any:
    return harness.create()


def wait(harness: ClientHarness) -> Any:
    return harness.wait(timeout=20.0)


ORDINARY: dict[str, tuple[Call, type[RunwayError], tuple[Event, ...]]] = {
    "a refusal by the contract": (
        lambda harness: harness.create(expression_intensity=9), InvalidRequestError, (),
    ),
    **{
        f"{code} for a paid request": (create, errors.APIStatusError, (status(code),))
        for code in (400, 401, 402, 403, 404)
    },
    "an unknown outcome": (create, errors.SubmissionUnknownError, (Failure(httpx.ReadError),)),
    "a status error of a wait": (wait, errors.APIStatusError, (status(401),)),
    "a failed task": (wait, errors.TaskFailedError, (RUNNING, failed_task("FAILED"))),
    "a cancelled task": (wait, errors.TaskCancelledError, (failed_task("CANCELLED"),)),
    "a timeout": (wait, errors.TaskTimeoutError, (RUNNING,)),
    "a timeout after a failed poll": (
        wait, errors.TaskTimeoutError, (Failure(httpx.ReadError), RUNNING),
    ),
    "an unexpected response": (wait, RunwayError, (json_reply([1]),)),
    "a status error of a question": (
        lambda harness: harness.run(harness.client.tasks.retrieve("x")),
        errors.TaskNotFoundError, (status(404),),
    ),
}  # fmt: skip


@each_case("name", ORDINARY)
def test_an_ordinary_error_has_no_note(harness: ClientHarness, name: str) -> None:
    call, kind, events = ORDINARY[name]
    harness.respond_with(*events)

    with pytest.raises(kind) as caught:
        call(harness)

    if name == "an unexpected response":
        # Polls of no known shape fail until the deadline.
        assert isinstance(caught.value, errors.TaskTimeoutError)
        assert len(caught.value.__notes__) == 1
    else:
        assert getattr(caught.value, "__notes__", []) == []


def test_a_timeout_has_one_note_if_its_last_poll_failed(harness: ClientHarness) -> None:
    harness.respond_with(RUNNING, Failure(httpx.ReadError))

    with pytest.raises(errors.TaskTimeoutError) as caught:
        wait(harness)

    (note,) = caught.value.__notes__
    assert note.startswith("The last poll returned no state: ")


def test_each_of_many_waits_has_no_note(harness: ClientHarness) -> None:
    harness.respond_with(status(401))

    outcomes = harness.run(harness.client.tasks.wait_all(["a", "b"]))

    assert [type(one.error) for one in outcomes] == [errors.AuthenticationError] * 2
    assert [getattr(one.error, "__notes__", []) for one in outcomes] == [[], []]


def test_a_success_after_failures_warns_of_nothing(
    harness: ClientHarness, recwarn: pytest.WarningsRecorder
) -> None:
    harness.respond_with(Failure(httpx.ReadError), status(502), DONE)
    assert wait(harness).status == "SUCCEEDED"
    assert recwarn.list == []


SECRET = "Zx9-do-not-show"
PICTURE = f"data:image/png;base64,{SECRET}" + "A" * 500
# The start of a long text is shown; its end is not.
PROMPT = "a cat " * 400 + SECRET
HIDDEN = {
    "an object": {"inner": SECRET},
    "an object in a list": [{"inner": SECRET}],
    "a list": [[SECRET]],
    "a data URI": PICTURE,
    "a data URI in capitals": PICTURE.replace("data:", "DATA:"),
    "a data URI in an object": {"type": "image", "uri": PICTURE, "more": [PICTURE]},
    "a long text": PROMPT,
}
CREATES = [
    one
    for one in contract().operations
    if one.resource
    and not one.is_read
    and {"examples", "example"} & one.document["requestBody"]["content"]["application/json"].keys()
]


def body_of(operation: Operation) -> dict[str, Any]:
    media: Any = operation.document["requestBody"]
    json_media = media["content"]["application/json"]
    examples = json_media.get("examples") or {"": {"value": json_media["example"]}}
    body: dict[str, Any] = next(iter(examples.values()))["value"]
    return body


@each_case("operation", CREATES, ids=lambda one: one.id)
@each_case("kind", HIDDEN)
def test_no_message_shows_the_content_of_a_value(operation: Operation, kind: str) -> None:
    body = body_of(operation)
    refused = 0
    bodies = [{**body, name: HIDDEN[kind]} for name in body]
    for one in (*bodies, dict.fromkeys(body, HIDDEN[kind]), HIDDEN[kind]):
        issues = contract().check_body(operation.id, one)
        refused += bool(issues)
        error = InvalidRequestError(issues)
        shown = f"{error}{error!r}{[issue.message for issue in issues]}"
        assert SECRET not in shown
    assert refused


@each_case("kind", HIDDEN)
@each_case("name", ["ratio", "seed", "expression_intensity", "extra_body"])
def test_no_refusal_shows_the_content_of_an_argument(
    harness: ClientHarness, kind: str, name: str
) -> None:
    value = {"seed": HIDDEN[kind]} if name == "extra_body" else HIDDEN[kind]
    harness.respond_with(status(400))
    with pytest.raises((RunwayError, TypeError, ValueError)) as caught:
        harness.create(**{name: value})
    assert SECRET not in f"{caught.value}{caught.value!r}"


@pytest.mark.parametrize("value", [PICTURE, {"inner": PICTURE}, [PICTURE]])
def test_no_repr_of_an_issue_shows_a_data_uri(value: object) -> None:
    assert SECRET not in repr(Issue("/a", "type", value, "m"))


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(timings=INSTANT, keys={KEY}) as running:
        yield running


def new_threads(before: set[threading.Thread]) -> set[str]:
    """The names of threads that do not end by themselves within a moment."""
    until = time.monotonic() + 2
    while (found := set(threading.enumerate()) - before) and time.monotonic() < until:
        time.sleep(0.01)
    return {thread.name for thread in found}


ASSETS = {"character": "https://e.com/c.mp4", "reference": "https://e.com/r.mp4"}


def use(base_url: str, folder: Path, journal: Path) -> None:
    with RunwayClient(KEY, base_url=base_url, journal=journal) as client:
        tasks = [client.character_performance.create(**ASSETS, seed=n) for n in range(3)]
        outcomes = client.tasks.wait_all([task.id for task in tasks], interval=0.01)
        for outcome in outcomes:
            assert outcome.download(folder)


async def use_async(base_url: str, folder: Path, journal: Path) -> None:
    async with AsyncRunwayClient(KEY, base_url=base_url, journal=journal) as client:
        tasks = [await client.character_performance.create(**ASSETS, seed=n) for n in range(3)]
        outcomes = await client.tasks.wait_all([task.id for task in tasks], interval=0.01)
        for outcome in outcomes:
            assert await outcome.download(folder)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_thread_is_left_after_a_client_is_closed(
    mode: Mode, host: str, server: SimulatorServer, tmp_path: Path
) -> None:
    """With a host name, a thread resolves it."""
    before = set(threading.enumerate())
    base_url = server.base_url.replace("127.0.0.1", host)
    if mode == "blocking":
        use(base_url, tmp_path, tmp_path / "journal")
    else:
        asyncio.run(use_async(base_url, tmp_path, tmp_path / "journal"))
    assert new_threads(before) == set()


@each_case("events", [(DONE,), (status(401),), (RUNNING,)])
def test_no_thread_is_left_after_many_waits(
    harness: ClientHarness, events: tuple[Event, ...]
) -> None:
    before = set(threading.enumerate())
    harness.respond_with(*events)
    harness.run(harness.client.tasks.wait_all(["a", "b", "c"], timeout=20.0))
    harness.run(harness.client.close())
    # The event loop of a test stays open longer than its client, with asyncio's own workers.
    assert {name for name in new_threads(before) if not name.startswith("asyncio_")} == set()


def test_no_thread_is_left_after_an_iterator_that_is_dropped(harness: ClientHarness) -> None:
    before = set(threading.enumerate())
    harness.respond_with(DONE)

    async def first_async() -> None:
        results = harness.client.tasks.as_completed(["a", "b", "c"])
        async for _ in results:
            break
        await results.aclose()

    if harness.is_async:
        harness.run(first_async())
    else:
        results = harness.client.tasks.as_completed(["a", "b", "c"])
        next(results)
        results.close()
    assert {name for name in new_threads(before) if not name.startswith("asyncio_")} == set()
