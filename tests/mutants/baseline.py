"""The unchanged suites: failures, the functions that each test calls, durations, drawn values."""

from __future__ import annotations

import cProfile
import functools
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

from . import code_swap, value_cache
from .code_swap import Place
from .package_copy import FOLDERS, ROOT

Function = tuple[str, Place]
"""A function of the packages: its file, and its place in the file."""


Code = tuple[str, str, int]
"""Any function: its file, qualified name and first line."""


@define
class Baseline:
    """What one suite does without a mutation.

    Attributes:
        calls: the functions that each test calls, those of its fixtures included.
        seconds: the duration of each test with its fixtures, the shared ones too: each process
            that runs it sets them up.
        took: the duration of all of them.
        loading: the functions called while the tests were loaded.
        failed: the failed tests; there must be none.
        drawn_values: the values that the contract suite drew.
    """

    calls: dict[str, frozenset[Function]] = field(factory=dict)
    seconds: dict[str, float] = field(factory=dict)
    took: float = 0.0
    loading: frozenset[Function] = frozenset()
    failed: list[str] = field(factory=list)
    drawn_values: value_cache.ValueCache = field(factory=dict)


class Recorder:
    """Records a run. Calls are recorded, not lines: knowing the function is enough."""

    def __init__(self) -> None:
        self.baseline = Baseline()
        self._watch = _Watch()
        self._shared: dict[str, set[Code]] = defaultdict(set)
        self._own: dict[str, set[Code]] = defaultdict(set)
        self._loading: set[Code] = set()
        self._shared_seconds: dict[str, float] = defaultdict(float)
        self._fixtures: dict[str, list[str]] = {}
        self._into = self._loading
        self._modules = 0
        self._caches: list[functools._lru_cache_wrapper[Any]] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if any("tests/contract" in item.nodeid for item in session.items):
            value_cache.install_cache(self.baseline.drawn_values)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._clear_caches()
        self._turn_to(self._own[item.nodeid])
        self._fixtures[item.nodeid] = list(getattr(item, "fixturenames", ()))
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            self.baseline.seconds[item.nodeid] = time.perf_counter() - started

    def _clear_caches(self) -> None:
        """Else only the first test that needs a cached result would call its function."""
        if len(sys.modules) != self._modules:
            self._modules, self._caches = len(sys.modules), code_swap.find_caches()
        for cache in self._caches:
            cache.cache_clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Any:
        """The calls of a shared fixture count for each test that uses it."""
        if fixturedef.scope == "function":
            return (yield)
        outer = self._turn_to(self._shared[fixturedef.argname])
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            took = time.perf_counter() - started
            longest = max(took, self._shared_seconds[fixturedef.argname])
            self._shared_seconds[fixturedef.argname] = longest
            self._turn_to(outer)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.baseline.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._turn_to(set())
        self._watch.stop()
        shared = {name: _functions(codes) for name, codes in self._shared.items()}
        self.baseline.took = sum(self.baseline.seconds.values())
        for nodeid, codes in self._own.items():
            names = self._fixtures[nodeid]
            self.baseline.seconds[nodeid] += sum(
                self._shared_seconds.get(name, 0) for name in names
            )
            called = [_functions(codes)]
            called += [shared[name] for name in names if name in shared]
            self.baseline.calls[nodeid] = frozenset().union(*called)
        self.baseline.loading = _functions(self._loading)

    def _turn_to(self, into: set[Code]) -> set[Code]:
        """Record into another set from now on; returns the previous set."""
        outer, self._into = self._into, into
        outer |= self._watch.seen()
        return outer


class _Watch:
    """Records which code runs in every thread. C profilers take a tenth of a Python trace."""

    def __init__(self) -> None:
        self._here = _profiler()
        self._there: list[_Thread] = []
        # From Python 3.12 on one profiler sees every thread, and a second one is refused.
        if sys.version_info < (3, 12):
            threading.setprofile(self._enter)
        self._here.enable()

    def _enter(self, *_: object) -> None:
        """The first event of a thread gives it its own profiler."""
        thread = _Thread(threading.current_thread())
        self._there.append(thread)
        thread.profiler.enable()

    def seen(self) -> set[Code]:
        """The code that ran since the last call."""
        self._here.disable()
        codes = {_called(one.code) for one in self._here.getstats()}
        self._here.clear()
        for thread in self._there.copy():
            is_over = not thread.thread.is_alive()
            codes |= thread.news()
            if is_over:
                # A profiler freed while enabled would stop the profiler of the current thread.
                thread.profiler.disable()
                self._there.remove(thread)
        self._here.enable()
        return codes

    def stop(self) -> None:
        """Stop recording."""
        self._here.disable()
        threading.setprofile(None)  # type: ignore[arg-type] # what unsets it


def _profiler() -> cProfile.Profile:
    return cProfile.Profile(subcalls=False, builtins=False)


def _called(code: object) -> Code:
    # Names instead of code objects: equal code in different files compares equal.
    if isinstance(code, CodeType):
        return code.co_filename, code.co_qualname, code.co_firstlineno
    return "", str(code), 0


@define(eq=False)
class _Thread:
    """Another thread. Its profiler cannot be cleared from here, so earlier counts are kept."""

    thread: threading.Thread
    profiler: cProfile.Profile = field(factory=_profiler)
    _counts: dict[Code, int] = field(factory=dict)

    def news(self) -> set[Code]:
        """The code that ran since the last call."""
        counts = {_called(one.code): one.callcount for one in self.profiler.getstats()}
        old, self._counts = self._counts, counts
        return {code for code, count in counts.items() if count > old.get(code, 0)}


def _functions(codes: set[Code]) -> frozenset[Function]:
    """Only the functions of the packages."""
    inside = {str(ROOT / folder) + os.sep for folder in FOLDERS}
    return frozenset(
        (Path(file).relative_to(ROOT).as_posix(), (name, line))
        for file, name, line in codes
        if file.startswith(tuple(inside))
    )
