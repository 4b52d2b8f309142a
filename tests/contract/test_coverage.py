"""Coverage points are listed, found in values, drawn, recorded and compared with thresholds."""

from __future__ import annotations

import pytest
from attrs import evolve

from cometapi_runway.validation import Contract, contract

from .checks.shrinking import blame_fields, shrink
from .coverage import coverage_thresholds
from .coverage.coverage_points import CoveragePoint, build_tree
from .coverage.coverage_recorder import CoverageRecorder, LocatedPoint
from .coverage.coverage_thresholds import Exemption, evaluate_coverage
from .coverage.covering_source import CoveringSource
from .generation.schema_targets import pattern_alternatives

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
POINTS = {
    "/size at 1", "/size at 8",
    "(root) has loop", "(root) lacks loop",
    "/loop is true", "/loop is false", "/loop is of type boolean", "/loop is of type null",
    "(root) has mood", "(root) lacks mood",
    '/mood is "calm"', "/mood is null",
    "(root) has frames", "(root) lacks frames",
    "/frames is empty", "/frames at 4 items", "/frames has several items",
    "/frames/* is Picture", "/frames/* is string",
    "/frames/*<Picture>/url at 3 characters", "/frames/*<Picture>/url at 9 characters",
    "/frames/*<Picture> has an undeclared field",
}  # fmt: skip


def points_of(value, schema=SCHEMA):
    return {str(one) for one in build_tree(DOCUMENT, schema).points_of(value)}


def test_a_schema_has_these_coverage_points():
    assert {str(one.point) for one in build_tree(DOCUMENT, SCHEMA).all_targets()} == POINTS


def test_a_recursive_schema_is_walked_once():
    tree = build_tree(DOCUMENT, {"$ref": "#/components/schemas/Tree"})
    assert [str(one.point) for one in tree.all_targets()] == [
        "(root) has leaf",
        "(root) lacks leaf",
        "(root) has branch",
        "(root) lacks branch",
        "(root) has an undeclared field",
        "/leaf is 1",
    ]


@pytest.mark.parametrize(
    ("value", "points"),
    [
        ({"size": 1}, {"/size at 1"}),
        ({"size": 1.0}, {"/size at 1"}),
        ({"size": 8, "loop": None},
         {"/size at 8", "(root) has loop", "/loop is of type null"}),
        ({"size": 5, "loop": True},
         {"(root) has loop", "/loop is true", "/loop is of type boolean"}),
        ({"size": 5, "mood": None}, {"(root) has mood", "/mood is null"}),
        ({"size": 5, "frames": []}, {"(root) has frames", "/frames is empty"}),
        ({"size": 5, "frames": ["a", {"url": "abc", "alt": ""}]},
         {"(root) has frames", "/frames has several items", "/frames/* is string",
          "/frames/* is Picture", "/frames/*<Picture>/url at 3 characters",
          "/frames/*<Picture> has an undeclared field"}),
    ],
)  # fmt: skip
def test_a_value_covers_these_points(value, points):
    lacking = {name for name in ("loop", "mood", "frames") if name not in value}
    assert points_of(value) == points | {f"(root) lacks {name}" for name in lacking}


@pytest.mark.parametrize(
    ("pattern", "alternatives"),
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
def test_pattern_alternatives_are_coverage_points(pattern, alternatives):
    assert pattern_alternatives(pattern) == alternatives
    words = {
        str(one.point)
        for one in build_tree({}, {"type": "string", "pattern": pattern}).all_targets()
    }
    assert words == {f"(root) matches {form}" for form in alternatives}


def test_a_value_covers_the_first_branch_that_matches():
    schema = {"anyOf": [{"type": "string", "enum": ["known"]}, {"type": "string"}]}
    assert points_of("known", schema) == {"(root) is string", '<string> is "known"'}
    words = [(str(one.point), one.matches("new"), one.matches("known"))
             for one in build_tree(DOCUMENT, schema).all_targets()]  # fmt: skip
    assert words[:2] == [
        ("(root) is string", False, True),
        ("(root) is string 2", True, False),
    ]


def test_every_coverage_point_is_drawn_without_fuzzing():
    drawn = CoveringSource(DOCUMENT).valid(SCHEMA, 0)
    assert set().union(*(points_of(one.value) for one in drawn)) == POINTS


def test_an_impossible_point_is_not_drawn():
    impossible = {"type": "string", "enum": ["ab", "abc"], "maxLength": 2}
    drawn = CoveringSource(DOCUMENT).valid(impossible)
    assert [one.value for one in drawn] == ["ab"]


CONTRACT_POINTS = [
    LocatedPoint("make", "requests", "body", CoveragePoint("/size", "at 1", "bound")),
    LocatedPoint("make", "requests", "body", CoveragePoint("/size", "at 8", "bound")),
    LocatedPoint(
        "make", "responses", "200 application/json", CoveragePoint("", "is received", "status")
    ),
]
ALL_COVERED = {str(one): ["generated"] for one in CONTRACT_POINTS}
THRESHOLDS = {"requests": 0.5, "responses": 1.0}
EXEMPTION = Exemption("requests", "/size at 8", "the gateway is reported to crash")


def problems(entries, *exemptions, **more):
    return evaluate_coverage(CONTRACT_POINTS, entries, THRESHOLDS, exemptions, **more).problems


def without(index):
    return {str(one): ["wrapper"] for one in CONTRACT_POINTS if one is not CONTRACT_POINTS[index]}


def test_an_uncovered_point_needs_an_exemption():
    assert problems(ALL_COVERED) == ()
    assert problems(without(1)) == (f"not covered and not exempted: {CONTRACT_POINTS[1]}",)
    assert problems(without(1), EXEMPTION) == ()
    assert evaluate_coverage(CONTRACT_POINTS, without(1), THRESHOLDS, [EXEMPTION]).reasons == {
        CONTRACT_POINTS[1]: EXEMPTION.reason
    }


def test_an_exemption_must_match_an_uncovered_point():
    assert problems(ALL_COVERED, EXEMPTION) == (f"exempted, but covered: {CONTRACT_POINTS[1]}",)
    gone = evolve(EXEMPTION, point="/length at 8")
    assert problems(ALL_COVERED, gone) == (f"exempted, but not in the contract: {gone}",)
    elsewhere = evolve(EXEMPTION, operations=["unmake"])
    assert len(problems(without(1), elsewhere)) == 2


def test_a_deep_run_may_cover_an_exempted_point():
    result = evaluate_coverage(CONTRACT_POINTS, ALL_COVERED, THRESHOLDS, [EXEMPTION], deep=True)
    assert (result.problems, len(result.notes)) == ((), 1)


def test_exemptions_do_not_lower_the_threshold():
    exemption = Exemption("responses", "(root) is received", "this response was never observed")
    assert problems(without(2), exemption) == (
        "responses: only 0 of 1 (0.0%, at least 100% required)",
    )


def test_an_exemption_needs_a_reason():
    with pytest.raises(ValueError, match="not a reason"):
        Exemption("requests", "/size at 8", "flaky")


def test_the_thresholds_file_is_readable():
    thresholds, _ = coverage_thresholds.read_thresholds()
    assert thresholds == {"requests": 0.95, "responses": 0.98}


def test_a_response_is_recorded_for_each_client():
    coverage = CoverageRecorder(contract())
    operation = contract().operations[0]
    response = next(one for one in operation.responses if one.schema is not None)
    body = b'{"id": "task-1", "status": "new word", "code": 7, "message": ""}'
    for by in ("generated", "wrapper", "wrapper"):
        coverage.record_response(operation, int(response.status), "application/json; a=b", body, by)
    part = f"{response.status} application/json"
    answered = LocatedPoint(
        operation.id, "responses", part, CoveragePoint("", "is received", "status")
    )
    assert coverage.as_json()[str(answered)] == ["generated", "wrapper"]
    assert coverage.as_json().keys() <= {str(one) for one in coverage.points}


def test_undocumented_responses_are_not_recorded():
    document = {"paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {
        "description": "", "content": {"text/html": {"schema": {}}}}}}}}}  # fmt: skip
    contract = Contract(document)
    coverage = CoverageRecorder(contract)
    coverage.record_response(contract.operations[0], 200, "application/json", b"{", "wrapper")
    coverage.record_response(contract.operations[0], 404, "text/html", b"", "wrapper")
    assert coverage.as_json() == {}
    assert [str(one) for one in coverage.points] == [
        "a, responses: 200 text/html: (root) is received"
    ]


def test_a_failing_value_is_shrunk():
    value = {"a": [1, {"b": "longer text", "c": None}, 3.5], "d": 700.0}
    assert shrink(value, lambda one: "longer" in str(one)) == {"a": [{"b": "longer"}]}
    assert shrink(value, lambda one: one.get("d", 0) > 5) == {"d": 10}
    assert shrink(value, lambda one: False) == value


def test_blamed_fields_are_found_by_substitution():
    value = {"id": "", "task": {"status": "new", "steps": [1, 9]}}
    others = [{"id": "a", "task": {"status": "old", "steps": [1, 2, 3]}}, {"task": 7}]

    def passes(one):
        return one["task"]["status"] == "old" or one["task"]["steps"][1] == 2

    assert list(blame_fields(value, others, passes)) == [
        ("/task/status", "new", "old"),
        ("/task/steps/1", 9, 2),
    ]
    assert list(blame_fields(value, others, lambda one: False)) == []
