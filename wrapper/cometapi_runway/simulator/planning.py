"""Draws a task's id and its life from the seed."""

from __future__ import annotations

import heapq
import random
import uuid
from typing import TYPE_CHECKING

from attrs import define, field

from cometapi_runway.simulator.lifecycle import SUCCESS, Ending, Plan
from cometapi_runway.simulator.rules import RuleBook

if TYPE_CHECKING:
    from cometapi_runway.simulator.settings import Outcome, Timings


@define
class Slots:
    """The places at which tasks can run side by side.

    Attributes:
        limit: How many there are; None for as many as needed.
    """

    limit: int | None
    _busy_until: list[float] = field(factory=list[float])

    def take(self, ready: float, seconds: float) -> float:
        """Takes the place that is free first, and returns when work in it starts.

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
        timings: How long things take.
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
            number: Which creation this is, counted from 1.
            created: When, in Unix seconds.
            names: What rules call the operation.

        Returns:
            The task's id, a version 4 UUID as Runway gives, and its plan.
        """
        # Not for secrets: the point is to be predictable.
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
        rule = self.outcomes.next(names)
        return rule.ending if rule else SUCCESS
