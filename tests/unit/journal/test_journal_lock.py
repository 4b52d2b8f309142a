"""The journal's own lock: Ctrl-C and fork leave it free."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from cometapi_runway._core.secret import Secret
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import Entry, SubmissionAccepted, SubmissionStarted, TaskEnded
from cometapi_runway.journal import Journal
from cometapi_runway.journal._postgres import PostgresBackend

from ..support.journal_processes import CALL
from ..support.journals import Location
from ..support.locks import locked


def interrupt_at(event_number: int, function: Callable[[], object]) -> BaseException | None:
    """Run a function and raise KeyboardInterrupt where a signal can: at a call or after one."""
    seen = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal seen
        seen += event in {"call", "c_return"}
        if seen == event_number:
            seen += 1
            raise KeyboardInterrupt

    sys.setprofile(count)
    try:
        function()
    except KeyboardInterrupt as error:
        return error
    finally:
        sys.setprofile(None)
    return None


def close(journal: Journal, _: int) -> None:
    journal.close()


# Python reports and drops an interruption that strikes in a destructor or a callback of its own.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "use",
    [
        lambda journal, n: journal.write(SubmissionStarted(f"k{n}", CALL, "tasks", 7)),
        lambda journal, n: journal.write(TaskEnded(Task("t", "SUCCEEDED"))),
        lambda journal, n: journal.tasks(),
        close,
    ],
    ids=["intent", "end", "tasks", "close"],
)
def test_ctrl_c_at_any_moment_leaves_it_free(
    location: Location, use: Callable[[Journal, int], object]
) -> None:
    journal = Journal(location)
    journal.write(SubmissionStarted("first", CALL, "tasks", 7))
    journal.write(SubmissionAccepted("first", "t"))
    # An error that is kept keeps the frames of its traceback, and what they hold.
    errors: list[BaseException] = []
    # A round trip to the server has many moments, and a broken connection costs a new one.
    step = 1 if isinstance(location, Path) or use is close else 9
    for number in range(1, 1_000 * step, step):
        error = interrupt_at(number, lambda: use(journal, number))  # noqa: B023 - called at once
        if error is None:
            break
        errors.append(error)
        other = threading.Thread(target=journal.tasks, daemon=True)
        other.start()
        other.join(5)
        assert not other.is_alive(), f"the lock is held after an interruption at event {number}"
    else:
        pytest.fail("every run was interrupted")
    assert len(errors) > 3
    with locked(location, against_readers=not isinstance(location, Path)):
        "Nothing of an interrupted use holds a lock of the database."
    journal.close()


def skip_without_fork() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")


def in_child(function: Callable[[], object]) -> int:
    """Run a function in a forked process, and return 0 if it worked within ten seconds."""
    skip_without_fork()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
class TestFork:
    def test_while_another_thread_holds_it(self, location: Location) -> None:
        journal = Journal(location)
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with journal._database._lock:
                held.set()
                done.wait(30)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(5)
        try:
            entry = SubmissionStarted("child", CALL, "tasks", 7)
            assert in_child(lambda: journal.write(entry)) == 0
        finally:
            done.set()
            thread.join()
        assert [one.key for one in journal.tasks()] == ["child"]
        journal.close()

    def test_parent_and_children_record_everything(self, location: Location) -> None:
        journal = Journal(location)

        def write(name: str) -> None:
            for number in range(20):
                key = f"{name}-{number}"
                entries: list[Entry] = [
                    SubmissionStarted(key, CALL, "tasks", 7),
                    SubmissionAccepted(key, f"task-{key}"),
                ]
                for entry in entries:
                    journal.write(entry, timeout=10)

        write("before")
        assert in_child(lambda: write("child")) == 0
        write("after")
        journal.close()
        assert in_child(lambda: write("late")) == 0
        fresh = Journal(location)
        records = fresh.tasks()
        assert len(records) == 80
        assert {one.state for one in records} == {"SUBMITTED"}
        fresh.close()

    def test_a_child_leaves_the_session_of_a_database_to_its_parent(
        self, postgres_url: str
    ) -> None:
        backend = PostgresBackend(Secret(postgres_url))
        backend.connect(1)
        owner = backend.get_owner()
        assert owner is not None

        def leave() -> None:
            backend.abandon()
            gc.collect()
            assert backend.get_owner() != owner

        assert in_child(leave) == 0
        assert backend.find_living([owner], 1) == {owner}
        backend.close()

    def test_a_parent_that_ends_first_takes_nothing_away(self, location: Location) -> None:
        skip_without_fork()
        journal = Journal(location)
        journal.write(SubmissionStarted("parent", CALL, "tasks", 7))
        closed_read, closed_write = os.pipe()

        def write_before_and_after() -> None:
            journal.write(SubmissionStarted("child", CALL, "tasks", 7))
            os.close(closed_write)
            os.read(closed_read, 1)
            journal.write(SubmissionAccepted("child", "t"))
            journal.write(SubmissionAccepted("parent", "u"))

        child = os.fork()
        if child == 0:
            code = 1
            try:
                write_before_and_after()
                code = 0
            finally:
                os._exit(code)
        end = time.monotonic() + 10
        while len(journal.tasks()) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        journal.close()
        os.close(closed_write)
        os.close(closed_read)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        fresh = Journal(location)
        assert {one.task_id for one in fresh.tasks()} == {"t", "u"}
        fresh.close()

    def test_the_parents_late_entries_are_the_parents(self, location: Location) -> None:
        journal = Journal(location)
        journal.write(SubmissionStarted("k", CALL, "tasks", 7))
        with locked(location), pytest.raises(Exception, match="kept in memory"):
            journal.write(SubmissionAccepted("k", "t"), timeout=0.05)

        def check() -> None:
            assert not journal._database._pending

        assert in_child(check) == 0
        assert [one.state for one in journal.tasks()] == ["SUBMITTED"]
        journal.close()
