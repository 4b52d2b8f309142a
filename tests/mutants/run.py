"""Seed every defect, and see who notices."""

from __future__ import annotations

import pickle
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from . import anew, forks, loaded, overlay, picked, swap
from .judges import COMMON, NAIVE, Judge
from .record import Baseline, Function, Recorder
from .sites import Mutant
from .verdicts import LATE, SURVIVED, UNTOUCHED, Finding, Outcome, Task

_VARIANTS = 3
# Seconds that a test takes beside itself.
_OVERHEAD = 0.003
# Seconds that a whole suite may take.
_LONGEST = 1200.0


class RedBaselineError(Exception):
    """A suite fails without a defect: whatever it says about defects means nothing."""


def baseline(judges: tuple[Judge, ...], width: int) -> dict[str, Baseline]:
    """Run the suites as they are, each in a fork.

    Raises:
        RedBaselineError: one of them fails, or has no tests.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def work(judge: Judge, _: Callable[[str], None]) -> int:
            recorder = Recorder()
            status = pytest.main([*COMMON, *judge.arguments], plugins=[recorder])
            (folder / judge.name).write_bytes(pickle.dumps(recorder.baseline))
            return int(status)

        ended = {job.name: end for job, end in forks.each(judges, work, lambda _: _LONGEST, width)}
        _refuse_red(ended, folder)
        return {one.name: pickle.loads((folder / one.name).read_bytes()) for one in judges}  # noqa: S301 - our own


def _refuse_red(ended: dict[str, forks.Ended], folder: Path) -> None:
    for name, end in ended.items():
        file = folder / name
        failed = pickle.loads(file.read_bytes()).failed if file.exists() else []  # noqa: S301 - our own
        if end.status or failed:
            words = ", ".join(failed[:5]) or end.words or f"pytest ended with {end.status}"
            raise RedBaselineError(f"the {name} suite is red without any defect: {words}")


def judged(
    mutants: list[Mutant],
    known: dict[str, Baseline],
    judges: tuple[Judge, ...],
    width: int,
    *,
    everybody: bool = False,
    is_same: Callable[[Mutant], bool] = lambda _: False,
) -> Iterator[Outcome]:
    """Seed each defect, and yield it once somebody has noticed, or nobody has.

    Of a slow test with many variants three are run at first. All of them are, for a defect that
    nobody has noticed then: what survives has survived everything.

    Args:
        mutants: the defects.
        known: the suites without any.
        judges: who is asked, in this order.
        width: how many at once.
        everybody: whether a judge is asked too where another has noticed already.
        is_same: whether a defect is known to make no difference; a few tests are enough for it.
    """
    outcomes = [Outcome(mutant) for mutant in mutants]
    plans = [_plan(mutant) for mutant in mutants]
    asked: list[Task] = []
    for judge in judges:
        tasks = [
            _task(index, one.mutant, judge, plans[index], known[judge.name])
            for index, one in enumerate(outcomes)
            if judge.is_asked_about(one.mutant.group) and (everybody or not one.is_killed)
        ]
        asked += tasks
        for task, finding in _settled(tasks, known, judges, width):
            outcome = outcomes[task.index]
            is_news = finding.is_kill and judge.name != NAIVE and not outcome.is_killed
            outcome.said[judge.name] = finding
            if is_news:
                yield outcome
    unnoticed = {index for index, one in enumerate(outcomes) if not one.is_killed}
    rest = [
        task.rest()
        for task in asked
        if task.index in unnoticed and task.left and task.judge.name != NAIVE
        if not is_same(task.mutant)
    ]
    for task, finding in _settled(rest, known, judges, width):
        if finding.is_kill:
            outcomes[task.index].said[task.judge.name] = finding
    yield from (outcomes[index] for index in sorted(unnoticed))


def check_forks(known: dict[str, Baseline], judges: tuple[Judge, ...], width: int) -> None:
    """Run both kinds of fork without a defect: whoever fails here would fail for no reason.

    Raises:
        RedBaselineError: somebody fails.
    """
    file = min(file for one in known.values() for calls in one.calls.values() for file, _ in calls)
    text = (overlay.ROOT / file).read_text("utf-8")
    nothing = Mutant("no defect", "wrapper", file, 1, "", "", "", text)

    def work(job: tuple[Judge, bool], say: Callable[[str], None]) -> int:
        judge, is_anew = job
        task = _task(0, nothing, judge, None, known[judge.name])
        swapped = evolve(task, plan=swap.Plan("", {}))
        said = (anew.judged([task], known, 1) if is_anew
                else loaded.judged([swapped], known, (judge,), 1))  # fmt: skip
        ((_, finding),) = said
        say(str(finding))
        return int(finding.result not in {SURVIVED, UNTOUCHED})

    jobs = [(judge, is_anew) for judge in judges for is_anew in (False, True)]
    for (judge, _), end in forks.each(jobs, work, lambda _: _LONGEST, width):
        if end.status:
            raise RedBaselineError(
                f"the {judge.name} suite fails in a fork without any defect: {end.words}"
            )


def _settled(
    tasks: list[Task], known: dict[str, Baseline], judges: tuple[Judge, ...], width: int
) -> Iterator[tuple[Task, Finding]]:
    """Each task with its finding; what was late is asked again, with more patience."""
    late = []
    for task, finding in _once(tasks, known, judges, width):
        if finding.result == LATE:
            late.append(evolve(task, is_again=True))
        else:
            yield task, finding
    yield from _once(late, known, judges, width)


def _once(
    tasks: list[Task], known: dict[str, Baseline], judges: tuple[Judge, ...], width: int
) -> Iterator[tuple[Task, Finding]]:
    """One that had its effect at loading is loaded to find out."""
    slow = [task for task in tasks if task.plan is None]
    quick = [task for task in tasks if task.plan is not None]
    for task, finding in loaded.judged(quick, known, judges, width):
        if not finding.is_kill and _is_loading(task, known[task.judge.name]):
            slow.append(task)
        else:
            yield task, finding
    yield from anew.judged(slow, known, width)


def _plan(mutant: Mutant) -> swap.Plan | None:
    path = overlay.ROOT / mutant.file
    if path.suffix != ".py":
        return None
    return swap.plan(str(path), path.read_text("utf-8"), mutant.source)


def _task(
    index: int, mutant: Mutant, judge: Judge, plan: swap.Plan | None, known: Baseline
) -> Task:
    """Which tests can notice: those that call what has changed, the likeliest first.

    A change outside functions can be noticed anywhere; those that call functions of its file come
    first, or for a contract those that are about the operations it says something else about, and
    those that are about all of it.
    """
    if plan is None:
        wanted = {one for calls in known.calls.values() for one in calls if one[0] == mutant.file}
        near = [name for name, calls in known.calls.items() if wanted & calls]
        if mutant.group == "contract":
            named = re.compile("|".join(map(re.escape, picked.concerned(mutant.source))))
            near = [name for name in known.calls if named.search(name) or "[" not in name]
        tests, every = near or list(known.calls), list(known.calls)
    else:
        wanted = {(mutant.file, place) for place in plan.codes}
        every = tests = [name for name, calls in known.calls.items() if wanted & calls]
    few = _few(tests) if judge.has_slow_variants else tests
    ranks = {name: _rank(name, known, wanted) for name in every}
    first = sorted(few, key=ranks.__getitem__)
    left = sorted(set(tests) - set(first), key=ranks.__getitem__)
    taken = {*first, *left}
    left += [name for name in every if name not in taken]
    return Task(index, mutant, judge, plan, tuple(first), tuple(left))


def _rank(name: str, known: Baseline, wanted: set[Function]) -> float:
    """The seconds that a test takes, for the share of what it calls that has changed."""
    calls = known.calls[name]
    return (known.seconds[name] + _OVERHEAD) * (len(calls) + 1) / (len(calls & wanted) + 1)


def _few(tests: list[str]) -> set[str]:
    """A few variants of each test, spread over all of them."""
    variants: dict[str, list[str]] = {}
    for name in tests:
        variants.setdefault(name.partition("[")[0], []).append(name)
    return {
        names[index * len(names) // min(len(names), _VARIANTS)]
        for names in variants.values()
        for index in range(min(len(names), _VARIANTS))
    }


def _is_loading(task: Task, known: Baseline) -> bool:
    assert task.plan is not None
    return any((task.mutant.file, place) in known.loading for place in task.plan.codes)


def load_libraries() -> None:
    """Load what every fork would load for itself; nothing of this repository."""
    import httpx  # noqa: F401 - for its effect, like the others
    import hypothesis  # noqa: F401
    import jsonschema  # noqa: F401
    import jsonschema_rs  # noqa: F401
    import respx  # noqa: F401
    import schemathesis.specs.openapi.schemas  # noqa: F401
    import starlette.responses  # noqa: F401
    import uvicorn  # noqa: F401

    early = [name for name in sys.modules if name.startswith(("cometapi_runway", "tests.contract"))]
    assert not early, f"loaded too early: {early}"


def now() -> float:
    """Seconds of a clock that only goes forward."""
    return time.monotonic()
