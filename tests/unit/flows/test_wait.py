"""Decisions of a wait beyond the fault table: polls, notifications and journal entries."""

from __future__ import annotations

from random import Random

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import _settings as settings
from cometapi_runway import errors
from cometapi_runway._core.task import FAILED, PENDING, SUCCEEDED, Route, Task
from cometapi_runway._flows.entries import TaskEnded
from cometapi_runway._flows.steps import Flow
from cometapi_runway._flows.wait import retrieve, wait
from cometapi_runway._settings import FINAL_POLL_TIMEOUT

from ..support.both_clients import ID
from ..support.fault_table import DONE, RUNNING, family, page
from ..support.fault_table import PENDING as WAITING
from ..support.flow_runner import POLL, FlowRunner, wait_request
from ..support.scripted_transport import (
    HANG,
    Event,
    Failure,
    Interruption,
    Reply,
    delayed,
    json_reply,
)
from ..support.virtual_time import FixedJitter, FrozenClock

LEAST, MOST = FixedJitter(0.0), FixedJitter(1.0)
GONE = family(400, "task_not_exist")


def times(runner: FlowRunner) -> list[float]:
    return [at for at, _ in runner.sent]


def half(part: float) -> Reply:
    return json_reply({"id": ID, "status": "RUNNING", "progress": part})


def test_a_task_found_by_its_id_is_asked_for_at_once() -> None:
    runner = FlowRunner()
    runner.run(wait(wait_request(), started=0.0, rng=LEAST), RUNNING, DONE)
    assert times(runner) == [0.0, 5.0]


def test_a_task_made_here_is_given_an_interval_before_it_is_asked_for() -> None:
    runner = FlowRunner()
    runner.clock.time = 3.0
    runner.run(wait(wait_request(created=2.0), started=3.0, rng=LEAST), RUNNING, DONE)
    assert times(runner) == [7.0, 12.0]


def test_a_task_made_here_and_seen_since_is_asked_for_at_once() -> None:
    runner = FlowRunner()
    runner.clock.time = 3.0
    runner.run(wait(wait_request(created=2.0, seen=True), started=3.0, rng=LEAST), RUNNING, DONE)
    assert times(runner) == [3.0, 8.0]


def test_the_first_rest_does_not_outlast_the_deadline() -> None:
    runner = FlowRunner()
    with pytest.raises(errors.TaskTimeoutError):
        runner.run(wait(wait_request(created=0.0, timeout=2.0), started=0.0, rng=LEAST), RUNNING)
    assert times(runner) == [2.0]


def test_the_grace_of_a_task_made_here_begins_when_it_was_made() -> None:
    runner = FlowRunner()
    runner.clock.time = 100.0
    with pytest.raises(errors.TaskNotFoundError):
        runner.run(wait(wait_request(created=0.0), started=100.0, rng=LEAST), GONE)
    assert times(runner) == [100.0, 105.0, 110.0, 115.0, 120.0]


def test_a_task_that_was_seen_before_has_no_grace_to_lose() -> None:
    runner = FlowRunner()
    with pytest.raises(errors.TaskTimeoutError):
        runner.run(wait(wait_request(seen=True, timeout=300.0), started=0.0, rng=LEAST), GONE)
    assert len(runner.sent) == 61


@each_case("seed", range(20))
def test_polls_are_never_closer_than_the_interval(seed: int) -> None:
    """Random faults that take random time: only the last look may come sooner."""
    draw = Random(seed)
    events = [
        draw.choice([RUNNING, page(502), GONE, Failure(httpx.ReadError), json_reply({"id": ID})])
        for _ in range(200)
    ]
    events = [RUNNING, *(delayed(event, draw.choice([0.0, 0.3, 4.0, 20.0])) for event in events)]
    runner = FlowRunner()
    with pytest.raises(errors.TaskTimeoutError):
        runner.run(wait(wait_request(timeout=500.0), started=0.0, rng=Random(seed)), *events)
    gaps = [b - a for a, b in zip(times(runner), times(runner)[1:], strict=False)]
    assert min(gaps[:-1]) >= settings.POLL_INTERVAL
    # A request may use up the interval; what is added to it is jitter, no more.
    assert max(gaps) <= 20.0 + settings.POLL_INTERVAL * settings.POLL_JITTER
    assert runner.clock.time <= 500.0 + FINAL_POLL_TIMEOUT


def test_jitter_only_ever_delays() -> None:
    runner = FlowRunner()
    runner.run(wait(wait_request(), started=0.0, rng=MOST), RUNNING, RUNNING, DONE)
    assert times(runner) == [0.0, 6.0, 12.0]


def test_the_caller_may_ask_for_another_interval() -> None:
    runner = FlowRunner()
    runner.run(wait(wait_request(interval=0.5), started=0.0, rng=LEAST), RUNNING, RUNNING, DONE)
    assert times(runner) == [0.0, 0.5, 1.0]


def test_each_request_may_take_what_remains_and_the_last_a_second() -> None:
    runner = FlowRunner()
    with pytest.raises(errors.TaskTimeoutError):
        runner.run(wait(wait_request(timeout=10.0), started=0.0, rng=LEAST), RUNNING)
    assert runner.sent == [(0.0, 10.0), (5.0, 5.0), (10.0, 1.0)]


def test_a_request_never_gets_more_than_its_own_timeout() -> None:
    runner = FlowRunner()
    runner.run(wait(wait_request(request_timeout=7.0), started=0.0, rng=LEAST), DONE)
    assert runner.sent == [(0.0, 7.0)]


def test_the_deadline_comes_though_sleeping_is_patched_away() -> None:
    """A program under test replaces `time.sleep`: the clock stands still, the wait must not."""
    runner = FlowRunner(clock=FrozenClock())
    with pytest.raises(errors.TaskTimeoutError):
        runner.run(wait(wait_request(), started=0.0, rng=LEAST), RUNNING)
    assert len(runner.sent) == 121
    assert sum(runner.pauses) == pytest.approx(600.0)


def test_a_clock_that_steps_back_does_not_lengthen_the_wait() -> None:
    runner = FlowRunner()
    runner.clock.time = -1000.0
    with pytest.raises(errors.TaskTimeoutError):
        runner.run(wait(wait_request(timeout=20.0), started=0.0, rng=LEAST), RUNNING)
    assert sum(runner.pauses) == pytest.approx(20.0)


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELLED"])
def test_a_task_that_is_known_to_have_ended_is_not_asked_for(status: str) -> None:
    runner = FlowRunner()
    known = Task(ID, status, output=("https://cdn.example/a.mp4",))
    flow = wait(wait_request(task=known), started=0.0, rng=LEAST)
    if status == "SUCCEEDED":
        assert runner.run(flow) is known
    else:
        with pytest.raises(errors.TaskError) as caught:
            runner.run(flow)
        assert caught.value.task_details is known
    assert runner.sent == []


def test_the_caller_hears_of_changes_only() -> None:
    runner = FlowRunner()
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
    runner.run(wait(wait_request(), started=0.0, rng=LEAST), *events, DONE)
    told = [(task.status, task.progress) for task in runner.updates]
    assert told == [
        ("PENDING", None),
        ("RUNNING", 0.1),
        ("RUNNING", 0.5),
        ("SUCCEEDED", None),
    ]


@pytest.mark.parametrize(
    ("last", "status"), [(DONE, SUCCEEDED), (json_reply({"id": ID, "status": "FAILURE"}), FAILED)]
)
def test_the_end_is_recorded_once(last: Reply, status: str) -> None:
    runner = FlowRunner()
    try:
        runner.run(wait(wait_request(), started=0.0, rng=LEAST), RUNNING, last)
    except errors.TaskFailedError:
        assert status == FAILED
    ends = [entry for entry in runner.written if isinstance(entry, TaskEnded)]
    assert [entry.task.status for entry in ends] == [status]


def test_a_journal_that_fails_takes_no_result_away() -> None:
    runner = FlowRunner(refuses=(TaskEnded,))
    task = runner.run(wait(wait_request(), started=0.0, rng=LEAST), DONE)
    assert task.status == SUCCEEDED
    assert [ID in words for words in runner.warnings] == [True]


@pytest.mark.parametrize("polls", [0, 1, 3])
def test_an_interruption_leaves_the_id_behind(polls: int) -> None:
    runner = FlowRunner()
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(wait(wait_request(), started=0.0, rng=LEAST), *[RUNNING] * polls, Interruption())
    assert any(ID in note for note in caught.value.__notes__)


def test_an_interruption_of_a_nap_leaves_the_id_behind() -> None:
    class Impatient(FrozenClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    runner = FlowRunner(clock=Impatient())
    flow = wait(wait_request(created=0.0), started=0.0, rng=LEAST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(flow, RUNNING)
    assert any(ID in note for note in caught.value.__notes__)


def test_closing_a_wait_is_quiet() -> None:
    flow = wait(wait_request(), started=0.0, rng=LEAST)
    next(flow)
    flow.close()
    assert list(flow) == []


def test_a_timeout_names_the_last_status_and_error() -> None:
    runner = FlowRunner()
    with pytest.raises(errors.TaskTimeoutError) as caught:
        runner.run(wait(wait_request(timeout=5.0), started=0.0, rng=LEAST), half(0.25), page(503))
    error = caught.value
    assert (error.task_id, error.task_details) == (ID, runner.updates[-1])
    assert error.task_details is not None
    assert error.task_details.progress == 0.25
    assert isinstance(error.__cause__, errors.ServerError)
    assert any("503" in note for note in error.__notes__)
    assert "RUNNING" in str(error)
    assert ID in str(error)


def test_a_timeout_of_a_task_never_seen_has_no_details() -> None:
    runner = FlowRunner()
    with pytest.raises(errors.TaskTimeoutError) as caught:
        runner.run(wait(wait_request(timeout=5.0), started=0.0, rng=LEAST), HANG)
    assert caught.value.task_details is None
    assert isinstance(caught.value.__cause__, errors.APITimeoutError)


def test_an_unknown_word_is_passed_on_as_it_came() -> None:
    runner = FlowRunner()
    strange = json_reply({"id": ID, "status": "Warming_up"})
    with pytest.raises(errors.TaskTimeoutError) as caught:
        runner.run(wait(wait_request(timeout=5.0), started=0.0, rng=LEAST), strange)
    assert caught.value.task_details is not None
    assert caught.value.task_details.status == "Warming_up"


def test_a_failure_says_why() -> None:
    runner = FlowRunner()
    failed = {"id": ID, "status": "FAILED", "failure": "no face", "failureCode": "ASSET.INVALID"}
    with pytest.raises(errors.TaskFailedError) as caught:
        runner.run(wait(wait_request(), started=0.0, rng=LEAST), json_reply(failed))
    assert caught.value.task_details is not None
    assert caught.value.task_details.failure_code == "ASSET.INVALID"
    for words in (ID, "no face", "ASSET.INVALID"):
        assert words in str(caught.value)


@pytest.mark.parametrize(("created", "polls", "rest"), [(None, 2, 115), (0.0, 6, 90)])
def test_an_unknown_task_is_said_to_be_unknown_once(
    created: float | None, polls: int, rest: int
) -> None:
    runner = FlowRunner()
    with pytest.raises(errors.TaskNotFoundError):
        runner.run(wait(wait_request(created=created), started=0.0, rng=LEAST), GONE)
    (reason,) = runner.reasons
    assert reason == (
        f"the gateway does not know task {ID} yet (HTTP 400, code task_not_exist: "
        f"task_not_exist). A new task can be unknown for a while; the wait ends in {rest} s if it "
        "stays unknown"
    )
    early = FlowRunner()
    early.run(
        wait(wait_request(created=created), started=0.0, rng=LEAST), *[GONE] * (polls - 1), DONE
    )
    assert early.reasons == []


def test_an_unknown_task_is_not_waited_for_longer_than_the_deadline() -> None:
    runner = FlowRunner()
    with pytest.raises(errors.TaskTimeoutError):
        runner.run(wait(wait_request(timeout=20.0), started=0.0, rng=LEAST), GONE)
    assert "the wait ends in 15 s" in runner.reasons[0]


def test_a_task_that_was_seen_is_not_said_to_be_unknown() -> None:
    runner = FlowRunner()
    runner.run(wait(wait_request(), started=0.0, rng=LEAST), RUNNING, *[GONE] * 9, page(502), DONE)
    assert not [reason for reason in runner.reasons if "does not know" in reason]


def test_other_failures_of_polls_do_not_count_as_unknown() -> None:
    runner = FlowRunner()
    runner.run(
        wait(wait_request(), started=0.0, rng=LEAST), GONE, page(502), page(502), GONE, GONE, DONE
    )
    assert len([reason for reason in runner.reasons if "does not know" in reason]) == 1


def test_the_log_has_one_line_for_each_change_of_what_fails_polls() -> None:
    """Also when the same failure comes back after a poll that worked."""
    runner = FlowRunner()
    broken = Failure(httpx.ReadError)
    events = (page(502), page(502), broken, broken, page(502), RUNNING, page(502), RUNNING, DONE)
    runner.run(wait(wait_request(timeout=100.0), started=0.0, rng=LEAST), *events)
    assert runner.reasons == [
        f"poll 1 of task {ID} failed: HTTP 502; retrying for up to 100 s",
        f"poll 3 of task {ID} failed: the connection broke; retrying for up to 90 s",
        f"poll 5 of task {ID} failed: HTTP 502; retrying for up to 80 s",
        f"poll 7 of task {ID} failed: HTTP 502; retrying for up to 70 s",
    ]
    endless = FlowRunner()
    endless.run(wait(wait_request(timeout=float("inf")), started=0.0, rng=LEAST), page(502), DONE)
    assert endless.reasons == [f"poll 1 of task {ID} failed: HTTP 502; retrying without a limit"]


def test_a_wait_with_one_poll_counts_it_in_the_singular() -> None:
    with pytest.raises(errors.TaskTimeoutError, match=r"\(1 poll, last state"):
        FlowRunner().run(
            wait(wait_request(timeout=1.0), started=0.0, rng=LEAST), delayed(RUNNING, 2)
        )


@each_case(
    ("route", "operation", "tasks", "is_unsure"),
    [
        ("tasks", None, "client.tasks", True),
        ("tasks", "control_a_character", "client.tasks", False),
        ("feed", None, "client.compat.tasks", False),
    ],
)
def test_messages_name_the_calls_of_the_tasks_own_route(
    route: Route, operation: str | None, tasks: str, is_unsure: bool
) -> None:
    task = Task(ID, PENDING, route=route, operation=operation)
    request = wait_request(task=task, timeout=6.0, grace=5.0)
    hint = ". If a compat operation created it, use client.compat.tasks" if is_unsure else ""

    def end(flow: Flow[Task], kind: type[BaseException], *events: Event) -> BaseException:
        with pytest.raises(kind) as caught:
            FlowRunner().run(flow, *events)
        return caught.value

    late = end(wait(request, started=0.0, rng=LEAST), errors.TaskTimeoutError, RUNNING, page(502))
    assert str(late) == (
        f"task {ID} had not ended after 6.0 s of 6 s (3 polls, last state RUNNING). It continues: "
        f"{tasks}.wait('{ID}') waits for it again"
    )
    assert late.__notes__ == [f"The last poll returned no state: {late.__cause__}"]
    never = end(wait(request, started=0.0, rng=LEAST), errors.TaskTimeoutError, page(502))
    assert "last state never seen" in str(never)
    gone = end(wait(request, started=0.0, rng=LEAST), errors.TaskNotFoundError, GONE)
    assert str(gone) == (
        f"the gateway does not know task {ID}: 2 polls in 5 s, longer than a new task stays "
        "unknown. Check the id, and that the key belongs to the account that created it" + hint
    )
    once = end(retrieve(POLL, task, timeout=1.0), errors.TaskNotFoundError, GONE)
    assert str(once) == (
        f"the gateway does not know task {ID} ({once.__cause__}). It may not know a new task for a "
        "while; `wait` allows for that" + hint
    )
    stopped = end(wait(request, started=0.0, rng=LEAST), KeyboardInterrupt, Interruption())
    assert stopped.__notes__ == [
        f"cometapi-runway: interrupted while waiting; task {ID} continues. "
        f"{tasks}.wait('{ID}') waits for it again"
    ]


def test_no_time_is_no_sleep() -> None:
    """A flow that is due takes its next step at once."""
    runner = FlowRunner()
    runner.run(wait(wait_request(), started=0.0, rng=LEAST), delayed(RUNNING, 5.0), DONE)
    assert (runner.pauses, times(runner)) == ([], [0.0, 5.0])
