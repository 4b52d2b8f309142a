"""The journal's database in one process, over a backend that fails as it is told to."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    IdempotencyKey,
    Reservation,
    SubmissionAccepted,
    SubmissionStarted,
    TaskEnded,
)
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal import (
    PendingEntryError,
    StorageError,
    SubmissionRecord,
    SubmissionState,
    _conflicts,
    _journal,
    _sqlite,
)
from cometapi_runway.journal import _database as database_module
from cometapi_runway.journal._backend import Statement
from cometapi_runway.journal._database import JournalDatabase
from cometapi_runway.journal._queries import SPENDING, make_values
from cometapi_runway.journal._recent import RecentSubmissions
from cometapi_runway.journal._statements import Write, make_write

from ..support.both_clients import BASE
from ..support.journal_processes import CALL

BUSY = StorageError("locked", is_busy=True)
FULL = StorageError("disk is full")
WRONG = StorageError("no such thing", is_permanent=True)
GONE = ConfigurationError("the folder is gone", setting="journal")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class FakeBackend:
    """Changes one row for each statement, unless it is to change none."""

    name = "the-journal"
    row_order = "rowid"
    was_replaced = False

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.timeouts: list[float] = []
        self.executed: list[Statement] = []
        self.locks: list[str | None] = []
        self.changed = 1

    def connect(self, timeout: float) -> None:
        self.timeouts.append(timeout)
        if self.failures:
            raise self.failures.pop(0)

    def check_tables(self) -> None:
        pass

    def execute(
        self, statements: Sequence[Statement], timeout: float, *, lock: str | None = None
    ) -> list[int]:
        self.executed += statements
        self.locks.append(lock)
        return [self.changed for _ in statements]

    def fetch(self, query: str, values: Mapping[str, Any], timeout: float) -> list[Any]:
        return [{"tasks": 0, "cost": 0}] if query == SPENDING else []

    def get_owner(self) -> int | None:
        return 7

    def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(database_module, "time", clock)
    return clock


@pytest.fixture
def backend(clock: Clock) -> Any:
    return FakeBackend()


@pytest.fixture
def database(backend: Any) -> JournalDatabase:
    database = JournalDatabase(backend)
    backend.timeouts.clear()
    return database


def end(task_id: str = "t") -> Write:
    return make_write(TaskEnded(Task(task_id, "SUCCEEDED")), "")


def start(**more: Any) -> Write:
    return make_write(SubmissionStarted("k", CALL, "tasks", 7, **more), BASE)


def test_pauses_get_longer_and_end_with_the_time(
    database: JournalDatabase, backend: Any, clock: Clock
) -> None:
    backend.failures = [BUSY] * 99
    with pytest.raises(StorageError, match="locked"):
        database.write(start(), 0.2)
    expected = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.05]
    assert clock.pauses[:9] == pytest.approx([*expected, 0.2 - sum(expected)])
    assert clock.now == pytest.approx(1000.2)
    # Each attempt gets what is left, and the last one nothing.
    assert backend.timeouts[:3] == pytest.approx([0.2, 0.199, 0.197])
    assert backend.timeouts[-1] == pytest.approx(0.0)
    assert min(backend.timeouts) >= 0


def test_only_a_lock_is_waited_for(database: JournalDatabase, backend: Any, clock: Clock) -> None:
    for failure in (FULL, WRONG, GONE):
        backend.failures = [failure]
        with pytest.raises(type(failure)):
            database.write(start(), 9.0)
    assert clock.pauses == []
    backend.failures = [BUSY]
    assert database.write(start(), 0.0005) is None
    assert clock.pauses == pytest.approx([0.0005])


@each_case(
    ("use", "problem"),
    [
        (lambda one: JournalDatabase(one.backend), "opened"),
        (lambda one: one.fetch("SELECT 1", {}, 0.0), "read"),
        (lambda one: one.execute(Statement("DELETE", {}), 0.0), "written"),
    ],
)
@each_case("failure", [FULL, WRONG])
def test_a_failure_is_one_of_the_journal(use: Any, problem: str, failure: StorageError) -> None:
    backend: Any = FakeBackend()
    database = JournalDatabase(backend)
    backend.failures = [failure]
    with pytest.raises(ConfigurationError) as caught:
        use(database)
    assert str(caught.value) == f"journal the-journal cannot be {problem}: {failure}"
    assert caught.value.setting == "journal"
    assert caught.value.__cause__ is failure


def test_an_entry_is_kept_unless_it_can_never_be_written(
    database: JournalDatabase, backend: Any, caplog: pytest.LogCaptureFixture
) -> None:
    backend.failures = [WRONG]
    with pytest.raises(StorageError) as caught:
        database.write(end(), 1.0)
    assert caught.value is WRONG
    for failure in (FULL, GONE, BUSY):
        backend.failures = [failure] * 2
        with pytest.raises(PendingEntryError, match=f"^{failure}; the entry is kept") as pending:
            database.write(end(), 0.0)
        assert pending.value.__cause__ is failure
        assert (pending.value.is_busy, pending.value.is_permanent) == (False, False)
        # An intent is never kept, whatever is in the way.
        with pytest.raises(type(failure)) as caught_again:
            database.write(start(), 0.0)
        assert caught_again.value is failure
    for failure in (FULL, GONE):
        backend.failures = [failure]
        with caplog.at_level(logging.WARNING):
            database.close()
        told = f"journal the-journal cannot be written ({failure}). Not recorded: "
        assert caplog.messages.pop() == told + "; ".join(["task t is SUCCEEDED"] * 3)
        caplog.clear()
    assert backend.executed == []
    database.close()
    assert len(backend.executed) == 3
    database.close()
    assert len(backend.executed) == 3
    assert caplog.messages == []


def test_entries_wait_once_and_an_intent_always(
    database: JournalDatabase, backend: Any, clock: Clock
) -> None:
    backend.failures = [BUSY]
    assert database.write(end(), 1.0) is None
    assert clock.pauses == [0.001]
    backend.failures = [FULL]
    with pytest.raises(PendingEntryError):
        database.write(end(), 1.0)
    # Many waits that end now would each wait in turn.
    backend.failures = [BUSY]
    with pytest.raises(PendingEntryError):
        database.write(end(), 1.0)
    assert clock.pauses == [0.001]
    backend.failures = [BUSY]
    assert database.write(start(), 1.0) is None
    assert clock.pauses == [0.001] * 2
    assert [one.values.get("state", "INTENDED") for one in backend.executed] == [
        "SUCCEEDED"
    ] * 3 + ["INTENDED"]


def test_what_cannot_be_written_can_still_be_read(
    database: JournalDatabase, backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.failures = [FULL]
    with pytest.raises(PendingEntryError):
        database.write(end(), 0.0)
    failure: list[Exception] = [FULL]

    def execute(*_: object, **__: object) -> list[int]:
        raise failure[0]

    monkeypatch.setattr(backend, "execute", execute)
    assert database.fetch(SPENDING, {}, 0.0) == [{"tasks": 0, "cost": 0}]
    failure[0] = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        database.fetch(SPENDING, {}, 0.0)


def test_what_a_child_inherits_is_the_parents(database: JournalDatabase, backend: Any) -> None:
    backend.failures = [FULL]
    with pytest.raises(PendingEntryError):
        database.write(end(), 0.0)
    lock = database._lock
    database.reset_after_fork()
    assert database._lock is not lock
    database.close()
    assert backend.executed == []


def test_after_one_wait_to_read_the_next_short_ones_do_not_wait(
    database: JournalDatabase, backend: Any, clock: Clock
) -> None:
    def wait(timeout: float) -> float:
        backend.failures = [BUSY] * 999
        began = clock.now
        with pytest.raises(ConfigurationError):
            database.fetch("SELECT 1", {}, timeout)
        backend.failures = []
        return clock.now - began

    assert wait(0.5) == pytest.approx(0.5)
    assert wait(0.5) == 0.0
    assert wait(1.0) == 0.0
    # What cannot do without it waits all the same.
    assert wait(1.5) == pytest.approx(1.5)
    clock.now += 1.0
    assert wait(1.0) == pytest.approx(1.0)
    clock.now += 5.0
    for failure in (FULL, WRONG):
        backend.failures = [failure]
        with pytest.raises(ConfigurationError):
            database.fetch("SELECT 1", {}, 0.5)
    assert wait(0.5) == pytest.approx(0.5)


def test_a_claim_is_tried_while_its_obstacle_is_gone_when_it_is_looked_for(
    database: JournalDatabase, backend: Any, clock: Clock
) -> None:
    backend.changed = 0
    # What meets a limit exactly is not over it.
    limits = Reservation(Decimal("0.5"), "mine", Decimal("0.5"), 1)
    claim = start(idempotency_key=IdempotencyKey("a", "d"), reservation=limits)
    with pytest.raises(StorageError, match="use the same key or budget at once") as caught:
        database.write(claim, 0.0)
    assert (caught.value.is_busy, caught.value.is_permanent) == (True, False)
    assert len(backend.executed) == 5
    assert {statement.values["owner"] for statement in backend.executed} == {7}
    assert set(backend.locks) == {f"{BASE} mine"}
    # It may pass, so that it is tried again within the time.
    backend.changed = 1
    backend.failures = [BUSY]
    assert database.write(start(), 1.0) is None
    assert clock.pauses == [0.001]
    assert backend.locks.pop() is None


def test_what_was_recorded_an_hour_ago_is_in_progress_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend: Any = SimpleNamespace(find_living=lambda owners, _timeout: frozenset(owners) - {8})
    now = datetime(2026, 11, 20, tzinfo=UTC)
    monkeypatch.setattr(_conflicts, "time", SimpleNamespace(time=now.timestamp))
    states: tuple[SubmissionState, ...] = ("INTENDED", "UNKNOWN")
    records = [
        SubmissionRecord(
            f"{state}-{owner}-{age}", "o", {}, "f", None, "tasks", BASE,
            now - timedelta(seconds=age), None, state, None, None, None, owner=owner,
        )
        for state in states
        for owner in (7, 8, None)
        for age in (-5, 3599, 3600)
    ]  # fmt: skip
    living = {"INTENDED-7--5", "INTENDED-7-3599"}
    assert _conflicts.list_in_progress(backend, records, 0.0) == living
    assert _conflicts.list_in_progress(SimpleNamespace(), records[2:3], 0.0) == frozenset()  # type: ignore[arg-type]


def test_an_update_of_nothing_is_an_error_where_a_submission_is_named(
    database: JournalDatabase, backend: Any
) -> None:
    backend.changed = 0
    accepted = make_write(SubmissionAccepted("k", "t"), "")
    with pytest.raises(StorageError, match=r"^the journal has no request k$") as caught:
        database.write(accepted, 0.0)
    assert caught.value.is_permanent
    assert database.write(end("foreign"), 0.0) is None
    assert database.write(end("foreign"), 0.0) is None


def test_the_latest_thousand_submissions_are_remembered() -> None:
    recent = RecentSubmissions()
    for number in range(1001):
        started = SubmissionStarted(f"k{number}", CALL, "tasks", 7)
        recent.remember(make_write(started, BASE))
    assert [writes[0].key for writes in recent] == [f"k{number}" for number in range(1, 1001)]
    # As many as there are is more than any journal has.
    assert make_values(None, None)["limit"] == 2**62
    assert make_values(None, 5)["limit"] == 5


def test_everything_is_logged_in_one_place() -> None:
    for module in (database_module, _journal, _sqlite):
        assert module.logger.name == "cometapi_runway.journal"
