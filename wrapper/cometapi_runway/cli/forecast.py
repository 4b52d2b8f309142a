"""How long tasks usually take, from the journal of those that have succeeded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Final

from attrs import frozen

from cometapi_runway._core.task import SUCCEEDED
from cometapi_runway.journal import SubmissionRecord

_FEWEST: Final = 3
_LATEST: Final = 30


@frozen
class Forecast:
    """The usual duration of an operation's tasks.

    Attributes:
        seconds: By operation id, for those with enough history.
    """

    seconds: Mapping[str, float]

    @classmethod
    def of(cls, history: Iterable[SubmissionRecord]) -> Forecast:
        """Learn from submissions, newest first.

        The end is when it was seen, which may be days late for a task that nobody watched; the
        median does not mind a few of those.
        """
        found: defaultdict[str, list[float]] = defaultdict(list)
        for one in history:
            if one.state == SUCCEEDED and one.ended_at is not None:
                found[one.operation].append((one.ended_at - one.created_at).total_seconds())
        usual = {
            name: median(times[:_LATEST]) for name, times in found.items() if len(times) >= _FEWEST
        }
        return cls(usual)

    def expected(self, operation: str | None) -> float | None:
        """Seconds from submission to end, or None where the history is too short."""
        return None if operation is None else self.seconds.get(operation)
