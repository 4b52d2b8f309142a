"""What a command says: results on stdout, everything else on stderr.

Three voices for the same events: lines for a pipe (here), bars for a terminal (`live`), and one
JSON object per event for programs (here).
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TextIO

from attrs import frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway.cli.endings import Ending, Exit, OutputError
from cometapi_runway.cli.words import plain

if TYPE_CHECKING:
    from cometapi_runway._core.task import Task

LABELS: Final = MappingProxyType({Exit.INTERRUPTED: "stop:", Exit.TIMEOUT: "time:"})
"""What stands before the message of an ending that is no error."""

_MEGABYTE = 1_000_000


@frozen
class Tracked:
    """A task that is waited for.

    Attributes:
        id: The task.
        began: When it was submitted, on the report's clock; may lie before this process.
        expected: Seconds that such tasks usually take, or None where nobody knows.
    """

    id: str
    began: float
    expected: float | None = None

    def remaining(self, now: float) -> float | None:
        """Seconds that it will probably still take; None where that cannot be told."""
        left = None if self.expected is None else self.expected - (now - self.began)
        return left if left is not None and left > 0 else None


def clock_text(seconds: float) -> str:
    """``72.4`` as ``1:12``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size_text(count: int) -> str:
    """Bytes in a person's units."""
    return f"{count / _MEGABYTE:.1f} MB" if count >= _MEGABYTE / 10 else f"{count / 1000:.1f} kB"


class Report:
    """Says it in lines, without colours: for pipes, files and dumb terminals.

    Every method may be called from any thread.

    Attributes:
        debug: Whether a failure shows where it came from.
    """

    debug: bool = False

    def __init__(
        self,
        out: TextIO | None = None,
        err: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.out = sys.stdout if out is None else out
        self.err = sys.stderr if err is None else err
        self.clock = clock
        self.tracked: dict[str, Tracked] = {}
        self._lock = threading.RLock()

    def result(self, text: str, event: str, facts: Mapping[str, JSON]) -> None:
        """A result: for people `text`, for programs the event of that name with its facts."""
        self._write(self.out, text)

    def note(self, text: str) -> None:
        """Something that is good to know meanwhile."""
        self._write(self.err, text)

    def warn(self, text: str) -> None:
        """Something that must not be overlooked."""
        self._write(self.err, f"warning: {text}")

    def submitted(self, task: Task) -> None:
        """A task was accepted."""
        seed = "" if task.seed is None else f" (seed {task.seed})"
        self.note(f"submitted {task.id}{seed}")

    @contextlib.contextmanager
    def watching(self, tasks: Sequence[Tracked]) -> Generator[None]:
        """While these tasks are waited for."""
        self.tracked = {task.id: task for task in tasks}
        yield

    def updated(self, task: Task) -> None:
        """A task's state has changed."""
        self.note(f"{task.id}  {task.status:<9}{self._progress(task)}")

    def downloading(self, task_id: str, index: int, done: int, total: int | None) -> None:
        """Bytes of an output have come: too many of these events for a line each."""

    def saved(self, task: Task, path: Path) -> None:
        """An output is on the disk."""
        self.result(
            str(path),
            "file",
            {"task_id": task.id, "path": str(path), "size": path.stat().st_size},
        )

    def failed(self, ending: Ending, error: BaseException) -> None:
        """Something failed; what to do next is part of it, and on demand where it came from."""
        with self._lock:
            for line in self.origin(error):
                self._write(self.err, line)
            self._write(self.err, f"{LABELS.get(ending.code, 'error:'):<7}{ending.message}")
            for line in ending.details:
                self._write(self.err, f"       {line}")
            self._write(self.err, f"next:  {ending.advice}")

    def origin(self, error: BaseException) -> list[str]:
        """The lines of an error's traceback, if they are wanted."""
        if not self.debug:
            return []
        return "".join(traceback.format_exception(error)).splitlines()

    def since(self, task_id: str) -> float:
        """Seconds since a watched task was submitted."""
        found = self.tracked.get(task_id)
        return 0.0 if found is None else max(0.0, self.clock() - found.began)

    def left(self, task_id: str) -> float | None:
        """Seconds that a watched task will probably still take."""
        found = self.tracked.get(task_id)
        return None if found is None else found.remaining(self.clock())

    def _progress(self, task: Task) -> str:
        part = "" if task.progress is None else f"{task.progress:.0%}"
        left = None if task.is_terminal else self.left(task.id)
        rest = "" if left is None else f", about {clock_text(left)} left"
        return f"  {part:>4}  after {clock_text(self.since(task.id))}{rest}"

    def _write(self, stream: TextIO, text: str) -> None:
        self._emit(stream, plain(text))

    def _emit(self, stream: TextIO, text: str) -> None:
        """Write a line as it is.

        Raises:
            OutputError: It is a result, and there is no place for it.
            BrokenPipeError: Nobody reads results any more.
        """
        try:
            with self._lock:
                stream.write(f"{text}\n")
                stream.flush()
        except BrokenPipeError:
            if stream is self.out:
                raise
        except OSError as error:
            # Nobody sees the progress; that is no reason to give up what is paid for.
            if stream is self.out:
                raise OutputError(error) from error


class JsonReport(Report):
    """Says it in JSON, one object per line: results on stdout, the rest on stderr.

    Each has ``event``, its name, and ``time``.
    """

    def result(self, text: str, event: str, facts: Mapping[str, JSON]) -> None:
        """A result."""
        self._event(self.out, event, facts)

    def note(self, text: str) -> None:
        """Something that is good to know meanwhile."""
        self._event(self.err, "note", {"message": text})

    def warn(self, text: str) -> None:
        """Something that must not be overlooked."""
        self._event(self.err, "warning", {"message": text})

    def submitted(self, task: Task) -> None:
        """A task was accepted."""
        self._event(self.err, "submitted", _state(task))

    def updated(self, task: Task) -> None:
        """A task's state has changed."""
        left = None if task.is_terminal else self.left(task.id)
        times: dict[str, JSON] = {
            "elapsed": round(self.since(task.id), 1),
            "remaining": None if left is None else round(left, 1),
        }
        self._event(self.err, "status", {**_state(task), **times})

    def downloading(self, task_id: str, index: int, done: int, total: int | None) -> None:
        """Bytes of an output have come; told at the end of each only."""
        if done == total:
            numbers: dict[str, JSON] = {"output": index + 1, "bytes": done}
            self._event(self.err, "downloaded", {"task_id": task_id, **numbers})

    def failed(self, ending: Ending, error: BaseException) -> None:
        """Something failed."""
        where: dict[str, JSON] = {"traceback": [*self.origin(error)]} if self.debug else {}
        self._event(
            self.err,
            "error",
            {
                "code": int(ending.code),
                "error": ending.kind,
                "message": ending.message,
                "details": list(ending.details),
                "next": ending.advice,
                "task_id": ending.task_id,
                **ending.facts,
                **where,
            },
        )

    def _event(self, stream: TextIO, event: str, facts: Mapping[str, JSON]) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._emit(stream, json.dumps({"event": event, "time": moment, **facts}))


def facts(task: Task) -> dict[str, JSON]:
    """A task as a result for programs."""
    return {**_state(task), "output": list(task.output)}


def _state(task: Task) -> dict[str, JSON]:
    """How a task stands, for programs; without its addresses, which are signed and end in logs."""
    return {
        "task_id": task.id,
        "status": task.status,
        "progress": task.progress,
        "failure": task.failure,
        "failure_code": task.failure_code,
        "operation": task.operation,
        "seed": task.seed,
    }
