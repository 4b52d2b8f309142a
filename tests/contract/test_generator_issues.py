"""Generator issues with documents and requests, as strict expected failures.

Each test states the correct behavior and fails today with the exception that its mark names. When
upstream fixes the issue the test fails, and the mitigation in `generator_issues.toml` can go.
Issues with responses are in `test_generator_response_issues`.
"""

from __future__ import annotations

import importlib
import inspect
import re
import typing

import httpx
import pytest

from . import test_generator_response_issues
from .generator_issues import ISSUES, TESTED_ISSUES, example_documents, generator_issue
from .generator_issues.example_client import example, folder, generate, package

__all__ = ["example", "folder", "package"]


@pytest.fixture(scope="module")
def dropped(folder):
    run = generate(example_documents.DROPPED_OPERATIONS, "dropped_client", folder)
    assert "stays" in run.modules(), run.output
    return run


def test_every_listed_issue_has_a_test():
    assert test_generator_response_issues.__doc__
    assert ISSUES.keys() == TESTED_ISSUES


def test_every_listed_issue_is_described():
    for one in ISSUES.values():
        assert one.behavior.endswith("."), one.name
        assert one.mitigation.endswith("."), one.name
        assert not one.upstream or re.fullmatch(r"#\d+( and #\d+)*", one.upstream), one.name


# The document.


@generator_issue("boolean-schema", AssertionError)
def test_a_schema_may_be_true(folder):
    run = generate(example_documents.BOOLEAN_SCHEMA, "boolean_client", folder)
    assert run.code == 0


@generator_issue("const-object", AssertionError)
def test_a_const_may_be_an_object(folder):
    assert generate(example_documents.CONST_OBJECT, "const_client", folder).code == 0


@generator_issue("const-true", AssertionError)
def test_a_const_may_be_true(folder):
    assert generate(example_documents.TRUE_CONST, "const_true_client", folder).code == 0


DROPPED = {
    "dropped-header-const": "const_in_header",
    "dropped-header-date": "date_in_header",
    "dropped-mixed-enum": "mixed_enum",
    "dropped-mismatched-default": "mismatched_default",
    "dropped-array-without-items": "array_without_items",
    "dropped-text-body": "text_body",
    "dropped-all-of-default": "all_of_default",
    "dropped-deep-reference": "deep_reference",
}


@pytest.mark.parametrize(
    "operation_id",
    [
        pytest.param(operation, marks=generator_issue(name, AssertionError), id=name)
        for name, operation in DROPPED.items()
    ],
)
def test_an_operation_is_generated_or_the_run_fails(dropped, operation_id):
    assert dropped.code != 0 or operation_id in dropped.modules()


@generator_issue("duplicate-operation-id", AssertionError)
def test_operations_with_equal_ids_are_both_generated(example):
    assert "/first" in str(example.send("twice").url)


@generator_issue("content-parameter", AssertionError)
def test_a_parameter_with_content_is_in_the_signature(example):
    assert "filter_" in inspect.signature(example.module("by_content").sync_detailed).parameters


@generator_issue("root-security", AssertionError)
def test_document_level_security_requires_a_key(example):
    hints = typing.get_type_hints(example.module("for_the_root_key").sync_detailed)
    assert not typing.get_args(hints["client"])


@generator_issue("nullable-enum", AssertionError)
def test_a_nullable_enum_is_one_type(example):
    models = importlib.import_module(f"{example.name}.models").__all__
    assert (
        len(
            [
                one
                for one in models
                if re.fullmatch(r"RetrieveNullableEnumResponse200State.+", one)
                and not one.endswith("_VALUES")
            ]
        )
        <= 1
    )


@generator_issue("any-content-type", AssertionError)
def test_a_response_of_any_media_type_is_parsed(example):
    assert example.parse("retrieve_any_type", {"id": "1"}) is not None


@generator_issue("first-content-type", AssertionError)
def test_a_response_is_parsed_by_its_content_type(example):
    assert not isinstance(example.parse("retrieve_two_types", {"id": "1"}), str)


@generator_issue("response-without-schema", AssertionError)
def test_a_response_without_schema_leaves_the_others_typed(example):
    hints = typing.get_type_hints(example.module("retrieve_without_schema").sync)
    assert typing.Any not in typing.get_args(hints["return"])


@generator_issue("null-response", TypeError)
def test_a_module_with_a_null_response_can_be_imported(example):
    example.module("retrieve_null")


@generator_issue("two-bodies", NameError)
def test_a_module_with_two_body_types_can_be_imported(example):
    example.module("with_two_bodies")


# Requests.


@generator_issue("default-sent", AssertionError)
def test_a_default_is_not_sent_unless_given(example):
    body = example.model("WithDefaultBody")()
    assert example.body("with_default", body) == {}


@generator_issue("reference-default", AssertionError)
def test_a_default_next_to_a_reference_is_kept(example):
    assert example.model("WithReferenceDefaultBody")().mood == "calm"


@generator_issue("object-default", AssertionError)
def test_an_object_default_is_kept(example):
    assert example.model("WithObjectDefaultBody")().to_dict() == {"limits": {"level": "auto"}}


@generator_issue("list-default", AssertionError)
def test_a_list_default_is_kept(example):
    assert example.model("WithListDefaultBody")().to_dict() == {"names": ["a"]}


@generator_issue("union-default", AssertionError)
def test_a_union_default_is_not_turned_into_text(example):
    assert not isinstance(example.model("WithUnionDefaultBody")().limits, str)


@generator_issue("bounds-unchecked", pytest.fail.Exception)
def test_a_value_out_of_bounds_is_rejected(example):
    with pytest.raises(ValueError, match="seed"):
        example.body("with_bounds", example.model("WithBoundsBody")(seed=10))


@generator_issue("pattern-unchecked", pytest.fail.Exception)
def test_a_value_that_misses_the_pattern_is_rejected(example):
    with pytest.raises(ValueError, match="ratio"):
        example.body("with_pattern", example.model("WithPatternBody")(ratio="wide"))


@generator_issue("type-unchecked", pytest.fail.Exception)
def test_a_value_of_the_wrong_type_is_rejected(example):
    with pytest.raises((TypeError, ValueError)):
        example.body("with_bounds", example.model("WithBoundsBody")(seed="x"))


@generator_issue("const-unchecked", pytest.fail.Exception)
def test_a_value_other_than_the_const_is_rejected(example):
    with pytest.raises(ValueError, match="model"):
        example.body("with_const", example.model("WithConstBody")(model="gen4"))


@generator_issue("object-as-list", pytest.fail.Exception)
def test_an_object_is_not_sent_as_a_list(example):
    with pytest.raises((TypeError, AttributeError)):
        example.body("with_list", example.model("WithListBody")(marks={}))


@generator_issue("read-only", TypeError)
def test_a_read_only_field_is_not_required(example):
    example.body("with_read_only", example.model("WithReadOnlyBody")())


@generator_issue("pattern-properties", AssertionError)
def test_a_pattern_property_is_kept(example):
    model = example.model("PatternNames")
    assert example.body("with_pattern_names", model.from_dict({"x-a": "1"})) == {"x-a": "1"}


@generator_issue("null-body", AssertionError)
def test_a_null_body_is_sent(example):
    assert example.send("with_null_body", body=None).content == b"null"


@generator_issue("reserved-names", TypeError)
def test_a_field_may_be_called_to_dict(example):
    body = example.model("OddNames")(to_dict="a")
    assert example.body("with_odd_names", body) == {"to_dict": "a"}


@generator_issue("timestamp-rewritten", AssertionError)
def test_a_timestamp_keeps_its_spelling(example):
    model = example.model("WithTimestampBody")
    said = {"at": "2026-05-01T12:47:47.351Z"}
    assert model.from_dict(said).to_dict() == said


@generator_issue("leap-second", ValueError)
def test_a_leap_second_is_parsed(example):
    example.model("WithTimestampBody").from_dict({"at": "2016-12-31T23:59:60Z"})


@generator_issue("dot-segments", AssertionError)
def test_an_id_of_dots_stays_in_its_route(example):
    sent = example.send("at_path", id="..")
    assert sent.url.raw_path.startswith(b"/things/")


@generator_issue("empty-id", pytest.fail.Exception)
def test_an_empty_id_is_rejected(example):
    with pytest.raises(ValueError, match="id"):
        example.send("at_path", id="")


@generator_issue("boolean-in-path", AssertionError)
def test_a_boolean_in_a_path_is_spelled_as_in_json(example):
    assert example.send("at_boolean", yes=True).url.path == "/booleans/true"


@generator_issue("joined-list", AssertionError)
def test_a_list_without_explode_is_joined(example):
    assert example.send("by_joined_list", names=["a", "b"]).url.query in {
        b"names=a,b",
        b"names=a%2Cb",
    }


@generator_issue("piped-list", AssertionError)
def test_a_pipe_delimited_list_has_pipes(example):
    assert b"a%7Cb" in example.send("by_piped_list", names=["a", "b"]).url.query


@generator_issue("deep-object", AssertionError)
def test_a_deep_object_has_brackets(example):
    where = example.model("ByDeepObjectWhere")(a="1")
    assert (
        httpx.QueryParams({"where[a]": "1"})
        == example.send("by_deep_object", where=where).url.params
    )


@generator_issue("non-ascii-header", AssertionError)
def test_a_non_ascii_header_is_rejected_by_name(example):
    with pytest.raises(ValueError, match="X-Note"):
        example.send("by_header", x_note="caf\u00e9")


@generator_issue("declared-content-type", AssertionError)
def test_a_declared_content_type_is_not_an_argument(example):
    assert (
        "content_type"
        not in inspect.signature(example.module("by_type_header").sync_detailed).parameters
    )
