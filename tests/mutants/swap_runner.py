"""Runs mutants inside functions: a suite is loaded once, and each forked process swaps code."""

from __future__ import annotations

import importlib
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from . import code_swap, forked_processes, package_copy, value_cache
from .baseline import Baseline
from .results import LOADING_TIMEOUT, NOT_CALLED, SuiteResult, Trial
from .suites import Suite


class _ForkingSession:
    """A pytest session that collects tests and then forks instead of running them."""

    def __init__(
        self, trials: list[Trial], baseline: Baseline, workers: int, sink: Callable[[Any], None]
    ) -> None:
        self._trials, self._baseline, self._workers, self._sink = trials, baseline, workers, sink
        self._failed = ""
        self.is_done = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self._baseline.drawn_values:
            value_cache.install_cache(self._baseline.drawn_values)
        items = {item.nodeid: item for item in session.items}
        for file in {
            trial.mutant.file for trial in self._trials if trial.plan and trial.plan.codes
        }:
            # Load modules that are imported late; a fork would import the unchanged file.
            importlib.import_module(package_copy.module(file))

        def work(trial: Trial, report: Callable[[str], None]) -> int:
            assert trial.plan is not None
            if trial.plan.codes and not code_swap.apply(trial.plan):
                report("no loaded function has the changed code")
                return forked_processes.BROKEN
            code_swap.clear_caches()
            return self._run(trial, [items[name] for name in trial.tests], report)

        for trial, end in forked_processes.each(
            self._trials, work, lambda _: LOADING_TIMEOUT, self._workers
        ):
            self._sink((trial.index, SuiteResult.of(end)))
        self.is_done = True
        return True

    def _run(self, trial: Trial, items: list[pytest.Item], report: Callable[[str], None]) -> int:
        for item, after in zip(items, [*items[1:], None], strict=True):
            report(item.nodeid)
            forked_processes.alarm(trial.timeout_for(item.nodeid, self._baseline))
            try:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            except KeyboardInterrupt:
                # pytest takes an interruption that a test lets through for one of its own.
                self._failed = item.nodeid
            if self._failed:
                report(self._failed)
                return int(pytest.ExitCode.TESTS_FAILED)
        return int(pytest.ExitCode.OK)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid


def run_trials(
    trials: list[Trial], baselines: dict[str, Baseline], suites: tuple[Suite, ...], workers: int
) -> Iterator[tuple[Trial, SuiteResult]]:
    """Run mutants that have a plan; a mutant that no test calls needs no process."""
    for suite in suites:
        mine = {trial.index: trial for trial in trials if trial.suite == suite}
        for trial in (trial for trial in mine.values() if not trial.tests):
            yield trial, SuiteResult(NOT_CALLED)
        called = [trial for trial in mine.values() if trial.tests]
        for index, result in _served(suite, called, baselines[suite.name], workers):
            yield mine[index], result


def _served(
    suite: Suite, trials: list[Trial], baseline: Baseline, workers: int
) -> Iterator[tuple[int, SuiteResult]]:
    if not trials:
        return
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        _serve(suite, trials, baseline, workers, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        for _ in trials:
            try:
                yield pickle.load(stream)  # noqa: S301 - our own
            except EOFError:
                break
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"the {suite.name} tests could not be loaded: status {status}")


def _serve(
    suite: Suite, trials: list[Trial], baseline: Baseline, workers: int, writer: int
) -> None:
    """Load one suite, run its trials and end the process."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    status = 1
    try:
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            plugin = _ForkingSession(
                trials, baseline, workers, lambda found: pipe.write(pickle.dumps(found))
            )
            pytest.main(suite.arguments, plugins=[plugin])
            status = 0 if plugin.is_done else 1
    finally:
        os._exit(status)
