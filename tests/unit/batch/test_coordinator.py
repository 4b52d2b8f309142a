"""One run of a batch: what it puts into the queue, and what it takes out of the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cometapi_runway.batch import _coordinator, _store
from cometapi_runway.batch._coordinator import Coordinator
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._results import ResultsFile, RowResult, RowStatus, read_results
from cometapi_runway.batch._store import Counts, RowEnded, RowStarted, Store, StoredBatch, StoredRow


class Run:
    """A coordinator with a queue of its own and a time that only its pauses let pass.

    It is the engine, the outputs and the clock in one.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        self.now = 1000.0
        self.log: list[tuple[str, Any]] = []
        self.ended_chunks: set[str] = set()
        self.queued: list[str] = []
        self.failure: Exception | None = None
        self.is_stopping = False
        self.at_pause: Callable[[int], object] = lambda _: None
        self.pauses: list[float] = []
        self.counted: list[tuple[float, Counts]] = []
        for module in (_coordinator, _store):
            monkeypatch.setattr(module, "time", self)
        self.store = Store(sa.create_engine(f"sqlite:///{folder / 'rows.sqlite3'}"))
        all_options = BatchOptions(**{"prices": {}, "concurrency": 2, **options})
        batch = self.store.save_batch("b", "out", "https://g", all_options.to_json())
        self.results = ResultsFile(folder)
        parts: Any = self
        self.coordinator = Coordinator(self.store, parts, batch, all_options, self.results, parts)

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        assert len(self.pauses) < 1000
        self.at_pause(len(self.pauses))

    def enqueue(self, queue: str, batch: str, chunks: Sequence[str]) -> None:
        assert queue == batch == "b"
        self.log.append(("enqueue", list(chunks)))
        self.queued += chunks

    def drop_queued(self, queue: str) -> list[str]:
        self.log.append(("drop", queue))
        dropped, self.queued = self.queued, []
        return dropped

    def find_ended(self, chunks: Sequence[str]) -> list[str]:
        return [one for one in chunks if one in self.ended_chunks]

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def publish(self, file: Path) -> None:
        assert file == self.results.path
        self.log.append(("publish", self.now))

    def add(self, *names: str) -> None:
        self.store.add_rows("b", (StoredRow(name, "d", "o", {}, "x") for name in names))

    def end(self, *names: str, status: RowStatus = "SUCCEEDED") -> None:
        self.store.write("b", [RowEnded(RowResult(name, status), 2) for name in names])

    def follow(self) -> list[str]:
        def count(batch: StoredBatch, counts: Counts) -> None:
            assert batch.name == "b"
            self.counted.append((self.now, counts))

        return [one.id for one in self.coordinator.follow(lambda: self.is_stopping, count)]

    def find_chunk(self, name: str) -> str:
        query = sa.text("SELECT chunk FROM batch_row WHERE id = :id")
        with self.store.engine.connect() as db:
            return str(db.execute(query, {"id": name}).scalar())

    @property
    def lines(self) -> list[str]:
        return [one.id for one in read_results(self.results.path.parent)]

    @property
    def published(self) -> list[float]:
        return [when for what, when in self.log if what == "publish"]


@pytest.fixture
def make_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def make(**options: Any) -> Run:
        runs.append(Run(tmp_path, monkeypatch, **options))
        return runs[-1]

    yield make
    for run in runs:
        run.results.close()
        run.store.close()


def test_rows_are_queued_once_and_their_results_taken_as_they_come(
    make_run: Callable[..., Run],
) -> None:
    run = make_run()
    run.add("a", "b", "c", "d", "e")

    def work(pause: int) -> None:
        if pause <= 5:
            run.end("dbeca"[pause - 1])

    run.at_pause = work
    assert run.follow() == ["d", "b", "e", "c", "a"]
    assert run.lines == ["d", "b", "e", "c", "a"]
    (_, first), (_, chunks), *rest = [one for one in run.log if one[0] == "enqueue"]
    # No chunk was left by an earlier run; later plans find no row without a chunk.
    assert (first, [one for _, one in rest if one]) == ([], [])
    assert all(re.fullmatch(r"b/[0-9a-f]{12}", one) for one in chunks)
    assert len({run.find_chunk(name) for name in "abcde"}) == len(chunks) == 4
    assert [run.find_chunk(name) for name in "abcde"] == [chunks[0], chunks[0], *chunks[1:]]
    # A look at results five times a second, at the number of rows once in a second.
    assert run.pauses == [0.2] * 5
    times = [time for time, _ in run.counted]
    assert times[0] == 1000
    assert all(abs(one - 1001) < 0.001 for one in times[1:])
    assert [counts.ended for _, counts in run.counted] == [0, 5]


def test_a_later_run_goes_on_with_what_an_earlier_one_left(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.add("a", "b", "c", "d")
    run.store.assign("b", {"open": ["b", "c"], "over": ["a"]})
    # A kill came after the chunk had ended and before its rows were released.
    run.ended_chunks = {"over"}
    run.end("d")
    run.at_pause = lambda _: run.end("a", "b", "c")
    assert run.follow() == ["d", "a", "b", "c"]
    first, second, *_ = [chunks for what, chunks in run.log if what == "enqueue"]
    assert first == ["open"]
    assert second == [run.find_chunk("a")]
    assert run.find_chunk("b") == "open"


def test_with_a_rate_each_row_has_its_own_chunk(make_run: Callable[..., Run]) -> None:
    run = make_run(rate="5/s")
    names = [f"r{n}" for n in range(9)]
    run.add(*names)
    run.at_pause = lambda _: run.end(*names)
    run.follow()
    assert len({run.find_chunk(name) for name in names}) == 9


def test_a_halt_empties_the_queue_and_waits_for_what_has_begun(
    make_run: Callable[..., Run],
) -> None:
    run = make_run(concurrency=1)
    names = [f"r{n}" for n in range(50)]
    run.add(*names)

    def work(pause: int) -> None:
        if pause == 1:
            # A worker has the first chunk.
            running.append(run.queued.pop(0))
            run.store.write("b", [RowStarted("r0")])
            run.store.halt("b", "enough")
        elif pause == 12:
            run.end("r0")
            run.store.release("b", running)

    running: list[str] = []
    run.at_pause = work
    assert run.follow() == ["r0"]
    assert len(run.pauses) >= 12
    assert run.store.count("b") == Counts(50, 0, 0, {"SUCCEEDED": 1})
    assert run.counted[-1][1].assigned == 0
    drops = [what for what, _ in run.log].index("drop")
    assert not [chunks for what, chunks in run.log[drops:] if what == "enqueue"]


def test_a_run_ends_when_it_is_stopped_or_its_engine_fails(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.add("a", "b")

    def stop(_: int) -> None:
        run.is_stopping = True

    run.at_pause = stop
    assert run.follow() == []
    assert run.pauses == [0.2]
    run.is_stopping = False
    run.failure = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        run.follow()


def test_a_result_that_is_visible_late_is_not_missed(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.add("a", "b", "c")
    run.now = 5000.0
    run.end("a")
    assert [one.id for one in run.coordinator.take_results()] == ["a"]
    # Another machine's clock, or a transaction that took as long.
    for back, name, found in ((1.9, "b", ["b"]), (2.1, "c", [])):
        run.now = 5000.0 - back
        run.end(name)
        assert [one.id for one in run.coordinator.take_results()] == found
    assert [one.id for one in run.coordinator.take_results(since=0.0)] == ["c"]
    assert run.coordinator.take_results(since=0.0) == []
    assert run.lines == ["a", "b", "c"]


def test_the_end_of_a_run_has_every_result_however_late(make_run: Callable[..., Run]) -> None:
    run = make_run()
    run.add("a", "b")

    def work(pause: int) -> None:
        if pause == 1:
            run.now += 1000.0
            run.end("a")
        elif pause == 2:
            run.now -= 500.0
            run.end("b")
            run.now += 500.0

    run.at_pause = work
    assert run.follow() == ["a", "b"]


def test_the_results_are_published_every_half_minute_where_there_are_new_ones(
    make_run: Callable[..., Run],
) -> None:
    run = make_run()
    names = [f"r{n}" for n in range(5)]
    run.add(*names)
    start = run.coordinator._published
    for passed, name, count in ((29, "r0", 0), (32, None, 0), (33, "r1", 1), (62, "r2", 1),
                                (64, "r3", 2)):  # fmt: skip
        run.now = start + passed
        if name is not None:
            run.end(name)
        run.coordinator.take_results()
        assert len(run.published) == count, passed
