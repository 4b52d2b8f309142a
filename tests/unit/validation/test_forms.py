"""Forms that the gateway's contract does not use: unions and parameters."""

from __future__ import annotations

import json

import pytest
from tests.cases import each_case

from ..support.contracts import PATH, make_contract

SECRET = "s3cret-value"


def find(contract, body):
    return {(issue.path, issue.rule) for issue in contract.check_body("make_it", body)}


PICTURE = {
    "required": ["kind", "size"],
    "properties": {"kind": {"const": "p"}, "size": {"type": "integer"}},
}
SOUND = {
    "required": ["kind", "rate"],
    "properties": {"kind": {"const": "s"}, "rate": {"type": "integer"}},
}


@each_case("union", ["anyOf", "oneOf"])
@each_case(
    ("value", "issue"),
    [
        ({"kind": "p", "size": 1}, None),
        ({"kind": "s", "rate": 1}, None),
        # The tag says which branch is meant; the other branch's faults are not shown.
        ({"kind": "p"}, ("/size", "required")),
        ({"kind": "s", "rate": "x"}, ("/rate", "type")),
        ({"kind": "s", "size": 1}, ("/rate", "required")),
        ({"kind": "q", "size": 1}, ("/kind", "const")),
        ({"size": 1}, ("/kind", "required")),
    ],
)
@each_case("depth", [0, 1, 2])
def test_a_union_reports_the_likely_branch_at_every_depth(union, value, issue, depth):
    schema = {union: [PICTURE, SOUND]}
    for _ in range(depth):
        schema = {"anyOf": [schema, {"type": "integer"}]}
    found = find(make_contract(schema), value)
    assert found == (set() if issue is None else {issue})


@each_case("union", ["anyOf", "oneOf"])
def test_a_branch_whose_list_has_the_word_is_the_likely_one(union):
    fast = {"model": {"enum": ["a", "b"]}, "size": {"minimum": 1}}
    slow = {"model": {"enum": ["c", "d"]}, "size": {"minimum": 9}}
    contract = make_contract({union: [{"properties": fast}, {"properties": slow}]})
    assert find(contract, {"model": "c", "size": 5}) == {("/size", "minimum")}
    assert find(contract, {"model": "a", "size": 0}) == {("/size", "minimum")}


@each_case("union", ["anyOf", "oneOf"])
def test_a_tag_may_be_a_list_of_one_word(union):
    first = {"properties": {"kind": {"enum": ["p"]}}}
    second = {"properties": {"kind": {"enum": ["s"]}, "mode": {"enum": ["x", "y"]}}}
    found = find(make_contract({union: [first, second]}), {"kind": "s", "mode": "z"})
    assert found == {("/mode", "enum")}


def test_of_branches_that_fail_elsewhere_the_first_is_reported():
    contract = make_contract({"anyOf": [
        {"properties": {name: {"minimum": 1}}} for name in ("a", "b")
    ]})  # fmt: skip
    assert find(contract, {"a": 0, "b": 0}) == {("/a", "minimum")}


def test_branches_that_differ_in_a_rule_are_reported_together():
    contract = make_contract({"anyOf": [{"pattern": "^a"}, {"maxLength": 2}]})
    (issue,) = contract.check_body("make_it", "xyz")
    assert (issue.path, issue.rule, issue.value) == ("", "anyOf", "xyz")
    alike = make_contract({"anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]})
    assert find(alike, "xyz") == {("", "pattern")}


def test_one_of_refuses_a_value_of_two_forms():
    both = {"oneOf": [{"type": "integer"}, {"minimum": 2}]}
    (issue,) = make_contract(both).check_body("make_it", 3)
    assert (issue.path, issue.rule) == ("", "oneOf")
    assert "exactly one" in issue.message
    assert make_contract(both).check_body("make_it", 1) == ()


def test_all_of_reports_every_part():
    contract = make_contract({"allOf": [PICTURE, {"required": ["name"]}]})
    assert find(contract, {"kind": "p"}) == {("/size", "required"), ("/name", "required")}
    assert find(contract, {"kind": "p", "size": 1, "name": "x"}) == set()


def test_references_next_to_other_keys_both_apply():
    schema = {"$ref": "#/components/schemas/P", "required": ["name"]}
    contract = make_contract(schema, schemas={"P": PICTURE})
    assert find(contract, {"kind": "p"}) == {("/size", "required"), ("/name", "required")}


TYPED = {
    "query": lambda text: (f"{PATH}?n={text}", ()),
    "header": lambda text: (PATH, (("N", text),)),
    "cookie": lambda text: (PATH, (("Cookie", f"first=1; n={text}; last=2"),)),
}


@each_case("location", TYPED)
@each_case(
    ("text", "rule"), [("1", None), ("9", None), ("0", "minimum"), ("10", "maximum"), ("x", "type")]
)
@each_case("nested", [False, True])
def test_a_parameter_is_read_by_its_type_wherever_it_is(location, text, rule, nested):
    schema = {"type": "integer", "minimum": 1, "maximum": 9}
    if nested:
        schema = {"allOf": [{"anyOf": [{"oneOf": [schema]}]}]}
    parameter = {"name": "n", "in": location, "required": True, "schema": schema}
    contract = make_contract(parameters=[parameter])
    url, headers = TYPED[location](text)

    issues = contract.check_request("GET", url, headers, b"")

    assert [(issue.path, issue.rule) for issue in issues] == ([] if rule is None else [("n", rule)])


@each_case("location", TYPED)
@each_case("required", [True, False])
def test_a_parameter_is_missed_only_where_it_is_required(location, required):
    parameter = {"name": "n", "in": location, "required": required, "schema": {}}
    contract = make_contract(parameters=[parameter])
    issues = contract.check_request("GET", PATH, (), b"")
    assert [(issue.path, issue.rule) for issue in issues] == [("n", "required")] * required


@each_case(
    ("name", "location", "headers"),
    [
        ("sid", "cookie", (("Cookie", f"sid={SECRET}"),)),
        ("sid", "cookie", (("Cookie", f"sid={SECRET}; sid={SECRET}"),)),
        ("X-Api-Key", "header", (("X-Api-Key", SECRET),)),
        ("X-Api-Key", "header", (("X-Api-Key", SECRET), ("X-Api-Key", SECRET))),
    ],
)
def test_the_value_of_a_cookie_or_of_a_key_is_not_shown(name, location, headers):
    parameter = {"name": name, "in": location, "schema": {"maxLength": 3}}
    (issue,) = make_contract(parameters=[parameter]).check_request("GET", PATH, headers, b"")
    assert issue.path == name
    assert name in issue.message
    assert issue.rule in issue.message
    assert SECRET not in repr(issue) + str(issue.value)


@pytest.mark.parametrize("kind", ["anyOf", "oneOf", "allOf"])
def test_no_content_of_an_object_or_a_data_uri_is_in_a_message(kind):
    """An object is named by its fields; a data URI and a long prompt by their size."""
    parts = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"n": {"type": "integer"}},
    }
    contract = make_contract({"properties": {"a": {kind: [parts, {"maxProperties": 0}]}}})
    uri = f"data:text/plain;base64,{SECRET * 50}"
    for value in (
        {"p": SECRET * 50},
        {"n": {"p": SECRET}},
        {"n": uri},
        {"n": [SECRET]},
        {"x": [SECRET]},
    ):
        issues = contract.check_body("make_it", {"a": value})
        assert issues
        shown = json.dumps([issue.message for issue in issues])
        assert SECRET * 8 not in shown
        if not isinstance(value.get("p", value.get("n")), str):
            assert SECRET not in shown
