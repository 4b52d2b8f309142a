"""What the command line reads from the records of a batch, and says of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve, fields

from cometapi_runway.batch import BatchStatus, RowResult
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.cli._actions.batch_records import KnownBatch, locate_records
from cometapi_runway.cli._actions.batch_run import (
    Interruption,
    _list_unknown,
    _make_interruption,
    _start,
    make_end_report,
    run_batch,
)
from cometapi_runway.cli._actions.budget import make_scoped_budget
from cometapi_runway.cli._commands.batch_run import _make_options, _open_batch, _raise_limits
from cometapi_runway.cli._commands.batch_show import _is_over
from cometapi_runway.cli._errors import CommandInterrupted
from cometapi_runway.cli._options.batch import BatchRunOptions
from cometapi_runway.cli._options.budget import LimitOptions
from cometapi_runway.cli._options.shared import ConnectionOptions
from cometapi_runway.cli._output.batch_progress import BatchTracker
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.journal import Spending


def test_results_that_are_visible_late_are_not_missed() -> None:
    """Clocks of other machines differ, and a transaction may take a while."""
    asked: list[float] = []
    ends = iter([[100.0, 90.0], [], [120.0]])

    def read_results(_: str, since: float) -> Any:
        asked.append(since)
        return [(end, RowResult("a", "SUCCEEDED")) for end in next(ends)]

    store: Any = SimpleNamespace(read_results=read_results)
    known = KnownBatch("shots", store, store, store)
    counts = [len(list(known.read_new_results())) for _ in range(3)]
    assert counts == [2, 0, 1]
    assert asked[0] <= 0
    assert asked[1:] == [95.0, 95.0]


def test_unknown_rows_are_named_and_the_rest_counted() -> None:
    records = SimpleNamespace(format_settle_command=lambda *words: " ".join(map(str, words)))
    run: Any = SimpleNamespace(batch=SimpleNamespace(name="shots"), records=records)
    for count in (0, 1, 5, 6, 7):
        rows = [RowResult(f"row-{n}", "UNKNOWN", attempts=n) for n in range(count)]
        head, *lines = _list_unknown(run, rows) or [""]
        assert bool(head) is bool(count)
        expected = [f"  shots row-{n} {n}" for n in range(min(count, 5))]
        rest = {6: ["  and 1 other row"], 7: ["  and 2 other rows"]}
        assert lines == expected + rest.get(count, [])


def test_an_interruption_says_what_goes_on() -> None:
    for running, waiting, database, message in (
        (0, 1, None, "1 row waits"),
        (1, 0, None, "1 task continues at the gateway"),
        (2, 3, None, "2 tasks continue at the gateway, 3 rows wait"),
        (1, 2, "url", "1 task continues at the gateway, 2 rows wait, other workers go on"),
    ):
        status = SimpleNamespace(running=running, waiting=waiting)
        records = SimpleNamespace(database=database)
        run: Any = SimpleNamespace(records=records, resume_command="go on")
        progress: Any = SimpleNamespace(status=status)
        found = _make_interruption(run, progress)
        assert (str(found), found.advice) == (f"interrupted; {message}", "go on")


def test_one_signal_stops_a_batch_and_a_second_one_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[object] = []
    shown = threading.Event()

    def show_note(text: str) -> None:
        assert text.startswith("stopping: ")
        calls.append(threading.current_thread().daemon)
        shown.set()

    monkeypatch.setattr(os, "_exit", calls.append)
    batch: Any = SimpleNamespace(stop=lambda: calls.append("stop"))
    display: Any = SimpleNamespace(show_note=show_note)
    interruption = Interruption(batch, display)
    assert not interruption.is_interrupted
    interruption._on_signal(2, None)
    assert shown.wait(5)
    # A write that hangs must not keep the process.
    assert calls == ["stop", True]
    assert interruption.is_interrupted
    interruption._on_signal(2, None)
    assert calls[2] == ExitCode.INTERRUPTED


def test_signals_belong_to_a_batch_while_it_runs_in_the_main_thread() -> None:
    batch: Any = SimpleNamespace()
    interruption = Interruption(batch, batch)
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    seen: list[list[object]] = []

    def look() -> None:
        with suppress(ZeroDivisionError), interruption.handle_signals():
            seen.append([signal.getsignal(number) for number in numbers])
            raise ZeroDivisionError

    look()
    other = threading.Thread(target=look)
    other.start()
    other.join()
    assert seen == [[interruption._on_signal] * 2, before]
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("rows", [1, 2])
def test_a_batch_that_was_stopped_before_its_end_is_interrupted(
    rows: int, number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    spending = Spending(Decimal(1), 1, 0)
    status = BatchStatus("shots", "out", rows, 0, {"SUCCEEDED": 1}, None, spending, now, now)
    stops: list[bool] = []

    def work(**_: object) -> Iterator[RowResult]:
        signal.raise_signal(number)
        yield RowResult("a", "SUCCEEDED")

    batch = SimpleNamespace(
        status=lambda: status, results=lambda: [], run=work, stop=lambda: stops.append(True)
    )
    run: Any = SimpleNamespace(
        batch=batch, options=BatchOptions(prices={}), page=None, resume_command="go on",
        records=SimpleNamespace(database=None),
    )  # fmt: skip
    before = signal.getsignal(number)
    if rows == 1:
        assert run_batch(run, Report()) == ExitCode.SUCCESS
    else:
        with pytest.raises(CommandInterrupted, match="interrupted; 1 row waits") as caught:
            run_batch(run, Report())
        assert caught.value.advice == "go on"
    assert stops == [True]
    assert signal.getsignal(number) == before


def test_a_batch_runs_with_every_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_RUNWAY_CONFIG", str(tmp_path / "none.toml"))
    numbers: dict[str, Any] = {
        "concurrency": 2, "rate": "3/min", "attempts": 4, "halt": "fail=5", "interval": 6.0,
        "polling": "fixed",
    }  # fmt: skip
    prices = tmp_path / "prices.toml"
    prices.write_text("[prices]\nvideo_upscale = 0.5\n")
    limits = LimitOptions(max_cost=Decimal(7), max_tasks=8, prices=prices)
    budget = make_scoped_budget(limits, "shots")
    options = _make_options(BatchRunOptions(output="out", **numbers), budget)
    limited = {"max_cost": Decimal(7), "max_tasks": 8, "prices": {"video_upscale": Decimal("0.5")}}
    assert options == BatchOptions(**numbers, **limited)  # type: ignore[arg-type] # fields

    seen: dict[str, Any] = {}
    run: Any = SimpleNamespace(
        options=evolve(options, timeout=9.0), batch=SimpleNamespace(run=seen.update)
    )
    _start(run, print)
    names = {one.name: one.name for one in fields(BatchOptions)} | {"timeout": "wait_timeout"}
    given = {name: getattr(run.options, field) for field, name in names.items()}
    assert seen == {**given, "on_progress": print}


def test_a_batch_is_opened_with_every_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "cometapi_runway.cli._commands.batch_run.Batch",
        lambda *places, **options: nullcontext((places, options)),
    )
    journal = tmp_path / "j.sqlite3"
    for connection, database, expected in (
        (
            ConnectionOptions(
                base_url="http://h", runway_version="v", request_timeout=2.0, journal=journal
            ),
            "postgresql://me:s3cret@h/d",
            {
                "base_url": "http://h", "runway_version": "v", "timeout": 2.0, "journal": None,
                "database": "postgresql://me:s3cret@h/d",
            },
        ),
        (
            ConnectionOptions(base_url="", runway_version="", journal=journal),
            None,
            {
                "base_url": None, "runway_version": None, "timeout": 60.0, "journal": journal,
                "database": None,
            },
        ),
    ):  # fmt: skip
        records = locate_records(connection, database)
        with _open_batch("shots", "out", records, connection) as opened:
            assert opened == (("shots", "out"), {**expected, "data": records.data})


def test_a_limit_that_is_not_given_is_that_of_the_last_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMETAPI_RUNWAY_CONFIG", str(tmp_path / "none.toml"))
    last = BatchOptions(
        max_cost=Decimal(1), max_tasks=2, prices={"text_to_image": Decimal(3)}, concurrency=5
    )
    prices = tmp_path / "prices.toml"
    prices.write_text("[prices]\nvideo_upscale = 0.5\n")
    for limits, changed in (
        (LimitOptions(), {}),
        (LimitOptions(max_cost=Decimal(5)), {"max_cost": Decimal(5)}),
        (LimitOptions(max_tasks=0), {"max_tasks": 0}),
        (
            LimitOptions(prices=prices),
            {"prices": {"text_to_image": Decimal(3), "video_upscale": Decimal("0.5")}},
        ),
    ):
        assert _raise_limits(last, limits, "shots") == evolve(last, **changed)  # type: ignore[arg-type] # fields


def test_commands_that_follow_find_the_same_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("BASE_URL", "JOURNAL", "DATABASE"):
        monkeypatch.delenv(f"COMETAPI_RUNWAY_{variable}", raising=False)
    journal, gateway = str(tmp_path / "folder" / "j.sqlite3"), "http://127.0.0.1:1"
    connection = ConnectionOptions(base_url=gateway, journal=journal)
    at_gateway, at_journal = ("--base-url", gateway), ("--journal", journal)

    local = locate_records(connection, None)
    assert (local.data, local.journal) == (tmp_path / "folder", Path(journal))
    assert local.words == (*at_gateway, *at_journal)
    assert local.journal_words == at_journal
    settle = "cometapi-runway tasks settle shots/a/2 --task ID --journal"
    assert local.format_settle_command("shots", "a", 2) == f"{settle} {journal}"

    database = "postgresql://me:s3cret@h/d"
    shared = locate_records(connection, database)
    assert (shared.journal, shared.database and shared.database.reveal()) == (None, database)
    assert shared.words == (*at_gateway, "--database", "postgresql://me@h/d")
    assert shared.journal_words == ("--journal", "postgresql://me@h/d")
    error = shared.make_unknown_error("x")
    assert str(error) == "there is no batch 'x' in postgresql://me@h/d"
    assert error.advice == f"`cometapi-runway batch list {' '.join(shared.words)}` shows all"


def test_a_batch_is_over_when_it_is_complete_or_halted_and_nothing_runs() -> None:
    for is_complete, halted, running, is_over in (
        (True, None, 0, True),
        (False, None, 0, False),
        (False, "cancelled", 0, True),
        (False, "cancelled", 1, False),
    ):
        status: Any = SimpleNamespace(is_complete=is_complete, halted=halted, running=running)
        assert _is_over(status) is is_over


def test_what_a_batch_ended_with_is_counted() -> None:
    now = datetime.now(UTC)
    spending = Spending(Decimal(1), 1, 0)
    for statuses, rows, halted, message, numbers in (
        ({"SUCCEEDED": 5, "FAILED": 2}, 7, None, "2 of 7 rows did not succeed", (2, 0)),
        (
            {"SUCCEEDED": 5}, 8, "cancelled",
            "3 of 8 rows wait: no further task is created (cancelled)", (0, 3),
        ),
        (
            {"SUCCEEDED": 5, "FAILED": 1}, 8, "cancelled",
            "1 of 8 rows did not succeed, and 2 more wait: no further task is created (cancelled)",
            (1, 2),
        ),
    ):  # fmt: skip
        status = BatchStatus("shots", "out", rows, 0, statuses, halted, spending, now, now)  # type: ignore[arg-type]
        run: Any = SimpleNamespace(
            batch=SimpleNamespace(results=lambda: [], name="shots"), resume_command="go on",
            records=SimpleNamespace(words=()),
        )  # fmt: skip
        found = make_end_report(run, BatchTracker().make_progress(status, now))
        assert found.message == message
        assert (found.fields["failed"], found.fields["open"]) == numbers
