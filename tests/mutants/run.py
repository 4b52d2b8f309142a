"""Seed every defect, and see who notices."""

from __future__ import annotations

import importlib
import itertools
import os
import pickle
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field, frozen

from . import draws, forks, overlay, swap
from .judges import COMMON, Judge
from .record import Baseline, Recorder
from .sites import Mutant

KILLED, SURVIVED, LATE, UNTOUCHED = "killed", "survived", "timeout", "not called"
_PATIENCE = 30
_VARIANTS = 3


class RedBaselineError(Exception):
    """A suite fails without a defect: whatever it says about defects means nothing."""


@frozen
class Finding:
    """What one judge said about one defect.

    Attributes:
        result: killed, timeout, survived, not called, or how it broke.
        by: the test that noticed.
        seconds: how long it took.
    """

    result: str
    by: str = ""
    seconds: float = 0.0

    @property
    def is_kill(self) -> bool:
        """Only a failed test and a test that hangs are kills."""
        return self.result in {KILLED, LATE}


@define
class Outcome:
    """One defect and what the judges said."""

    mutant: Mutant
    said: dict[str, Finding] = field(factory=dict)

    @property
    def is_killed(self) -> bool:
        """Whether the tests of this repository noticed; the naive ones are for comparison."""
        return any(one.is_kill for name, one in self.said.items() if name != "naive")


@frozen
class Task:
    """One defect before one judge.

    Attributes:
        index: the defect's number.
        plan: how to swap it in; None where it has to be loaded.
        tests: those that can notice, in the order they are run.
        left: those that can notice and are not run at first.
        seconds: how long `tests` take.
    """

    index: int
    mutant: Mutant
    judge: Judge
    plan: swap.Plan | None
    tests: tuple[str, ...]
    left: tuple[str, ...]
    seconds: float

    def rest(self, known: Baseline) -> Task:
        """The same with the tests that were left."""
        seconds = sum(known.seconds[name] for name in self.left)
        return evolve(self, tests=self.left, left=(), seconds=seconds)


def baseline(judges: Iterable[Judge], width: int) -> dict[str, Baseline]:
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

        ended = {job.name: end for job, end in forks.each(judges, work, lambda _: 1200, width)}
        _refuse_red(ended, folder)
        return {name: pickle.loads((folder / name).read_bytes()) for name in ended}  # noqa: S301 - our own


def _refuse_red(ended: dict[str, forks.Ended], folder: Path) -> None:
    for name, end in ended.items():
        file = folder / name
        failed = pickle.loads(file.read_bytes()).failed if file.exists() else []  # noqa: S301 - our own
        if end.status or failed:
            words = ", ".join(failed[:5]) or end.words or f"pytest ended with {end.status}"
            raise RedBaselineError(f"the {name} suite is red without any defect: {words}")


def judged(
    mutants: list[Mutant], known: dict[str, Baseline], judges: tuple[Judge, ...], width: int
) -> Iterator[Outcome]:
    """Seed each defect, and yield it once every judge has spoken.

    Of a test with many variants three are run at first. All of them are, for a defect that
    nobody has noticed then: what survives has survived everything.

    Raises:
        RedBaselineError: tests fail in a fork without any defect.
    """
    outcomes = [Outcome(mutant) for mutant in mutants]
    tasks = [
        _task(index, mutant, judge, plan, known[judge.name])
        for index, mutant in enumerate(mutants)
        for plan in (_plan(mutant),)
        for judge in judges
        if judge.is_asked_about(mutant.group)
    ]
    asked = Counter(task.index for task in tasks)
    for task, finding in _settled(tasks, known, judges, width):
        outcome = outcomes[task.index]
        outcome.said[task.judge.name] = finding
        if len(outcome.said) == asked[task.index] and outcome.is_killed:
            yield outcome
    unnoticed = {index for index, one in enumerate(outcomes) if not one.is_killed}
    rest = [task.rest(known[task.judge.name]) for task in tasks
            if task.index in unnoticed and task.left and task.judge.name != "naive"]  # fmt: skip
    for task, finding in _settled(rest, known, judges, width):
        if finding.is_kill:
            outcomes[task.index].said[task.judge.name] = finding
    yield from (outcomes[index] for index in sorted(unnoticed))


def check_forks(known: dict[str, Baseline], judges: tuple[Judge, ...], width: int) -> None:
    """Run both kinds of fork without a defect: whoever fails here would fail for no reason.

    Raises:
        RedBaselineError: somebody fails.
    """
    file = "wrapper/cometapi_runway/settings.py"
    text = (overlay.ROOT / file).read_text("utf-8")
    nothing = Mutant("no defect", "wrapper", file, 1, "", "", "", text)
    scratch = [_task(0, nothing, judge, None, known[judge.name]) for judge in judges]
    swapped = [evolve(task, plan=swap.Plan("", {})) for task in scratch]
    both = (_in_one_process(swapped, known, judges, width), _from_scratch(scratch, known, width))
    for task, finding in itertools.chain(*both):
        if finding.result not in {SURVIVED, UNTOUCHED}:
            raise RedBaselineError(
                f"the {task.judge.name} suite fails in a fork without any defect: {finding}"
            )


def _settled(
    tasks: list[Task], known: dict[str, Baseline], judges: tuple[Judge, ...], width: int
) -> Iterator[tuple[Task, Finding]]:
    """Each task with its finding; one that had its effect at loading is loaded to find out."""
    slow = [task for task in tasks if task.plan is None]
    quick = [task for task in tasks if task.plan is not None]
    for task, finding in _in_one_process(quick, known, judges, width):
        if not finding.is_kill and _is_loading(task, known[task.judge.name]):
            slow.append(task)
        else:
            yield task, finding
    yield from _from_scratch(slow, known, width)


def _plan(mutant: Mutant) -> swap.Plan | None:
    path = overlay.ROOT / mutant.file
    if path.suffix != ".py":
        return None
    return swap.plan(str(path), path.read_text("utf-8"), mutant.source)


def _task(
    index: int, mutant: Mutant, judge: Judge, plan: swap.Plan | None, known: Baseline
) -> Task:
    """Which tests can notice: those that call what has changed, quick ones first.

    A change outside functions can be noticed anywhere; those that call functions of its file come
    first.
    """
    if plan is None:
        near = [name for name, calls in known.calls.items()
                if any(file == mutant.file for file, _ in calls)]  # fmt: skip
        tests, every = near or list(known.calls), list(known.calls)
    else:
        wanted = {(mutant.file, place) for place in plan.codes}
        every = tests = [name for name, calls in known.calls.items() if wanted & calls]
    few = _few(tests)
    left = tuple(name for name in every if name not in few)
    seconds = sum(known.seconds[name] for name in few)
    first = sorted(few, key=lambda name: known.seconds[name])
    return Task(index, mutant, judge, plan, tuple(first), left, seconds)


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


def _limit(task: Task) -> int:
    return _PATIENCE + int(6 * task.seconds)


def _finding(end: forks.Ended) -> Finding:
    took = round(end.seconds, 2)
    if end.is_late:
        return Finding(LATE, end.words, took)
    if end.status == int(pytest.ExitCode.TESTS_FAILED):
        return Finding(KILLED, end.words, took)
    if end.status == int(pytest.ExitCode.OK):
        return Finding(SURVIVED, "", took)
    return Finding(f"broken: status {end.status}", end.words[-2000:], took)


class _Loaded:
    """A pytest session that has collected, and then forks instead of running."""

    def __init__(
        self, tasks: list[Task], memory: draws.Memory, width: int, sink: Callable[[Any], None]
    ) -> None:
        self._tasks, self._memory, self._width, self._sink = tasks, memory, width, sink
        self._failed = ""
        self.is_done = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self._memory:
            draws.remember(self._memory)
        items = {item.nodeid: item for item in session.items}
        for file in {task.mutant.file for task in self._tasks if task.plan}:
            # Most are loaded by whoever needs them first; a fork would load the unchanged file.
            importlib.import_module(overlay.module(file))

        def work(task: Task, say: Callable[[str], None]) -> int:
            assert task.plan is not None
            if task.plan.codes and not swap.apply(task.plan):
                say("nobody holds the changed functions")
                return forks.BROKEN
            swap.forget()
            return self._run([items[name] for name in task.tests], say)

        for task, end in forks.each(self._tasks, work, _limit, self._width):
            self._sink((task.index, task.judge.name, _finding(end)))
        self.is_done = True
        return True

    def _run(self, items: list[pytest.Item], say: Callable[[str], None]) -> int:
        for item, after in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if self._failed:
                say(self._failed)
                return int(pytest.ExitCode.TESTS_FAILED)
        return int(pytest.ExitCode.OK)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid


def _in_one_process(
    tasks: list[Task], known: dict[str, Baseline], judges: tuple[Judge, ...], width: int
) -> Iterator[tuple[Task, Finding]]:
    """Defects inside functions: everything is loaded once, and each fork swaps some code."""
    by_name = {(task.index, task.judge.name): task for task in tasks}
    for judge in judges:
        mine = [task for task in tasks if task.judge == judge and task.tests]
        for task in (task for task in tasks if task.judge == judge and not task.tests):
            yield task, Finding(UNTOUCHED)
        for index, name, finding in _served(judge, mine, known[judge.name], width):
            yield by_name[index, name], finding


def _served(
    judge: Judge, tasks: list[Task], known: Baseline, width: int
) -> Iterator[tuple[int, str, Finding]]:
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
    with os.fdopen(writer, "wb", buffering=0) as pipe:
        plugin = _Loaded(tasks, known.memory, width, lambda found: pipe.write(pickle.dumps(found)))
        pytest.main([*COMMON, *judge.arguments], plugins=[plugin])
    os._exit(0 if plugin.is_done else 1)


class _Ordered:
    """Runs what can notice first, and says what did."""

    def __init__(self, task: Task, known: Baseline, say: Callable[[str], None]) -> None:
        self._order = {name: number for number, name in enumerate(task.tests)}
        self._all, self._memory, self._say = known.calls.keys(), known.memory, say
        self.failed = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # A test that is new is one of a contract that has moved.
        first = [one for one in items if one.nodeid in self._order or one.nodeid not in self._all]
        items[:] = sorted(first, key=lambda one: self._order.get(one.nodeid, len(self._order)))

    def pytest_collection_finish(self) -> None:
        if self._memory:
            draws.remember(self._memory)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = True
            self._say(report.nodeid)


def _from_scratch(
    tasks: list[Task], known: dict[str, Baseline], width: int
) -> Iterator[tuple[Task, Finding]]:
    """Defects outside functions: a fork that has loaded only libraries loads a changed copy."""
    with tempfile.TemporaryDirectory() as name:

        def work(task: Task, say: Callable[[str], None]) -> int:
            sys.dont_write_bytecode = True
            folder = Path(name) / f"{task.index}-{task.judge.name}"
            folder.mkdir()
            paths = overlay.make(folder, task.mutant.file, task.mutant.source)
            plugin = _Ordered(task, known[task.judge.name], say)
            files = sorted({name.partition("::")[0] for name in task.tests})
            given = [*COMMON, "-x", "-o", f"pythonpath={' '.join(paths)}", *files]
            status = pytest.main(given, plugins=[plugin])
            # A suite may have more to complain of than a test, such as too few facets seen.
            is_green = status == pytest.ExitCode.TESTS_FAILED and not plugin.failed
            return int(pytest.ExitCode.OK if is_green else status)

        for task, end in forks.each(tasks, work, _limit, width):
            yield task, _finding(end)


def load_libraries() -> None:
    """Load what every fork would load for itself; nothing of this repository."""
    import httpx  # noqa: F401 - for its effect, like the others
    import hypothesis  # noqa: F401
    import jsonschema  # noqa: F401
    import jsonschema_rs  # noqa: F401
    import respx  # noqa: F401
    import schemathesis  # noqa: F401
    import starlette.responses  # noqa: F401
    import uvicorn  # noqa: F401

    loaded = [
        name for name in sys.modules if name.startswith(("cometapi_runway", "tests.contract"))
    ]
    assert not loaded, f"loaded too early: {loaded}"


def now() -> float:
    """Seconds of a clock that only goes forward."""
    return time.monotonic()
