"""What a batch does next, without clock and database."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway._core.task import Task
from cometapi_runway.batch._decisions import (
    FAILURES,
    Halt,
    Rate,
    WorkerWatch,
    cut_chunks,
    judge,
    parse_halt,
    parse_rate,
)
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._store import StoredBatch
from cometapi_runway.batch._worker import Worker
from cometapi_runway.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    ConfigurationError,
    DownloadError,
    InsufficientQuotaError,
    InvalidRequestError,
    Issue,
    RateLimitError,
    RunwayError,
    SubmissionUnknownError,
    TaskCancelledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
)
from cometapi_runway.journal import Budget


class TestChunks:
    @given(st.integers(0, 3000), st.integers(1, 200), st.booleans())
    def test_every_row_is_in_one_chunk(self, count: int, slots: int, is_rated: bool) -> None:
        sizes = list(cut_chunks(count, slots, is_rated=is_rated))
        assert sum(sizes) == count
        assert all(1 <= size <= 20 for size in sizes)
        if is_rated:
            assert set(sizes) <= {1}

    @given(st.integers(1, 3000), st.integers(1, 200))
    def test_no_chunk_is_longer_than_a_fair_share_of_what_is_left(
        self, count: int, slots: int
    ) -> None:
        left = count
        for size in cut_chunks(count, slots, is_rated=False):
            assert size <= max(left / slots, 1)
            left -= size

    def test_every_slot_has_a_chunk_where_there_are_rows_enough(self) -> None:
        assert len(list(cut_chunks(8, 8, is_rated=False))) == 8


class TestRate:
    @given(st.integers(1, 1000), st.sampled_from(["s", "min", "h"]))
    def test_evenly_spaced_creates_are_within_the_limit(self, limit: int, unit: str) -> None:
        rate = parse_rate(f"{limit}/{unit}")
        assert rate.limit == limit
        # Half-open windows: the create after `limit` others is in the next one.
        assert rate.spacing * limit >= rate.period

    def test_units(self) -> None:
        units = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "hour": 3600}
        for unit, period in units.items():
            assert parse_rate(f"999999999/{unit}") == Rate(999999999, period)
        # A create may be late by half a second, or by the whole of a shorter period.
        assert parse_rate("2/min").spacing == 30.25
        assert parse_rate("1/s").spacing == 1.5
        assert Rate(1, 0.25).spacing == 0.5

    @each_case(
        "text", ["1000000000/s", "", "30", "30/", "/min", "0/s", "1.5/s", "-1/s", "1/week", 5]
    )
    def test_others_are_refused(self, text: str) -> None:
        with pytest.raises(ConfigurationError) as refusal:
            parse_rate(text)
        assert refusal.value.setting == "rate"


class TestHalt:
    def test_a_share_needs_three_failures(self) -> None:
        halt = parse_halt("fail=10%")
        assert not halt.is_reached({"FAILED": 2})
        assert halt.is_reached({"FAILED": 1, "REFUSED": 1, "UNKNOWN": 1})
        assert halt.is_reached({"CANCELLED": 3, "SUCCEEDED": 27})
        assert not halt.is_reached({"FAILED": 3, "SUCCEEDED": 28})
        assert not parse_halt("fail=100%").is_reached({"FAILED": 100, "SUCCEEDED": 1})

    def test_a_count_needs_so_many(self) -> None:
        halt = parse_halt("fail=2")
        assert not halt.is_reached({"FAILED": 1, "SUCCEEDED": 1000})
        assert halt.is_reached({"FAILED": 1, "UNKNOWN": 1, "SUCCEEDED": 1000})

    def test_limits(self) -> None:
        for text, halt in (
            ("fail=100%", Halt(percent=100)),
            ("fail=0.001%", Halt(percent=0.001)),
            ("fail=1", Halt(count=1)),
            ("fail=999999999", Halt(count=999999999)),
            ("fail=2.000", Halt(count=2)),
        ):
            assert parse_halt(text) == halt
        assert Halt(percent=100).is_reached({"FAILED": 3})

    @given(st.integers(1, 100), st.integers(0, 10_000), st.integers(0, 10_000))
    def test_a_spent_budget_and_success_never_halt(
        self, percent: int, succeeded: int, budget: int
    ) -> None:
        assert not Halt(percent=percent).is_reached({"SUCCEEDED": succeeded, "BUDGET": budget})

    @each_case(
        "text",
        [
            "fail=1000000000",
            "fail=0.0001%",
            "fail=100.001%",
            "",
            "10%",
            "fail=0",
            "fail=0%",
            "fail=101%",
            "fail=1.5",
            "fail=-1",
            "now,fail=1",
        ],
    )
    def test_others_are_refused(self, text: str) -> None:
        with pytest.raises(ConfigurationError) as refusal:
            parse_halt(text)
        assert refusal.value.setting == "halt"


def failed(code: str | None) -> TaskFailedError:
    task = Task("t", "FAILED", failure_code=code, raw={"failure": "why"})
    return TaskFailedError("t", task)


def with_task(error: RunwayError) -> RunwayError:
    error.task_id = "t"
    return error


UNKNOWN = SubmissionUnknownError("?", operation="o", fingerprint="f")
INVALID = InvalidRequestError([Issue("/a", "type", 1, "wrong")])


class TestJudge:
    @each_case(
        ("error", "status"),
        [
            (INVALID, "REFUSED"),
            (BadRequestError(400), "REFUSED"),
            (RateLimitError(429), "REFUSED"),
            (APIConnectionError("none", delivery="not_sent"), "REFUSED"),
            (with_task(BadRequestError(400)), "FAILED"),
            (BudgetExceededError(Decimal(1), Decimal(1)), "BUDGET"),
            (UNKNOWN, "UNKNOWN"),
            (failed("INTERNAL"), "FAILED"),
            (TaskCancelledError("t"), "CANCELLED"),
            (TaskTimeoutError("t"), "FAILED"),
            (TaskNotFoundError("t"), "FAILED"),
            (DownloadError("gone", task_id="t"), "FAILED"),
        ],
    )
    def test_status(self, error: RunwayError, status: str) -> None:
        verdict = judge(error)
        assert verdict.status == status
        assert not verdict.halts

    def test_only_a_task_that_ended_without_output_needs_another_one(self) -> None:
        ending = {
            type(error): judge(error).ends_attempt
            for error in (
                UNKNOWN,
                INVALID,
                failed("INTERNAL"),
                TaskCancelledError("t"),
                TaskTimeoutError("t"),
                DownloadError("gone"),
            )
        }
        assert {kind for kind, ends in ending.items() if ends} == {
            TaskFailedError,
            TaskCancelledError,
        }

    @pytest.mark.parametrize(
        ("code", "is_repeatable"),
        [("INTERNAL", True), ("SAFETY.INPUT.TEXT", False), ("NEW.CODE", False)],
    )
    def test_a_failure_is_repeated_only_where_that_can_help(
        self, code: str, is_repeatable: bool
    ) -> None:
        assert judge(failed(code)).is_repeatable is is_repeatable

    @pytest.mark.parametrize(
        "error",
        [AuthenticationError(401), InsufficientQuotaError(403), ConfigurationError("journal")],
    )
    def test_what_meets_every_row_halts(self, error: RunwayError) -> None:
        verdict = judge(error)
        assert verdict.halts
        assert verdict.status == "REFUSED"

    def test_only_an_unwritten_journal_is_tried_again(self) -> None:
        assert judge(ConfigurationError("locked", setting="journal")).is_unrecorded
        assert not judge(ConfigurationError("price", setting="budget")).is_unrecorded

    def test_a_spent_budget_is_no_failure(self) -> None:
        assert Counter(FAILURES) == Counter(["FAILED", "CANCELLED", "REFUSED", "UNKNOWN"])


class TestWorkerWatch:
    def test_a_worker_is_dead_once_its_lease_is_missing_for_the_grace(self) -> None:
        watch = WorkerWatch(10)
        assert watch.find_dead(0, {"a", "b"}, {"a", "b"}) == set()
        assert watch.find_dead(1, {"a", "b"}, {"a"}) == set()
        assert watch.find_dead(10.9, {"a", "b"}, {"a"}) == set()
        assert watch.find_dead(11, {"a", "b"}, {"a"}) == {"b"}

    def test_a_worker_that_takes_its_lease_again_lives(self) -> None:
        watch = WorkerWatch(10)
        watch.find_dead(0, {"a"}, set())
        watch.find_dead(9, {"a"}, {"a"})
        assert watch.find_dead(12, {"a"}, set()) == set()
        assert watch.find_dead(22, {"a"}, set()) == {"a"}

    def test_without_grace_it_is_dead_at_once(self) -> None:
        assert WorkerWatch(0).find_dead(5, {"old", "own"}, {"own"}) == {"old"}

    def test_a_worker_without_work_is_forgotten(self) -> None:
        watch = WorkerWatch(10)
        watch.find_dead(0, {"a"}, set())
        watch.find_dead(5, set(), set())
        assert watch.find_dead(11, {"a"}, set()) == set()


def test_options_have_limits() -> None:
    for name, largest in (("concurrency", 10_000), ("attempts", 100)):
        for value in (1, largest):
            assert getattr(BatchOptions(prices={}, **{name: value}), name) == value
        for value in (0, -1, largest + 1, 1.0, True, "1", None):
            with pytest.raises(ConfigurationError, match=f"1 to {largest:,}, got") as refusal:
                BatchOptions(prices={}, **{name: value})
            assert refusal.value.setting == name
    with pytest.raises(ConfigurationError, match="'learned' or 'fixed', got 'often'") as refusal:
        BatchOptions(prices={}, polling="often")  # type: ignore[arg-type]
    assert refusal.value.setting == "polling"
    for name in ("rate", "halt"):
        with pytest.raises(ConfigurationError, match="got 'soon'") as refusal:
            BatchOptions(prices={}, **{name: "soon"})  # type: ignore[arg-type]
        assert refusal.value.setting == name
    options = BatchOptions(prices={"a": Decimal(1)}, max_cost=Decimal(2), max_tasks=3)
    assert options.make_budget("b") == Budget(Decimal(2), 3, "b", {"a": Decimal(1)})


OPTIONS = BatchOptions(prices={}).to_json()


class FakeClient:
    is_closed = False

    async def close(self) -> None:
        self.is_closed = True
        raise ZeroDivisionError


def test_a_batch_that_is_run_again_has_a_new_client_and_both_are_closed() -> None:
    opened: list[FakeClient] = []
    now = datetime(2026, 11, 20, tzinfo=UTC)
    batches = [StoredBatch("b", "out", "https://g", OPTIONS, None, now, now)]
    store: Any = SimpleNamespace(load_batch=lambda _: batches[-1])

    def open_client(*_: object) -> Any:
        opened.append(FakeClient())
        return opened[-1]

    async def run() -> None:
        worker = Worker(store, open_client, lambda _: SimpleNamespace())  # type: ignore[arg-type,return-value]
        first = await worker._open("b")
        assert await worker._open("b") is first
        batches.append(
            evolve(batches[0], run_at=now + timedelta(seconds=1), halted="fail=1 is reached")
        )
        second = await worker._open("b")
        assert await worker._open("b") is second
        assert (first.halted, second.halted) == (None, "fail=1 is reached")
        assert [first.client, second.client] == opened
        await worker.stop()
        assert [one.is_closed for one in opened] == [True, True]

    asyncio.run(run())
