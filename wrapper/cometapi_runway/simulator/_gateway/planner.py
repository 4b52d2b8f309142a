"""Draws the id and the plan of each task from the seed."""

from __future__ import annotations

import heapq
import random
import uuid
from typing import TYPE_CHECKING

from attrs import define, field

from cometapi_runway.simulator._lifecycle import SUCCESS, Ending, Plan

if TYPE_CHECKING:
    from cometapi_runway.simulator._rules.outcomes import Outcome
    from cometapi_runway.simulator._rules.rule_book import RuleBook
    from cometapi_runway.simulator._settings import Timings


@define
class Slots:
    """Places for tasks that run at the same time.

    Attributes:
        limit: How many there are; None for no limit.
    """

    limit: int | None
    _busy_until: list[float] = field(factory=list[float])

    def take(self, ready: float, seconds: float) -> float:
        """Occupies the slot that is free first, and returns when the task starts in it.

        Args:
            ready: When the task could start, in Unix seconds.
            seconds: How long it will run.
        """
        if self.limit is None:
            return ready
        if len(self._busy_until) >= self.limit:
            ready = max(ready, heapq.heappop(self._busy_until))
        heapq.heappush(self._busy_until, ready + seconds)
        return ready


@define
class Planner:
    """Plans tasks.

    Attributes:
        seed: The same seed and the same order of creations give the same ids and plans.
        timings: Durations.
        outcomes: How tasks end, by rule.
    """

    seed: int
    timings: Timings
    outcomes: RuleBook[Outcome]
    _slots: Slots = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._slots = Slots(self.timings.concurrency)

    def plan(self, number: int, created: float, names: frozenset[str]) -> tuple[str, Plan]:
        """Draws a new task.

        Args:
            number: The number of the creation, counted from 1.
            created: When, in Unix seconds.
            names: The names by which rules address the operation.

        Returns:
            The task's id, a version 4 UUID like Runway's, and its plan.
        """
        # Not a secret: ids and durations must be predictable.
        draw = random.Random(f"{self.seed}:{number}")  # noqa: S311
        task_id = str(uuid.UUID(int=draw.getrandbits(128), version=4))
        spread = self.timings.spread

        def vary(seconds: float) -> float:
            return seconds * (1 + spread * (2 * draw.random() - 1))

        appears, queued, running = map(
            vary, (self.timings.invisible, self.timings.pending, self.timings.running)
        )
        starts = self._slots.take(created + queued, running) - created
        return task_id, Plan(appears, queued, starts, starts + running, self._ending(names))

    def _ending(self, names: frozenset[str]) -> Ending:
        rule = self.outcomes.take_next(names)
        return rule.ending if rule else SUCCESS
