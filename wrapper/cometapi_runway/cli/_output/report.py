"""What a command shows: results on stdout, everything else on stderr.

`Report` writes plain lines, for pipes and files. `progress_bars` draws bars on a terminal,
`json_report` writes one JSON object per event for programs.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TextIO

from attrs import frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway.cli._errors import OutputError
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.text import escape_control_characters, format_duration
from cometapi_runway.cli._output.time_estimates import TimeEstimates, TrackedTask

if TYPE_CHECKING:
    from cometapi_runway._core.task import Task

LABELS: Final = MappingProxyType({ExitCode.INTERRUPTED: "stop:", ExitCode.TIMEOUT: "time:"})
"""The label of an exit report's message, where it is not ``error:``."""


SENT_EARLIER: Final = "its idempotency key has bought this task already; nothing was sent"


@frozen(kw_only=True)
class CreateDetails:
    """What a create command says of its task, apart from the task itself.

    Attributes:
        price: US dollars, or None if the price is not known.
        idempotency_key: The caller's key for the request, or None.
        label: The task's label, or None.
        is_reused: Whether an earlier use of the key created the task.
    """

    price: Decimal | None = None
    idempotency_key: str | None = None
    label: str | None = None
    is_reused: bool = False

    def to_fields(self) -> dict[str, JSON]:
        """The fields of a JSON event; a price is text, because it is a decimal number."""
        return {
            "price": None if self.price is None else str(self.price),
            "idempotency_key": self.idempotency_key,
            "label": self.label,
            "reused": self.is_reused,
        }


_NO_DETAILS: Final = CreateDetails()


class Report:
    """Shows events as lines without colours: for pipes, files and dumb terminals.

    Every method may be called from any thread.

    Attributes:
        debug: Whether a failure shows its traceback.
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
        self.tracked: dict[str, TrackedTask] = {}
        self._estimates = TimeEstimates()
        self._lock = threading.RLock()

    def show_result(self, text: str, event: str, fields: Mapping[str, JSON]) -> None:
        """Show a result.

        Args:
            text: The result for people.
            event: The event's name for programs.
            fields: The event's fields for programs.
        """
        self._write(self.out, text)

    def write_raw(self, text: str) -> None:
        """Write text that is a result for programs, unchanged.

        Raises:
            OutputError: Standard output cannot be written.
            BrokenPipeError: The reader of the results has closed the pipe.
        """
        self._write_raw(self.out, text.removesuffix("\n"))

    def show_note(self, text: str) -> None:
        """Show a remark."""
        self._write(self.err, text)

    def show_warning(self, text: str) -> None:
        """Show a warning."""
        self._write(self.err, f"warning: {text}")

    def show_submitted(self, task: Task, details: CreateDetails = _NO_DETAILS) -> None:
        """Show that a task was accepted, now or at an earlier use of its idempotency key."""
        seed = "" if task.seed is None else f" (seed {task.seed})"
        self.show_note(f"submitted {'earlier: ' if details.is_reused else ''}{task.id}{seed}")
        if details.is_reused:
            self.show_note(SENT_EARLIER)

    @contextlib.contextmanager
    def track(self, tasks: Sequence[TrackedTask]) -> Generator[None]:
        """Show the progress of these tasks inside the ``with`` block."""
        self.tracked = {task.id: task for task in tasks}
        yield

    def show_status(self, task: Task) -> None:
        """Show a task's new status."""
        with self._lock:
            self._estimates.add(task, self.clock())
        self._show_status(task)

    def _show_status(self, task: Task) -> None:
        self.show_note(f"{task.id}  {task.status:<9}{self._format_progress(task)}")

    def show_download(self, task_id: str, index: int, done: int, total: int | None) -> None:
        """Show the progress of a download; plain lines would be too many."""

    def show_saved(self, task: Task, path: Path) -> None:
        """Show that an output was saved."""
        fields: dict[str, JSON] = {
            "task_id": task.id,
            "path": str(path),
            "size": path.stat().st_size,
        }
        self.show_result(str(path), "file", fields)

    def show_failure(self, exit_report: ExitReport, error: BaseException) -> None:
        """Show a failure, its advice, and with `debug` its traceback."""
        with self._lock:
            for line in self.format_traceback(error):
                self._write(self.err, line)
            label = LABELS.get(exit_report.code, "error:")
            self._write(self.err, f"{label:<7}{exit_report.message}")
            for line in exit_report.details:
                self._write(self.err, f"       {line}")
            self._write(self.err, f"next:  {exit_report.advice}")

    def format_traceback(self, error: BaseException) -> list[str]:
        """The lines of an error's traceback; none without `debug`."""
        if not self.debug:
            return []
        return "".join(traceback.format_exception(error)).splitlines()

    def measure_elapsed(self, task_id: str) -> float:
        """Seconds since a tracked task was submitted."""
        task = self.tracked.get(task_id)
        return 0.0 if task is None else max(0.0, self.clock() - task.submitted_at)

    def estimate_remaining(self, task_id: str) -> float | None:
        """Estimated seconds to a task's end; None where unknown."""
        with self._lock:
            return self._estimates.estimate_remaining(
                task_id, self.clock(), self.tracked.get(task_id)
            )

    def _format_progress(self, task: Task) -> str:
        percent = "" if task.progress is None else f"{task.progress:.0%}"
        remaining = self.estimate_remaining(task.id)
        estimate = "" if remaining is None else f", about {format_duration(remaining)} left"
        elapsed = format_duration(self.measure_elapsed(task.id))
        return f"  {percent:>4}  after {elapsed}{estimate}"

    def _write(self, stream: TextIO, text: str) -> None:
        self._write_raw(stream, escape_control_characters(text))

    def _write_raw(self, stream: TextIO, text: str) -> None:
        """Write a line without escaping it.

        Raises:
            OutputError: The line is a result, and stdout cannot be written.
            BrokenPipeError: The reader of the results has closed the pipe.
        """
        try:
            with self._lock:
                stream.write(f"{text}\n")
                stream.flush()
        except BrokenPipeError:
            if stream is self.out:
                raise
        except OSError as error:
            # Lost progress output must not stop work that is already paid for.
            if stream is self.out:
                raise OutputError(error) from error


def make_result_fields(task: Task) -> dict[str, JSON]:
    """A task's fields in a JSON result."""
    return {**make_status_fields(task), "output": list(task.output)}


def make_status_fields(task: Task) -> dict[str, JSON]:
    """A task's fields in a JSON progress event.

    Output addresses are left out: they are signed, and progress is often kept in logs.
    """
    return {
        "task_id": task.id,
        "status": task.status,
        "progress": task.progress,
        "failure": task.failure,
        "failure_code": task.failure_code,
        "operation": task.operation,
        "seed": task.seed,
    }
