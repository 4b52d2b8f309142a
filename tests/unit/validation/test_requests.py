"""Whole requests: server, path, parameters, headers, credentials and encoding."""

from __future__ import annotations

import pytest
from tests.cases import each_case

from cometapi_runway.validation import _parameters

from ..support.contracts import PATH, make_contract
from .request_table import INVALID, VALID
from .samples import CLIPS, CONTRACT, HEADERS, Request, post

# RFC 9110: only lists may be split over several headers of one name, and these are not lists.
SINGLE_HEADERS = {
    "Authorization": "Bearer sk-secret",
    "Content-Type": "application/json",
    "Content-Length": str(len(Request().content)),
    "Content-Encoding": "identity",
    "Host": "api.example.com",
}


def find(request):
    return sorted((issue.path, issue.rule) for issue in request.check())


@each_case("case", VALID.values(), ids=VALID)
def test_valid_requests_have_no_issues(case):
    assert find(case) == []


@each_case(("case", "path", "rule"), INVALID.values(), ids=INVALID)
def test_invalid_requests_have_an_issue_at_the_fault(case, path, rule):
    found = find(case)
    assert (path, rule) in found
    # One fault, one place: a header that cannot be sent may also break its own schema.
    assert len({place for place, _ in found}) == 1


def test_the_sample_request_is_valid():
    assert find(post()) == []


def check_headers(headers):
    request = Request()
    return CONTRACT.check_request(request.method, request.url, headers, request.content)


@each_case("name", SINGLE_HEADERS)
def test_single_headers_must_not_be_repeated(name):
    others = [(key, value) for key, value in HEADERS if key != name]
    value = SINGLE_HEADERS[name]
    assert not check_headers([*others, (name, value)])
    issues = check_headers([*others, (name, value), (name.lower(), value)])
    assert [(issue.path, issue.rule) for issue in issues] == [(name, "repeated")]


@pytest.mark.parametrize("encoding", ["gzip", "br", "Deflate"])
def test_a_body_must_not_be_compressed(encoding):
    (issue,) = check_headers([*HEADERS, ("Content-Encoding", encoding)])
    assert (issue.path, issue.rule) == ("Content-Encoding", "framing")
    assert encoding in issue.message


@each_case(
    ("kind", "text", "value"),
    [
        ("integer", "5", 5), ("number", "5", 5), ("number", "0.5", 0.5), ("number", "x", "x"),
        ("boolean", "true", True), ("boolean", "false", False), ("boolean", "yes", "yes"),
        ("null", "", None), ("null", "null", None), ("null", "nil", "nil"), ("string", "5", "5"),
    ],
)  # fmt: skip
def test_a_parameter_is_read_as_its_type(kind, text, value):
    found = _parameters._parse_scalar(frozenset({kind}), text)
    assert (found, type(found)) == (value, type(value))


def test_a_long_path_is_cut():
    for size in (120, 121):
        path = "/" + "x" * (size - 1)
        (issue,) = Request("GET", path).check()
        assert issue.value == (path if size == 120 else path[:120] + "…")


def test_a_user_in_an_address_is_its_only_fault():
    url = "https://me:pw@api.example.com/v1/clips"
    assert find(Request("POST", url)) == [("server", "userinfo")]


def test_a_media_type_may_be_documented_with_parameters():
    body = {"content": {"application/json; charset=utf-8": {"schema": {}}}}
    contract = make_contract({}, requestBody=body)
    for value, issues in (("application/json", 0), ("text/plain", 1)):
        headers = (("Content-Type", value),)
        assert len(contract.check_request("POST", PATH, headers, b"{}")) == issues


def test_a_long_address_is_cut():
    for size in (120, 121):
        url = "https://api.example.com/v1/a b".ljust(size, "x")
        (issue,) = [one for one in Request("GET", url).check() if one.rule == "wire"]
        assert issue.value == (url if size == 120 else url[:120] + "…")


def test_faults_of_unlike_parts_are_all_named():
    headers = (*HEADERS, ("X Bad", "1"))
    url = "https://api.example.com/nowhere"
    issues = CONTRACT.check_request("POST", url, headers, b"")
    assert (issues[0].path, issues[0].rule, issues[-1].path) == ("X Bad", "wire", "path")
    (issue,) = CONTRACT.check_request("GET", CLIPS, HEADERS[:2], b"xy")
    assert issue.message == "list_clips takes no body (body-not-allowed), got 2 bytes"
    (issue,) = CONTRACT.check_request("GET", f"{CLIPS}?limit=1&limit=2&limit=3", HEADERS[:2], b"")
    assert (issue.rule, issue.value) == ("repeated", "3")
