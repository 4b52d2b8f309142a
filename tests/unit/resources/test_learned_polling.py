"""Waits that poll when the journal's earlier tasks have ended, on both clients."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import ConfigurationError, InvalidRequestError
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    PastDuration,
    SubmissionAccepted,
    SubmissionStarted,
    TaskEnded,
)
from cometapi_runway._flows.polling import MIN_PAST
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.journal import Journal
from cometapi_runway.resources import _waits as waits

from ..support.both_clients import BASE, ID, ClientHarness
from ..support.scripted_transport import json_reply

RUNNING = json_reply({"id": ID, "status": "RUNNING"})
DONE = json_reply({"id": ID, "status": "SUCCEEDED", "output": ["https://e.com/a.mp4"]})
CREATED = json_reply({"id": ID})
PROMPT = {"prompt_image": "https://e.com/a.png", "prompt_text": "a"}


def fill(
    path: Path,
    count: int = MIN_PAST,
    seconds: float = 60.0,
    *,
    operation: str = "control_a_character",
    model: str | None = "act_two",
    gateway: str = BASE,
) -> Path:
    """A journal with tasks that took about so long."""
    journal = Journal(path)
    body = {} if model is None else {"model": model}
    call = PreparedRequest(operation, "POST", "/x", {}, body)
    for number in range(count):
        key = f"{operation}-{model}-{gateway}-{number}"
        journal.write(SubmissionStarted(key, call, "tasks", 7), gateway)
        journal.write(SubmissionAccepted(key, key))
        took = PastDuration(seconds + number / 10, 5.0)
        journal.write(TaskEnded(Task(key, "SUCCEEDED"), took))
    journal.close()
    return path


def poll_times(harness: ClientHarness, client: Any, *events: Any, **options: Any) -> list[float]:
    """Create a task, wait for it, and return when it was polled."""
    harness.respond_with(CREATED, *events)
    task = harness.run(client.character_performance.create(
        character="https://e.com/a.mp4", reference="https://e.com/b.mp4"
    ))  # fmt: skip
    harness.run(task.wait(**options))
    return harness.network.times[1:]


def model_of(harness: ClientHarness) -> Any:
    return harness.network.sent[0].json.get("model")


@pytest.fixture
def model(harness: ClientHarness) -> Any:
    """The model of the tasks that the tests create."""
    poll_times(harness, harness.client, DONE)
    model = model_of(harness)
    harness.network.sent.clear()
    return model


@pytest.fixture
def path(tmp_path: Path, model: Any) -> Path:
    """A journal with enough tasks of the operation and model that the tests create."""
    return fill(tmp_path / "journal", model=model)


def test_a_wait_polls_when_tasks_have_ended(harness: ClientHarness, path: Path) -> None:
    start = harness.time
    client = harness.new(journal=path)
    first, second = (time - start for time in poll_times(harness, client, RUNNING, DONE))
    assert 40 < first < 65
    assert 5 <= second - first <= 30
    # What it took is in the journal for the next one.
    (newest, *_) = client.journal.recall_durations("control_a_character", model_of(harness))
    assert newest == PastDuration(pytest.approx(second), pytest.approx(second - first))


@each_case("changes", [{"count": MIN_PAST - 1}, {"gateway": "https://other.example"}])
def test_too_few_tasks_of_this_gateway_are_no_past(
    harness: ClientHarness, tmp_path: Path, model: Any, changes: dict[str, Any]
) -> None:
    start = harness.time
    client = harness.new(journal=fill(tmp_path / "few", model=model, **changes))
    polls = poll_times(harness, client, RUNNING, DONE)
    assert [time - start for time in polls] == [5.0, 10.0]


@each_case("changes", [{"operation": "upscale_a_video"}, {"model": "another"}])
def test_tasks_of_another_kind_are_no_past(
    harness: ClientHarness, tmp_path: Path, model: Any, changes: dict[str, Any]
) -> None:
    start = harness.time
    client = harness.new(journal=fill(tmp_path / "others", **{"model": model, **changes}))
    polls = poll_times(harness, client, RUNNING, DONE)
    assert [time - start for time in polls] == [5.0, 10.0]


def test_without_a_journal_the_interval_is_fixed(harness: ClientHarness) -> None:
    assert poll_times(harness, harness.client, RUNNING, DONE, polling="learned") == [5.0, 10.0]


def test_it_can_be_turned_off(harness: ClientHarness, path: Path) -> None:
    start = harness.time
    times = poll_times(harness, harness.new(journal=path), RUNNING, DONE, polling="fixed")
    assert [time - start for time in times] == [5.0, 10.0]


@each_case("value", ["Learned", None, 5, ["fixed"]])
def test_another_word_is_refused(harness: ClientHarness, value: Any) -> None:
    with pytest.raises(InvalidRequestError, match="polling: must be 'learned' or 'fixed'"):
        harness.wait(polling=value)
    with pytest.raises(InvalidRequestError, match="polling: must be 'learned' or 'fixed'"):
        harness.run(harness.client.tasks.wait_all([ID], polling=value))
    assert harness.network.sent == []


def test_a_journal_that_cannot_be_read_fails_no_wait(
    harness: ClientHarness, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConfigurationError("locked", setting="journal")

    start = harness.time
    client = harness.new(journal=path)
    monkeypatch.setattr(Journal, "durations", fail)
    times = poll_times(harness, client, RUNNING, DONE)
    assert [time - start for time in times] == [5.0, 10.0]


def test_the_journal_is_read_once_for_all_tasks_of_a_kind(
    harness: ClientHarness, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[object, ...]] = []
    durations = Journal.durations

    def count(journal: Journal, *kind: Any, **options: Any) -> list[PastDuration]:
        read.append(kind)
        return durations(journal, *kind, **options)

    monkeypatch.setattr(Journal, "durations", count)
    client = harness.new(journal=path)
    ids = [f"task-{number}" for number in range(5)]
    names = iter(ids)
    harness.network.respond_by(lambda _: json_reply({"id": next(names)}))
    tasks = [
        harness.run(
            client.character_performance.create(
                character="https://e.com/a.mp4", reference="https://e.com/b.mp4"
            )
        )
        for _ in ids
    ]
    created = len(harness.network.sent)
    polled_at = harness.time
    harness.network.respond_by(
        lambda request: json_reply({
            "id": str(request.url).rpartition("/")[2],
            "status": "SUCCEEDED",
            "output": ["https://e.com/a.mp4"],
        })
    )  # fmt: skip
    ended = harness.run(client.tasks.wait_all(tasks))
    assert [task.status for task in ended] == ["SUCCEEDED"] * 5
    assert len(read) == 1
    assert all(time - polled_at > 40 for time in harness.network.times[created:])


@each_case(("age", "is_found"), [(0.0, True), (10.0, True), (10.5, False)])
def test_a_plan_is_shared_for_ten_seconds(age: float, is_found: bool) -> None:
    options: Any = SimpleNamespace(interval=5.0)
    clock = SimpleNamespace(now=lambda: 100.0)
    plans = {("o", "m", 5.0): (100.0 - age, (1.0,))}
    session: Any = SimpleNamespace(plans=plans, driver=SimpleNamespace(clock=clock))
    assert (waits._find_plan(("o", "m"), options, session) == (1.0,)) is is_found


def test_waits_share_a_plan_for_some_seconds(
    harness: ClientHarness, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []

    def count(past: object, interval: float) -> tuple[float, ...]:
        made.append(interval)
        return (6.0,)

    monkeypatch.setattr(waits, "plan_polls", count)
    client = harness.new(journal=path)
    # Each takes 6 s and jitter: the second wait begins while the plan is new, the third does not.
    for expected in (1, 1, 2):
        poll_times(harness, client, DONE)
        assert len(made) == expected
    poll_times(harness, client, DONE, interval=4.0)
    assert made == [5.0, 5.0, 4.0]
    poll_times(harness, client, DONE, polling="fixed")
    assert len(made) == 3


def test_a_task_of_the_journal_is_known_with_its_age_by_its_id(
    harness: ClientHarness, path: Path
) -> None:
    client = harness.new(journal=path)
    harness.respond_with(CREATED)
    harness.run(client.character_performance.create(
        character="https://e.com/a.mp4", reference="https://e.com/b.mp4"
    ))  # fmt: skip
    start = harness.time
    harness.respond_with(RUNNING, RUNNING, DONE)
    harness.run(client.tasks.wait(ID))
    first, second, third = (time - start for time in harness.network.times[1:])
    assert first == 0.0
    assert 25 < second <= 30
    assert 40 < third < 60
