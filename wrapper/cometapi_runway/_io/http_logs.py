"""Redact the log records of httpx and httpcore.

httpx logs the full URL of every request at INFO, signed queries included. httpcore logs response
headers at DEBUG, cookies and redirect targets included, and the credentials of a proxy. Both log
what a server sends as reason phrase, which may repeat the key. The filter changes only records that
are logged during a request of this package.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Generator
from contextvars import ContextVar

from cometapi_runway._core.redaction import redact_text
from cometapi_runway._core.secret import Secret

_active: ContextVar[Callable[[str], str] | None] = ContextVar(
    "cometapi_runway_redact", default=None
)
# httpcore's fields that hold response headers and proxy credentials.
_SECRET_FIELDS = re.compile(" (?:return_value|auth)=")
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


class _RedactFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        redact = _active.get()
        if redact is not None:
            message = record.getMessage()
            if record.name.startswith("httpcore"):
                message = _SECRET_FIELDS.split(message, maxsplit=1)[0]
            record.msg, record.args = redact(message), None
        return True


_filter = _RedactFilter()


_NO_REDACTION: contextlib.AbstractContextManager[None] = contextlib.nullcontext()


def redact_http_logs(key: Secret | None = None) -> contextlib.AbstractContextManager[None]:
    """Redact what httpx and httpcore log inside this block, in this thread or task.

    Args:
        key: The key that the requests carry, or None.
    """
    for logger in _LOGGERS:
        if logger.isEnabledFor(logging.INFO):
            return _redact(key)
    return _NO_REDACTION


@contextlib.contextmanager
def _redact(key: Secret | None) -> Generator[None]:
    for logger in _LOGGERS:
        # Repeated for each request, because a program may reset its logging configuration.
        # Adding the same filter twice has no effect.
        logger.addFilter(_filter)
    token = _active.set(
        redact_text if key is None else lambda text: redact_text(key.hide_in_text(text))
    )
    try:
        yield
    finally:
        _active.reset(token)
