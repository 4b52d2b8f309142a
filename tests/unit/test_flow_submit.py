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

from .support.both_clients import ID
from .support.fault_table import ACCEPTED, paced, page, platform
from .support.flow_runner import CREATE, WALL_CLOCK_START, FlowRunner, submit_request
from .support.scripted_transport import HANG, Event, Failure, Interruption, json_reply
from .support.virtual_time import FixedJitter

MOST = FixedJitter(1.0)
REFUSED = platform(400, "no", "invalid_request")


def kinds(runner: FlowRunner) -> list[type[Entry]]:
    return [type(entry) for entry in runner.written]


def test_the_task_is_what_was_asked_for() -> None:
    runner = FlowRunner()
    task = runner.run(submit(submit_request(route="feed"), started=0.0, rng=MOST), ACCEPTED)
    assert (task.id, task.status, task.route) == (ID, "PENDING", "feed")
    assert (task.operation, task.seed, task.raw) == ("control_a_character", 7, {"id": ID})


def test_the_intent_is_written_before_the_request_and_the_id_after() -> None:
    runner = FlowRunner()
    flow = submit(submit_request(), started=0.0, rng=MOST)
    first = next(flow)
    assert runner.sent == []
    assert getattr(first, "entry", None) == SubmissionStarted("k", CREATE, "tasks", 7)
    flow.close()
    runner.run(submit(submit_request(), started=0.0, rng=MOST), ACCEPTED)
    assert runner.written == [
        SubmissionStarted("k", CREATE, "tasks", 7),
        SubmissionAccepted("k", ID),
    ]


def test_without_a_record_nothing_is_sent() -> None:
    runner = FlowRunner(refuses=(SubmissionStarted,))
    with pytest.raises(errors.ConfigurationError, match="nothing was sent"):
        runner.run(submit(submit_request(), started=0.0, rng=MOST), ACCEPTED)
    assert runner.sent == []


def test_an_id_that_cannot_be_written_is_said_aloud_and_returned() -> None:
    runner = FlowRunner(refuses=(SubmissionAccepted,))
    task = runner.run(submit(submit_request(), started=0.0, rng=MOST), ACCEPTED)
    assert task.id == ID
    assert [ID in words for words in runner.warnings] == [True]


@pytest.mark.parametrize(
    ("event", "refused"),
    [
        (REFUSED, True),
        (platform(401, "Invalid Token"), True),
        (paced("300"), True),
        (Failure(httpx.ConnectError), True),
        (Failure(httpx.ReadError), False),
        (page(502), False),
        (page(200), False),
        (json_reply({}), False),
        (HANG, False),
    ],
)
def test_a_submission_without_a_task_is_closed_in_the_journal(event: Event, refused: bool) -> None:
    runner = FlowRunner()
    with pytest.raises(errors.RunwayError) as caught:
        runner.run(submit(submit_request(), started=0.0, rng=MOST), event)
    last = runner.written[-1]
    assert isinstance(last, SubmissionFailed)
    assert (last.key, last.refused, last.reason) == ("k", refused, type(caught.value).__name__)


@pytest.mark.parametrize("event", [REFUSED, page(502)])
def test_a_journal_that_fails_at_the_end_hides_no_error(event: Event) -> None:
    runner = FlowRunner(refuses=(SubmissionFailed,))
    with pytest.raises((errors.BadRequestError, errors.SubmissionUnknownError)):
        runner.run(submit(submit_request(), started=0.0, rng=MOST), event)


def test_an_interruption_is_of_unknown_outcome_and_says_so() -> None:
    runner = FlowRunner()
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(submit(submit_request(), started=0.0, rng=MOST), Interruption())
    assert len(runner.sent) == 1
    assert kinds(runner) == [SubmissionStarted, SubmissionFailed]
    assert runner.written[-1] == SubmissionFailed("k", refused=False, reason="KeyboardInterrupt")
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
    assert runner.written[-1] == SubmissionFailed("k", refused=True, reason="KeyboardInterrupt")
    assert any("nothing was accepted" in note for note in caught.value.__notes__)


def test_an_interruption_before_the_intent_is_on_record_says_so_too() -> None:
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, writes(SubmissionStarted), after=True), ACCEPTED)
    assert runner.sent == []
    assert runner.written[-1] == SubmissionFailed("k", refused=True, reason="KeyboardInterrupt")
    assert any("nothing was accepted" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("times", [1, 2])
def test_an_interruption_of_the_record_carries_the_id(after: bool, times: int) -> None:
    """The id of a paid task goes with whoever is interrupted, and on record at the next chance."""
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, writes(SubmissionAccepted), after=after, times=times), ACCEPTED)
    assert getattr(caught.value, "task_id", None) == ID
    (note,) = caught.value.__notes__
    assert f"task {ID} was accepted" in note
    tries = 2 if after else 2 - times
    assert [entry for entry in runner.written if isinstance(entry, SubmissionAccepted)] == (
        [SubmissionAccepted("k", ID)] * tries
    )
    assert SubmissionFailed not in kinds(runner)


def test_an_interruption_with_the_answer_in_hand_carries_the_id() -> None:
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, lambda step: isinstance(step, Send), after=True), ACCEPTED)
    assert getattr(caught.value, "task_id", None) == ID
    assert kinds(runner) == [SubmissionStarted, SubmissionAccepted]


def test_an_interruption_with_a_refusal_in_hand_carries_none() -> None:
    runner, flow = FlowRunner(), submit(submit_request(), started=0.0, rng=MOST)
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(stopped(flow, lambda step: isinstance(step, Send), after=True), REFUSED)
    assert not hasattr(caught.value, "task_id")
    assert kinds(runner) == [SubmissionStarted, SubmissionFailed]


def test_an_interruption_of_the_second_try_may_have_been_accepted() -> None:
    runner = FlowRunner()
    with pytest.raises(KeyboardInterrupt) as caught:
        runner.run(submit(submit_request(), started=0.0, rng=MOST), paced("1"), Interruption())
    assert runner.written[-1] == SubmissionFailed("k", refused=False, reason="KeyboardInterrupt")
    assert any("may have accepted" in note for note in caught.value.__notes__)


def test_a_closed_flow_takes_no_further_step() -> None:
    flow = submit(submit_request(), started=0.0, rng=MOST)
    next(flow)
    next(flow)
    flow.close()
    assert list(flow) == []


def test_an_unknown_outcome_tells_all_that_is_known() -> None:
    runner = FlowRunner()
    lost = platform(502, "upstream gone (request id: 20260205132859)")
    with pytest.raises(errors.SubmissionUnknownError) as caught:
        runner.run(submit(submit_request(), started=0.0, rng=MOST), evolve(lost, takes=3.0))
    error = caught.value
    assert (error.operation, error.fingerprint) == ("control_a_character", CREATE.fingerprint)
    assert (error.seed, error.request_id, error.elapsed) == (7, "20260205132859", 3.0)
    assert isinstance(error.__cause__, errors.ServerError)
    for words in ("502", "not sent again", CREATE.fingerprint, "seed 7", "usage log"):
        assert words in str(error)


def test_a_date_says_when_to_come_again() -> None:
    runner = FlowRunner()
    pace = paced(formatdate(WALL_CLOCK_START + 7, usegmt=True))
    runner.run(submit(submit_request(), started=0.0, rng=MOST), pace, ACCEPTED)
    assert runner.pauses == [7.05]


@pytest.mark.parametrize("text", ["soon", "-3", "", "1e999", "٣s", "Fri, 99 Foo 2027 08:00:00 GMT"])
def test_a_pace_that_makes_no_sense_is_none(text: str) -> None:
    runner = FlowRunner()
    runner.run(submit(submit_request(), started=0.0, rng=MOST), paced(text), ACCEPTED)
    assert runner.pauses == [0.5]


def test_a_date_in_the_past_means_now() -> None:
    runner = FlowRunner()
    pace = paced(formatdate(WALL_CLOCK_START - 60, usegmt=True))
    runner.run(submit(submit_request(), started=0.0, rng=MOST), pace, ACCEPTED)
    assert runner.pauses == [0.05]


def test_the_budget_counts_from_the_call() -> None:
    runner = FlowRunner()
    runner.clock.time = 1000.0
    unreached = Failure(httpx.ConnectError)
    with pytest.raises(errors.APIConnectionError):
        runner.run(submit(submit_request(budget=2.0), started=1000.0, rng=MOST), unreached)
    assert [at for at, _ in runner.sent] == [1000.0, 1000.5, 1001.5]


def test_every_try_gets_the_whole_timeout_and_the_same_request() -> None:
    runner = FlowRunner()
    unreached = Failure(httpx.ConnectError)
    runner.run(
        submit(submit_request(timeout=9.0), started=0.0, rng=MOST), unreached, unreached, ACCEPTED
    )
    assert [timeout for _, timeout in runner.sent] == [9.0, 9.0, 9.0]


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
        runner = FlowRunner()
        with pytest.raises(errors.APIConnectionError):
            runner.run(submit(submit_request(), started=0.0, rng=Random(seed)), unreached)
        assert runner.sent[-1][0] <= settings.SUBMIT_BUDGET
        assert len(runner.sent) >= 4
