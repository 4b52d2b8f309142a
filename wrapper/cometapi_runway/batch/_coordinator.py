"""One run of a batch: puts rows into the queue, and takes their results out of the database.

Exactly one process coordinates a batch. It writes the results file, whichever worker ran the row.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from typing import Final

from attrs import define, field

from cometapi_runway.batch._decisions import cut_chunks
from cometapi_runway.batch._engine import Engine
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._outputs import OutputFolder
from cometapi_runway.batch._results import ResultsFile, RowResult
from cometapi_runway.batch._store import Counts, Store, StoredBatch

_LOOK_INTERVAL: Final = 0.2
"""Seconds between two looks for new results."""
_COUNT_INTERVAL: Final = 1.0
"""Seconds between two counts of all rows."""
_LATE_RESULTS: Final = 2.0
"""Seconds by which a result of another machine may be visible later than its time says."""
_PUBLISH_INTERVAL: Final = 30.0
"""Seconds between two copies of the results file to a remote folder."""

OnCounts = Callable[[StoredBatch, Counts], object]


@define(eq=False)
class Coordinator:
    """One run of a batch.

    Attributes:
        store: The rows.
        engine: Runs them.
        batch: The batch as it is stored.
        options: How it runs.
        results: The results file.
        outputs: The folder that the results file is copied to, if that is remote.
    """

    store: Store
    engine: Engine
    batch: StoredBatch
    options: BatchOptions
    results: ResultsFile
    outputs: OutputFolder
    _latest: float = field(default=0.0, init=False)
    _published: float = field(factory=time.monotonic, init=False)

    def follow(self, is_stopping: Callable[[], bool], on_counts: OnCounts) -> Generator[RowResult]:
        """Run the batch until every row has ended, it is stopped, or it halts.

        Args:
            is_stopping: Whether to stop.
            on_counts: Called about every second.
        """
        name = self.batch.name
        self._release_ended()
        self.engine.enqueue(name, name, self.store.list_open_chunks(name))
        while not is_stopping():
            counted = time.monotonic()
            self._plan()
            counts = self.store.count(name)
            on_counts(self.batch, counts)
            if self._is_over(counts):
                yield from self.take_results(since=0.0)
                return
            while time.monotonic() - counted < _COUNT_INTERVAL and not is_stopping():
                yield from self.take_results()
                if len(self.results.statuses) >= counts.rows:
                    break
                self.engine.check()
                time.sleep(_LOOK_INTERVAL)

    def take_results(self, since: float | None = None) -> list[RowResult]:
        """Write the results that are new to the file, and return them."""
        start = max(self._latest - _LATE_RESULTS, 0.0) if since is None else since
        known = self.results.statuses
        new: dict[str, RowResult] = {}
        for ended_at, result in self.store.read_results(self.batch.name, start, known):
            self._latest = max(self._latest, ended_at)
            new[result.id] = result
        self.results.append(new.values())
        if new and time.monotonic() - self._published > _PUBLISH_INTERVAL:
            self.publish()
        return list(new.values())

    def publish(self) -> None:
        """Copy the results file to the folder, if that is elsewhere."""
        self.outputs.publish(self.results.path)
        self._published = time.monotonic()

    def _plan(self) -> None:
        """Put rows that no chunk has into the queue; take them out of it once the batch halts."""
        name = self.batch.name
        self.batch = self.store.load_batch(name)
        if self.batch.halted is not None:
            self.store.release(name, self.engine.drop_queued(name))
            return
        rows = self.store.list_unassigned(name)
        is_rated = self.options.rate is not None
        start = 0
        chunks: dict[str, list[str]] = {}
        for size in cut_chunks(len(rows), self.options.concurrency, is_rated=is_rated):
            chunks[f"{name}/{os.urandom(6).hex()}"] = rows[start : start + size]
            start += size
        # First the plan, then the queue: what a kill leaves between them is enqueued again.
        self.store.assign(name, chunks)
        self.engine.enqueue(name, name, list(chunks))

    def _release_ended(self) -> None:
        """Free rows whose chunk has ended without them: a kill came before they were released."""
        name = self.batch.name
        self.store.release(name, self.engine.find_ended(self.store.list_open_chunks(name)))

    def _is_over(self, counts: Counts) -> bool:
        if self.batch.halted is not None:
            return counts.assigned == 0
        return counts.ended == counts.rows
