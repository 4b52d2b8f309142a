"""An interrupted submission says what is known of its outcome."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway._core.submission_failure import InterruptedSubmission
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    Entry,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
)
from cometapi_runway._flows.steps import Flow, Record, Send, Sleep, Step
from cometapi_runway._flows.submit import submit

from ..support.both_clients import ID
from ..support.fault_table import ACCEPTED, paced
from ..support.flow_runner import CREATE, FlowRunner, submit_request
from ..support.scripted_transport import Event, Failure, Interruption
from ..support.submissions import MOST, REFUSED


def facts(error: BaseException) -> tuple[str | None, bool]:
    """The task's id and whether it may have been accepted, as the exception carries them."""
    interrupted = InterruptedSubmission.of(error)
    assert interrupted is not None
    return interrupted.task_id, interrupted.may_be_accepted


def kinds(runner: FlowRunner) -> list[type[Entry]]:
    return [type(entry) for entry in runner.written]


def test_an_interruption_is_of_unknown_outcome_and_says_so() -> None:
    runner = FlowRunner()
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(submit(submit_request(), started=0.0, rng=MOST), Interruption())
    assert len(runner.sent) == 1
    assert kinds(runner) == [SubmissionStarted, SubmissionFailed]
    assert runner.written[-1] == SubmissionFailed("k", refused=False, reason=Reason.INTERRUPTED)
    assert any(CREATE.fingerprint in note for note in caught.value.__notes__)


def stopped(
    flow: Flow[Task], where: Callable[[Step], bool], *, after: bool = False, times: int = 1
) -> Flow[Task]:
    """The same, but for a Ctrl-C or so many, before or after steps of a kind are done."""
    try:
        step = next(flow)
        while True:
            is_there = times > 0 and where(step)
            if after or not is_there:
                yield step
            if is_there:
                times -= 1
                step = flow.throw(KeyboardInterrupt())
            else:
                step = next(flow)
    except StopIteration as end:
        result: Task = end.value
        return result


def writes(kind: type[Entry]) -> Callable[[Step], bool]:
    return lambda step: isinstance(step, Record) and isinstance(step.entry, kind)


@pytest.mark.parametrize("before", [paced("1"), Failure(httpx.ConnectError)])
def test_an_interruption_between_two_tries_says_that_nothing_was_accepted(before: Event) -> None:
    """Each try before it came to nothing for certain: nobody need look whether it was charged."""
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, lambda step: isinstance(step, Sleep)), before)
    assert runner.written[-1] == SubmissionFailed("k", refused=True, reason=Reason.INTERRUPTED)
    assert any("nothing was accepted" in note for note in caught.value.__notes__)
    assert facts(caught.value) == (None, False)


def test_an_interruption_before_the_intent_is_on_record_says_so_too() -> None:
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, writes(SubmissionStarted), after=True), ACCEPTED)
    assert runner.sent == []
    assert runner.written[-1] == SubmissionFailed("k", refused=True, reason=Reason.INTERRUPTED)
    assert any("nothing was accepted" in note for note in caught.value.__notes__)
    assert facts(caught.value) == (None, False)


@each_case("after", [True, False])
@each_case("times", [1, 2])
def test_an_interruption_of_the_record_carries_the_id(after: bool, times: int) -> None:
    """The id of a paid task goes with whoever is interrupted, and on record at the next chance."""
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, writes(SubmissionAccepted), after=after, times=times), ACCEPTED)
    assert getattr(caught.value, "task_id", None) == ID
    (note,) = caught.value.__notes__
    assert f"task {ID} was accepted" in note
    assert facts(caught.value) == (ID, True)
    tries = 2 if after else 2 - times
    assert [entry for entry in runner.written if isinstance(entry, SubmissionAccepted)] == (
        [SubmissionAccepted("k", ID)] * tries
    )
    assert SubmissionFailed not in kinds(runner)


def test_an_interruption_after_the_response_carries_the_id() -> None:
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, lambda step: isinstance(step, Send), after=True), ACCEPTED)
    assert getattr(caught.value, "task_id", None) == ID
    assert kinds(runner) == [SubmissionStarted, SubmissionAccepted]


def test_an_interruption_after_a_refusal_carries_no_id() -> None:
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, lambda step: isinstance(step, Send), after=True), REFUSED)
    assert not hasattr(caught.value, "task_id")
    assert kinds(runner) == [SubmissionStarted, SubmissionFailed]


def test_an_interruption_of_the_second_try_may_have_been_accepted() -> None:
    runner = FlowRunner()
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(submit(submit_request(), started=0.0, rng=MOST), paced("1"), Interruption())
    assert runner.written[-1] == SubmissionFailed("k", refused=False, reason=Reason.INTERRUPTED)
    assert any("may have accepted" in note for note in caught.value.__notes__)
    assert facts(caught.value) == (None, True)


def test_a_closed_submission_takes_no_further_step() -> None:
    """Whichever step it was at, also on the way out of an interruption."""
    closed = set()
    for stop_at in (None, 0, 1, 2):
        for after in itertools.count():
            runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
            if not runner.abandon(flow, after, stop_at, paced("1"), ACCEPTED):
                break
            closed.add((stop_at, after))
    assert {at for at in closed if at[0] is None} == {(None, step) for step in range(5)}
    assert {(0, 1), (1, 2), (2, 3)} <= closed
