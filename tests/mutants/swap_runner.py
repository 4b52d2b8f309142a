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
from .suites import COMMON, Suite


class _ForkingSession:
    """A pytest session that collects tests and then forks instead of running them."""

    def __init__(
        self, tasks: list[Trial], baseline: Baseline, workers: int, sink: Callable[[Any], None]
    ) -> None:
        self._tasks, self._baseline, self._workers, self._sink = tasks, baseline, workers, sink
        self._failed = ""
        self.is_done = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self._baseline.drawn_values:
            value_cache.install_cache(self._baseline.drawn_values)
        items = {item.nodeid: item for item in session.items}
        for file in {task.mutant.file for task in self._tasks if task.plan and task.plan.codes}:
            # Load modules that are imported late; a fork would import the unchanged file.
            importlib.import_module(package_copy.module(file))

        def work(task: Trial, report: Callable[[str], None]) -> int:
            assert task.plan is not None
            if task.plan.codes and not code_swap.apply(task.plan):
                report("no loaded function has the changed code")
                return forked_processes.BROKEN
            code_swap.clear_caches()
            return self._run(task, [items[name] for name in task.tests], report)

        for task, end in forked_processes.each(
            self._tasks, work, lambda _: LOADING_TIMEOUT, self._workers
        ):
            self._sink((task.index, SuiteResult.of(end)))
        self.is_done = True
        return True

    def _run(self, task: Trial, items: list[pytest.Item], report: Callable[[str], None]) -> int:
        for item, after in zip(items, [*items[1:], None], strict=True):
            report(item.nodeid)
            forked_processes.alarm(task.timeout_for(item.nodeid, self._baseline))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self._failed:
                report(self._failed)
                return int(pytest.ExitCode.TESTS_FAILED)
        return int(pytest.ExitCode.OK)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid


def run_trials(
    tasks: list[Trial], baselines: dict[str, Baseline], suites: tuple[Suite, ...], workers: int
) -> Iterator[tuple[Trial, SuiteResult]]:
    """Run mutants that have a plan; a mutant that no test calls needs no process."""
    for suite in suites:
        mine = {task.index: task for task in tasks if task.suite == suite}
        for task in (task for task in mine.values() if not task.tests):
            yield task, SuiteResult(NOT_CALLED)
        called = [task for task in mine.values() if task.tests]
        for index, finding in _served(suite, called, baselines[suite.name], workers):
            yield mine[index], finding


def _served(
    suite: Suite, tasks: list[Trial], baseline: Baseline, workers: int
) -> Iterator[tuple[int, SuiteResult]]:
    if not tasks:
        return
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        _serve(suite, tasks, baseline, workers, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        for _ in tasks:
            try:
                yield pickle.load(stream)  # noqa: S301 - our own
            except EOFError:
                break
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"the {suite.name} tests could not be loaded: status {status}")


def _serve(suite: Suite, tasks: list[Trial], baseline: Baseline, workers: int, writer: int) -> None:
    """Load one suite, run its trials and end the process."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    status = 1
    try:
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            plugin = _ForkingSession(
                tasks, baseline, workers, lambda found: pipe.write(pickle.dumps(found))
            )
            pytest.main([*COMMON, *suite.arguments], plugins=[plugin])
            status = 0 if plugin.is_done else 1
    finally:
        os._exit(status)
