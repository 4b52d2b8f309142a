"""What a learned polling schedule saves: polls times delay, in virtual time.

A wait costs polls, and delay: the seconds from a task's end until the wait returns. Shown is the
mean number of polls times the mean delay, over all tasks of a row: with the schedule that is
learned from the journal, at the fixed interval of 5 s, and for the best schedule of all if the
distribution of durations were known (a dynamic program, without jitter). Requests take 0.15 s; the
gateway looks at the task half-way. Every wait is the flow that the clients run.

The first table draws durations from the distribution that the past is from: of 20 tasks that were
polled at the fixed interval, of 100, and of 100 whose own polls were learned.

The second one draws them from another distribution than the past of 20 tasks. In the column
`frozen` nothing is learned from the new tasks, as for many that are waited for at once. In the
column `recorded` each one is in the journal when the next one starts, and every fifth makes a new
plan, as waits that begin soon after each other share one; it is about 200 such tasks, with the
first ones. Durations are the same for both schedules. The figure is a ratio to the fixed
interval, with its standard error over independent pasts. The worst ratio of each column goes to the
table of `make bench`, with a limit of 1 that no schedule keeps together with the products above:
for a past that is known exactly, with a median of 12 s, only the fixed interval itself is never
worse for tasks that take a quarter of the time. Neither is 50 possible for a median of 150 s: the
best schedule of all has 51.7.

    python tests/benchmarks/polling.py [PASTS]
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TypeAlias

from _results import report_figure
from attrs import define, field

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "wrapper"), str(ROOT / "generated")]

from cometapi_runway._core.raw_response import RawResponse  # noqa: E402  the path is set above
from cometapi_runway._core.task import PENDING, Task  # noqa: E402
from cometapi_runway._flows.entries import PastDuration, TaskEnded  # noqa: E402
from cometapi_runway._flows.polling import MAX_GAP, MAX_PAST, plan_polls  # noqa: E402
from cometapi_runway._flows.prepared_request import PreparedRequest  # noqa: E402
from cometapi_runway._flows.steps import Record, Send, Sleep  # noqa: E402
from cometapi_runway._flows.wait import WaitRequest, wait  # noqa: E402

PASTS = int(sys.argv[1]) if len(sys.argv) > 1 else 16
OTHER_PASTS = max(PASTS // 4, 2)
LATENCY = 0.15
INTERVAL = 5.0
TASKS = 100
RECORDED_TASKS = 200
TASKS_OF_A_PLAN = 5
KINDS = ((12.0, 0.35, 5.5), (45.0, 0.30, 14.0), (150.0, 0.40, 50.0))
"""Median in seconds, sigma of the logarithm, and the product to reach."""
POLL = PreparedRequest("runway_to_get_task_details", "GET", "/runwayml/v1/tasks/t")
RUNNING, DONE = (
    json.dumps({"id": "t", "status": status, "output": ["https://e.com/a.mp4"]}).encode()
    for status in ("RUNNING", "SUCCEEDED")
)
Draw: TypeAlias = Callable[[Random], float]


@define
class Wait:
    """One wait in virtual time.

    Attributes:
        polls: How many polls it took.
        delay: Seconds from the task's end to the wait's.
        recorded: What the journal records of the task's duration.
    """

    polls: int = 0
    delay: float = 0.0
    recorded: PastDuration | None = None

    def run(self, duration: float, plan: tuple[float, ...], rng: Random) -> Wait:
        """Wait for a task that takes so many seconds."""
        now = 0.0
        request = WaitRequest(
            Task("t", PENDING), POLL, 60.0, math.inf, created=0.0, submitted=0.0, plan=plan
        )
        for step in wait(request, started=0.0, rng=rng):
            match step:
                case Send():
                    self.polls += 1
                    body = DONE if now + LATENCY / 2 >= duration else RUNNING
                    now += LATENCY
                    step.response = RawResponse("GET", POLL.url, 200, {}, body, now)
                    step.at = now
                case Sleep():
                    now += step.seconds
                    step.at = now
                case Record(TaskEnded(_, recorded)):
                    self.recorded = recorded
                case _:
                    pass
        self.delay = now - duration
        return self


@define
class Totals:
    """The waits of one schedule, for each past."""

    polls: list[float] = field(factory=list)
    delays: list[float] = field(factory=list)

    def add(self, waits: list[Wait]) -> None:
        self.polls.append(statistics.mean(wait.polls for wait in waits))
        self.delays.append(statistics.mean(wait.delay for wait in waits))

    def product(self, without: int | None = None) -> float:
        """Mean polls times mean delay, over all pasts or all but one."""
        kept = [index for index in range(len(self.polls)) if index != without]
        return statistics.mean(self.polls[i] for i in kept) * statistics.mean(
            self.delays[i] for i in kept
        )

    def __str__(self) -> str:
        polls, delay = statistics.mean(self.polls), statistics.mean(self.delays)
        return f"{self.product():6.1f} ({polls:4.1f} x {delay:4.1f} s)"


def lognormal(median: float, sigma: float) -> Draw:
    return lambda rng: rng.lognormvariate(math.log(median), sigma)


def make_past(draw: Draw, count: int, rng: Random, *, learned: bool = False) -> list[PastDuration]:
    """What the journal has after so many tasks, the newest first."""
    past: list[PastDuration] = []
    for _ in range(count):
        plan = plan_polls(past[:MAX_PAST], INTERVAL) if learned else ()
        recorded = Wait().run(draw(rng), plan, rng).recorded
        past[:0] = [] if recorded is None else [recorded]
    return past[:MAX_PAST]


def compare(draw: Draw, pasts: list[list[PastDuration]], *, records: bool = False) -> list[Totals]:
    """The totals of the learned and of the fixed schedule, on the same durations."""
    totals = [Totals(), Totals()]
    for seed, first in enumerate(pasts):
        rng, past = Random(1000 + seed), list(first)
        durations = [min(draw(rng), 3600.0) for _ in range(RECORDED_TASKS if records else TASKS)]
        plan, waits = plan_polls(past, INTERVAL), []
        for number, duration in enumerate(durations):
            wait = Wait().run(duration, plan, rng)
            waits.append(wait)
            if records and wait.recorded is not None:
                past.insert(0, wait.recorded)
            if records and number % TASKS_OF_A_PLAN == 0:
                plan = plan_polls(past[:MAX_PAST], INTERVAL)
        totals[0].add(waits)
        totals[1].add([Wait().run(duration, (), rng) for duration in durations])
    return totals


def find_ratio(learned: Totals, fixed: Totals) -> tuple[float, str]:
    """The ratio of the products, alone and with the jackknife's standard error over the pasts."""
    count = len(learned.polls)
    parts = [learned.product(one) / fixed.product(one) for one in range(count)]
    error = math.sqrt((count - 1) ** 2 / count * statistics.variance(parts))
    ratio = learned.product() / fixed.product()
    return ratio, f"{ratio:5.2f} ±{error:.2f}"


def find_optimum(median: float, sigma: float) -> float:
    """The lowest product of any schedule, if the distribution is known."""
    step = median / 150
    points = int(median * math.exp(4 * sigma) / step)
    times = [point * step for point in range(points)]
    mean = median * math.exp(sigma**2 / 2)

    def normal(value: float) -> float:
        return (1 + math.erf(value / math.sqrt(2))) / 2

    scaled = [math.log(time / median) / sigma for time in times[1:]]
    ended = [0.0, *map(normal, scaled)]
    # The integral of a lognormal distribution in closed form.
    waited = [0.0] + [
        time * normal(one) - mean * normal(one - sigma)
        for time, one in zip(times[1:], scaled, strict=True)
    ]
    least, most = math.ceil(INTERVAL / step), int(MAX_GAP / step)
    return min(
        _find_product(times, ended, waited, least, most, cost)
        for cost in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
    )


def _find_product(
    times: list[float],
    ended: list[float],
    waited: list[float],
    least: int,
    most: int,
    poll_cost: float,
) -> float:
    points = len(times)
    costs, polls, delays = [0.0] * points, [0.0] * points, [0.0] * points
    for point in range(points - 1 - least, -1, -1):
        last = min(point + most, points - 1) if point else points - 1
        here, start = ended[point], waited[point] - ended[point] * times[point]
        _, later = min(
            (waited[one] - here * times[one] - start + costs[one], one)
            for one in range(point + least, last + 1)
        )
        delay = waited[later] - here * times[later] - start
        costs[point] = delay + costs[later] + poll_cost * (1 - here)
        polls[point] = 1 - here + polls[later]
        delays[point] = delay + delays[later]
    return polls[0] * (delays[0] + LATENCY / 2)


def measure_same() -> None:
    header = f"{'past':30}{'learned':>21}{'fixed 5 s':>21}{'ratio':>12}{'optimum':>9}{'ratio':>7}"
    print(header)
    for median, sigma, goal in KINDS:
        draw, optimum = lognormal(median, sigma), find_optimum(median, sigma)
        for name, count, learned in (("20", 20, 0), ("100", 100, 0), ("100, learned", 120, 1)):
            pasts = [
                make_past(draw, count, Random(seed), learned=bool(learned)) for seed in range(PASTS)
            ]
            totals = compare(draw, pasts)
            product = totals[0].product()
            print(
                f"{f'median {median:g} s, {name}':30}{totals[0]!s:>21}{totals[1]!s:>21}"
                f"{find_ratio(*totals)[1]:>12}{optimum:9.1f}{product / optimum:7.2f}"
                f"  goal {goal:g}"
            )
            subject = f"polls x delay in s, median {median:g} s, learned from {name}"
            report_figure(subject, f"optimum {optimum:.1f}", product, goal, "s²")


def list_others(median: float, sigma: float) -> dict[str, Draw]:
    """Distributions that the past is not from."""
    draw = lognormal(median, sigma)
    return {
        "x 0.25": lambda rng: 0.25 * draw(rng),
        "x 0.5": lambda rng: 0.5 * draw(rng),
        "x 2": lambda rng: 2 * draw(rng),
        "x 4": lambda rng: 4 * draw(rng),
        "half x 0.5, half x 2": lambda rng: rng.choice((0.5, 2)) * draw(rng),
        "half x 0.25, half x 1": lambda rng: rng.choice((0.25, 1)) * draw(rng),
        "half x 1, half x 4": lambda rng: rng.choice((1, 4)) * draw(rng),
        "Pareto 1.5 above 0.6": lambda rng: 0.6 * median * rng.paretovariate(1.5),
        "lognormal, sigma 1": lognormal(median, 1.0),
        "uniform from 0 to 2": lambda rng: rng.uniform(0, 2 * median),
        "constant": lambda _: median,
    }


def measure_others() -> None:
    print(f"{'durations':44}{'frozen':>14}{'recorded':>14}")
    worst: dict[bool, list[tuple[float, str]]] = {False: [], True: []}
    for median, sigma, _ in KINDS:
        pasts = [
            make_past(lognormal(median, sigma), 20, Random(seed)) for seed in range(OTHER_PASTS)
        ]
        for name, draw in list_others(median, sigma).items():
            label = f"median {median:g} s, then {name}"
            line = f"{label:44}"
            for records, ratios in worst.items():
                ratio, text = find_ratio(*compare(draw, pasts, records=records))
                ratios.append((ratio, label))
                line += f"{text:>14}"
            print(line, flush=True)
    for records, ratios in worst.items():
        ratio, label = max(ratios)
        how = "one after another" if records else "all at once"
        report_figure(f"polls x delay, {how}, worst: {label}", "fixed 5 s", ratio, 1.0)
        print(f"worst, {how}: {ratio:.2f} ({label}), limit 1.00")


def main() -> None:
    measure_same()
    print()
    measure_others()


if __name__ == "__main__":
    main()
