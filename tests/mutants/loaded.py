"""Defects inside functions: a suite is loaded once, and each fork of it swaps some code."""

from __future__ import annotations

import importlib
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from . import draws, forks, overlay, swap
from .judges import COMMON, Judge
from .record import Baseline
from .verdicts import LOADING, UNTOUCHED, Finding, Task


class _Loaded:
    """A pytest session that has collected, and then forks instead of running."""

    def __init__(
        self, tasks: list[Task], known: Baseline, width: int, sink: Callable[[Any], None]
    ) -> None:
        self._tasks, self._known, self._width, self._sink = tasks, known, width, sink
        self._failed = ""
        self.is_done = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self._known.memory:
            draws.remember(self._known.memory)
        items = {item.nodeid: item for item in session.items}
        for file in {task.mutant.file for task in self._tasks if task.plan and task.plan.codes}:
            # Most are loaded by whoever needs them first; a fork would load the unchanged file.
            importlib.import_module(overlay.module(file))

        def work(task: Task, say: Callable[[str], None]) -> int:
            assert task.plan is not None
            if task.plan.codes and not swap.apply(task.plan):
                say("nobody holds the changed functions")
                return forks.BROKEN
            swap.forget()
            return self._run(task, [items[name] for name in task.tests], say)

        for task, end in forks.each(self._tasks, work, lambda _: LOADING, self._width):
            self._sink((task.index, Finding.of(end)))
        self.is_done = True
        return True

    def _run(self, task: Task, items: list[pytest.Item], say: Callable[[str], None]) -> int:
        for item, after in zip(items, [*items[1:], None], strict=True):
            say(item.nodeid)
            forks.alarm(task.patience(item.nodeid, self._known))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self._failed:
                say(self._failed)
                return int(pytest.ExitCode.TESTS_FAILED)
        return int(pytest.ExitCode.OK)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid


def judged(
    tasks: list[Task], known: dict[str, Baseline], judges: tuple[Judge, ...], width: int
) -> Iterator[tuple[Task, Finding]]:
    """Judge defects that have a plan; one that no test of a suite calls needs no fork."""
    for judge in judges:
        mine = {task.index: task for task in tasks if task.judge == judge}
        for task in (task for task in mine.values() if not task.tests):
            yield task, Finding(UNTOUCHED)
        called = [task for task in mine.values() if task.tests]
        for index, finding in _served(judge, called, known[judge.name], width):
            yield mine[index], finding


def _served(
    judge: Judge, tasks: list[Task], known: Baseline, width: int
) -> Iterator[tuple[int, Finding]]:
    if not tasks:
        return
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        _serve(judge, tasks, known, width, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        for _ in tasks:
            try:
                yield pickle.load(stream)  # noqa: S301 - our own
            except EOFError:
                break
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"the {judge.name} tests could not be loaded: status {status}")


def _serve(judge: Judge, tasks: list[Task], known: Baseline, width: int, writer: int) -> None:
    """Load one suite, judge with it, and end the process."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nothing, stream)
    status = 1
    try:
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            plugin = _Loaded(tasks, known, width, lambda found: pipe.write(pickle.dumps(found)))
            pytest.main([*COMMON, *judge.arguments], plugins=[plugin])
            status = 0 if plugin.is_done else 1
    finally:
        os._exit(status)
