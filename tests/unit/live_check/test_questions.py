"""The questions cost nothing, whatever the contract says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.steps import Send
from cometapi_runway._live_check._questions import Question, Reply, ask, make_questions
from cometapi_runway._live_check._verdicts import (
    Verdict,
    describe_expectation,
    describe_reply,
    judge,
)
from cometapi_runway.validation import Contract, contract

VERSION = "2024-11-06"
QUESTIONS = make_questions(contract(), VERSION)
BODY = b'{"code": "task_not_exist", "message": "task_not_exist", "data": null}'
UNKNOWN = RawResponse("", "", 400, {"content-type": "application/json"}, BODY)


def test_the_questions_cover_both_families_and_every_route() -> None:
    reads = {one.operation.id for one in QUESTIONS if one.is_read}
    assert reads == {one.id for one in contract().operations if one.is_read}
    assert {one.operation.tag for one in QUESTIONS if one.is_read} == {"official", "compat"}
    for operation in contract().operations:
        topics = {one.topic for one in QUESTIONS if one.operation is operation}
        if operation.is_read:
            assert {"unknown-id", "without-headers", "wrong-key"} <= topics
        if operation.method == "POST":
            assert "GET" in topics


def test_every_read_is_a_request_of_the_contract() -> None:
    for one in QUESTIONS:
        if one.is_read:
            headers = [*one.headers.items(), ("Authorization", "Bearer k")]
            headers += [("Content-Type", "application/json")] if one.body is not None else []
            content = b"" if one.body is None else json.dumps(one.body).encode()
            assert contract().check_request(one.method, one.path, headers, content) == ()
        else:
            assert contract().match(one.method, one.path) is None


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")


@given(st.sampled_from(contract().operations), st.sampled_from(METHODS))
def test_only_reads_and_safe_methods_are_sent(operation: Any, method: str) -> None:
    question = Question("GET", operation, method, operation.path)
    is_the_read = operation.is_read and method == operation.method
    assert question.is_free == (is_the_read or method in {"GET", "OPTIONS"})
    if not question.is_free:
        with pytest.raises(ValueError, match="could create a task"):
            next(ask(question, 1.0))


def test_a_paid_operation_gives_only_safe_questions() -> None:
    """Also one that no page names yet."""
    document: Any = json.loads(json.dumps(contract().document))
    path = document["paths"]["/runwayml/v1/text_to_image"]
    document["paths"]["/runwayml/v1/new"] = json.loads(
        json.dumps(path).replace("generate_an_image_from_text", "new")
    )
    changed = Contract(document)
    found = [one for one in make_questions(changed, VERSION) if one.operation.id == "new"]
    assert [one.method for one in found] == ["GET"]


@each_case("depth", [50, 900, 100_000])
@each_case("ends", [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_deep_response_is_judged_like_any_other(depth: int, ends: tuple[bytes, bytes]) -> None:
    body = ends[0] * depth + b"1" + ends[1] * depth
    step = next(ask(QUESTIONS[0], 1.0))
    assert isinstance(step, Send)
    step.response = evolve(UNKNOWN, body=body)
    reply = Reply.from_step(step, 0.0)
    verdicts = {one.verdict for one in judge(contract(), QUESTIONS[0], reply)}
    assert Verdict.OTHER_CODE in verdicts
    assert describe_reply(reply) == "400"


def test_a_header_that_the_contract_requires_is_expected_to_be_required() -> None:
    document: Any = json.loads(json.dumps(contract().document))
    document["components"]["parameters"]["OptionalRunwayVersion"]["required"] = True
    changed = Contract(document)
    (question, _) = [
        one for one in make_questions(changed, VERSION) if one.topic == "without-headers"
    ]
    assert describe_expectation(question) == "400"
    verdicts = [one.verdict for one in judge(changed, question, Reply(UNKNOWN))]
    assert verdicts == [Verdict.HEADER_NOT_REQUIRED]
    refusal = evolve(UNKNOWN, body=BODY.replace(b"task_not_exist", b"invalid_request"))
    assert judge(changed, question, Reply(refusal)) == ()
