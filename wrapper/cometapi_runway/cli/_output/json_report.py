"""Events for programs: one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TextIO

from cometapi_runway._core.json_values import JSON
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.report import CreateDetails, Report, make_status_fields

if TYPE_CHECKING:
    from cometapi_runway._core.task import Task

_NO_DETAILS: Final = CreateDetails()


class JsonReport(Report):
    """Shows events as JSON, one object per line: results on stdout, the rest on stderr.

    Each object has its event's name as ``event``, and ``time``.
    """

    def show_result(self, text: str, event: str, fields: Mapping[str, JSON]) -> None:
        """Show a result."""
        self._write_event(self.out, event, fields)

    def show_note(self, text: str) -> None:
        """Show a remark."""
        self._write_event(self.err, "note", {"message": text})

    def show_warning(self, text: str) -> None:
        """Show a warning."""
        self._write_event(self.err, "warning", {"message": text})

    def show_submitted(self, task: Task, details: CreateDetails = _NO_DETAILS) -> None:
        """Show that a task was accepted, now or at an earlier use of its idempotency key."""
        fields = {**make_status_fields(task), **details.to_fields()}
        self._write_event(self.err, "submitted", fields)

    def _show_status(self, task: Task) -> None:
        remaining = self.estimate_remaining(task.id)
        times: dict[str, JSON] = {
            "elapsed": round(self.measure_elapsed(task.id), 1),
            "remaining": None if remaining is None else round(remaining, 1),
        }
        self._write_event(self.err, "status", {**make_status_fields(task), **times})

    def show_download(self, task_id: str, index: int, done: int, total: int | None) -> None:
        """Show that a download is complete; its progress is not shown."""
        if done == total:
            numbers: dict[str, JSON] = {"output": index + 1, "bytes": done}
            self._write_event(self.err, "downloaded", {"task_id": task_id, **numbers})

    def show_failure(self, exit_report: ExitReport, error: BaseException) -> None:
        """Show a failure."""
        debug: dict[str, JSON] = {"traceback": [*self.format_traceback(error)]}
        self._write_event(
            self.err,
            "error",
            {
                "code": int(exit_report.code),
                "error": exit_report.error_type,
                "message": exit_report.message,
                "details": list(exit_report.details),
                "next": exit_report.advice,
                "task_id": exit_report.task_id,
                **exit_report.fields,
                **(debug if self.debug else {}),
            },
        )

    def _write_event(self, stream: TextIO, event: str, fields: Mapping[str, JSON]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._write_raw(stream, json.dumps({"event": event, "time": now, **fields}))
