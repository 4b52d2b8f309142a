"""The reason of a failed task, and whether a retry can help."""

from __future__ import annotations

import pytest
from tests.cases import each_case

from cometapi_runway._core.failure_codes import explain_failure
from cometapi_runway.errors import TaskFailedError

from ..support.parsing import task_from

ID = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"


@each_case(
    ("code", "known", "can_retry", "words"),
    [
        ("SAFETY.INPUT.TEXT", "SAFETY.INPUT.TEXT", False, "prompt"),
        ("SAFETY.INPUT.IMAGE", "SAFETY.INPUT.IMAGE", False, "image"),
        ("SAFETY.INPUT.VIDEO", "SAFETY.INPUT.VIDEO", False, "video"),
        ("SAFETY.INPUT.AUDIO", "SAFETY.INPUT", False, "change the inputs"),
        ("SAFETY.OUTPUT.VIDEO", "SAFETY.OUTPUT", False, "result"),
        ("SAFETY.NEW", "SAFETY", False, "change the inputs"),
        ("INTERNAL.BAD_OUTPUT.CODE01", "INTERNAL.BAD_OUTPUT", True, "seldom"),
        ("INTERNAL", "INTERNAL", True, "again"),
        ("INTERNAL.SOMETHING", "INTERNAL", True, "again"),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", "INPUT_PREPROCESSING.SAFETY.TEXT", False, "reword"),
        ("INPUT_PREPROCESSING.SAFETY.NEW", "INPUT_PREPROCESSING.SAFETY", False, "an input, and"),
        ("SAFETY.INPUT", "SAFETY.INPUT", False, "an input, and"),
        ("INPUT_PREPROCESSING.INTERNAL", "INPUT_PREPROCESSING.INTERNAL", True, "again"),
        ("ASSET.INVALID", "ASSET.INVALID", False, "file"),
        ("THIRD_PARTY.UNAVAILABLE", "THIRD_PARTY.UNAVAILABLE", True, "again"),
        ("asset.invalid", "ASSET.INVALID", False, "file"),
        ("INPUT_PREPROCESSING.OTHER", None, None, "is unknown"),
        ("INTERNALS", None, None, "is unknown"),
        ("BRAND.NEW", None, None, "is unknown"),
    ],
)
def test_a_code_is_read_by_the_longest_part_that_is_known(code, known, can_retry, words):
    explained = explain_failure(code)
    assert (explained.code, explained.can_retry) == (known, can_retry)
    assert words in explained.advice


@pytest.mark.parametrize("code", [None, "", " "])
def test_a_missing_code_is_an_internal_failure_only_in_runways_own_response(code):
    assert explain_failure(code).can_retry is True
    assert explain_failure(code, by_runway=False).can_retry is None


def failed(payload):
    return TaskFailedError(ID, task_from(payload))


def test_a_failed_task_says_why_and_what_to_do():
    error = failed(
        {"id": ID, "status": "FAILED", "failure": "No face.", "failureCode": "ASSET.INVALID"}
    )
    assert (error.failure_code, error.can_retry) == ("ASSET.INVALID", False)
    assert error.advice
    assert str(error) == f"task {ID} failed (ASSET.INVALID): No face. {error.advice}"


@each_case(
    ("payload", "can_retry"),
    [
        ({"id": ID, "status": "FAILED", "failure": "Something broke"}, True),
        ({"data": {"data": {"id": ID, "status": "FAILED", "failure": "broke"}}}, True),
        ({"task_id": ID, "status": "FAILURE", "fail_reason": "nsfw"}, None),
        ({"task_id": ID, "status": "2", "msg": "nsfw"}, None),
    ],
)
def test_a_gateway_that_passes_on_no_code_is_not_taken_for_runway(payload, can_retry):
    assert failed(payload).can_retry is can_retry


def test_a_task_without_a_word_still_makes_a_message():
    assert "gives no reason" in str(TaskFailedError(ID))
    assert TaskFailedError(ID).failure_code is None
    assert str(TaskFailedError(ID, None, "own words")) == "own words"
