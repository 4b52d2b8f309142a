"""How long tasks usually take, from the journal's succeeded tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Final

from attrs import frozen

from cometapi_runway._core.task import SUCCEEDED
from cometapi_runway.journal import SubmissionRecord

_MIN_SAMPLES: Final = 3
_MAX_SAMPLES: Final = 30


@frozen
class DurationEstimates:
    """The usual duration of each operation's tasks.

    Attributes:
        seconds: Median duration by operation id, for operations with enough samples.
    """

    seconds: Mapping[str, float]

    @classmethod
    def from_submissions(cls, submissions: Iterable[SubmissionRecord]) -> DurationEstimates:
        """Estimate from submissions, newest first.

        A recorded end can be days late, where no process was waiting. The median tolerates a few
        of those.
        """
        durations: defaultdict[str, list[float]] = defaultdict(list)
        for one in submissions:
            if one.state == SUCCEEDED and one.ended_at is not None:
                durations[one.operation].append((one.ended_at - one.created_at).total_seconds())
        return cls(
            {
                operation: median(samples[:_MAX_SAMPLES])
                for operation, samples in durations.items()
                if len(samples) >= _MIN_SAMPLES
            }
        )

    def estimate(self, operation: str | None) -> float | None:
        """Seconds from submission to end, or None with too few samples."""
        return None if operation is None else self.seconds.get(operation)
