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
from cometapi_runway._live_check._questions import MAX_DEPTH, Question, Reply, ask, make_questions
from cometapi_runway._live_check._verdicts import (
    SHAPE_VERDICTS,
    Verdict,
    describe_expectation,
    describe_reply,
    judge,
)
from cometapi_runway.errors import APIConnectionError, APITimeoutError
from cometapi_runway.validation import Contract, contract

VERSION = "2024-11-06"
QUESTIONS = make_questions(contract(), VERSION)
BODY = b'{"code": "task_not_exist", "message": "task_not_exist", "data": null}'
UNKNOWN = RawResponse("", "", 400, {"content-type": "application/json"}, BODY)


def test_the_questions_cover_both_families_and_every_route() -> None:
    # Not those that were made when this module was loaded.
    questions = make_questions(contract(), VERSION)
    assert list(map(repr, questions)) == list(map(repr, QUESTIONS))
    assert {one.topic: one.text for one in questions} == {
        "unknown-id": "unknown id",
        "without-headers": "unknown id, no version",
        "wrong-key": "unknown id, wrong key",
        "GET": "GET instead of POST",
        "OPTIONS": "OPTIONS",
    }
    reads = {one.operation.id for one in questions if one.is_read}
    assert reads == {one.id for one in contract().operations if one.is_read}
    assert {one.operation.tag for one in questions if one.is_read} == {"official", "compat"}
    for operation in contract().operations:
        topics = {one.topic for one in questions if one.operation is operation}
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


def test_a_read_that_needs_no_key_and_no_header_is_asked_once() -> None:
    document: Any = json.loads(json.dumps(contract().document))
    document["security"] = []
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                operation["security"] = []
                operation["parameters"] = [
                    one for one in operation.get("parameters", []) if "Version" not in str(one)
                ]
    topics = {one.topic for one in make_questions(Contract(document), VERSION) if one.is_read}
    assert topics == {"unknown-id"}


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


def respond(status: int, body: Any = b"", kind: str = "application/json") -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(RawResponse("", "", status, {"content-type": kind}, content))


def refuse(status: int, code: str, kind: str = "code") -> Reply:
    return respond(status, {kind: code, "message": "m", "data": None})


NOT_FOUND = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
TIMEOUT = APITimeoutError("no response in 1 s", delivery="unknown")
RESET = APIConnectionError("reset", delivery="unknown")
REFUSED = APIConnectionError("refused", delivery="not_sent")


@pytest.mark.parametrize(
    ("topics", "reply", "shown", "expected"),
    [
        ("", Reply(error=REFUSED), "no connection", Verdict.NO_CONNECTION),
        ("", Reply(error=TIMEOUT), "no answer", Verdict.NO_ANSWER),
        ("", Reply(error=RESET), "no answer", Verdict.NO_ANSWER),
        ("", Reply(), "no answer", Verdict.NO_ANSWER),
        ("", respond(300), "300 elsewhere", Verdict.REDIRECT),
        ("", respond(399), "399 elsewhere", Verdict.REDIRECT),
        ("", respond(200, b"<html>", "text/html"), "200 HTML", Verdict.HTML_PAGE),
        ("", respond(500, b"<html>", "text/html"), "500 HTML", Verdict.HTML_PAGE),
        ("", refuse(429, "slow_down"), "429 slow_down", Verdict.RATE_LIMITED),
        ("", respond(403, {"error": {"code": "insufficient_user_quota", "message": ""}}),
         "403 insufficient_user_quota", Verdict.NO_QUOTA),
        ("", respond(500, b""), "500", Verdict.GATEWAY_FAILURE),
        ("unknown-id without-headers GET OPTIONS", refuse(401, "no"), "401 no",
         Verdict.KEY_REFUSED),
        ("unknown-id without-headers GET OPTIONS", refuse(403, "no"), "403 no",
         Verdict.KEY_REFUSED),
        ("unknown-id without-headers", Reply(UNKNOWN), "400 task_not_exist", None),
        ("unknown-id without-headers", respond(200, {"id": "t", "status": "RUNNING"}),
         "200 RUNNING", Verdict.UNKNOWN_ID_FOUND),
        ("unknown-id without-headers", refuse(400, "other"), "400 other", Verdict.OTHER_CODE),
        ("unknown-id without-headers", respond(400, {"code": 5, "message": "m", "data": None}),
         "400 5", Verdict.OTHER_CODE),
        ("wrong-key", refuse(401, "no"), "401 no", None),
        ("wrong-key", refuse(403, "no"), "403 no", Verdict.OTHER_STATUS),
        ("wrong-key", refuse(400, "no"), "400 no", Verdict.OTHER_STATUS),
        ("wrong-key", Reply(UNKNOWN), "400 task_not_exist", Verdict.WRONG_KEY_ACCEPTED),
        ("wrong-key", respond(200, {"id": "t", "status": "RUNNING"}), "200 RUNNING",
         Verdict.WRONG_KEY_ACCEPTED),
        ("GET OPTIONS", respond(404), "404", None),
        ("GET OPTIONS", respond(405), "405", None),
        ("GET OPTIONS", respond(400), "400", Verdict.OTHER_STATUS),
        ("GET OPTIONS", respond(406), "406", Verdict.OTHER_STATUS),
        ("GET", respond(200), "200", Verdict.METHOD_ACCEPTED),
        ("GET", respond(204), "204", Verdict.METHOD_ACCEPTED),
        ("OPTIONS", respond(204), "204", None),
        ("OPTIONS", respond(299), "299", None),
    ],
)  # fmt: skip
def test_what_a_reply_means(
    topics: str, reply: Reply, shown: str, expected: Verdict | None
) -> None:
    """What its shape shows comes after that."""
    assert describe_reply(reply) == shown
    for one in QUESTIONS:
        if one.topic not in (topics.split() or (one.topic,)):
            continue
        found = [finding.verdict for finding in judge(contract(), one, reply)]
        first = next((verdict for verdict in found if verdict not in SHAPE_VERDICTS), None)
        assert first is expected, one.topic
        if expected in {Verdict.REDIRECT, Verdict.HTML_PAGE, Verdict.NO_ANSWER}:
            assert found == [expected]
        if one.topic == "without-headers" and expected is Verdict.OTHER_CODE:
            found = [item.verdict for item in judge(contract(), one, reply, is_readable=True)]
            assert found[0] is Verdict.HEADER_REQUIRED


@each_case(
    ("status", "body", "names"),
    [
        (404, NOT_FOUND, ""),
        (404, b"", ""),
        (404, b" ", ""),
        (404, {**NOT_FOUND, "new": 1}, "NEW_FIELD"),
        (404, b"text", "OTHER_TYPE"),
        (405, {"new": 1}, "OTHER_ENVELOPE"),
        (400, {"new": 1}, "OTHER_STATUS OTHER_ENVELOPE"),
        # The method is not the operation's, so that its status is none of the operation's.
        (418, {**NOT_FOUND, "new": 1}, "OTHER_STATUS NEW_FIELD"),
        (299, {"new": 1}, "METHOD_ACCEPTED"),
        (399, {"new": 1}, "REDIRECT"),
    ],
)
def test_a_refused_method_has_the_shape_of_an_error(status: int, body: Any, names: str) -> None:
    question = next(one for one in QUESTIONS if one.topic == "GET")
    found = judge(contract(), question, respond(status, body))
    assert [one.verdict.name for one in found] == names.split()


def test_a_slow_reply_is_remarked() -> None:
    for seconds, expected in ((5.0, []), (5.1, [Verdict.SLOW])):
        reply = evolve(Reply(UNKNOWN), seconds=seconds)
        assert [one.verdict for one in judge(contract(), QUESTIONS[0], reply)] == expected


def test_a_code_has_the_type_of_the_examples_with_the_same_fields() -> None:
    document: Any = json.loads(json.dumps(contract().document))
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        schema.pop("example", None)
    changed = Contract(document)
    assert judge(changed, QUESTIONS[0], Reply(UNKNOWN)) == ()
    schemas["GatewayErrorDetail"]["example"] = {**NOT_FOUND, "code": 5}
    (found,) = judge(Contract(document), QUESTIONS[0], Reply(UNKNOWN))
    assert found.verdict is Verdict.CODE_TYPE
    assert "the code is text; the contract's examples have a number" in found.detail
    schemas["Task"]["example"] = {**NOT_FOUND, "code": None}
    (found,) = judge(Contract(document), QUESTIONS[0], Reply(UNKNOWN))
    assert found.detail == "the code is text; the contract's examples have a number or neither"
    schemas["GatewayErrorDetail"]["example"] = {"code": 5}
    schemas["Task"]["example"] = [NOT_FOUND]
    assert judge(Contract(document), QUESTIONS[0], Reply(UNKNOWN)) == ()
    schemas["Task"]["example"] = {**NOT_FOUND, "code": 5}
    for body in (b"task_not_exist", b'{"error": {"code": "task_not_exist", "message": "m"}}'):
        reply = Reply(evolve(UNKNOWN, status=404, body=body))
        found_verdicts = {one.verdict for one in judge(Contract(document), QUESTIONS[0], reply)}
        assert not found_verdicts & {Verdict.CODE_TYPE, Verdict.OTHER_CODE}


def test_what_each_question_expects() -> None:
    expected = {"wrong-key": "401", "GET": "404 or 405", "OPTIONS": "2xx, 404, 405",
                "without-headers": "task_not_exist", "unknown-id": "task_not_exist"}  # fmt: skip
    assert {one.topic: describe_expectation(one) for one in QUESTIONS} == expected


def test_a_response_is_read_up_to_a_depth() -> None:
    for depth, is_read in ((MAX_DEPTH, True), (MAX_DEPTH + 1, False)):
        body = b"[{}]" + b"[" * depth + b"]" * depth
        step = next(ask(QUESTIONS[0], 1.0))
        step.response = evolve(UNKNOWN, body=body)
        reply = Reply.from_step(step, 2.5)
        assert reply.response is not None
        assert (reply.response.body == body) is is_read
        assert reply.seconds == 2.5
