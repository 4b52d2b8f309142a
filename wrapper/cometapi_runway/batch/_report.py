"""What the report of a batch shows: rows by status, failures by reason, files, costs, times."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import quote

from attrs import frozen

from cometapi_runway.batch._outputs import is_remote
from cometapi_runway.batch._results import RowResult, RowStatus

STATUSES: Final[tuple[RowStatus, ...]] = get_args(RowStatus)
_FAILURES: Final[tuple[RowStatus, ...]] = ("FAILED", "CANCELLED", "REFUSED", "BUDGET")
_SLOW_PART: Final = 0.95
# What browsers show.
_IMAGES: Final = frozenset({".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"})
_VIDEOS: Final = frozenset({".m4v", ".mov", ".mp4", ".ogv", ".webm"})

FileKind: TypeAlias = Literal["video", "image", "other"]


@frozen
class ReportSource:
    """A batch whose report is made.

    Attributes:
        name: Its name.
        folder: The folder or URL of its files.
        results: The rows that have ended.
        row_count: All rows.
        max_cost: The most that it may spend in USD, or None.
        settle_command: The command that closes a row of unknown outcome, by the row's id and
            attempt.
    """

    name: str
    folder: str
    results: Sequence[RowResult]
    row_count: int
    max_cost: Decimal | None = None
    settle_command: Callable[[str, int], str] | None = None


@frozen
class FileView:
    """A saved file.

    Attributes:
        name: Its name in the batch's folder.
        link: Its address, relative to the page.
        kind: How the page shows it.
        cost: What its row cost in USD, at the row's first file; None if the price is unknown.
    """

    name: str
    link: str
    kind: FileKind
    cost: Decimal | None


@frozen
class FailureGroup:
    """Rows that did not succeed for the same reason.

    Attributes:
        status: How they ended.
        reason: The gateway's code, or the error without what differs from row to row.
        example: The first row's error, or None if the reason says as much.
        rows: The rows.
    """

    status: RowStatus
    reason: str
    example: str | None
    rows: tuple[RowResult, ...]


@frozen
class Spending:
    """What a batch cost.

    Attributes:
        charged: USD for rows whose outcome is known.
        possibly_charged: USD for rows of unknown outcome.
        unpriced: Rows with a task whose price is unknown.
    """

    charged: Decimal
    possibly_charged: Decimal
    unpriced: int


@frozen
class Timing:
    """When a batch ran; times of rows are from the submission to the end, in seconds.

    Attributes:
        started: The first submission.
        ended: The last end.
        median: Of half of the rows, at most.
        slow: Of 95 of 100 rows, at most.
        slowest: Of all rows.
        repeated: Rows that needed more than one attempt.
    """

    started: datetime
    ended: datetime
    median: float
    slow: float
    slowest: float
    repeated: int

    @property
    def elapsed(self) -> float:
        """Seconds from the first submission to the last end."""
        return (self.ended - self.started).total_seconds()


def count_statuses(results: Iterable[RowResult]) -> dict[RowStatus, int]:
    """How many rows ended in each status, without those that none ended in."""
    counts = Counter(one.status for one in results)
    return {status: counts[status] for status in STATUSES if counts[status]}


def list_files(results: Iterable[RowResult], folder: str, page: Path) -> list[FileView]:
    """The files of a batch by name, with links that work from the page's folder."""
    return sorted(_read_files(results, folder, page), key=lambda file: _split_numbers(file.name))


def _read_files(results: Iterable[RowResult], folder: str, page: Path) -> Iterator[FileView]:
    base = make_base_link(folder, page)
    is_local = not is_remote(folder)
    for result in results:
        for index, name in enumerate(result.files):
            link = base + quote(os.fsencode(name))
            # The cost is the row's, not each file's.
            cost = None if index else result.cost
            # The page loads nothing from the network.
            yield FileView(name, link, _get_kind(name) if is_local else "other", cost)


def make_base_link(folder: str, page: Path) -> str:
    """The folder's address, relative to the page; it ends in ``/``, or is empty."""
    if is_remote(folder):
        return f"{folder.rstrip('/')}/"
    path, start = Path(folder).absolute(), page.absolute().parent
    try:
        relative = os.path.relpath(path, start)
    except ValueError:
        # Windows has no relative path to another drive.
        return f"{path.as_uri()}/"
    if relative == os.curdir:
        return "./"
    return f"{quote(os.fsencode(Path(relative).as_posix()))}/"


def group_failures(results: Iterable[RowResult]) -> list[FailureGroup]:
    """Rows that did not succeed by their reason, the most frequent first.

    Rows of unknown outcome are no failures: they may have been charged.
    """
    groups: dict[tuple[RowStatus, str], list[RowResult]] = {}
    for result in results:
        if result.status in _FAILURES:
            groups.setdefault((result.status, describe_reason(result)), []).append(result)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    return [
        FailureGroup(status, reason, _find_example(reason, rows), tuple(rows))
        for (status, reason), rows in ordered
    ]


def describe_reason(result: RowResult) -> str:
    """Why a row did not succeed, in words that rows with the same reason share."""
    if result.failure_code:
        return result.failure_code
    text = result.error or "no reason is known"
    for own in (result.task_id, result.id):
        # An id that is a word of the sentence stays a word.
        text = text.replace(own, "…") if own and any(map(str.isdigit, own)) else text
    return text


def sum_spending(results: Iterable[RowResult]) -> Spending:
    """Add up the costs."""
    charged, possibly, unpriced = Decimal(), Decimal(), 0
    for result in results:
        if result.cost is None:
            unpriced += result.task_id is not None or result.status == "UNKNOWN"
        elif result.status == "UNKNOWN":
            possibly += result.cost
        else:
            charged += result.cost
    return Spending(charged, possibly, unpriced)


def measure_times(results: Iterable[RowResult]) -> Timing | None:
    """When the rows ran; None if none had a task."""
    timed = [
        (one.created_at, one.ended_at, one.attempts)
        for one in results
        if one.created_at is not None and one.ended_at is not None
    ]
    if not timed:
        return None
    seconds = sorted(max((end - start).total_seconds(), 0.0) for start, end, _ in timed)
    return Timing(
        started=min(start for start, _, _ in timed),
        ended=max(end for _, end, _ in timed),
        median=_get_quantile(seconds, 0.5),
        slow=_get_quantile(seconds, _SLOW_PART),
        slowest=seconds[-1],
        repeated=sum(attempts > 1 for _, _, attempts in timed),
    )


def make_bar(counts: Mapping[RowStatus, int], row_count: int) -> list[tuple[str, float, float]]:
    """The parts of a bar that is 100 wide: status, offset and width."""
    parts: list[tuple[str, float, float]] = []
    offset = 0.0
    for status, count in counts.items():
        width = 100 * count / max(row_count, 1)
        parts.append((status, round(offset, 3), round(width, 3)))
        offset += width
    return parts


def format_cost(cost: Decimal) -> str:
    """US dollars: ``0.5`` as ``0.50``, ``0.125`` as it is."""
    places = -int(cost.normalize().as_tuple().exponent)
    return f"{cost:,.{max(places, 2)}f}"


def _split_numbers(name: str) -> list[tuple[int, str]]:
    """A key that sorts ``shot-9`` before ``shot-10``; rows end in any order."""
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]


def _get_quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[math.ceil(part * len(ordered)) - 1]


def _get_kind(name: str) -> FileKind:
    extension = PurePosixPath(name).suffix.lower()
    if extension in _VIDEOS:
        return "video"
    return "image" if extension in _IMAGES else "other"


def _find_example(reason: str, rows: Sequence[RowResult]) -> str | None:
    error = rows[0].error
    return None if error == reason else error
