"""The library's warnings, told by the report instead of by logging's last resort."""

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
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        self._report.warn(record.getMessage())


@contextlib.contextmanager
def told_by(report: Report) -> Generator[None]:
    """While a command runs."""
    logger, handler = logging.getLogger("cometapi_runway"), _Handler(report)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
