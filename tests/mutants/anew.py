"""Defects outside functions: a fork that has loaded only libraries loads a changed copy."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import draws, forks, overlay
from .judges import COMMON
from .record import Baseline
from .verdicts import LOADING, Finding, Task


class _Ordered:
    """Runs what can notice first, and says what did."""

    def __init__(self, task: Task, known: Baseline, say: Callable[[str], None]) -> None:
        self._order = {name: number for number, name in enumerate(task.tests)}
        self._task, self._known, self._say = task, known, say
        self.failed = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # A test that is new is one of a contract that has moved, and likely to notice.
        old = self._known.calls.keys()
        wanted = [one for one in items if one.nodeid in self._order or one.nodeid not in old]
        items[:] = sorted(wanted, key=lambda one: self._order.get(one.nodeid, -1))

    def pytest_collection_finish(self) -> None:
        if self._known.memory:
            draws.remember(self._known.memory)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        if not self.failed:
            self._say(item.nodeid)
        forks.alarm(self._task.patience(item.nodeid, self._known))
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = True
            self._say(report.nodeid)


def judged(
    tasks: list[Task], known: dict[str, Baseline], width: int
) -> Iterator[tuple[Task, Finding]]:
    """Judge defects whatever they concern; several times slower than swapping."""
    with tempfile.TemporaryDirectory() as name:

        def work(task: Task, say: Callable[[str], None]) -> int:
            sys.dont_write_bytecode = True
            folder = Path(name) / f"{task.index}-{task.judge.name}-{task.is_again:d}"
            folder.mkdir()
            paths = overlay.make(folder, task.mutant.file, task.mutant.source)
            return _run(task, known[task.judge.name], say, paths)

        for task, end in forks.each(tasks, work, lambda _: LOADING, width):
            yield task, Finding.of(end)


def _run(task: Task, known: Baseline, say: Callable[[str], None], paths: list[str]) -> int:
    plugin = _Ordered(task, known, say)
    files = sorted({name.partition("::")[0] for name in task.tests})
    paths_given = "-o", f"pythonpath={' '.join(paths)}"
    given = [*COMMON, "-x", *paths_given, *task.judge.left_out, *files]
    status = pytest.main(given, plugins=[plugin])
    if not _is_copy(task, paths):
        say("the copy was not loaded")
        return forks.BROKEN
    # A suite may have more to complain of than a test, such as too few facets seen.
    is_green = status == pytest.ExitCode.TESTS_FAILED and not plugin.failed
    return int(pytest.ExitCode.OK if is_green else status)


def _is_copy(task: Task, paths: list[str]) -> bool:
    """Whether the package came from the copy, if at all."""
    package = Path(task.mutant.file).parts[1]
    file = getattr(sys.modules.get(package), "__file__", None)
    return file is None or file.startswith(tuple(f"{one}/" for one in paths))
