"""How a submission decides, beyond the fault table: what it writes down, when it tries again."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from random import Random

import httpx
import pytest
from attrs import evolve

from cometapi_runway import _settings as settings
from cometapi_runway import errors
from cometapi_runway._core.submission_failure import InterruptedSubmission
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._core.task import Task
from cometapi_runway._flows import Flow, submit
from cometapi_runway._flows.backoff import Backoff, FlowClock
from cometapi_runway._flows.steps import (
    Entry,
    PreparedRequest,
    Record,
    Send,
    Sleep,
    Step,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
)

from .faults import ACCEPTED, paced, page, platform
from .stage import CREATE, WALL, Stage, order
from .twin import ID
from .virtual import Fixed
from .wire import HANG, Event, Failure, Interruption, answer

MOST = Fixed(1.0)
REFUSED = platform(400, "no", "invalid_request")


def kinds(stage: Stage) -> list[type[Entry]]:
    return [type(entry) for entry in stage.written]


def test_the_task_is_what_was_asked_for() -> None:
    stage = Stage()
    task = stage.play(submit(order(route="feed"), started=0.0, rng=MOST), ACCEPTED)
    assert (task.id, task.status, task.route) == (ID, "PENDING", "feed")
    assert (task.operation, task.seed, task.raw) == ("control_a_character", 7, {"id": ID})


def test_the_intent_is_written_before_the_request_and_the_id_after() -> None:
    stage = Stage()
    flow = submit(order(), started=0.0, rng=MOST)
    first = next(flow)
    assert stage.sent == []
    assert getattr(first, "entry", None) == SubmissionStarted("k", CREATE, "tasks", 7)
    flow.close()
    stage.play(submit(order(), started=0.0, rng=MOST), ACCEPTED)
    assert stage.written == [
        SubmissionStarted("k", CREATE, "tasks", 7),
        SubmissionAccepted("k", ID),
    ]


def test_without_a_record_nothing_is_sent() -> None:
    stage = Stage(refuses=(SubmissionStarted,))
    with pytest.raises(errors.ConfigurationError, match="nothing was sent"):
        stage.play(submit(order(), started=0.0, rng=MOST), ACCEPTED)
    assert stage.sent == []


def test_an_id_that_cannot_be_written_is_said_aloud_and_returned() -> None:
    stage = Stage(refuses=(SubmissionAccepted,))
    task = stage.play(submit(order(), started=0.0, rng=MOST), ACCEPTED)
    assert task.id == ID
    assert [ID in words for words in stage.warnings] == [True]


@pytest.mark.parametrize(
    ("event", "refused", "reason"),
    [
        (REFUSED, True, Reason.BAD_REQUEST),
        (platform(401, "Invalid Token"), True, Reason.AUTHENTICATION),
        (platform(403, "no access"), True, Reason.PERMISSION),
        (platform(403, "x", code="quota_not_enough"), True, Reason.QUOTA),
        (platform(404, "x"), True, Reason.OTHER_STATUS),
        (paced("300"), True, Reason.RATE_LIMIT),
        (Failure(httpx.ConnectError), True, Reason.NOT_SENT),
        (Failure(httpx.ReadError), False, Reason.UNKNOWN_OUTCOME),
        (page(502), False, Reason.UNKNOWN_OUTCOME),
        (page(200), False, Reason.UNKNOWN_OUTCOME),
        (answer({}), False, Reason.UNKNOWN_OUTCOME),
        (HANG, False, Reason.UNKNOWN_OUTCOME),
    ],
)
def test_a_submission_without_a_task_is_closed_in_the_journal(
    event: Event, refused: bool, reason: Reason
) -> None:
    stage = Stage()
    with pytest.raises(errors.RunwayError):
        stage.play(submit(order(), started=0.0, rng=MOST), event)
    assert stage.written[-1] == SubmissionFailed("k", refused=refused, reason=reason)


@pytest.mark.parametrize("event", [REFUSED, page(502)])
def test_a_journal_that_fails_at_the_end_hides_no_error(event: Event) -> None:
    stage = Stage(refuses=(SubmissionFailed,))
    with pytest.raises((errors.BadRequestError, errors.SubmissionUnknownError)):
        stage.play(submit(order(), started=0.0, rng=MOST), event)


def test_an_interruption_is_of_unknown_outcome_and_says_so() -> None:
    stage = Stage()
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(submit(order(), started=0.0, rng=MOST), Interruption())
    assert len(stage.sent) == 1
    assert kinds(stage) == [SubmissionStarted, SubmissionFailed]
    assert stage.written[-1] == SubmissionFailed("k", refused=False, reason=Reason.INTERRUPTED)
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
    stage, flow = Stage(), submit(order(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(stopped(flow, lambda step: isinstance(step, Sleep)), before)
    assert stage.written[-1] == SubmissionFailed("k", refused=True, reason=Reason.INTERRUPTED)
    assert any("nothing was accepted" in note for note in caught.value.__notes__)
    interrupted = InterruptedSubmission.of(caught.value)
    assert interrupted is not None
    assert (interrupted.task_id, interrupted.may_be_accepted) == (None, False)


def test_an_interruption_before_the_intent_is_on_record_says_so_too() -> None:
    stage, flow = Stage(), submit(order(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(stopped(flow, writes(SubmissionStarted), after=True), ACCEPTED)
    assert stage.sent == []
    assert stage.written[-1] == SubmissionFailed("k", refused=True, reason=Reason.INTERRUPTED)
    assert any("nothing was accepted" in note for note in caught.value.__notes__)
    interrupted = InterruptedSubmission.of(caught.value)
    assert interrupted is not None
    assert (interrupted.task_id, interrupted.may_be_accepted) == (None, False)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("times", [1, 2])
def test_an_interruption_of_the_record_carries_the_id(after: bool, times: int) -> None:
    """The id of a paid task goes with whoever is interrupted, and on record at the next chance."""
    stage, flow = Stage(), submit(order(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(stopped(flow, writes(SubmissionAccepted), after=after, times=times), ACCEPTED)
    assert getattr(caught.value, "task_id", None) == ID
    (note,) = caught.value.__notes__
    assert f"task {ID} was accepted" in note
    interrupted = InterruptedSubmission.of(caught.value)
    assert interrupted is not None
    assert (interrupted.task_id, interrupted.may_be_accepted) == (ID, True)
    tries = 2 if after else 2 - times
    assert [entry for entry in stage.written if isinstance(entry, SubmissionAccepted)] == (
        [SubmissionAccepted("k", ID)] * tries
    )
    assert SubmissionFailed not in kinds(stage)


def test_an_interruption_with_the_answer_in_hand_carries_the_id() -> None:
    stage, flow = Stage(), submit(order(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(stopped(flow, lambda step: isinstance(step, Send), after=True), ACCEPTED)
    assert getattr(caught.value, "task_id", None) == ID
    assert kinds(stage) == [SubmissionStarted, SubmissionAccepted]


def test_an_interruption_with_a_refusal_in_hand_carries_none() -> None:
    stage, flow = Stage(), submit(order(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(stopped(flow, lambda step: isinstance(step, Send), after=True), REFUSED)
    assert not hasattr(caught.value, "task_id")
    assert kinds(stage) == [SubmissionStarted, SubmissionFailed]


def test_an_interruption_of_the_second_try_may_have_been_accepted() -> None:
    stage = Stage()
    with pytest.raises(KeyboardInterrupt) as caught:
        stage.play(submit(order(), started=0.0, rng=MOST), paced("1"), Interruption())
    assert stage.written[-1] == SubmissionFailed("k", refused=False, reason=Reason.INTERRUPTED)
    assert any("may have accepted" in note for note in caught.value.__notes__)
    interrupted = InterruptedSubmission.of(caught.value)
    assert interrupted is not None
    assert (interrupted.task_id, interrupted.may_be_accepted) == (None, True)


def test_a_closed_flow_takes_no_further_step() -> None:
    flow = submit(order(), started=0.0, rng=MOST)
    next(flow)
    next(flow)
    flow.close()
    assert list(flow) == []


def test_an_unknown_outcome_tells_all_that_is_known() -> None:
    stage = Stage()
    lost = platform(502, "upstream gone (request id: 20260205132859)")
    with pytest.raises(errors.SubmissionUnknownError) as caught:
        stage.play(submit(order(), started=0.0, rng=MOST), evolve(lost, takes=3.0))
    error = caught.value
    assert (error.operation, error.fingerprint) == ("control_a_character", CREATE.fingerprint)
    assert (error.seed, error.request_id, error.elapsed) == (7, "20260205132859", 3.0)
    assert isinstance(error.__cause__, errors.ServerError)
    for words in ("502", "not sent again", CREATE.fingerprint, "seed 7", "usage log"):
        assert words in str(error)


def test_a_date_says_when_to_come_again() -> None:
    stage = Stage()
    pace = paced(formatdate(WALL + 7, usegmt=True))
    stage.play(submit(order(), started=0.0, rng=MOST), pace, ACCEPTED)
    assert stage.naps == [7.05]


@pytest.mark.parametrize("text", ["soon", "-3", "", "1e999", "٣s", "Fri, 99 Foo 2027 08:00:00 GMT"])
def test_a_pace_that_makes_no_sense_is_none(text: str) -> None:
    stage = Stage()
    stage.play(submit(order(), started=0.0, rng=MOST), paced(text), ACCEPTED)
    assert stage.naps == [0.5]


def test_a_date_in_the_past_means_now() -> None:
    stage = Stage()
    pace = paced(formatdate(WALL - 60, usegmt=True))
    stage.play(submit(order(), started=0.0, rng=MOST), pace, ACCEPTED)
    assert stage.naps == [0.05]


def test_the_budget_counts_from_the_call() -> None:
    stage = Stage()
    stage.clock.time = 1000.0
    unreached = Failure(httpx.ConnectError)
    with pytest.raises(errors.APIConnectionError):
        stage.play(submit(order(budget=2.0), started=1000.0, rng=MOST), unreached)
    assert [at for at, _ in stage.sent] == [1000.0, 1000.5, 1001.5]


def test_every_try_gets_the_whole_timeout_and_the_same_request() -> None:
    stage = Stage()
    unreached = Failure(httpx.ConnectError)
    stage.play(submit(order(timeout=9.0), started=0.0, rng=MOST), unreached, unreached, ACCEPTED)
    assert [timeout for _, timeout in stage.sent] == [9.0, 9.0, 9.0]


def test_the_fingerprint_stays_what_it_was() -> None:
    """Journals outlive versions: the same request has the same fingerprint in all of them."""
    call = PreparedRequest("make_it", "POST", "/v1/it", {}, {"model": "fast", "seed": 7})
    assert call.fingerprint == "9cb1c7127c54f1ad"


def test_the_fingerprint_is_the_requests_own() -> None:
    same = evolve(CREATE, headers={"X-Trace": "1"})
    other = evolve(CREATE, body={"seed": 8})
    elsewhere = evolve(CREATE, operation="another")
    assert same.fingerprint == CREATE.fingerprint
    assert len({CREATE.fingerprint, other.fingerprint, elsewhere.fingerprint}) == 3
    ordered = evolve(CREATE, body={"a": 1, "b": 2}), evolve(CREATE, body={"b": 2, "a": 1})
    assert ordered[0].fingerprint == ordered[1].fingerprint


class TestPacing:
    @pytest.mark.parametrize("seed", range(5))
    def test_jitter_is_full_and_capped(self, seed: int) -> None:
        backoff = Backoff(Random(seed))
        for tries in range(1, 80):
            ceiling = min(8.0, 0.5 * 2.0 ** (tries - 1))
            assert 0 <= backoff.pause(tries) <= ceiling
        drawn = [backoff.pause(6) for _ in range(400)]
        assert min(drawn) < 0.5
        assert max(drawn) > 7.5

    def test_patience_does_not_overflow(self) -> None:
        assert Backoff(MOST).pause(10**9) == 8.0

    def test_a_nap_counts_though_the_clock_stood_still(self) -> None:
        watch = FlowClock(10.0)
        watch.add_sleep(5.0, 10.0)
        assert watch.now == 15.0
        watch.advance_to(12.0)
        assert watch.now == 15.0
        watch.add_sleep(1.0, 30.0)
        assert watch.now == 30.0


def test_a_submission_gives_up_in_time() -> None:
    """However the jitter falls, the budget bounds when the last try begins."""
    unreached = Failure(httpx.ConnectError, 0.2)
    for seed in range(50):
        stage = Stage()
        with pytest.raises(errors.APIConnectionError):
            stage.play(submit(order(), started=0.0, rng=Random(seed)), unreached)
        assert stage.sent[-1][0] <= settings.SUBMIT_BUDGET
        assert len(stage.sent) >= 4
