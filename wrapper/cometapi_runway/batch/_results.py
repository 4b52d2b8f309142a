"""``results.jsonl``: one line for each row of a batch that has ended."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Literal, NoReturn, Self, TypeAlias, get_args

from attrs import frozen

from cometapi_runway._core.file_links import open_without_link
from cometapi_runway._core.file_locks import has_name, lock_file, sync_folder, unlock_file
from cometapi_runway._core.json_values import JSON
from cometapi_runway.errors import ConfigurationError

RESULTS_NAME: Final = "results.jsonl"
RowStatus: TypeAlias = Literal["SUCCEEDED", "FAILED", "CANCELLED", "REFUSED", "UNKNOWN", "BUDGET"]
"""How a row ended. REFUSED: not sent, or not accepted. UNKNOWN: it may have been charged. BUDGET:
not sent, because it would have exceeded the budget."""
_STATUSES: Final = frozenset(get_args(RowStatus))


@frozen
class RowResult:
    """How a row ended.

    Attributes:
        id: The row.
        status: How it ended.
        task_id: Its task, if there is one.
        files: Its saved outputs, relative to the batch's folder, with ``/``.
        attempts: How many tasks were created or tried for it.
        cost: What it cost in USD, or None if the price is unknown.
        failure_code: The gateway's code for the failure, if there is one.
        error: Why it did not succeed, in one sentence.
        created_at: When its task was submitted.
        ended_at: When it ended.
    """

    id: str
    status: RowStatus
    task_id: str | None = None
    files: tuple[str, ...] = ()
    attempts: int = 0
    cost: Decimal | None = None
    failure_code: str | None = None
    error: str | None = None
    created_at: datetime | None = None
    ended_at: datetime | None = None

    def to_json(self) -> dict[str, JSON]:
        """The fields of its line."""
        return {
            "id": self.id,
            "status": self.status,
            "task_id": self.task_id,
            "files": list(self.files),
            "attempts": self.attempts,
            # The shortest text of a price's float is the price.
            "cost": None if self.cost is None else float(self.cost),
            "failure_code": self.failure_code,
            "error": self.error,
            "created_at": None if self.created_at is None else self.created_at.isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
        }


class ResultsFile:
    """The results of one batch, written by one process; each row has one line.

    Attributes:
        path: The file.
        statuses: The status of every row that has ended, by id.
    """

    def __init__(self, folder: Path) -> None:
        """Open or create the file, and repair a last line that a killed process cut off.

        Raises:
            ConfigurationError: The file cannot be opened, another process writes it, or a line is
                not a result.
        """
        self.path = folder / RESULTS_NAME
        self.statuses: dict[str, RowStatus] = {}
        try:
            is_new = not self.path.exists()
            self._file = self._open()
            if is_new:
                sync_folder(folder)
        except OSError as error:
            self._refuse(f"cannot be opened: {error.strerror}", error)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def append(self, results: Iterable[RowResult]) -> None:
        """Write results; they are on disk when this returns.

        A row that has a line already keeps it, so that a repeated call after a crash adds nothing.

        Raises:
            OSError: The disk write fails.
        """
        new = {one.id: one for one in results if one.id not in self.statuses}
        if not new:
            return
        # Without the file's buffer, which would keep what a full disk refused.
        descriptor = self._file.fileno()
        end = os.lseek(descriptor, 0, os.SEEK_END)
        try:
            _write(descriptor, b"".join(map(_make_line, new.values())))
            os.fsync(descriptor)
        except OSError:
            # A part of a line would spoil the next one.
            os.ftruncate(descriptor, end)
            raise
        self.statuses.update((one.id, one.status) for one in new.values())

    def remove(self, ids: Collection[str]) -> None:
        """Remove the lines of rows that are to run again.

        The file is replaced as a whole: at any time, it has all lines or none of these.

        Raises:
            OSError: The disk write fails.
        """
        kept = [line for result, line in self._read_lines() if result.id not in ids]
        temporary = self.path.with_name(f"{RESULTS_NAME}.new")
        with temporary.open("wb") as file:
            file.write(b"".join(kept))
            file.flush()
            os.fsync(file.fileno())
        # Windows cannot replace an open file. In between another process may take the lock.
        self.close()
        temporary.replace(self.path)
        sync_folder(self.path.parent)
        self._file = self._open()
        for row_id in ids:
            self.statuses.pop(row_id, None)

    def close(self) -> None:
        """Unlock and close the file."""
        if not self._file.closed:
            unlock_file(self._file)
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> BinaryIO:
        file = open_without_link(self.path, os.O_RDWR | os.O_CREAT)
        try:
            lock_file(file)
            if not has_name(file, self.path):
                raise BlockingIOError
        except OSError as error:
            file.close()
            self._refuse("is written by another process", error)
        return file

    def _load(self) -> None:
        end = 0
        for result, line in self._read_lines():
            if result.id in self.statuses:
                self._refuse(f"has two lines for the row {result.id!r}")
            self.statuses[result.id] = result.status
            end += len(line)
        self._file.truncate(end)

    def _read_lines(self) -> Iterator[tuple[RowResult, bytes]]:
        self._file.seek(0)
        return _read_lines(self._file, self.path)

    def _refuse(self, problem: str, error: OSError | None = None) -> NoReturn:
        raise ConfigurationError(f"{self.path} {problem}", setting="output") from error


def read_results(folder: Path) -> Iterator[RowResult]:
    """Read the results of a batch, which another process may be writing.

    Raises:
        ConfigurationError: A line is not a result.
        OSError: There is no such file, or it cannot be read.
    """
    path = folder / RESULTS_NAME
    with open_without_link(path, os.O_RDONLY) as file:
        for result, _ in _read_lines(file, path):
            yield result


def _read_lines(file: BinaryIO, path: Path) -> Iterator[tuple[RowResult, bytes]]:
    """The results with their lines, without a last line that is cut off."""
    for number, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            return
        try:
            yield parse_result(line), line
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            message = f"{path}: line {number} is not the result of a row"
            raise ConfigurationError(message, setting="output") from error


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _make_line(result: RowResult) -> bytes:
    return json.dumps(result.to_json()).encode() + b"\n"


def parse_result(line: bytes | str) -> RowResult:
    """Read what `RowResult.to_json` wrote.

    Raises:
        ValueError, TypeError, KeyError, ArithmeticError: It is not the result of a row.
    """
    fields = json.loads(line, parse_float=Decimal)
    if fields["status"] not in _STATUSES or not isinstance(fields["id"], str):
        raise ValueError("no id or no status")
    return RowResult(
        id=fields["id"],
        status=fields["status"],
        task_id=fields["task_id"],
        files=tuple(fields["files"]),
        attempts=fields["attempts"],
        cost=None if fields["cost"] is None else Decimal(fields["cost"]),
        failure_code=fields["failure_code"],
        error=fields["error"],
        created_at=_parse_time(fields, "created_at"),
        ended_at=_parse_time(fields, "ended_at"),
    )


def _parse_time(fields: Mapping[str, str | None], name: str) -> datetime | None:
    text = fields[name]
    return None if text is None else datetime.fromisoformat(text)
