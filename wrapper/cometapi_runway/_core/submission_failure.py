"""Why a submission returned no task id, as the journal and interruptions state it."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import frozen


class SubmissionFailureReason(StrEnum):
    """Why a submission returned no task id.

    The journal stores the values, so a value never changes its meaning.
    """

    NOT_SENT = "not_sent"
    """No connection to the gateway was made."""
    AUTHENTICATION = "authentication"
    """The gateway refused the key."""
    PERMISSION = "permission"
    """The key may not make this request."""
    QUOTA = "quota"
    """The balance or the key's quota does not cover the request."""
    RATE_LIMIT = "rate_limit"
    """The gateway refused every try with a pace."""
    BAD_REQUEST = "bad_request"
    """The gateway refused the request as malformed or unacceptable."""
    OTHER_STATUS = "other_status"
    """The gateway refused the request with another status."""
    UNKNOWN_OUTCOME = "unknown_outcome"
    """The request was sent; whether it was accepted is unknown."""
    INTERRUPTED = "interrupted"
    """The process was interrupted while it submitted."""
    NOT_CHARGED = "not_charged"
    """Its outcome was unknown; the account's usage log says that nothing was charged."""
    UNEXPECTED_ERROR = "unexpected_error"
    """An error that is none of the above, such as an error of this package."""

    @classmethod
    def parse(cls, text: str | None) -> SubmissionFailureReason | None:
        """Read a stored reason.

        Args:
            text: A value of this enum, or an error class's name, which journals of version 0.1.0
                hold instead.

        Returns:
            The reason; `UNEXPECTED_ERROR` for any other text, None for None.
        """
        if text is None:
            return None
        try:
            return cls(text)
        except ValueError:
            return _STORED_CLASS_NAMES.get(text, cls.UNEXPECTED_ERROR)


_STORED_CLASS_NAMES: Final = MappingProxyType(
    {
        "APIConnectionError": SubmissionFailureReason.NOT_SENT,
        "APITimeoutError": SubmissionFailureReason.NOT_SENT,
        "AuthenticationError": SubmissionFailureReason.AUTHENTICATION,
        "PermissionDeniedError": SubmissionFailureReason.PERMISSION,
        "InsufficientQuotaError": SubmissionFailureReason.QUOTA,
        "RateLimitError": SubmissionFailureReason.RATE_LIMIT,
        "BadRequestError": SubmissionFailureReason.BAD_REQUEST,
        "NotFoundError": SubmissionFailureReason.OTHER_STATUS,
        "APIStatusError": SubmissionFailureReason.OTHER_STATUS,
        "SubmissionUnknownError": SubmissionFailureReason.UNKNOWN_OUTCOME,
        "KeyboardInterrupt": SubmissionFailureReason.INTERRUPTED,
        "CancelledError": SubmissionFailureReason.INTERRUPTED,
    }
)


@frozen
class InterruptedSubmission:
    """What is known of a paid request that an exception interrupted.

    Attributes:
        message: One line for people.
        task_id: The id of the accepted task, or None.
        may_be_accepted: Whether the gateway can have accepted the task.
    """

    message: str
    task_id: str | None = None
    may_be_accepted: bool = False

    def attach_to(self, error: BaseException) -> None:
        """Put this on an exception: as a note for people, and as data for `of`."""
        error.add_note(f"cometapi-runway: {self.message}")
        vars(error)["interrupted_submission"] = self

    @classmethod
    def of(cls, error: BaseException) -> InterruptedSubmission | None:
        """What `attach_to` put on an exception, or None."""
        attached = vars(error).get("interrupted_submission")
        return attached if isinstance(attached, cls) else None
