"""When to poll a task, learned from how long earlier tasks of its kind took."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import define, field

from cometapi_runway._settings import POLL_JITTER

if TYPE_CHECKING:
    from cometapi_runway._flows.entries import PastDuration

Polling: TypeAlias = Literal["learned", "fixed"]
"""``learned``: poll when earlier tasks have ended. ``fixed``: poll once per interval."""

MIN_PAST: Final = 20
"""Durations below which nothing is learned."""
MAX_PAST: Final = 100
"""Durations that are learned from, at most."""
MAX_GAP: Final = 30.0
"""Seconds between two polls, at most; the first poll may be later."""
_HALF_LIFE: Final = 20
"""Tasks after which a duration counts half, so that a provider that changes is learned again."""
_LEAST_SPREAD: Final = 0.15
"""Width of a duration on the logarithmic scale, at least: equal ones do not fix the next one."""
_GRID_POINTS: Final = 160
_LEAST_LONGER: Final = 3
"""Past durations that are longer than a task's present one, at least, to estimate its end."""
_POLL_COST: Final = 1.0
_HIGHEST_POLL_COST: Final = 2.0
"""Seconds of delay that one poll less may cost."""


def plan_polls(past: Sequence[PastDuration], interval: float) -> tuple[float, ...]:
    """Plan the polls of a task from how long earlier ones took, the newest first.

    What is to be small is the mean number of polls times the mean delay from a task's end to the
    poll that sees it. A dynamic program over a grid of times finds the polls with the lowest
    expected delay plus a cost for each poll. It polls first at a low quantile: before that, a poll
    costs more than the delay of the few tasks that have ended. Then its gaps are short where ends
    are likely. The product is lowest where the cost of a poll is the plan's delay for each of its
    polls. That is near 1 s, since longer gaps mean as many times fewer polls, and above it where
    the interval allows only few. It is kept within these limits, and not searched for: tasks that
    trade polls against delay at different rates have a larger product together than each alone.

    The past is an estimate of the distribution, not the distribution. Each duration stands for its
    neighbourhood (a normal kernel on the logarithmic scale, by Silverman's rule, wider where its
    end was watched less closely), and recent ones weigh more. An end that the first poll found
    counts as earlier than that poll, the earlier the more of the ends it found, so that a plan
    whose first poll is too late mends itself.

    Returns:
        Seconds after the task's creation, ascending, up to twice the longest past duration at
        most: a task that takes longer is not like the past. Empty if the past has fewer than
        `MIN_PAST` durations, or the interval leaves no choice.
    """
    if len(past) < MIN_PAST or not 0 < interval < MAX_GAP / 2:
        return ()
    forecast = _Forecast(past, interval)
    plan = forecast.find_cheapest_plan(_POLL_COST)
    polls, delay = forecast.predict(plan)
    if delay > _POLL_COST * polls:
        plan = forecast.find_cheapest_plan(min(delay / polls, _HIGHEST_POLL_COST))
    # Jitter delays each poll; the plan is for the mean of its time.
    early = interval * POLL_JITTER / 2
    return tuple(round(index * forecast.step - early, 3) for index in plan)


def next_poll(plan: Sequence[float], elapsed: float, interval: float) -> float:
    """When to poll next, in seconds after the task's creation.

    Args:
        plan: What `plan_polls` returned.
        elapsed: When the last poll was sent.
        interval: Seconds between two polls, at least.

    Returns:
        The next time of the plan, but not before the interval, nor later than `MAX_GAP` with the
        jitter that is added. After the end of the plan, the interval.
    """
    # A poll that was sent late by its jitter does not skip the next one.
    planned = next((time for time in plan if time > elapsed + interval / 2), 0.0)
    latest = elapsed + MAX_GAP - interval * POLL_JITTER
    return max(min(planned, latest), elapsed + interval)


def estimate_duration(past: Sequence[PastDuration], elapsed: float) -> float | None:
    """The median of the past durations above `elapsed` seconds.

    Returns:
        Seconds from creation to end; None if the past is too short, or does not fit because the
        task has taken longer than nearly all of them.
    """
    longer = [duration for duration in map(_locate, past) if duration > elapsed]
    if len(past) < MIN_PAST or len(longer) < _LEAST_LONGER:
        return None
    return statistics.median(longer)


def _locate(duration: PastDuration, longest_gap: float = 0.5) -> float:
    """The likeliest duration: the middle of the gap, of which only a part may count."""
    return duration.seconds - _effective_gap(duration, longest_gap) / 2


def _effective_gap(duration: PastDuration, longest_gap: float) -> float:
    return min(duration.gap, duration.seconds * longest_gap)


@define(eq=False)
class _Forecast:
    """How likely a task has ended, at each point of a grid of times.

    Attributes:
        past: Earlier durations, the newest first.
        interval: Seconds between two polls, at least.
        step: Seconds between two points.
        ended: The probability that a task has ended, at each point.
        waited: The integral of that: the mean delay that a poll at this point would see.
    """

    past: Sequence[PastDuration]
    interval: float
    step: float = field(init=False)
    ended: list[float] = field(init=False)
    waited: list[float] = field(init=False)
    _least: int = field(init=False)
    _most: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        floor = self.interval * (1 + POLL_JITTER / 2)
        end = self._find_end()
        self.step = max(floor / 10, end / _GRID_POINTS)
        self._least = math.ceil(floor / self.step - 1e-9)
        jitter = self.interval * POLL_JITTER
        self._most = max(int((MAX_GAP - jitter) / self.step), self._least)
        self.ended = self._estimate_ended(int(end / self.step) + 1)
        self.waited = [0.0]
        for before, after in zip(self.ended, self.ended[1:], strict=False):
            self.waited.append(self.waited[-1] + (before + after) / 2 * self.step)

    def _find_end(self) -> float:
        """Twice the longest duration, unless that is so rare that it would make the grid coarse."""
        durations = [duration.seconds for duration in self.past]
        return min(2 * max(durations), 4 * statistics.quantiles(durations, n=10)[-1])

    def _estimate_ended(self, points: int) -> list[float]:
        weights = [0.5 ** (age / _HALF_LIFE) for age in range(len(self.past))]
        total = sum(weights)
        longest_gap = self._find_longest_gap(weights)
        places = [math.log(_locate(duration, longest_gap)) for duration in self.past]
        samples = total**2 / sum(weight**2 for weight in weights)
        low, _, high = statistics.quantiles(places, n=4)
        spread = min(statistics.stdev(places), (high - low) / 1.34)
        width = max(0.9 * spread * samples**-0.2, _LEAST_SPREAD)
        # The standard deviation of a uniform distribution over the gap is that of the end in it.
        widths = [
            math.hypot(
                width, _effective_gap(one, longest_gap) / _locate(one, longest_gap) / math.sqrt(12)
            )
            for one in self.past
        ]
        kernels = [
            (weight / total / 2, place, width * math.sqrt(2))
            for weight, place, width in zip(weights, places, widths, strict=True)
        ]
        times = (math.log(point * self.step) for point in range(1, points))
        return [0.0] + [
            0.5 + sum(weight * math.erf((time - place) / width) for weight, place, width in kernels)
            for time in times
        ]

    def _find_longest_gap(self, weights: Sequence[float]) -> float:
        """The part of a duration in which its end may be, at most.

        A first poll leaves a gap as long as the duration. If it is at a low quantile, most of the
        tasks that it finds ended have ended shortly before. If it finds most of all tasks ended,
        they may have ended at any time before.
        """
        pairs = zip(weights, self.past, strict=True)
        found_first = sum(weight for weight, one in pairs if one.gap >= one.seconds)
        return min(max(0.5, 1.5 * found_first / sum(weights)), 1.0)

    def find_cheapest_plan(self, poll_cost: float) -> list[int]:
        """The points of the plan with the lowest sum of delay and `poll_cost` for each poll."""
        points = len(self.ended)
        costs = [0.0] * points
        following = [points] * points
        for point in range(points - 1 - self._least, -1, -1):
            last = min(point + self._most, points - 1) if point else points - 1
            cost, following[point] = min(
                (self._predict_delay(point, later) + costs[later], later)
                for later in range(point + self._least, last + 1)
            )
            costs[point] = cost + poll_cost * (1 - self.ended[point])
        plan: list[int] = []
        point = following[0]
        while point < points:
            plan.append(point)
            point = following[point]
        return plan

    def predict(self, plan: Sequence[int]) -> tuple[float, float]:
        """The mean number of polls of a plan, and the mean delay in seconds."""
        polls = delay = 0.0
        for point, later in zip([0, *plan], plan, strict=False):
            polls += 1 - self.ended[point]
            delay += self._predict_delay(point, later)
        return polls, delay

    def _predict_delay(self, point: int, later: int) -> float:
        """The mean delay that the poll at `later` sees, if the one before it is at `point`."""
        waited = self.waited[later] - self.waited[point]
        return waited - self.ended[point] * self.step * (later - point)
