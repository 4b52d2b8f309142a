"""Decisions of a submission beyond the fault table: journal entries and retries."""

from __future__ import annotations

from email.utils import formatdate
from random import Random
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from attrs import evolve
from tests.cases import each_case

from cometapi_runway import _settings as settings
from cometapi_runway import errors
from cometapi_runway._core.redaction import strip_payloads
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._flows.entries import SubmissionAccepted, SubmissionFailed, SubmissionStarted
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.submit import _list_differences, submit

from ..support.both_clients import ID
from ..support.fault_table import ACCEPTED, paced, page, platform
from ..support.flow_runner import CREATE, WALL_CLOCK_START, FlowRunner, submit_request, submit_task
from ..support.scripted_transport import HANG, Event, Failure, Reply, json_reply
from ..support.submissions import MOST, REFUSED


def test_the_task_is_what_was_asked_for() -> None:
    runner = FlowRunner()
    task = runner.run(submit_task(submit_request(route="feed"), started=0.0, rng=MOST), ACCEPTED)
    assert (task.id, task.status, task.route) == (ID, "PENDING", "feed")
    assert (task.operation, task.seed, task.raw) == ("control_a_character", 7, {"id": ID})


def test_the_intent_is_written_before_the_request_and_the_id_after() -> None:
    runner = FlowRunner()
    flow = submit(submit_request(), started=50.0, rng=MOST)
    first: Any = next(flow)
    assert runner.sent == []
    assert first.entry == SubmissionStarted("k", CREATE, "tasks", 7)
    assert first.timeout == 60.0
    flow.close()
    runner.run(submit(submit_request(), started=0.0, rng=MOST), ACCEPTED)
    assert runner.written == [
        SubmissionStarted("k", CREATE, "tasks", 7),
        SubmissionAccepted("k", ID),
    ]


def test_without_a_record_nothing_is_sent() -> None:
    runner = FlowRunner(refuses=(SubmissionStarted,))
    with pytest.raises(errors.ConfigurationError, match="nothing was sent") as caught:
        runner.run(submit(submit_request(), started=0.0, rng=MOST), ACCEPTED)
    assert caught.value.setting == "journal"
    assert runner.sent == []


def test_an_id_that_cannot_be_written_is_said_aloud_and_returned() -> None:
    runner = FlowRunner(refuses=(SubmissionAccepted,))
    task = runner.run(submit_task(submit_request(), started=0.0, rng=MOST), ACCEPTED)
    assert task.id == ID
    assert [ID in words for words in runner.warnings] == [True]


@each_case(
    ("event", "refused", "reason"),
    [
        (REFUSED, True, Reason.BAD_REQUEST),
        (platform(401, "Invalid Token"), True, Reason.AUTHENTICATION),
        (platform(403, "no access"), True, Reason.PERMISSION),
        (platform(403, "x", code="quota_not_enough"), True, Reason.QUOTA),
        (platform(404, "x"), True, Reason.OTHER_STATUS),
        (json_reply({}, status=300), True, Reason.OTHER_STATUS),
        (json_reply({}, status=600), False, Reason.UNKNOWN_OUTCOME),
        (paced("300"), True, Reason.RATE_LIMIT),
        (Failure(httpx.ConnectError), True, Reason.NOT_SENT),
        (Failure(httpx.ReadError), False, Reason.UNKNOWN_OUTCOME),
        (page(502), False, Reason.UNKNOWN_OUTCOME),
        (page(200), False, Reason.UNKNOWN_OUTCOME),
        (json_reply({}), False, Reason.UNKNOWN_OUTCOME),
        (HANG, False, Reason.UNKNOWN_OUTCOME),
    ],
)
def test_a_submission_without_a_task_is_closed_in_the_journal(
    event: Event, refused: bool, reason: Reason
) -> None:
    runner = FlowRunner()
    with pytest.raises(errors.RunwayError):
        runner.run(submit(submit_request(), started=0.0, rng=MOST), event)
    assert runner.written[-1] == SubmissionFailed("k", refused=refused, reason=reason)


@pytest.mark.parametrize("event", [REFUSED, page(502)])
def test_a_journal_that_fails_at_the_end_hides_no_error(event: Event) -> None:
    runner = FlowRunner(refuses=(SubmissionFailed,))
    with pytest.raises((errors.BadRequestError, errors.SubmissionUnknownError)):
        runner.run(submit(submit_request(), started=0.0, rng=MOST), event)


def test_a_closed_flow_takes_no_further_step() -> None:
    flow = submit(submit_request(), started=0.0, rng=MOST)
    next(flow)
    next(flow)
    flow.close()
    assert list(flow) == []


def test_an_unknown_outcome_carries_all_known_facts() -> None:
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


def test_the_reason_of_an_unknown_outcome_ends_with_one_full_stop() -> None:
    for text in ("no upstream X", "no upstream X."):
        with pytest.raises(errors.SubmissionUnknownError, match=r"upstream X\. It may have"):
            FlowRunner().run(
                submit(submit_request(), started=0.0, rng=MOST), Reply(502, text.encode())
            )


def test_a_date_says_when_to_come_again() -> None:
    runner = FlowRunner()
    pace = paced(formatdate(WALL_CLOCK_START + 7, usegmt=True))
    runner.run(submit(submit_request(), started=0.0, rng=MOST), pace, ACCEPTED)
    assert runner.pauses == [7.05]


@each_case("text", ["soon", "-3", "", "1e999", "٣s", "Fri, 99 Foo 2027 08:00:00 GMT"])
def test_an_invalid_retry_after_is_ignored(text: str) -> None:
    runner = FlowRunner()
    runner.run(submit(submit_request(), started=0.0, rng=MOST), paced(text), ACCEPTED)
    assert runner.pauses == [0.5]


def test_a_date_in_the_past_means_now() -> None:
    runner = FlowRunner()
    pace = paced(formatdate(WALL_CLOCK_START - 60, usegmt=True))
    runner.run(submit(submit_request(), started=0.0, rng=MOST), pace, ACCEPTED)
    assert runner.pauses == [0.05]


def test_the_retry_time_counts_from_the_call() -> None:
    runner = FlowRunner()
    runner.clock.time = 1000.0
    unreached = Failure(httpx.ConnectError)
    with pytest.raises(errors.APIConnectionError):
        runner.run(submit(submit_request(retry_time=2.0), started=1000.0, rng=MOST), unreached)
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


def test_a_submission_gives_up_in_time() -> None:
    """However the jitter falls, the budget bounds when the last try begins."""
    unreached = Failure(httpx.ConnectError, 0.2)
    for seed in range(50):
        runner = FlowRunner()
        with pytest.raises(errors.APIConnectionError):
            runner.run(submit(submit_request(), started=0.0, rng=Random(seed)), unreached)
        assert runner.sent[-1][0] <= settings.SUBMIT_BUDGET
        assert len(runner.sent) >= 4


def test_the_log_has_one_line_for_each_change_of_the_reason() -> None:
    runner = FlowRunner()
    unreached = Failure(httpx.ConnectError)
    runner.run(
        submit(submit_request(), started=0.0, rng=MOST),
        *(unreached, unreached, unreached, paced("1"), paced("2"), unreached, ACCEPTED),
    )
    limited = "the rate is limited (HTTP 429)"
    assert len(runner.pauses) == 6
    assert runner.reasons == [
        "attempt 1 failed: not reachable; retrying for up to 30 s (nothing was sent)",
        f"attempt 4 failed: {limited}; retrying for up to 26 s (nothing was accepted)",
        "attempt 6 failed: not reachable; retrying for up to 22 s (nothing was sent)",
    ]


def test_the_fields_in_which_two_requests_differ() -> None:
    picture = "data:image/png;base64,AAAA"
    for body, earlier, is_seed_drawn, names in (
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, False, []),
        ({"a": 1, "c": 3}, {"b": 2, "a": 1}, False, ["b", "c"]),
        ({"a": 1, "seed": 1}, {"a": 2, "seed": 2}, True, ["a"]),
        ({"a": 1, "seed": 1}, {"a": 1, "seed": 2}, False, ["seed"]),
        ({"a": picture}, {"a": strip_payloads(picture)}, False, []),
        # What is no object cannot be compared by its fields.
        ({"a": 1}, None, False, []),
        (None, {"a": 1}, False, []),
        (None, None, False, []),
    ):
        request: Any = SimpleNamespace(call=SimpleNamespace(body=body), is_seed_drawn=is_seed_drawn)
        other: Any = SimpleNamespace(arguments=earlier)
        assert _list_differences(request, other) == names
