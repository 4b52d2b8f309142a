"""Facets: every choice of a schema is listed, recognised in values, and drawn at least once."""

from __future__ import annotations

import pytest
from attrs import evolve

from cometapi_runway.validation import Contract, contract

from . import floors
from .choices import alternatives
from .facets import Facet, Thorough, grow
from .floors import Excuse, judge
from .ledger import Ledger, Open
from .shrink import blame, shrink

DOCUMENT = {
    "components": {"schemas": {
        "Picture": {"type": "object", "required": ["url"], "properties": {
            "url": {"type": "string", "minLength": 3, "maxLength": 9}}},
        "Tree": {"type": "object", "properties": {
            "leaf": {"const": 1}, "branch": {"$ref": "#/components/schemas/Tree"}}},
    }},
}  # fmt: skip
SCHEMA = {
    "type": "object",
    "required": ["size"],
    "additionalProperties": False,
    "properties": {
        "size": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9},
        "loop": {"type": ["boolean", "null"]},
        "mood": {"enum": ["calm", None]},
        "frames": {"type": "array", "maxItems": 4, "items": {
            "anyOf": [{"$ref": "#/components/schemas/Picture"}, {"type": "string"}]}},
    },
}  # fmt: skip
FACETS = {
    "/size at 1", "/size at 8",
    "(the whole) has loop", "(the whole) lacks loop",
    "/loop is true", "/loop is false", "/loop is of type boolean", "/loop is of type null",
    "(the whole) has mood", "(the whole) lacks mood",
    '/mood is "calm"', "/mood is null",
    "(the whole) has frames", "(the whole) lacks frames",
    "/frames is empty", "/frames at 4 items", "/frames has several items",
    "/frames/* is Picture", "/frames/* is string",
    "/frames/*<Picture>/url at 3 characters", "/frames/*<Picture>/url at 9 characters",
    "/frames/*<Picture> has a field that is not named",
}  # fmt: skip


def taken(value, schema=SCHEMA):
    return {str(one) for one in grow(DOCUMENT, schema).taken(value)}


def test_every_choice_of_a_schema_is_a_facet():
    assert {str(one.facet) for one in grow(DOCUMENT, SCHEMA).every()} == FACETS


def test_a_schema_within_itself_is_walked_once():
    tree = grow(DOCUMENT, {"$ref": "#/components/schemas/Tree"})
    assert [str(one.facet) for one in tree.every()] == [
        "(the whole) has leaf",
        "(the whole) lacks leaf",
        "(the whole) has branch",
        "(the whole) lacks branch",
        "(the whole) has a field that is not named",
        "/leaf is 1",
    ]


@pytest.mark.parametrize(
    ("value", "facets"),
    [
        ({"size": 1}, {"/size at 1"}),
        ({"size": 1.0}, {"/size at 1"}),
        ({"size": 8, "loop": None},
         {"/size at 8", "(the whole) has loop", "/loop is of type null"}),
        ({"size": 5, "loop": True},
         {"(the whole) has loop", "/loop is true", "/loop is of type boolean"}),
        ({"size": 5, "mood": None}, {"(the whole) has mood", "/mood is null"}),
        ({"size": 5, "frames": []}, {"(the whole) has frames", "/frames is empty"}),
        ({"size": 5, "frames": ["a", {"url": "abc", "alt": ""}]},
         {"(the whole) has frames", "/frames has several items", "/frames/* is string",
          "/frames/* is Picture", "/frames/*<Picture>/url at 3 characters",
          "/frames/*<Picture> has a field that is not named"}),
    ],
)  # fmt: skip
def test_a_value_takes_the_facets_it_shows(value, facets):
    lacking = {name for name in ("loop", "mood", "frames") if name not in value}
    assert taken(value) == facets | {f"(the whole) lacks {name}" for name in lacking}


@pytest.mark.parametrize(
    ("pattern", "forms"),
    [
        ("^(a|b)$", ["a", "b"]),
        (r"^(https?://[^|)]+|data:(x|y)\)|[|)]|\|)$",
         ["https?://[^|)]+", r"data:(x|y)\)", "[|)]", r"\|"]),
        ("^(a|b)(c|d)$", []),
        ("^(a)$", []),
        ("^a|b$", []),
        ("", []),
    ],
)  # fmt: skip
def test_the_alternatives_of_a_pattern_are_forms_to_choose_from(pattern, forms):
    assert alternatives(pattern) == forms
    words = {str(one.facet) for one in grow({}, {"type": "string", "pattern": pattern}).every()}
    assert words == {f"(the whole) is like {form}" for form in forms}


def test_a_branch_counts_only_where_no_earlier_one_fits():
    schema = {"anyOf": [{"type": "string", "enum": ["known"]}, {"type": "string"}]}
    assert taken("known", schema) == {"(the whole) is string", '<string> is "known"'}
    words = [(str(one.facet), one.taken("new"), one.taken("known"))
             for one in grow(DOCUMENT, schema).every()]  # fmt: skip
    assert words[:2] == [
        ("(the whole) is string", False, True),
        ("(the whole) is string 2", True, False),
    ]


def test_every_facet_is_drawn_without_any_luck():
    drawn = Thorough(DOCUMENT).right(SCHEMA, 0)
    assert set().union(*(taken(one.value) for one in drawn)) == FACETS


def test_a_choice_that_the_rest_rules_out_is_not_drawn():
    impossible = {"type": "string", "enum": ["ab", "abc"], "maxLength": 2}
    drawn = Thorough(DOCUMENT).right(impossible)
    assert [one.value for one in drawn] == ["ab"]


OPENED = [
    Open("make", "calls", "body", Facet("/size", "at 1", "bound")),
    Open("make", "calls", "body", Facet("/size", "at 8", "bound")),
    Open("make", "responses", "200 application/json", Facet("", "is answered", "status")),
]
ALL = {str(one): ["generated"] for one in OPENED}
FLOORS = {"calls": 0.5, "responses": 1.0}
EXCUSE = Excuse("calls", "/size at 8", "the gateway is said to crash on it")


def problems(entries, *excuses, **more):
    return judge(OPENED, entries, FLOORS, excuses, **more).problems


def without(index):
    return {str(one): ["wrapper"] for one in OPENED if one is not OPENED[index]}


def test_a_missed_facet_must_be_listed():
    assert problems(ALL) == ()
    assert problems(without(1)) == (f"not exercised and not listed: {OPENED[1]}",)
    assert problems(without(1), EXCUSE) == ()
    assert judge(OPENED, without(1), FLOORS, [EXCUSE]).reasons == {OPENED[1]: EXCUSE.reason}


def test_a_listed_facet_must_be_missed_and_be_there():
    assert problems(ALL, EXCUSE) == (f"listed as not exercised, but it is: {OPENED[1]}",)
    gone = evolve(EXCUSE, facet="/length at 8")
    assert problems(ALL, gone) == (f"listed, but not in the contract any more: {gone}",)
    elsewhere = evolve(EXCUSE, operations=["unmake"])
    assert len(problems(without(1), elsewhere)) == 2


def test_what_a_deep_run_hits_by_luck_is_no_fault():
    verdict = judge(OPENED, ALL, FLOORS, [EXCUSE], deep=True)
    assert (verdict.problems, len(verdict.notes)) == ((), 1)


def test_the_floor_holds_whatever_is_listed():
    excuse = Excuse("responses", "(the whole) is answered", "nobody has seen this answer")
    assert problems(without(2), excuse) == ("responses: only 0 of 1 (0.0%, at least 100%)",)


def test_a_reason_says_something():
    with pytest.raises(ValueError, match="no reason"):
        Excuse("calls", "/size at 8", "flaky")


def test_the_list_in_the_repository_can_be_read():
    floor, _ = floors.read()
    assert floor == {"calls": 0.95, "responses": 0.98}


def test_an_exchange_is_entered_for_who_made_it():
    ledger = Ledger(contract())
    operation = contract().operations[0]
    response = next(one for one in operation.responses if one.schema is not None)
    body = b'{"id": "task-1", "status": "new word", "code": 7, "message": ""}'
    for by in ("generated", "wrapper", "wrapper"):
        ledger.answered(operation, int(response.status), "application/json; a=b", body, by)
    part = f"{response.status} application/json"
    answered = Open(operation.id, "responses", part, Facet("", "is answered", "status"))
    assert ledger.dump()[str(answered)] == ["generated", "wrapper"]
    assert ledger.dump().keys() <= {str(one) for one in ledger.facets}


def test_what_no_page_documents_is_no_facet():
    document = {"paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {
        "description": "", "content": {"text/html": {"schema": {}}}}}}}}}  # fmt: skip
    contract = Contract(document)
    ledger = Ledger(contract)
    ledger.answered(contract.operations[0], 200, "application/json", b"{", "wrapper")
    ledger.answered(contract.operations[0], 404, "text/html", b"", "wrapper")
    assert ledger.dump() == {}
    assert [str(one) for one in ledger.facets] == [
        "a, responses: 200 text/html: (the whole) is answered"
    ]


def test_a_failing_value_is_made_small():
    value = {"a": [1, {"b": "longer text", "c": None}, 3.5], "d": 700.0}
    assert shrink(value, lambda one: "longer" in str(one)) == {"a": [{"b": "longer"}]}
    assert shrink(value, lambda one: one.get("d", 0) > 5) == {"d": 10}
    assert shrink(value, lambda one: False) == value


def test_the_field_to_blame_is_found_by_trial():
    value = {"id": "", "task": {"status": "new", "steps": [1, 9]}}
    others = [{"id": "a", "task": {"status": "old", "steps": [1, 2, 3]}}, {"task": 7}]

    def passes(one):
        return one["task"]["status"] == "old" or one["task"]["steps"][1] == 2

    assert list(blame(value, others, passes)) == [
        ("/task/status", "new", "old"),
        ("/task/steps/1", 9, 2),
    ]
    assert list(blame(value, others, lambda one: False)) == []
