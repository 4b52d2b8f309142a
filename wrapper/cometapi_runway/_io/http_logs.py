"""Keep httpx's and httpcore's own log lines from telling what this package hides.

httpx logs the whole address of every request at INFO, signed queries included; httpcore logs the
answer's headers at DEBUG, cookies and redirect targets included, and what a proxy is told. The
filter changes only lines that are written while this package makes a call.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Generator
from contextvars import ContextVar

from cometapi_runway._core.redaction import redact_text

_active: ContextVar[bool] = ContextVar("cometapi_runway_call", default=False)
# What came back, and what a proxy is told to let us in.
_UNSHOWN = re.compile(" (?:return_value|auth)=")
_LOGGERS = tuple(
    logging.getLogger(name)
    for name in (
        "httpx",
        "httpcore.connection",
        "httpcore.http11",
        "httpcore.http2",
        "httpcore.proxy",
        "httpcore.socks",
    )
)


class _Redact(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if _active.get():
            message = record.getMessage()
            if record.name.startswith("httpcore"):
                message = _UNSHOWN.split(message, maxsplit=1)[0]
            record.msg, record.args = redact_text(message), None
        return True


_filter = _Redact()


@contextlib.contextmanager
def redact_http_logs() -> Generator[None]:
    """Redact what httpx and httpcore log meanwhile, in this thread or task."""
    if not any(logger.isEnabledFor(logging.INFO) for logger in _LOGGERS):
        yield
        return
    for logger in _LOGGERS:
        # Adding the same filter again is a no-op, and a program may have reset its logging.
        logger.addFilter(_filter)
    token = _active.set(True)
    try:
        yield
    finally:
        _active.reset(token)
