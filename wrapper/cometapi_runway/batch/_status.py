"""How a batch stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from cometapi_runway.batch._results import RowStatus
from cometapi_runway.journal import Journal, Spending

if TYPE_CHECKING:
    from cometapi_runway.batch._store import Counts, StoredBatch


@frozen
class BatchStatus:
    """How a batch stands.

    Attributes:
        name: Its name.
        folder: The folder or URL of its outputs.
        rows: How many rows it has.
        running: How many have begun and not ended.
        statuses: How many have ended, by status.
        halted: Why it stopped submitting, or None.
        spending: What its tasks have cost, or may yet cost.
        created_at: When it was first run.
        run_at: When it was last run.
    """

    name: str
    folder: str
    rows: int
    running: int
    statuses: Mapping[RowStatus, int]
    halted: str | None
    spending: Spending
    created_at: datetime
    run_at: datetime

    @property
    def ended(self) -> int:
        """How many rows have ended."""
        return sum(self.statuses.values())

    @property
    def waiting(self) -> int:
        """How many rows have not begun."""
        return self.rows - self.ended - self.running

    @property
    def is_complete(self) -> bool:
        """Whether every row has ended."""
        return self.ended == self.rows


def make_status(batch: StoredBatch, counts: Counts, journal: Journal) -> BatchStatus:
    """Put together what is known about a batch."""
    return BatchStatus(
        batch.name,
        batch.folder,
        counts.rows,
        counts.running,
        counts.statuses,
        batch.halted,
        journal.spent(batch.name, gateway=batch.gateway),
        batch.created_at,
        batch.run_at,
    )
