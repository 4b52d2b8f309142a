"""JSON bodies of requests and responses, against schemas and as JSON."""

from __future__ import annotations

import json

import jsonschema
import pytest
from tests.cases import each_case

from cometapi_runway.validation import ContractError

from .request_table import INVALID, VALID
from .samples import BODY, CONTRACT, DOCUMENT


def test_every_fault_of_a_body_is_reported_at_once():
    issues = CONTRACT.check_body(
        "make_clip", {"asset": {"type": "video"}, "seed": "x", "tags": [1]}
    )
    assert {(issue.path, issue.rule) for issue in issues} == {
        ("/model", "required"), ("/asset/uri", "required"), ("/seed", "type"), ("/tags/0", "type"),
    }  # fmt: skip


@each_case(
    ("value", "path", "rule"),
    [
        ({**BODY, "note": b"bytes"}, "/note", "json"),
        ({**BODY, "weight": float("nan")}, "/weight", "finite"),
        ({**BODY, "note": "\udc00"}, "/note", "unicode"),
        ({**BODY, "\udc00": 1}, "/\udc00", "unicode"),
        ({**BODY, "tags": {"a"}}, "/tags", "json"),
    ],
)
def test_python_values_that_are_not_json_are_issues(value, path, rule):
    issues = CONTRACT.check_body("make_clip", value)
    assert [(issue.path, issue.rule) for issue in issues] == [(path, rule)]


class Text(str):
    __slots__ = ()


def test_values_that_json_writers_accept_are_accepted():
    assert CONTRACT.check_body("make_clip", {**BODY, "note": Text("x"), "tags": ("a",)}) == ()
    assert CONTRACT.check_body("make_clip", {**BODY, "model": Text("best")})[0].rule == "enum"


def test_responses_are_checked_by_status():
    assert CONTRACT.check_response("make_clip", 200, {"id": "x"}) == ()
    assert [i.path for i in CONTRACT.check_response("make_clip", 200, {})] == ["/id"]
    assert [i.path for i in CONTRACT.check_response("read_clip", 503, {})] == ["/error"]
    for operation, status in (("make_clip", 404), ("make_clip", 502), ("read_clip", 404)):
        with pytest.raises(ContractError, match=f"{operation} documents no JSON response"):
            CONTRACT.check_response(operation, status, {})


def test_a_value_fits_a_schema_by_its_name():
    assert CONTRACT.fits("ClipRequest", BODY)
    assert not CONTRACT.fits("ClipRequest", {**BODY, "seed": -1})
    assert not CONTRACT.fits("ClipRequest", {**BODY, "due": "tomorrow"})
    assert not CONTRACT.fits("ClipRequest", {**BODY, "note": "\ud800"})
    with pytest.raises(ContractError, match="Nothing leads nowhere"):
        CONTRACT.fits("Nothing", BODY)


def test_a_second_validator_agrees_on_every_body_of_the_table():
    second = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/ClipRequest", "components": DOCUMENT["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    requests = [*VALID.values(), *(row[0] for row in INVALID.values())]
    compared = 0
    for request in requests:
        try:
            value = json.loads(request.content)
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            continue
        compared += 1
        assert second.is_valid(value) == (CONTRACT.check_body("make_clip", value) == ()), value
    assert compared > 60
