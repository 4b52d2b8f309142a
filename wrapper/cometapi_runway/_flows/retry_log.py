"""What the log says about retries: one line for each change of the cause, not for each try."""

from __future__ import annotations

import math

from attrs import define

from cometapi_runway.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    RateLimitError,
    ResponseDecodeError,
    RunwayError,
)


@define
class RetryLog:
    """Explains the retries of one flow.

    Attributes:
        cause: The last cause that was explained.
    """

    cause: str = ""

    def explain(self, what: str, cause: str, remaining: float, note: str = "") -> str:
        """Why a flow tries again; empty if the cause is the same as before.

        Args:
            what: What failed, with its number: ``"attempt 3"``.
            cause: Why.
            remaining: Seconds in which it is retried; infinite for no limit.
            note: What the reader may wonder about, such as whether anything was sent.
        """
        if cause == self.cause:
            return ""
        self.cause = cause
        limit = "without a limit" if math.isinf(remaining) else f"for up to {remaining:.0f} s"
        text = f"{what} failed: {cause}; retrying {limit}"
        return f"{text} ({note})" if note else text


def describe_cause(error: RunwayError) -> str:
    """The kind of a failure, without what a server or a caller has written."""
    match error:
        case RateLimitError():
            return "the rate is limited (HTTP 429)"
        case APIStatusError():
            return f"HTTP {error.status_code}"
        case APITimeoutError(delivery="unknown"):
            return "no response in time"
        case APIConnectionError(delivery="not_sent"):
            return "not reachable"
        case APIConnectionError():
            return "the connection broke"
        case ResponseDecodeError():
            return "a response of no known shape"
        case _:
            return "no usable response"
