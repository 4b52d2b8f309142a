"""The fault table, run by bare flows and by both clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen
from tests.cases import each_case

from cometapi_runway._core.task import SUCCEEDED
from cometapi_runway._flows.wait import wait
from cometapi_runway.errors import RunwayError, SubmissionUnknownError

from ..support import fault_table
from ..support.both_clients import ID, MODES, ClientHarness
from ..support.fault_table import Row
from ..support.flow_runner import FlowRunner, submit_request, submit_task, wait_request
from ..support.virtual_time import FixedJitter

INFINITE = float("inf")


@frozen
class Outcome:
    """What a fault came to."""

    requests: int
    time: float
    result: Any
    error: RunwayError | None


def played(runner: FlowRunner, flow: Any, row: Row) -> Outcome:
    try:
        result = runner.run(flow, *row.events)
    except RunwayError as error:
        return Outcome(len(runner.sent), runner.clock.time, None, error)
    return Outcome(len(runner.sent), runner.clock.time, result, None)


def called(harness: ClientHarness, call: Callable[[Any], Any], row: Row) -> Outcome:
    client = harness.new(timeout=row.request_timeout)
    client.session.rng = FixedJitter(1.0 if row in fault_table.SUBMISSIONS else 0.0)
    harness.respond_with(*row.events)
    try:
        result = harness.run(call(client))
    except RunwayError as error:
        return Outcome(len(harness.network.sent), harness.time, None, error)
    return Outcome(len(harness.network.sent), harness.time, result, None)


def judge(outcome: Outcome, row: Row) -> None:
    # The class itself: a relative of it would be another decision.
    kind = None if outcome.error is None else type(outcome.error)
    assert kind is row.raises, outcome.error
    assert (outcome.requests, round(outcome.time, 6)) == (row.requests, row.time)


def bare_submission(row: Row) -> Outcome:
    runner = FlowRunner()
    flow = submit_task(
        submit_request(timeout=row.request_timeout), started=0.0, rng=FixedJitter(1.0)
    )
    return played(runner, flow, row)


def bare_wait(row: Row) -> Outcome:
    runner = FlowRunner()
    timeout = INFINITE if row.timeout is None else row.timeout
    watched = wait_request(timeout=timeout, request_timeout=row.request_timeout)
    return played(runner, wait(watched, started=0.0, rng=FixedJitter(0.0)), row)


def names(row: Row) -> str:
    return row.name


@pytest.fixture(scope="module", params=("bare", *MODES))
def mode(request: pytest.FixtureRequest) -> Any:
    return request.param


@each_case("row", fault_table.SUBMISSIONS, ids=names)
def test_submission(row: Row, mode: str) -> None:
    if mode == "bare":
        outcome = bare_submission(row)
    else:
        harness = ClientHarness(mode)  # type: ignore[arg-type] # one of the two
        outcome = called(harness, lambda c: c.character_performance.create(**ARGUMENTS), row)
        harness.close()
        assert set(harness.network.methods) == {"POST"}
    judge(outcome, row)
    if row.raises is None:
        assert outcome.result.id == ID
    if isinstance(outcome.error, SubmissionUnknownError):
        assert outcome.error.seed == 7
        assert outcome.error.elapsed == outcome.time - 0.5 * (row.requests - 1)


@each_case("row", fault_table.WAITS, ids=names)
def test_wait(row: Row, mode: str) -> None:
    if mode == "bare":
        outcome = bare_wait(row)
    else:
        harness = ClientHarness(mode)  # type: ignore[arg-type] # one of the two
        outcome = called(harness, lambda c: c.tasks.wait(ID, timeout=row.timeout), row)
        harness.close()
        assert set(harness.network.methods) == {"GET"}
    judge(outcome, row)
    if outcome.error is None:
        assert (outcome.result.status, outcome.result.output) == (SUCCEEDED, (fault_table.URL,))
    else:
        # Whatever ends a wait, the paid task's id is on it and in its words or at hand.
        assert outcome.error.task_id == ID


def test_all_of_the_peers_faults_are_survived() -> None:
    outcomes = [bare_wait(row) for row in fault_table.PEERS]
    assert len(outcomes) == 15
    assert [outcome.error for outcome in outcomes] == [None] * 15


ARGUMENTS = {
    "character": "https://your-video-host/character.mp4",
    "reference": "https://your-video-host/performance.mp4",
    "seed": 7,
}
