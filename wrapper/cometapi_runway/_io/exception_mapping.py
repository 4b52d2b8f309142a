"""Map network failures to `APIConnectionError`, and say whether the request may have arrived."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Generator

import httpx

from cometapi_runway import _settings
from cometapi_runway._core.redaction import redact_text
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._io.attempt import RequestAttempt
from cometapi_runway.errors import APIConnectionError, APITimeoutError, ConfigurationError

# A host name that cannot be encoded raises UnicodeError. A caller's own transport may raise the
# system's exceptions, which httpx's transports translate.
TRANSPORT_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError)
"""What sending a request and reading its response may raise; anything else is a bug and
propagates."""

# A chain of exceptions may lead back to its beginning.
_MAX_CHAIN = 10
# No later attempt can do better: the URL, the host name or the server's certificate is invalid.
_PERMANENT_ERRORS = (
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    ssl.SSLCertVerificationError,
    UnicodeError,
)


@contextlib.contextmanager
def map_transport_errors(attempt: RequestAttempt) -> Generator[None]:
    """Map network errors to `APIConnectionError`; all other exceptions propagate.

    Args:
        attempt: What is known of the request from the wire.

    Raises:
        APIConnectionError: The request failed.
    """
    try:
        yield
    except TRANSPORT_ERRORS as error:
        raise _make_connection_error(error, attempt) from error


def find_connection_error(
    error: BaseException, attempt: RequestAttempt, *, is_closed: bool
) -> APIConnectionError | None:
    """The connection error that an exception is or means; None if it means something else.

    Args:
        error: The exception that ended an attempt.
        attempt: What is known of the request from the wire.
        is_closed: Whether the client was closed during the request. httpx then raises
            RuntimeError, which otherwise means something else.
    """
    if isinstance(error, APIConnectionError):
        return error
    if isinstance(error, TRANSPORT_ERRORS) or (is_closed and isinstance(error, RuntimeError)):
        return _make_connection_error(error, attempt)
    return None


@contextlib.contextmanager
def map_closed_client(client: httpx.Client | httpx.AsyncClient) -> Generator[None]:
    """Map the RuntimeError of a closed httpx client to `ConfigurationError`.

    Raises:
        ConfigurationError: The client was closed before the request was sent.
    """
    try:
        yield
    except RuntimeError:
        if client.is_closed:
            raise client_closed() from None
        raise


def _make_connection_error(error: Exception, attempt: RequestAttempt) -> APIConnectionError:
    # The message is built from the exception's text only: the request on an httpx exception
    # holds the key.
    reason = redact_text(str(error)) or type(error).__name__
    message = f"{attempt.method} {attempt.url}: {reason}"
    delivery = attempt.delivery(error)
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return APITimeoutError(f"{message} ({type(error).__name__})", delivery=delivery)
    is_permanent = attempt.is_refused_by_proxy or _is_permanent(error)
    return APIConnectionError(message, delivery=delivery, is_permanent=is_permanent)


def _is_permanent(error: BaseException | None) -> bool:
    """Whether an error, or the one that caused it, stays the same however often it is tried."""
    for _ in range(_MAX_CHAIN):
        if error is None:
            return False
        if isinstance(error, _PERMANENT_ERRORS):
            return True
        error = error.__cause__ or error.__context__
    return False


def check_response_size(request: PreparedRequest, size: int) -> None:
    """Refuse a response that is too large.

    Raises:
        APIConnectionError: It has more than `_settings.MAX_RESPONSE_BYTES` bytes.
    """
    limit = _settings.MAX_RESPONSE_BYTES
    if size > limit:
        raise APIConnectionError(
            f"{request.method} {request.url}: the response is larger than {limit} bytes"
        )


def response_timeout(request: PreparedRequest, seconds: float) -> APITimeoutError:
    """The error for a response that is incomplete when the request's timeout ends."""
    return APITimeoutError(
        f"{request.method} {request.url}: the response was not complete after {seconds:g} s"
    )


def connect_timeout(request: PreparedRequest, seconds: float) -> APITimeoutError:
    """The error for a request whose timeout ends before it has a connection."""
    return APITimeoutError(
        f"{request.method} {request.url}: no connection within {seconds:g} s", delivery="not_sent"
    )


def pool_timeout(request: PreparedRequest, seconds: float) -> APITimeoutError:
    """The error for a request whose timeout ends while it waits for a free connection."""
    return APITimeoutError(
        f"{request.method} {request.url}: no free connection within {seconds:g} s",
        delivery="not_sent",
    )


def client_closed() -> ConfigurationError:
    """The error for a request on a closed client."""
    return ConfigurationError("the client is closed; nothing was sent")
