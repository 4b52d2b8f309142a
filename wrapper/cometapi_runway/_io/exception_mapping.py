"""How a connection fails, and what each failure says about the request having arrived."""

from __future__ import annotations

from typing import NoReturn

import httpx

from cometapi_runway import _settings as settings
from cometapi_runway._core.redaction import redact_text
from cometapi_runway._flows.steps import PreparedRequest
from cometapi_runway.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    Delivery,
)

# An address that no resolver takes is a UnicodeError; a transport of the caller's own may raise
# what the system raises, where httpx would have translated it.
TRANSPORT_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError)
"""What carrying a request may raise. Anything else is a defect, and nothing hides it.

Only a client that somebody closes meanwhile raises RuntimeError as well, here and there.
"""

# Provably before the first byte of the request: no connection, no TLS, no free place in the pool.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    ConnectionRefusedError,
    UnicodeError,
)


def raise_connection_error(error: Exception, method: str, where: str) -> NoReturn:
    """Raise the library's error for one of `FAILURES`.

    The request that an httpx error carries is not shown, since it holds the key.

    Raises:
        APIConnectionError: Always.
    """
    delivery: Delivery = "not_sent" if isinstance(error, _NEVER_SENT) else "unknown"
    words = redact_text(str(error)) or type(error).__name__
    text = f"{method} {where}: {words}"
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        raise APITimeoutError(f"{text} ({type(error).__name__})", delivery=delivery) from error
    raise APIConnectionError(text, delivery=delivery) from error


def check_response_size(call: PreparedRequest, size: int) -> None:
    """Give up an answer that is too large to be one.

    Raises:
        APIConnectionError: It is.
    """
    if size > settings.MAX_RESPONSE_BYTES:
        raise APIConnectionError(
            f"{call.method} {call.url}: the answer is larger than {settings.MAX_RESPONSE_BYTES} bytes"
        )


def response_timeout(call: PreparedRequest, seconds: float) -> APITimeoutError:
    """The request's time was over before its answer was."""
    return APITimeoutError(
        f"{call.method} {call.url}: the answer had not ended after {seconds:g} s"
    )


def connect_timeout(call: PreparedRequest, seconds: float) -> APITimeoutError:
    """The request's time was over before there was a connection to send it on."""
    return APITimeoutError(
        f"{call.method} {call.url}: no connection within {seconds:g} s", delivery="not_sent"
    )


def pool_timeout(call: PreparedRequest, seconds: float) -> APITimeoutError:
    """The request's time was over before it could be sent."""
    return APITimeoutError(
        f"{call.method} {call.url}: no free connection within {seconds:g} s", delivery="not_sent"
    )


def client_closed() -> ConfigurationError:
    """The client was closed before the request."""
    return ConfigurationError("the client is closed; nothing was sent")
