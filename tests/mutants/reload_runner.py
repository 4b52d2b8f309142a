"""Runs mutants outside functions: a process with only libraries loaded imports a changed copy."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from . import forked_processes, package_copy, value_cache
from .baseline import Baseline
from .results import LOADING_TIMEOUT, SURVIVED, SuiteResult, Trial

_FIRST = 25


class _OrderedTests:
    """Runs the likeliest tests first and reports the first failure."""

    def __init__(self, trial: Trial, baseline: Baseline, report: Callable[[str], None]) -> None:
        self._order = {name: number for number, name in enumerate(trial.tests)}
        self._trial, self._baseline, self._report = trial, baseline, report
        self.failed = False
        self.is_collected = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.is_collected = self.is_collected and not report.failed

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # A new test belongs to a changed contract and is likely to fail.
        old = self._baseline.calls.keys()
        wanted = [one for one in items if one.nodeid in self._order or one.nodeid not in old]
        items[:] = sorted(wanted, key=lambda one: self._order.get(one.nodeid, -1))

    def pytest_collection_finish(self) -> None:
        if self._baseline.drawn_values:
            value_cache.install_cache(self._baseline.drawn_values)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        if not self.failed:
            self._report(item.nodeid)
        forked_processes.alarm(self._trial.timeout_for(item.nodeid, self._baseline))
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = True
            self._report(report.nodeid)


def run_trials(
    trials: list[Trial], baselines: dict[str, Baseline], workers: int
) -> Iterator[tuple[Trial, SuiteResult]]:
    """Run mutants of any code; several times slower than swapping.

    The likeliest tests run first and alone: loading the files of all tests takes longer than they.
    """
    whole = {(one.index, one.suite.name): one for one in trials}
    left = []
    few = [evolve(one, tests=one.tests[:_FIRST]) for one in trials]
    for trial, result in _run_each(few, baselines, workers):
        one = whole[trial.index, trial.suite.name]
        if result.result == SURVIVED and one.tests[_FIRST:]:
            left.append(evolve(one, tests=one.tests[_FIRST:]))
        else:
            yield one, result
    for trial, result in _run_each(left, baselines, workers):
        yield whole[trial.index, trial.suite.name], result


def _run_each(
    trials: list[Trial], baselines: dict[str, Baseline], workers: int
) -> Iterator[tuple[Trial, SuiteResult]]:
    with tempfile.TemporaryDirectory() as name:

        def work(trial: Trial, report: Callable[[str], None]) -> int:
            sys.dont_write_bytecode = True
            folder = Path(name) / f"{trial.index}-{trial.suite.name}-{trial.is_retry:d}"
            folder.mkdir()
            paths = package_copy.make(folder, trial.mutant.file, trial.mutant.source)
            return _run(trial, baselines[trial.suite.name], report, paths)

        for trial, end in forked_processes.each(trials, work, lambda _: LOADING_TIMEOUT, workers):
            yield trial, SuiteResult.of(end)


def _run(trial: Trial, baseline: Baseline, report: Callable[[str], None], paths: list[str]) -> int:
    plugin = _OrderedTests(trial, baseline, report)
    files = sorted({name.partition("::")[0] for name in trial.tests})
    paths_given = "-o", f"pythonpath={' '.join(paths)}"
    given = [*trial.suite.options, "-x", *paths_given, *trial.suite.left_out, *files]
    status = pytest.main(given, plugins=[plugin])
    if not _is_copy(trial, paths):
        report("the copy was not loaded")
        return forked_processes.BROKEN
    if not plugin.is_collected:
        # With `-x` pytest's status is that of a failed test.
        report("a file of tests could not be loaded")
        return forked_processes.BROKEN
    # A suite can fail without a failed test, for example when coverage is too low.
    is_green = status == pytest.ExitCode.TESTS_FAILED and not plugin.failed
    return int(pytest.ExitCode.OK if is_green else status)


def _is_copy(trial: Trial, paths: list[str]) -> bool:
    """Whether the package was imported from the copy, if it was imported at all."""
    package = Path(trial.mutant.file).parts[1]
    file = getattr(sys.modules.get(package), "__file__", None)
    return file is None or file.startswith(tuple(f"{one}/" for one in paths))
