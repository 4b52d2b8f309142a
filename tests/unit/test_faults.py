"""The fault table, judged three ways: the bare flows, and both clients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen

from cometapi_runway._core.task import SUCCEEDED
from cometapi_runway._flows import submit, wait
from cometapi_runway.errors import RunwayError, SubmissionUnknownError

from . import faults
from .faults import Row
from .stage import Stage, order, watch
from .twin import ID, WAYS, Twin
from .virtual import Fixed

INFINITE = float("inf")


@frozen
class Outcome:
    """What a fault came to."""

    requests: int
    time: float
    result: Any
    error: RunwayError | None


def played(stage: Stage, flow: Any, row: Row) -> Outcome:
    try:
        result = stage.play(flow, *row.events)
    except RunwayError as error:
        return Outcome(len(stage.sent), stage.clock.time, None, error)
    return Outcome(len(stage.sent), stage.clock.time, result, None)


def called(twin: Twin, call: Callable[[Any], Any], row: Row) -> Outcome:
    client = twin.new(timeout=row.request_timeout)
    client.session.rng = Fixed(1.0 if row in faults.SUBMISSIONS else 0.0)
    twin.plays(*row.events)
    try:
        result = twin.run(call(client))
    except RunwayError as error:
        return Outcome(len(twin.wire.sent), twin.time, None, error)
    return Outcome(len(twin.wire.sent), twin.time, result, None)


def judge(outcome: Outcome, row: Row) -> None:
    # The class itself: a relative of it would be another decision.
    kind = None if outcome.error is None else type(outcome.error)
    assert kind is row.raises, outcome.error
    assert (outcome.requests, round(outcome.time, 6)) == (row.requests, row.time)


def bare_submission(row: Row) -> Outcome:
    stage = Stage()
    flow = submit(order(timeout=row.request_timeout), started=0.0, rng=Fixed(1.0))
    return played(stage, flow, row)


def bare_wait(row: Row) -> Outcome:
    stage = Stage()
    timeout = INFINITE if row.timeout is None else row.timeout
    watched = watch(timeout=timeout, request_timeout=row.request_timeout)
    return played(stage, wait(watched, started=0.0, rng=Fixed(0.0)), row)


def names(row: Row) -> str:
    return row.name


@pytest.fixture(scope="module", params=("bare", *WAYS))
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("row", faults.SUBMISSIONS, ids=names)
def test_submission(row: Row, way: str) -> None:
    if way == "bare":
        outcome = bare_submission(row)
    else:
        twin = Twin(way)  # type: ignore[arg-type] # one of the two
        outcome = called(twin, lambda c: c.character_performance.create(**ARGUMENTS), row)
        twin.close()
        assert set(twin.wire.methods) == {"POST"}
    judge(outcome, row)
    if row.raises is None:
        assert outcome.result.id == ID
    if isinstance(outcome.error, SubmissionUnknownError):
        assert outcome.error.seed == 7
        assert outcome.error.elapsed == outcome.time - 0.5 * (row.requests - 1)


@pytest.mark.parametrize("row", faults.WAITS, ids=names)
def test_wait(row: Row, way: str) -> None:
    if way == "bare":
        outcome = bare_wait(row)
    else:
        twin = Twin(way)  # type: ignore[arg-type] # one of the two
        outcome = called(twin, lambda c: c.tasks.wait(ID, timeout=row.timeout), row)
        twin.close()
        assert set(twin.wire.methods) == {"GET"}
    judge(outcome, row)
    if outcome.error is None:
        assert (outcome.result.status, outcome.result.output) == (SUCCEEDED, (faults.URL,))
    else:
        # Whatever ends a wait, the paid task's id is on it and in its words or at hand.
        assert outcome.error.task_id == ID


def test_all_of_the_peers_faults_are_survived() -> None:
    outcomes = [bare_wait(row) for row in faults.PEERS]
    assert len(outcomes) == 15
    assert [outcome.error for outcome in outcomes] == [None] * 15


ARGUMENTS = {
    "character": "https://your-video-host/character.mp4",
    "reference": "https://your-video-host/performance.mp4",
    "seed": 7,
}
