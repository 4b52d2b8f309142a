"""How long tasks usually take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cometapi_runway.cli._actions.duration_estimates import DurationEstimates
from cometapi_runway.journal import SubmissionRecord, SubmissionState


def submission(operation: str, state: SubmissionState, seconds: float | None) -> SubmissionRecord:
    began = datetime(2026, 5, 1, tzinfo=UTC)
    return SubmissionRecord(
        key="k",
        operation=operation,
        arguments={},
        fingerprint="f",
        seed=None,
        route="tasks",
        base_url="https://example.com",
        created_at=began,
        task_id="t",
        state=state,
        reason=None,
        failure_code=None,
        ended_at=None if seconds is None else began + timedelta(seconds=seconds),
    )


def test_estimates_are_the_median_of_succeeded_tasks() -> None:
    history = [
        *(submission("a", "SUCCEEDED", seconds) for seconds in (60, 80, 90_000)),
        submission("a", "FAILED", 1),
        submission("a", "SUBMITTED", None),
        *(submission("b", "SUCCEEDED", 10) for _ in range(2)),
    ]

    estimates = DurationEstimates.from_submissions(history)

    assert estimates.estimate("a") == 80
    assert estimates.estimate("b") is None
    assert estimates.estimate(None) is None
