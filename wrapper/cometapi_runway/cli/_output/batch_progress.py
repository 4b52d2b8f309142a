"""What a batch's progress says, as lines of text and as fields for programs."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.naming import count_noun
from cometapi_runway.batch._report import describe_reason, format_cost
from cometapi_runway.cli._output.text import escape_control_characters, format_duration

if TYPE_CHECKING:
    from cometapi_runway.batch import BatchStatus, RowResult, RowStatus

STATUS_WORDS: Final[Mapping[RowStatus, str]] = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "REFUSED": "refused",
    "BUDGET": "over budget",
    "UNKNOWN": "unknown",
}
"""The statuses in the order in which they are shown."""
_MAX_REASONS: Final = 5
_MIN_ENDS: Final = 3
"""Ends of rows before an estimate: fewer say little about the pace."""
_LONGEST: Final = 1_000_000.0
"""Seconds beyond which an estimate says nothing, such as after a gateway stood still."""
_WINDOW: Final = 500
"""Ends of rows that the pace is measured over."""


@frozen
class BatchProgress:
    """How a batch stands, and how long it takes.

    Attributes:
        status: How it stands.
        reasons: Why rows did not succeed, with the number of rows, the most frequent first; unknown
            outcomes are not among them.
        max_cost: US dollars that its tasks may cost, or None.
        elapsed: Seconds since it was last run.
        remaining: Estimated seconds to its end; None where unknown.
        now: When this was so, in local time.
    """

    status: BatchStatus
    reasons: Sequence[tuple[str, int]]
    max_cost: Decimal | None
    elapsed: float
    remaining: float | None
    now: datetime


@define
class BatchTracker:
    """Learns from results how a batch goes.

    Attributes:
        max_cost: US dollars that its tasks may cost, or None.
    """

    max_cost: Decimal | None = None
    _ids: set[str] = field(factory=set[str])
    _reasons: Counter[str] = field(factory=Counter[str])
    _ends: deque[float] = field(factory=lambda: deque[float](maxlen=_WINDOW))

    def add(self, result: RowResult) -> None:
        """Add the result of a row, which counts once."""
        if result.id in self._ids:
            return
        self._ids.add(result.id)
        # Unknown outcomes are shown apart, each with the command that closes it.
        if result.status not in {"SUCCEEDED", "UNKNOWN"}:
            self._reasons[f"{STATUS_WORDS[result.status]}: {describe_reason(result)}"] += 1
        if result.ended_at is not None:
            self._ends.append(result.ended_at.timestamp())

    def make_progress(self, status: BatchStatus, now: datetime) -> BatchProgress:
        """How the batch stands now."""
        time = now.timestamp()
        end = max(self._ends, default=time) if status.is_complete else time
        return BatchProgress(
            status,
            self._reasons.most_common(),
            self.max_cost,
            max(end - status.run_at.timestamp(), 0.0),
            None if status.halted else self._estimate_remaining(status, time),
            now,
        )

    def _estimate_remaining(self, status: BatchStatus, now: float) -> float | None:
        """The rows that have not ended, at the pace of those that have.

        Only ends of this run count: between two runs, time passed.
        """
        run_at = status.run_at.timestamp()
        ends = [end for end in self._ends if end >= run_at]
        left = status.rows - status.ended
        if len(ends) < _MIN_ENDS or left == 0:
            return None
        # With as many ends as are kept, the first of them is where the time begins.
        start = ends[0] if len(ends) == _WINDOW else run_at
        remaining = left * max(now - start, 0.0) / len(ends)
        return remaining if remaining < _LONGEST else None


def format_plain(progress: BatchProgress) -> str:
    """The progress on one line: for pipes and files."""
    status = progress.status
    parts = [f"{status.ended} of {count_noun(status.rows, 'row')} ended"]
    if status.running:
        parts.append(f"{status.running} running")
    parts += _list_failed(status)
    counts = f"{', '.join(parts)}{_format_rest(progress)}"
    return f"{format_duration(progress.elapsed)}  {counts}; {format_spending(progress)}"


def format_view(progress: BatchProgress, width: int) -> list[str]:
    """The progress on several lines: for a terminal.

    Args:
        progress: The progress.
        width: Columns; a longer line is cut.
    """
    status = progress.status
    counts = (
        (status.statuses.get("SUCCEEDED", 0), "done"),
        (status.running, "running"),
        (status.waiting, "waiting"),
    )
    lines = [
        "   ".join([*(f"{count} {word}" for count, word in counts), *_list_failed(status)]),
        f"{format_duration(progress.elapsed)} elapsed{_format_rest(progress)}",
        format_spending(progress),
    ]
    lines += [f"  {line}" for line in list_reasons(progress, _MAX_REASONS)]
    if status.halted:
        lines.append(f"no further task is created: {status.halted}")
    return [cut_line(line, width) for line in lines]


def format_summary(progress: BatchProgress) -> str:
    """How a batch ended, on one line."""
    status = progress.status
    parts = [
        f"{status.statuses[name]} {word}"
        for name, word in STATUS_WORDS.items()
        if name in status.statuses
    ]
    open_rows = status.rows - status.ended
    parts += [f"{open_rows} not ended"] if open_rows else []
    return f"{count_noun(status.rows, 'row')}: {', '.join(parts) or 'none'}"


def format_status(progress: BatchProgress) -> str:
    """How a batch stands, on several lines that are complete."""
    status = progress.status
    lines = [
        f"{status.name}: {format_summary(progress)}",
        *(
            [f"  {status.running} running, {status.waiting} waiting"]
            if not status.is_complete
            else []
        ),
        f"  {format_spending(progress)}",
        f"  files in {status.folder}",
        f"  last run {status.run_at.astimezone():%Y-%m-%d %H:%M:%S}",
    ]
    if status.halted:
        lines.append(f"  no further task is created: {status.halted}")
    lines += [f"  {line}" for line in list_reasons(progress, len(progress.reasons))]
    return "\n".join(lines)


def list_reasons(progress: BatchProgress, limit: int) -> list[str]:
    """Why rows did not succeed, each reason with the number of rows; the others are counted."""
    reasons, hidden = progress.reasons[:limit], progress.reasons[limit:]
    digits = max((len(str(count)) for _, count in reasons), default=0)
    lines = [f"{count:>{digits}}  {reason}" for reason, count in reasons]
    if hidden:
        rows = count_noun(sum(count for _, count in hidden), "row")
        lines.append(f"and {rows} for {count_noun(len(hidden), 'other reason')}")
    return lines


def format_spending(progress: BatchProgress) -> str:
    """What was spent, of how much, and how many tasks are not in the sum."""
    spending = progress.status.spending
    limit = "" if progress.max_cost is None else f" of {format_cost(progress.max_cost)}"
    if spending.unpriced and spending.unpriced == spending.tasks:
        return f"{count_noun(spending.tasks, 'task')} of unknown price"
    more = f", and {count_noun(spending.unpriced, 'task')} of unknown price"
    return f"{format_cost(spending.cost)}{limit} USD spent{more if spending.unpriced else ''}"


def make_progress_fields(progress: BatchProgress) -> dict[str, JSON]:
    """The progress for programs."""
    status, remaining = progress.status, progress.remaining
    return {
        "name": status.name,
        "folder": status.folder,
        "rows": status.rows,
        "ended": status.ended,
        "running": status.running,
        "waiting": status.waiting,
        "statuses": {str(name): count for name, count in status.statuses.items()},
        "reasons": dict(progress.reasons),
        "halted": status.halted,
        "complete": status.is_complete,
        # Text, because it is a decimal number.
        "spent": str(status.spending.cost),
        "tasks": status.spending.tasks,
        "unpriced_tasks": status.spending.unpriced,
        "elapsed": round(progress.elapsed, 1),
        "remaining": None if remaining is None else round(remaining, 1),
    }


def cut_line(text: str, width: int) -> str:
    """A line without control characters that fits the width."""
    text = " ".join(escape_control_characters(text).split("\n"))
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def _list_failed(status: BatchStatus) -> list[str]:
    return [
        f"{status.statuses[name]} {word}"
        for name, word in STATUS_WORDS.items()
        if name != "SUCCEEDED" and name in status.statuses
    ]


def _format_rest(progress: BatchProgress) -> str:
    """``, about 4:50 left, until 18:42``; empty where unknown."""
    if progress.remaining is None:
        return ""
    end = progress.now + timedelta(seconds=progress.remaining)
    is_today = end.date() == progress.now.date()
    clock = f"{end:%H:%M}" if is_today else f"{end:%Y-%m-%d %H:%M}"
    return f", about {format_duration(progress.remaining)} left, until {clock}"
