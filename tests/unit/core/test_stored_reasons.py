"""Reasons in journals that older versions wrote: names of error classes instead of values."""

from __future__ import annotations

from tests.cases import each_case

from cometapi_runway import errors
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason

# What each class of error meant when it was stored.
MEANINGS = {
    "APIConnectionError": Reason.NOT_SENT,
    "APITimeoutError": Reason.NOT_SENT,
    "AuthenticationError": Reason.AUTHENTICATION,
    "PermissionDeniedError": Reason.PERMISSION,
    "InsufficientQuotaError": Reason.QUOTA,
    "RateLimitError": Reason.RATE_LIMIT,
    "BadRequestError": Reason.BAD_REQUEST,
    "NotFoundError": Reason.OTHER_STATUS,
    "APIStatusError": Reason.OTHER_STATUS,
    "SubmissionUnknownError": Reason.UNKNOWN_OUTCOME,
    "KeyboardInterrupt": Reason.INTERRUPTED,
    "CancelledError": Reason.INTERRUPTED,
}


@each_case("name", MEANINGS)
def test_a_stored_class_name_is_read_as_its_reason(name: str) -> None:
    assert name in {"KeyboardInterrupt", "CancelledError"} or hasattr(errors, name)
    assert Reason.parse(name) is MEANINGS[name]


@each_case("reason", Reason)
def test_a_stored_value_is_read_as_itself(reason: Reason) -> None:
    assert Reason.parse(reason.value) is reason


def test_the_values_are_those_that_journals_hold() -> None:
    assert [reason.value for reason in Reason] == [
        "not_sent", "authentication", "permission", "quota", "rate_limit", "bad_request",
        "other_status", "unknown_outcome", "interrupted", "not_charged", "unexpected_error",
    ]  # fmt: skip


@each_case("text", ["", "ValueError", "permissiondeniederror", "x"])
def test_any_other_text_is_an_unexpected_error(text: str) -> None:
    assert Reason.parse(text) is Reason.UNEXPECTED_ERROR


def test_nothing_stored_is_no_reason() -> None:
    assert Reason.parse(None) is None
