"""The library's words: told by the report instead of by logging's last resort, or by nobody."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cometapi_runway.cli.report import Report


class _Handler(logging.Handler):
    """Gives what is logged to a report."""

    def __init__(self, report: Report) -> None:
        super().__init__(logging.INFO)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        tell = self._report.warn if record.levelno >= logging.WARNING else self._report.note
        tell(record.getMessage())


@contextlib.contextmanager
def told_by(report: Report) -> Generator[None]:
    """While a command runs."""
    logger, handler = logging.getLogger("cometapi_runway"), _Handler(report)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
