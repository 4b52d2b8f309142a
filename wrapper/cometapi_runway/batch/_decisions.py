"""What a batch does next, as functions of what is known: no clock, no database, no network."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from attrs import define, field, frozen

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway.batch._results import RowStatus
from cometapi_runway.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BudgetExceededError,
    ConfigurationError,
    InsufficientQuotaError,
    InvalidRequestError,
    RunwayError,
    SubmissionUnknownError,
    TaskCancelledError,
    TaskFailedError,
)

_PERIODS: Final = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "hour": 3600.0}
_MAX_CHUNK: Final = 20
"""Rows of one workflow: its own cost, three transactions, is spread over them."""
_MIN_FAILURES: Final = 3
"""Failures before a share of them halts a batch: one failure of two rows proves nothing."""
_RATE_MARGIN: Final = 0.5
"""Seconds by which a create may be late on its way from the queue to the gateway."""
FAILURES: Final[frozenset[RowStatus]] = frozenset({"FAILED", "CANCELLED", "REFUSED", "UNKNOWN"})
"""How rows end that count for ``halt``. A budget that is spent is no failure."""


@frozen
class Rate:
    """How many tasks are created in a period, at most.

    Attributes:
        limit: Tasks.
        period: Seconds.
    """

    limit: int
    period: float

    @property
    def spacing(self) -> float:
        """Seconds from one create to the next.

        Evenly spaced, because a burst at the end of one period and another at the beginning of the
        next would be twice the rate. The margin keeps the rate where creates reach the gateway with
        different delays.
        """
        return (self.period + min(_RATE_MARGIN, self.period)) / self.limit


@frozen
class Halt:
    """When to stop submitting: one of the two.

    Attributes:
        percent: Failed rows of a hundred that have ended.
        count: Failed rows.
    """

    percent: float | None = None
    count: int | None = None

    def is_reached(self, statuses: Mapping[RowStatus, int]) -> bool:
        """Whether so many rows have failed.

        Args:
            statuses: How many rows of this run have ended in each status.
        """
        failed = sum(count for status, count in statuses.items() if status in FAILURES)
        if self.count is not None:
            return failed >= self.count
        ended = sum(statuses.values())
        return failed >= _MIN_FAILURES and failed * 100 >= (self.percent or 0) * ended


def parse_rate(text: str) -> Rate:
    """Read a rate such as ``30/min``.

    Raises:
        ConfigurationError: It is not a whole number of tasks per ``s``, ``min`` or ``h``.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,8})/([a-z]+)", text) if isinstance(text, str) else None
    if match is None or match[2] not in _PERIODS:
        raise ConfigurationError(
            f"rate: must be a number of tasks per s, min or h, such as 30/min; got "
            f"{safe_repr(text)}",
            setting="rate",
        )
    return Rate(int(match[1]), _PERIODS[match[2]])


def parse_halt(text: str) -> Halt:
    """Read when to stop submitting: ``fail=10%`` or ``fail=5``.

    Raises:
        ConfigurationError: It is neither.
    """
    match = re.fullmatch(r"fail=([0-9]{1,9}(?:\.[0-9]{1,3})?)(%?)", str(text))
    number = float(match[1]) if match else 0.0
    is_percent = bool(match and match[2])
    if number <= 0 or (is_percent and number > 100) or (not is_percent and number % 1):
        raise ConfigurationError(
            f"halt: must be fail=PERCENT% or fail=COUNT, such as fail=10%; got {safe_repr(text)}",
            setting="halt",
        )
    return Halt(percent=number) if is_percent else Halt(count=int(number))


def cut_chunks(count: int, slots: int, *, is_rated: bool) -> Iterator[int]:
    """The sizes of the chunks that rows are run in; the rows of a chunk run one after another.

    Chunks get smaller towards the end, so that no slot still has a long one when the others are
    done.

    Args:
        count: The rows.
        slots: How many chunks run at once.
        is_rated: Whether the queue limits the rate. It counts chunks, so each has one row then.
    """
    while count > 0:
        fair = 1 if is_rated else count // slots
        size = min(max(fair, 1), _MAX_CHUNK, count)
        yield size
        count -= size


@frozen
class Verdict:
    """What an error means for a row.

    Attributes:
        status: How the row ends with it.
        is_repeatable: Whether another attempt can help; it buys another task.
        ends_attempt: Whether a later retry needs a new task: this one has ended without output.
        halts: Whether no other row can succeed now, so that the batch stops and the row waits.
        is_unrecorded: Whether nothing was sent because the journal could not be written, which may
            pass.
    """

    status: RowStatus
    is_repeatable: bool = False
    ends_attempt: bool = False
    halts: bool = False
    is_unrecorded: bool = False


def judge(error: RunwayError) -> Verdict:
    """Decide what an error of a row's create, wait or download means."""
    match error:
        case ConfigurationError():
            return Verdict("REFUSED", halts=True, is_unrecorded=error.setting == "journal")
        case AuthenticationError() | InsufficientQuotaError():
            return Verdict("REFUSED", halts=True)
        case BudgetExceededError():
            return Verdict("BUDGET")
        case SubmissionUnknownError():
            return Verdict("UNKNOWN")
        case TaskFailedError():
            return Verdict("FAILED", is_repeatable=error.can_retry is True, ends_attempt=True)
        case TaskCancelledError():
            return Verdict("CANCELLED", ends_attempt=True)
        case InvalidRequestError() | APIStatusError() | APIConnectionError():
            # With an id, its task was accepted before.
            return Verdict("REFUSED" if error.task_id is None else "FAILED")
        case _:
            return Verdict("FAILED")


@define(eq=False)
class WorkerWatch:
    """Tells which workers have died, from looks at the leases.

    A worker is dead when its lease has been missing for a while: a restart of the database ends
    all leases, and living workers take theirs again within seconds.

    Attributes:
        grace: Seconds that a lease may be missing.
    """

    grace: float
    _missing_since: dict[str, float] = field(factory=dict[str, float], init=False)

    def find_dead(
        self, now: float, owners: Collection[str], living: Collection[str]
    ) -> frozenset[str]:
        """The owners of work whose lease has been missing for the grace.

        Args:
            now: Seconds of a monotonic clock.
            owners: Workers that have work.
            living: Workers that hold a lease.
        """
        missing = set(owners) - set(living)
        self._missing_since = {
            owner: self._missing_since.get(owner, now) for owner in sorted(missing)
        }
        return frozenset(
            owner for owner, since in self._missing_since.items() if now - since >= self.grace
        )
