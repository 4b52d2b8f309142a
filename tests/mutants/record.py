"""The suites without a defect: that they are green, which functions each test calls, how long it
takes, and what is drawn."""

from __future__ import annotations

import cProfile
import os
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from attrs import define, field

from . import draws
from .overlay import FOLDERS, ROOT
from .swap import Place

Function = tuple[str, Place]
"""A function of the packages: its file, and where in it."""


Code = tuple[str, str, int]
"""Any function: its file, qualified name and first line."""


@define
class Baseline:
    """What one suite does when nothing is wrong.

    Attributes:
        calls: the functions each test calls, by the test's id; those called for its fixtures too.
        seconds: how long each takes.
        loading: the functions called while the tests were loaded.
        failed: the tests that failed; there must be none.
        memory: what was drawn.
    """

    calls: dict[str, frozenset[Function]] = field(factory=dict)
    seconds: dict[str, float] = field(factory=dict)
    loading: frozenset[Function] = frozenset()
    failed: list[str] = field(factory=list)
    memory: draws.Memory = field(factory=dict)


class Recorder:
    """Watches a run. Only calls are noted, not lines: knowing the function is enough."""

    def __init__(self) -> None:
        self.baseline = Baseline()
        self._watch = _Watch()
        self._shared: dict[str, set[Code]] = defaultdict(set)
        self._own: dict[str, set[Code]] = defaultdict(set)
        self._loading: set[Code] = set()
        self._fixtures: dict[str, list[str]] = {}
        self._into = self._loading

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if any("tests/contract" in item.nodeid for item in session.items):
            draws.remember(self.baseline.memory)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._turn_to(self._own[item.nodeid])
        self._fixtures[item.nodeid] = list(getattr(item, "fixturenames", ()))
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            self.baseline.seconds[item.nodeid] = time.perf_counter() - started

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Any:
        """What is set up for several tests is called for each of them."""
        if fixturedef.scope == "function":
            return (yield)
        outer = self._turn_to(self._shared[fixturedef.argname])
        try:
            return (yield)
        finally:
            self._turn_to(outer)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.baseline.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._turn_to(set())
        self._watch.stop()
        shared = {name: _functions(codes) for name, codes in self._shared.items()}
        for nodeid, codes in self._own.items():
            called = [_functions(codes)]
            called += [shared[name] for name in self._fixtures[nodeid] if name in shared]
            self.baseline.calls[nodeid] = frozenset().union(*called)
        self.baseline.loading = _functions(self._loading)

    def _turn_to(self, into: set[Code]) -> set[Code]:
        """Note from now on into another set; returns the one until now."""
        outer, self._into = self._into, into
        outer |= self._watch.seen()
        return outer


class _Watch:
    """Which code runs, in every thread. Profilers in C cost a tenth of a trace in Python."""

    def __init__(self) -> None:
        self._here = _profiler()
        self._there: list[_Thread] = []
        # From Python 3.12 on one profiler sees every thread, and a second one is refused.
        if sys.version_info < (3, 12):
            threading.setprofile(self._enter)
        self._here.enable()

    def _enter(self, *_: object) -> None:
        """The first event of a thread: from here on it has a profiler of its own."""
        thread = _Thread(threading.current_thread())
        self._there.append(thread)
        thread.profiler.enable()

    def seen(self) -> set[Code]:
        """What ran since the last time."""
        self._here.disable()
        codes = {_called(one.code) for one in self._here.getstats()}
        self._here.clear()
        for thread in self._there.copy():
            is_over = not thread.thread.is_alive()
            codes |= thread.news()
            if is_over:
                # One that is still enabled when it is freed ends the profiler of whoever frees it.
                thread.profiler.disable()
                self._there.remove(thread)
        self._here.enable()
        return codes

    def stop(self) -> None:
        """Watch no more."""
        self._here.disable()
        threading.setprofile(None)  # type: ignore[arg-type] # what unsets it


def _profiler() -> cProfile.Profile:
    return cProfile.Profile(subcalls=False, builtins=False)


def _called(code: object) -> Code:
    # Not the code itself: two that are alike are equal, in whatever file they are.
    if isinstance(code, CodeType):
        return code.co_filename, code.co_qualname, code.co_firstlineno
    return "", str(code), 0


@define(eq=False)
class _Thread:
    """Another thread. Its profiler cannot be emptied from here, so what is old is remembered."""

    thread: threading.Thread
    profiler: cProfile.Profile = field(factory=_profiler)
    _counts: dict[Code, int] = field(factory=dict)

    def news(self) -> set[Code]:
        """What ran since the last time."""
        counts = {_called(one.code): one.callcount for one in self.profiler.getstats()}
        old, self._counts = self._counts, counts
        return {code for code, count in counts.items() if count > old.get(code, 0)}


def _functions(codes: set[Code]) -> frozenset[Function]:
    """Those of the packages."""
    inside = {str(ROOT / folder) + os.sep for folder in FOLDERS}
    return frozenset(
        (Path(file).relative_to(ROOT).as_posix(), (name, line))
        for file, name, line in codes
        if file.startswith(tuple(inside))
    )
