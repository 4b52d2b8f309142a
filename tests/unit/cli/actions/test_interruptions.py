"""Ctrl-C while tasks are waited for and their files saved."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway._core.task import Task
from cometapi_runway.cli._actions import finish_tasks
from cometapi_runway.cli._actions.finish_tasks import RunOptions, _TaskFinisher
from cometapi_runway.cli._errors import CommandInterrupted
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report

OPTIONS = RunOptions(folder=Path("out"), connection_options=("--journal", "j"))
REPEATED = "--output out --journal j"


class FakeTask:
    """A task whose download is a function of its progress callback."""

    def __init__(self, task_id: str, download: Callable[[Any], None] = lambda _: None) -> None:
        self.id, self._download = task_id, download
        self.output = ("https://h.example/x.mp4",)

    def result(self) -> FakeTask:
        return self

    def download(self, *_: Any, on_progress: Any, **__: Any) -> list[Path]:
        self._download(on_progress)
        return []


def finish(
    tasks: list[FakeTask], completed: Iterator[Any], follow_up: str = "wait"
) -> tuple[_TaskFinisher, Any]:
    finisher = _TaskFinisher(OPTIONS, Report(io.StringIO(), io.StringIO()))
    with pytest.raises(CommandInterrupted) as caught:
        finisher.finish(tasks, completed, [], follow_up)  # type: ignore[arg-type] # fakes
    return finisher, caught.value


def interrupt_after(*tasks: FakeTask) -> Iterator[FakeTask]:
    yield from tasks
    raise KeyboardInterrupt


@pytest.mark.parametrize("follow_up", ["wait", "download"])
def test_the_advice_names_the_tasks_that_are_left(follow_up: str) -> None:
    one, two = FakeTask("t-1"), FakeTask("t-2")
    _, found = finish([one, two], interrupt_after(), follow_up)
    assert str(found) == "interrupted; 2 tasks continue at the gateway"
    assert found.advice == f"cometapi-runway tasks {follow_up} t-1 t-2 {REPEATED}"
    _, found = finish([one], interrupt_after(), follow_up)
    assert str(found) == "interrupted; task t-1 continues at the gateway"
    assert found.advice == f"cometapi-runway tasks {follow_up} t-1 {REPEATED}"


def wait_until_saved(*tasks: FakeTask) -> Iterator[FakeTask]:
    """Interrupts once every task's download has begun and ended."""
    yield from tasks
    for thread in threading.enumerate():
        if thread.name.startswith("ThreadPoolExecutor"):
            thread.join(0.2)
    raise KeyboardInterrupt


def test_a_task_that_is_done_is_not_named() -> None:
    tasks = [FakeTask("t-1"), FakeTask("t-2")]
    _, found = finish(tasks, wait_until_saved(tasks[0]))
    assert found.advice == f"cometapi-runway tasks wait t-2 {REPEATED}"
    finisher, found = finish(tasks, wait_until_saved(*tasks))
    assert str(found) == "interrupted; everything was done"
    assert found.advice == "cometapi-runway tasks list"
    assert finisher.codes == {"t-1": ExitCode.SUCCESS, "t-2": ExitCode.SUCCESS}


def test_a_download_stops_at_its_next_bytes() -> None:
    begun, stopped = threading.Event(), threading.Event()

    def download(on_progress: Any) -> None:
        begun.set()
        try:
            for _ in range(1000):
                on_progress(0, 1, 2)
                threading.Event().wait(0.01)
        except BaseException:
            stopped.set()
            raise

    def completed() -> Iterator[FakeTask]:
        yield task
        assert begun.wait(5)
        raise KeyboardInterrupt

    task = FakeTask("t-1", download)
    _, found = finish([task], completed())
    assert stopped.wait(5)
    assert str(found) == "interrupted; partial files are kept"
    assert found.advice == f"cometapi-runway tasks download t-1 {REPEATED}"


def test_a_stalled_download_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, release, ended = threading.Event(), threading.Event(), threading.Event()

    def download(_: Any) -> None:
        begun.set()
        release.wait(10)
        ended.set()

    def completed() -> Iterator[FakeTask]:
        yield task
        assert begun.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr(finish_tasks, "_STOP_TIMEOUT", 0.05)
    task = FakeTask("t-1", download)
    try:
        _, found = finish([task], completed())
        assert not ended.is_set()
        assert str(found) == "interrupted; partial files are kept"
    finally:
        release.set()


def test_no_download_begins_after_the_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, release, ended = threading.Event(), threading.Event(), threading.Event()
    late: list[bool] = []

    def stall(_: Any) -> None:
        begun.set()
        release.wait(10)
        ended.set()

    def completed() -> Iterator[FakeTask]:
        yield from tasks
        assert begun.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr(finish_tasks, "_PARALLEL_TASKS", 1)
    monkeypatch.setattr(finish_tasks, "_STOP_TIMEOUT", 0.01)
    tasks = [FakeTask("t-1", stall), FakeTask("t-2", lambda _: late.append(True))]
    before = set(threading.enumerate())
    finish(tasks, completed())
    release.set()
    assert ended.wait(5)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert late == []


def test_without_a_folder_the_addresses_are_shown() -> None:
    out = io.StringIO()
    finisher = _TaskFinisher(RunOptions(), Report(out, io.StringIO()))
    task: Any = Task("t-1", "SUCCEEDED", output=("https://h.example/a", "https://h.example/b"))
    object.__setattr__(fake := FakeTask("t-1"), "result", lambda: task)
    code = finisher.finish([fake], iter([fake]), [], "wait")  # type: ignore[list-item] # a fake
    assert code == ExitCode.SUCCESS
    assert out.getvalue() == "https://h.example/a\nhttps://h.example/b\n"


def test_an_error_of_the_program_ends_the_command() -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError

    task = FakeTask("t-1", fail)
    finisher = _TaskFinisher(OPTIONS, Report(io.StringIO(), io.StringIO()))
    with pytest.raises(ZeroDivisionError):
        finisher.finish([task], iter([task]), [], "wait")  # type: ignore[list-item] # a fake
    assert finisher.codes == {}
