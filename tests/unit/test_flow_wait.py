"""How a wait decides, beyond the fault table: when it asks, what it tells and leaves behind."""

from __future__ import annotations

from random import Random
from typing import Any

import httpx
import pytest

from cometapi_runway import _settings as settings
from cometapi_runway import errors
from cometapi_runway._core.task import FAILED, PENDING, SUCCEEDED, Task
from cometapi_runway._flows import retrieve, wait
from cometapi_runway._flows.steps import TaskEnded
from cometapi_runway._settings import FINAL_POLL_TIMEOUT

from .faults import DONE, NOT_EXIST, RUNNING, family, paced, page, platform
from .faults import PENDING as WAITING
from .stage import NEW, POLL, Stage, watch
from .twin import ID
from .virtual import Fixed, FrozenClock
from .wire import HANG, Failure, Interruption, Reply, answer, late

LEAST, MOST = Fixed(0.0), Fixed(1.0)
GONE = family(400, "task_not_exist")


def times(stage: Stage) -> list[float]:
    return [at for at, _ in stage.sent]


def half(part: float) -> Reply:
    return answer({"id": ID, "status": "RUNNING", "progress": part})


def test_a_task_found_by_its_id_is_asked_for_at_once() -> None:
    stage = Stage()
    stage.play(wait(watch(), started=0.0, rng=LEAST), RUNNING, DONE)
    assert times(stage) == [0.0, 5.0]


def test_a_task_made_here_is_given_an_interval_before_it_is_asked_for() -> None:
    stage = Stage()
    stage.clock.time = 3.0
    stage.play(wait(watch(created=2.0), started=3.0, rng=LEAST), RUNNING, DONE)
    assert times(stage) == [7.0, 12.0]


def test_a_task_made_here_and_seen_since_is_asked_for_at_once() -> None:
    stage = Stage()
    stage.clock.time = 3.0
    stage.play(wait(watch(created=2.0, seen=True), started=3.0, rng=LEAST), RUNNING, DONE)
    assert times(stage) == [3.0, 8.0]


def test_the_first_rest_does_not_outlast_the_deadline() -> None:
    stage = Stage()
    with pytest.raises(errors.TaskTimeoutError):
        stage.play(wait(watch(created=0.0, timeout=2.0), started=0.0, rng=LEAST), RUNNING)
    assert times(stage) == [2.0]


def test_the_grace_of_a_task_made_here_begins_when_it_was_made() -> None:
    stage = Stage()
    stage.clock.time = 100.0
    with pytest.raises(errors.TaskNotFoundError):
        stage.play(wait(watch(created=0.0), started=100.0, rng=LEAST), GONE)
    assert times(stage) == [100.0, 105.0, 110.0, 115.0, 120.0]


def test_a_task_that_was_seen_before_has_no_grace_to_lose() -> None:
    stage = Stage()
    with pytest.raises(errors.TaskTimeoutError):
        stage.play(wait(watch(seen=True, timeout=300.0), started=0.0, rng=LEAST), GONE)
    assert len(stage.sent) == 61


@pytest.mark.parametrize("seed", range(20))
def test_polls_are_never_closer_than_the_interval(seed: int) -> None:
    """Random faults that take random time: only the last look may come sooner."""
    draw = Random(seed)
    events = [
        draw.choice([RUNNING, page(502), GONE, Failure(httpx.ReadError), answer({"id": ID})])
        for _ in range(200)
    ]
    events = [RUNNING, *(late(event, draw.choice([0.0, 0.3, 4.0, 20.0])) for event in events)]
    stage = Stage()
    with pytest.raises(errors.TaskTimeoutError):
        stage.play(wait(watch(timeout=500.0), started=0.0, rng=Random(seed)), *events)
    gaps = [b - a for a, b in zip(times(stage), times(stage)[1:], strict=False)]
    assert min(gaps[:-1]) >= settings.POLL_INTERVAL
    # A request may use up the interval; what is added to it is jitter, no more.
    assert max(gaps) <= 20.0 + settings.POLL_INTERVAL * settings.POLL_JITTER
    assert stage.clock.time <= 500.0 + FINAL_POLL_TIMEOUT


def test_jitter_only_ever_delays() -> None:
    stage = Stage()
    stage.play(wait(watch(), started=0.0, rng=MOST), RUNNING, RUNNING, DONE)
    assert times(stage) == [0.0, 6.0, 12.0]


def test_the_caller_may_ask_for_another_interval() -> None:
    stage = Stage()
    stage.play(wait(watch(interval=0.5), started=0.0, rng=LEAST), RUNNING, RUNNING, DONE)
    assert times(stage) == [0.0, 0.5, 1.0]


def test_each_request_may_take_what_remains_and_the_last_a_second() -> None:
    stage = Stage()
    with pytest.raises(errors.TaskTimeoutError):
        stage.play(wait(watch(timeout=10.0), started=0.0, rng=LEAST), RUNNING)
    assert stage.sent == [(0.0, 10.0), (5.0, 5.0), (10.0, 1.0)]


def test_a_request_never_gets_more_than_its_own_timeout() -> None:
    stage = Stage()
    stage.play(wait(watch(request_timeout=7.0), started=0.0, rng=LEAST), DONE)
    assert stage.sent == [(0.0, 7.0)]


def test_the_deadline_comes_though_sleeping_is_patched_away() -> None:
    """A program under test replaces `time.sleep`: the clock stands still, the wait must not."""
    stage = Stage(clock=FrozenClock())
    with pytest.raises(errors.TaskTimeoutError):
        stage.play(wait(watch(), started=0.0, rng=LEAST), RUNNING)
    assert len(stage.sent) == 121
    assert sum(stage.naps) == pytest.approx(600.0)


def test_a_clock_that_steps_back_does_not_lengthen_the_wait() -> None:
    stage = Stage()
    stage.clock.time = -1000.0
    with pytest.raises(errors.TaskTimeoutError):
        stage.play(wait(watch(timeout=20.0), started=0.0, rng=LEAST), RUNNING)
    assert sum(stage.naps) == pytest.approx(20.0)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_a_task_that_is_known_to_have_ended_is_not_asked_for(status: str) -> None:
    stage = Stage()
    known = Task(ID, status, output=("https://cdn.example/a.mp4",))
    flow = wait(watch(task=known), started=0.0, rng=LEAST)
    if status == "SUCCEEDED":
        assert stage.play(flow) is known
    else:
        with pytest.raises(errors.TaskError) as caught:
            stage.play(flow)
        assert caught.value.task_details is known
    assert stage.sent == []


def test_the_caller_hears_of_changes_only() -> None:
    stage = Stage()
    events = (
        WAITING,
        WAITING,
        page(502),
        WAITING,
        half(0.1),
        half(0.1),
        half(0.5),
        GONE,
        half(0.5),
    )
    stage.play(wait(watch(), started=0.0, rng=LEAST), *events, DONE)
    told = [(task.status, task.progress) for task in stage.told]
    assert told == [
        ("PENDING", None),
        ("RUNNING", 0.1),
        ("RUNNING", 0.5),
        ("SUCCEEDED", None),
    ]


@pytest.mark.parametrize(
    ("last", "status"), [(DONE, SUCCEEDED), (answer({"id": ID, "status": "FAILURE"}), FAILED)]
)
def test_the_end_is_recorded_once(last: Reply, status: str) -> None:
    stage = Stage()
    try:
        stage.play(wait(watch(), started=0.0, rng=LEAST), RUNNING, last)
    except errors.TaskFailedError:
        assert status == FAILED
    ends = [entry for entry in stage.written if isinstance(entry, TaskEnded)]
    assert [entry.task.status for entry in ends] == [status]


def test_a_journal_that_fails_takes_no_result_away() -> None:
    stage = Stage(refuses=(TaskEnded,))
    task = stage.play(wait(watch(), started=0.0, rng=LEAST), DONE)
    assert task.status == SUCCEEDED
    assert [ID in words for words in stage.warnings] == [True]


@pytest.mark.parametrize("polls", [0, 1, 3])
def test_an_interruption_leaves_the_id_behind(polls: int) -> None:
    stage = Stage()
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(wait(watch(), started=0.0, rng=LEAST), *[RUNNING] * polls, Interruption())
    assert any(ID in note for note in caught.value.__notes__)


def test_an_interruption_of_a_nap_leaves_the_id_behind() -> None:
    class Impatient(FrozenClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    stage = Stage(clock=Impatient())
    flow = wait(watch(created=0.0), started=0.0, rng=LEAST)
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(flow, RUNNING)
    assert any(ID in note for note in caught.value.__notes__)


def test_closing_a_wait_is_quiet() -> None:
    flow = wait(watch(), started=0.0, rng=LEAST)
    next(flow)
    flow.close()
    assert list(flow) == []


def test_a_timeout_tells_how_the_task_stood_and_what_was_wrong() -> None:
    stage = Stage()
    with pytest.raises(errors.TaskTimeoutError) as caught:
        stage.play(wait(watch(timeout=5.0), started=0.0, rng=LEAST), half(0.25), page(503))
    error = caught.value
    assert (error.task_id, error.task_details) == (ID, stage.told[-1])
    assert error.task_details is not None
    assert error.task_details.progress == 0.25
    assert isinstance(error.__cause__, errors.ServerError)
    assert any("503" in note for note in error.__notes__)
    assert "RUNNING" in str(error)
    assert ID in str(error)


def test_a_timeout_of_a_task_never_seen_has_no_details() -> None:
    stage = Stage()
    with pytest.raises(errors.TaskTimeoutError) as caught:
        stage.play(wait(watch(timeout=5.0), started=0.0, rng=LEAST), HANG)
    assert caught.value.task_details is None
    assert isinstance(caught.value.__cause__, errors.APITimeoutError)


def test_an_unknown_word_is_passed_on_as_it_came() -> None:
    stage = Stage()
    strange = answer({"id": ID, "status": "Warming_up"})
    with pytest.raises(errors.TaskTimeoutError) as caught:
        stage.play(wait(watch(timeout=5.0), started=0.0, rng=LEAST), strange)
    assert caught.value.task_details is not None
    assert caught.value.task_details.status == "Warming_up"


def test_a_failure_says_why() -> None:
    stage = Stage()
    failed = {"id": ID, "status": "FAILED", "failure": "no face", "failureCode": "ASSET.INVALID"}
    with pytest.raises(errors.TaskFailedError) as caught:
        stage.play(wait(watch(), started=0.0, rng=LEAST), answer(failed))
    assert caught.value.task_details is not None
    assert caught.value.task_details.failure_code == "ASSET.INVALID"
    for words in (ID, "no face", "ASSET.INVALID"):
        assert words in str(caught.value)


class TestRetrieve:
    def test_asks_once_and_keeps_what_is_known(self) -> None:
        stage = Stage()
        known = Task(ID, PENDING, operation="control_a_character", seed=7, route="feed")
        seen = stage.play(retrieve(POLL, known, timeout=9.0), RUNNING)
        assert stage.sent == [(0.0, 9.0)]
        assert (seen.status, seen.operation, seen.seed, seen.route) == (
            "RUNNING",
            "control_a_character",
            7,
            "feed",
        )

    @pytest.mark.parametrize("form", NOT_EXIST)
    def test_a_task_that_is_not_there(self, form: str) -> None:
        stage = Stage()
        with pytest.raises(errors.TaskNotFoundError) as caught:
            stage.play(retrieve(POLL, NEW, timeout=9.0), NOT_EXIST[form])
        assert caught.value.task_id == ID
        assert len(stage.sent) == 1

    @pytest.mark.parametrize(
        ("event", "kind"),
        [
            (page(502), errors.ServerError),
            (paced("3"), errors.RateLimitError),
            (platform(401, "Invalid Token"), errors.AuthenticationError),
            (Failure(httpx.ConnectError), errors.APIConnectionError),
            (HANG, errors.APITimeoutError),
            (page(200), errors.ResponseDecodeError),
        ],
    )
    def test_a_failure_carries_the_id(self, event: Any, kind: type[errors.RunwayError]) -> None:
        stage = Stage()
        with pytest.raises(kind) as caught:
            stage.play(retrieve(POLL, NEW, timeout=9.0), event)
        assert caught.value.task_id == ID
