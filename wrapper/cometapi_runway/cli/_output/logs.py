"""The library's log messages, shown by the command's report."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cometapi_runway.cli._output.report import Report


class _ReportHandler(logging.Handler):
    """Passes log records to a report."""

    def __init__(self, report: Report) -> None:
        super().__init__(logging.INFO)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        is_warning = record.levelno >= logging.WARNING
        show = self._report.show_warning if is_warning else self._report.show_note
        show(record.getMessage())


@contextlib.contextmanager
def report_logs(report: Report) -> Generator[None]:
    """Show the library's log messages in a report while a command runs.

    Without a handler, logging's handler of last resort would print the warnings only.
    """
    logger, handler = logging.getLogger("cometapi_runway"), _ReportHandler(report)
    level_before = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield
    finally:
        logger.setLevel(level_before)
        logger.removeHandler(handler)
