"""Why an error has its class: the whole table of codes and statuses, in every envelope."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import errors
from cometapi_runway._flows.read_response import find_error, parse_response

from ..support.both_clients import ID
from ..support.responses import error_of, family, got, platform

STATUSES = (200, 204, 299, 300, 308, 399, 400, 401, 402, 403, 404, 405, 408, 429, 451, 498, 499,
            500, 503, 504, 599, 600)  # fmt: skip
DECISIVE: dict[str, type[errors.APIStatusError]] = {
    "task_not_exist": errors.NotFoundError,
    "quota_not_enough": errors.InsufficientQuotaError,
    "insufficient_quota": errors.InsufficientQuotaError,
    "insufficient_user_quota": errors.InsufficientQuotaError,
    "pre_consume_token_quota_failed": errors.InsufficientQuotaError,
    "invalid_api_key": errors.AuthenticationError,
    "callback_url_empty": errors.BadRequestError,
    "reference_images_empty": errors.BadRequestError,
    "invalid_request": errors.BadRequestError,
    "model_not_found": errors.BadRequestError,
}
UNDECIDED = ("new_code", "503x", "1e3", "٤٠٤", "-401", "0401", "40", "fail_to_fetch_task")
HINTS = {errors.AuthenticationError: "Check the CometAPI key",
         errors.InsufficientQuotaError: "Top up the account"}  # fmt: skip


def by_status(status: int) -> type[errors.APIStatusError]:
    """The class where neither code nor message says more."""
    if status in (exact := {401: errors.AuthenticationError, 402: errors.InsufficientQuotaError,
                  403: errors.PermissionDeniedError, 404: errors.NotFoundError,
                  429: errors.RateLimitError, 499: errors.ServerError}):  # fmt: skip
        return exact[status]
    hundreds = {4: errors.BadRequestError, 5: errors.ServerError}
    return hundreds.get(status // 100, errors.APIStatusError)


def envelopes(code: Any, message: str) -> list[dict[str, Any]]:
    return [platform(message, code), family(code, message), {"code": code, "msg": message}]


def is_ambiguous(status: int, code: str) -> bool:
    """Whether the gateway passes on a refusal of its own key."""
    return code == "fail_to_fetch_task" and status in {401, 402, 403}


@each_case("status", STATUSES)
@each_case("code", [*DECISIVE, *UNDECIDED])
def test_code_and_status_decide_the_class(code: str, status: int) -> None:
    expected = DECISIVE.get(code)
    if expected is None:
        expected = errors.APIStatusError if is_ambiguous(status, code) else by_status(status)
    for spelling, body in itertools.product((code, code.upper()), range(3)):
        error = error_of(envelopes(spelling, "no")[body], status)
        assert type(error) is expected
        assert (error.status_code, error.code, error.message) == (status, spelling, "no")
        shown = {kind for kind, hint in HINTS.items() if hint in str(error)}
        assert shown == ({expected} & HINTS.keys())


@each_case("status", [200, 201, 299])
@each_case("inner", [*STATUSES[3:], 99, 1000, 4010])
def test_inside_a_success_a_code_of_three_digits_is_a_status(status: int, inner: int) -> None:
    is_status = 100 <= inner <= 999
    expected = by_status(inner) if is_status else errors.APIStatusError
    for code in (inner, str(inner)):
        error = error_of({"code": code, "msg": "no"}, status)
        assert (type(error), error.status_code) == (expected, status)


@each_case("status", [400, 404, 500, 503])
@each_case("code", [401, 402, 403, 404, 429, 500])
def test_outside_a_success_the_status_decides_whatever_the_code(status: int, code: int) -> None:
    assert type(error_of({"code": code, "msg": "no"}, status)) is by_status(status)


QUOTA = ("QUOTA used", "low balance", "额度", "余额不足")


@each_case("message", [*QUOTA, "not allowed"])
@each_case("status", STATUSES[6:])
@each_case("code", ["", "new_code", "fail_to_fetch_task"])
def test_words_on_quota_count_only_where_a_key_is_refused(
    message: str, status: int, code: str
) -> None:
    expected = by_status(status)
    if is_ambiguous(status, code):
        expected = errors.APIStatusError
    elif status in {401, 402, 403} and message in QUOTA:
        expected = errors.InsufficientQuotaError
    for body in envelopes(code, message):
        assert type(error_of(body, status)) is expected


@each_case("named", ["task_not_exist", "callback_url_empty", "reference_images_empty"])
@each_case("code", [None, "", "new_code", 500, "fail_to_fetch_task"])
@each_case("status", [400, 401, 500])
def test_a_code_in_the_message_is_more_specific_than_an_unknown_one(
    named: str, code: Any, status: int
) -> None:
    for body in envelopes(code, f"it failed: {named.upper()}."):
        error = error_of(body, status)
        assert (type(error), error.code) == (DECISIVE[named], named)
    for body in envelopes("quota_not_enough", f"it failed: {named}."):
        assert error_of(body, status).code == "quota_not_enough"
    for body in envelopes(code, f"it failed: x{named}x"):
        assert error_of(body, status).code != named


@each_case(
    ("body", "is_failure"),
    [
        ({"id": ID}, False),
        ({"id": ID, "status": "error"}, False),
        ({"id": ID, "error": "x"}, False),
        ({"id": ID, "code": "bad"}, False),
        ({"status": "error"}, True),
        ({"status": "ERROR"}, True),
        ({"error": "x"}, True),
        ({"error": ""}, False),
        ({"error": None}, False),
        ({"code": "bad"}, True),
        ({"code": None}, False),
        ({"code": "bad", "data": {"task_id": ID, "status": "RUNNING"}}, False),
        ({"code": "bad", "data": {"status": "RUNNING"}}, False),
        ({"code": "bad", "data": {"status": "weird"}}, True),
        ({"message": "task_not_exist"}, True),
        ({"id": ID, "message": "task_not_exist"}, True),
        ({"id": ID, "status": "task_not_exist"}, True),
        ({"id": ID, "status": "FAILED", "failure": "task_not_exist"}, False),
        ({}, False),
    ],
)
def test_a_success_is_a_failure_by_its_content(body: dict[str, Any], is_failure: bool) -> None:
    for status in (200, 201, 299):
        assert (find_error(got(body, status)) is not None) is is_failure
    assert find_error(got(body, 300)) is not None


LAYERS = ("data", "data", "data")


def nest(inner: dict[str, Any], depth: int) -> dict[str, Any]:
    for _ in range(depth):
        inner = {"data": inner}
    return inner


@each_case("depth", range(6))
@each_case("name", ["id", "task_id"])
@each_case("is_in_result", [False, True])
def test_four_layers_are_read(depth: int, name: str, is_in_result: bool) -> None:
    task = {name: ID, "status": "SUCCESS"}
    response = parse_response(got(nest({"result": task} if is_in_result else task, depth)))

    is_read = depth < 4
    assert response.task_id == (ID if is_read else None)
    assert [status for status in response.statuses if status] == ["SUCCEEDED"] * is_read
    assert response.has_task_state is is_read
    outer = depth <= (0 if is_in_result else 1)
    assert response.polled_id == (ID if outer else None)


@pytest.mark.parametrize("depth", range(1, 4))
def test_the_outermost_id_counts(depth: int) -> None:
    body = {**nest({"id": "inner"}, depth), "task_id": "outer"}
    assert parse_response(got(body)).task_id == "outer"


@each_case(
    ("headers", "message", "expected"),
    [
        ({}, "no", None),
        ({"x-request-id": "b"}, "no", "b"),
        ({"x-oneapi-request-id": "a", "x-request-id": "b"}, "no", "a"),
        ({"x-oneapi-request-id": "", "x-request-id": "b"}, "no", "b"),
        ({"x-request-id": "b"}, "no (request id: in-text)", "in-text"),
        ({}, "(request id: first) (request id: middle) (request id: last)", "last"),
        ({"x-request-id": "b"}, "request id: abc", "b"),
        ({}, "REQUEST ID:\tabcd.", "abcd"),
    ],
)
def test_one_request_id_of_several_is_chosen(
    headers: dict[str, str], message: str, expected: str | None
) -> None:
    for status, body in itertools.product((400, 503), envelopes("x", message)):
        error = error_of(body, status, headers=headers)
        assert error.request_id == expected
        # Once: where the message has it already, it is not appended.
        assert expected is None or str(error).count(expected) == 1


@each_case(
    ("text", "expected"),
    [
        ("86400", 86400.0),
        ("86399.5", 86399.5),
        ("86401", 86400.0),
        ("1.", 1.0),
        (".5", 0.5),
        (".", None),
        ("+7", None),
        ("0x7", None),
        ("7,8", None),
        ("inf", None),
        ("²", None),
    ],
)
@each_case("status", [200, 429, 503])
def test_retry_after_has_a_ceiling_and_one_form_of_number(
    text: str, expected: float | None, status: int
) -> None:
    error = error_of({"code": "bad", "msg": "x"}, status, headers={"retry-after": text})
    assert error.retry_after == expected


def test_a_code_that_is_no_text_or_number_is_none_and_decides_nothing() -> None:
    for code, status in itertools.product((True, [], {}, 1.5, None), (400, 401, 500)):
        error = error_of({"code": code, "message": json.dumps(code)}, status)
        assert (error.code, type(error)) == (None, by_status(status))
