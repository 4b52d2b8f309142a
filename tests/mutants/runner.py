"""Runs every mutant through the test suites."""

from __future__ import annotations

import pickle
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from . import (
    areas,
    code_swap,
    forked_processes,
    package_copy,
    picked_mutants,
    reload_runner,
    swap_runner,
)
from .areas import CONTRACT, find_area
from .baseline import Baseline, Function, Recorder
from .mutation_operators import Mutant
from .results import NOT_CALLED, SURVIVED, TIMED_OUT, MutantResult, SuiteResult, Trial
from .suites import COMPARISON, Suite

_VARIANTS = 3
# Seconds of overhead per test.
_OVERHEAD = 0.003
# The timeout of a whole suite in seconds.
_LONGEST = 1200.0


class FailingBaselineError(Exception):
    """A suite fails without a mutation, so its results would mean nothing."""


def baseline(suites: tuple[Suite, ...], workers: int) -> dict[str, Baseline]:
    """Run the suites unchanged, each in its own process.

    Raises:
        FailingBaselineError: one of them fails, or has no tests.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def work(suite: Suite, _: Callable[[str], None]) -> int:
            recorder = Recorder()
            status = pytest.main(suite.arguments, plugins=[recorder])
            (folder / suite.name).write_bytes(pickle.dumps(recorder.baseline))
            return int(status)

        ended = {
            job.name: end
            for job, end in forked_processes.each(suites, work, lambda _: _LONGEST, workers)
        }
        _reject_failures(ended, folder)
        return {one.name: pickle.loads((folder / one.name).read_bytes()) for one in suites}  # noqa: S301 - our own


def _reject_failures(ended: dict[str, forked_processes.ProcessResult], folder: Path) -> None:
    for name, end in ended.items():
        file = folder / name
        failed = pickle.loads(file.read_bytes()).failed if file.exists() else []  # noqa: S301 - our own
        if end.status or failed:
            words = ", ".join(failed[:5]) or end.words or f"pytest ended with {end.status}"
            raise FailingBaselineError(f"the {name} suite fails without a mutation: {words}")


def run_trials(
    mutants: list[Mutant],
    baselines: dict[str, Baseline],
    suites: tuple[Suite, ...],
    workers: int,
    *,
    all_suites: bool = False,
    is_equivalent: Callable[[Mutant], bool] = lambda _: False,
) -> Iterator[MutantResult]:
    """Apply each mutant, and yield it once a suite has killed it or all have run.

    Of a slow test with many variants three run at first, and all of them for a mutant that no
    suite has killed: a survivor has survived every test.

    Args:
        mutants: the mutants.
        baselines: the unchanged suites.
        suites: the suites in the order in which they run.
        workers: how many processes run at once.
        all_suites: whether a suite also runs for mutants that another suite has killed.
        is_equivalent: whether a mutant is listed as equivalent; a few tests are enough for it.
    """
    outcomes = [MutantResult(mutant) for mutant in mutants]
    plans = [_plan(mutant) for mutant in mutants]
    all_trials: list[Trial] = []
    for suite in suites:
        trials = [
            _make_trial(
                index,
                one.mutant,
                suite,
                None if suite.starts_processes else plans[index],
                baselines[suite.name],
            )
            for index, one in enumerate(outcomes)
            if suite.applies_to(one.mutant.area) and (all_suites or not one.is_killed)
            if not (suite.starts_processes and is_equivalent(one.mutant))
        ]
        all_trials += trials
        for trial, result in _run_with_retry(trials, baselines, suites, workers):
            outcome = outcomes[trial.index]
            is_news = result.is_kill and suite.name != COMPARISON and not outcome.is_killed
            outcome.suite_results[suite.name] = result
            if is_news:
                yield outcome
    survivors = {index for index, one in enumerate(outcomes) if not one.is_killed}
    rest = [
        trial.rest()
        for trial in all_trials
        if trial.index in survivors and trial.left and trial.suite.name != COMPARISON
        if not is_equivalent(trial.mutant)
    ]
    for trial, result in _run_with_retry(rest, baselines, suites, workers):
        if result.is_kill:
            outcomes[trial.index].suite_results[trial.suite.name] = result
    yield from (outcomes[index] for index in sorted(survivors))


def check_kills(
    outcomes: Iterable[MutantResult],
    baselines: dict[str, Baseline],
    suites: tuple[Suite, ...],
    workers: int,
) -> None:
    """Run the tests that killed in both kinds of process without a mutation.

    A test may fail there for another reason, for example because it leaves something behind.

    Raises:
        FailingBaselineError: one of them fails.
    """
    killers = {suite.name: _killers(outcomes, suite.name) for suite in suites}

    def unchanged(suite: Suite) -> Mutant:
        # A file that the suite judges: a test may fail where this very file is a copy.
        called = {file for calls in baselines[suite.name].calls.values() for file, _ in calls}
        judged = [one for one in called if suite.applies_to(find_area(one))]
        if suite.starts_processes:
            here = (area for area in areas.AREAS if suite.applies_to(area.name))
            judged = [next(here).files[0].relative_to(package_copy.ROOT).as_posix()]
        file = min(judged)
        text = (package_copy.ROOT / file).read_text("utf-8")
        return Mutant("unchanged", find_area(file), file, 1, "", "", "", text.encode())

    def work(job: tuple[Suite, bool], report: Callable[[str], None]) -> int:
        suite, is_reload = job
        trial = _make_trial(0, unchanged(suite), suite, None, baselines[suite.name])
        trial = evolve(trial, tests=killers[suite.name], left=(), is_retry=True)
        swapped = evolve(trial, plan=code_swap.Plan("", {}))
        found = (reload_runner.run_trials([trial], baselines, 1) if is_reload
                else swap_runner.run_trials([swapped], baselines, (suite,), 1))  # fmt: skip
        ((_, result),) = found
        report(str(result))
        return int(result.result not in {SURVIVED, NOT_CALLED})

    jobs = [
        (suite, is_reload)
        for suite in suites
        if killers[suite.name]
        for is_reload in (False, True)
        if is_reload or not suite.starts_processes
    ]
    for (suite, _), end in forked_processes.each(jobs, work, lambda _: _LONGEST, workers):
        if end.status:
            raise FailingBaselineError(
                f"the {suite.name} suite fails in a forked process without a mutation: {end.words}"
            )


def _killers(outcomes: Iterable[MutantResult], suite: str) -> tuple[str, ...]:
    found = (one.suite_results[suite] for one in outcomes if suite in one.suite_results)
    return tuple(dict.fromkeys(one.test for one in found if one.is_kill))


def _run_with_retry(
    trials: list[Trial], baselines: dict[str, Baseline], suites: tuple[Suite, ...], workers: int
) -> Iterator[tuple[Trial, SuiteResult]]:
    """Each trial with its result; one that timed out runs again with a longer timeout."""
    late = []
    for trial, result in _run_once(trials, baselines, suites, workers):
        if result.result == TIMED_OUT:
            late.append(evolve(trial, is_retry=True))
        else:
            yield trial, result
    yield from _run_once(late, baselines, suites, workers)


def _run_once(
    trials: list[Trial], baselines: dict[str, Baseline], suites: tuple[Suite, ...], workers: int
) -> Iterator[tuple[Trial, SuiteResult]]:
    """Run each trial once; a surviving mutant of code that runs at import is reloaded."""
    slow = [trial for trial in trials if trial.plan is None]
    quick = [trial for trial in trials if trial.plan is not None]
    for trial, result in swap_runner.run_trials(quick, baselines, suites, workers):
        if not result.is_kill and _is_loading(trial, baselines[trial.suite.name]):
            slow.append(trial)
        else:
            yield trial, result
    yield from reload_runner.run_trials(slow, baselines, workers)


def _plan(mutant: Mutant) -> code_swap.Plan | None:
    path = package_copy.ROOT / mutant.file
    if path.suffix != ".py":
        return None
    return code_swap.plan(str(path), path.read_text("utf-8"), mutant.source)


def _make_trial(
    index: int, mutant: Mutant, suite: Suite, plan: code_swap.Plan | None, baseline: Baseline
) -> Trial:
    """Select the tests that can kill a mutant: those that call changed code, the likeliest first.

    Any test can detect a change outside functions. Tests that call functions of the same file come
    first; for a changed contract, tests of the changed operations and tests of the whole contract.
    """
    wanted = set() if plan is None else {(mutant.file, place) for place in plan.codes}
    every = tests = [name for name, calls in baseline.calls.items() if wanted & calls]
    # A function that was called while the tests were loaded is run again only by loading it.
    if plan is None or (not tests and wanted & baseline.loading):
        wanted = {
            one for calls in baseline.calls.values() for one in calls if one[0] == mutant.file
        }
        near = [name for name, calls in baseline.calls.items() if wanted & calls]
        if mutant.area == CONTRACT:
            named = re.compile(
                "|".join(map(re.escape, picked_mutants.changed_operations(mutant.source)))
            )
            near = [name for name in baseline.calls if named.search(name) or "[" not in name]
        every = list(baseline.calls)
        tests = every if suite.starts_processes else near or every
    few = _select_variants(tests) if suite.has_slow_variants else tests
    ranks = {name: _rank(name, baseline, wanted) for name in every}
    first = sorted(few, key=ranks.__getitem__)
    left = sorted(set(tests) - set(first), key=ranks.__getitem__)
    taken = {*first, *left}
    left += [name for name in every if name not in taken]
    return Trial(index, mutant, suite, plan, tuple(first), tuple(left))


def _rank(name: str, baseline: Baseline, wanted: set[Function]) -> float:
    """The duration of a test, divided by the share of its calls that have changed."""
    calls = baseline.calls[name]
    return (baseline.seconds[name] + _OVERHEAD) * (len(calls) + 1) / (len(calls & wanted) + 1)


def _select_variants(tests: list[str]) -> set[str]:
    """A few variants of each parametrized test, spread over all of them."""
    variants: dict[str, list[str]] = {}
    for name in tests:
        variants.setdefault(name.partition("[")[0], []).append(name)
    return {
        names[index * len(names) // min(len(names), _VARIANTS)]
        for names in variants.values()
        for index in range(min(len(names), _VARIANTS))
    }


def _is_loading(trial: Trial, baseline: Baseline) -> bool:
    assert trial.plan is not None
    return any((trial.mutant.file, place) in baseline.loading for place in trial.plan.codes)


def load_libraries() -> None:
    """Import what every process would import, but nothing of this repository."""
    import httpx  # noqa: F401 - for its effect, like the others
    import hypothesis  # noqa: F401
    import jsonschema  # noqa: F401
    import jsonschema_rs  # noqa: F401
    import respx  # noqa: F401
    import schemathesis.specs.openapi.schemas  # noqa: F401
    import starlette.responses  # noqa: F401
    import uvicorn  # noqa: F401

    early = [
        name
        for name in sys.modules
        if name.startswith(("cometapi_runway", "contract_tools", "tests.contract"))
    ]
    assert not early, f"loaded too early: {early}"


def now() -> float:
    """Monotonic time in seconds."""
    return time.monotonic()
