"""What the oracle knows of HTTP beside the contract, and how it words what a contract may say."""

from __future__ import annotations

import copy

import pytest

from cometapi_runway.validation import Contract

from .test_validation import CONTRACT, DOCUMENT, HEADERS, Call, post

SECRET = "sk-do-not-print"
# RFC 9110: lists may be split over several lines of one name, these are none.
ONCE = {
    "Authorization": "Bearer sk-secret",
    "Content-Type": "application/json",
    "Content-Length": str(len(Call().content)),
    "Content-Encoding": "identity",
    "Host": "api.example.com",
}
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def judged(headers):
    call = Call()
    return CONTRACT.check_request(call.method, call.url, headers, call.content)


@pytest.mark.parametrize("name", ONCE)
def test_what_can_be_said_once_is_not_said_twice(name):
    others = [(key, value) for key, value in HEADERS if key != name]
    assert not judged([*others, (name, ONCE[name])])
    twice = judged([*others, (name, ONCE[name]), (name.lower(), ONCE[name])])
    assert [(issue.path, issue.rule) for issue in twice] == [(name, "repeated")]


@pytest.mark.parametrize("encoding", ["gzip", "br", "Deflate"])
def test_a_body_is_sent_as_it_is(encoding):
    (issue,) = judged([*HEADERS, ("Content-Encoding", encoding)])
    assert (issue.path, issue.rule) == ("Content-Encoding", "framing")
    assert encoding in issue.message


@pytest.mark.parametrize("name", ["Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key"])
def test_what_lets_somebody_in_is_not_repeated(name):
    others = [(key, value) for key, value in HEADERS if key != name]
    issues = judged([*others, (name, f"{SECRET}\n")])
    assert any(issue.rule == "wire" for issue in issues)
    assert all(SECRET not in repr(issue) + str(issue.value) for issue in issues)


@pytest.mark.parametrize("method", METHODS)
def test_an_operation_may_have_any_method(method):
    document = copy.deepcopy(DOCUMENT)
    answers = {"200": {"description": "done"}}
    document["paths"]["/v1/new"] = {method: {"operationId": "new", "responses": answers}}
    contract = Contract(document)
    operation = contract.operation("new")
    assert (operation.method.lower(), operation.path) == (method, "/v1/new")
    assert not contract.check_request(method.upper(), "/v1/new", HEADERS[:1], b"")


@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "must have at most 1 field "),
        ({"maxProperties": 2}, {"a": 1, "b": 2, "c": 3}, "must have at most 2 fields "),
        ({"minProperties": 2}, {"a": 1}, "must have at least 2 fields "),
        ({"maxItems": 1}, [1, 2], "must have at most 1 item "),
        ({"maxLength": 2}, "abc", "must have at most 2 characters "),
        ({"exclusiveMinimum": 0}, 0, "must be more than 0 "),
        ({"exclusiveMaximum": 9}, 9, "must be less than 9 "),
        ({"uniqueItems": True}, [1, 1], "must not repeat an item "),
        ({"multipleOf": 2}, 3, "must be a multiple of 2 "),
        ({"anyOf": [{"enum": ["a", "b"]}, {"enum": ["c"]}]}, "d", 'must be one of "a", "b", "c" '),
    ],
)
def test_a_demand_is_told_in_words(schema, value, words):
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["ClipRequest"] = schema
    (issue,) = Contract(document).check_body("make_clip", value)
    assert words in issue.message


def test_the_calls_of_the_table_are_right():
    assert post().judged() == []
