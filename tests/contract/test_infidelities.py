"""Where the generator is not true to its document: strict expected failures.

Each test says what ought to hold. It fails today, in the way its mark names, and the day it
passes it turns red: upstream has mended it, and `infidelities.toml` says what can then go. Those
about answers are in `test_infidelities_answers`.
"""

from __future__ import annotations

import importlib
import inspect
import re
import typing

import httpx
import pytest

from . import test_infidelities_answers
from .infidelities import LISTED, TRIED, documents, infidelity
from .infidelities.example import example, folder, generate, package

__all__ = ["example", "folder", "package"]


@pytest.fixture(scope="module")
def vanished(folder):
    run = generate(documents.VANISHES, "vanishing_client", folder)
    assert "stays" in run.modules(), run.words
    return run


def test_every_listed_infidelity_has_its_example():
    assert test_infidelities_answers.__doc__
    assert LISTED.keys() == TRIED


def test_the_list_says_what_is_done_about_each():
    for one in LISTED.values():
        assert one.what.endswith("."), one.name
        assert one.here.endswith("."), one.name
        assert not one.upstream or re.fullmatch(r"#\d+( and #\d+)*", one.upstream), one.name


# The document.


@infidelity("boolean-schema", AssertionError)
def test_a_schema_may_be_true(folder):
    run = generate(documents.BOOLEAN_SCHEMA, "boolean_client", folder)
    assert run.code == 0


@infidelity("const-object", AssertionError)
def test_a_const_may_be_an_object(folder):
    assert generate(documents.CONST_OBJECT, "const_client", folder).code == 0


@infidelity("const-true", AssertionError)
def test_a_const_may_be_true(folder):
    assert generate(documents.TRUE_CONST, "agreeing_client", folder).code == 0


VANISHING = {
    "dropped-header-const": "const_in_header",
    "dropped-header-date": "date_in_header",
    "dropped-mixed-enum": "mixed_list",
    "dropped-strange-default": "strange_default",
    "dropped-array-without-items": "list_of_anything",
    "dropped-text-body": "text_body",
    "dropped-all-of-default": "all_of_default",
    "dropped-deep-reference": "deep_reference",
}


@pytest.mark.parametrize(
    "vanishing",
    [
        pytest.param(operation, marks=infidelity(name, AssertionError), id=name)
        for name, operation in VANISHING.items()
    ],
)
def test_an_operation_is_generated_or_the_run_fails(vanished, vanishing):
    assert vanished.code != 0 or vanishing in vanished.modules()


@infidelity("duplicate-operation-id", AssertionError)
def test_two_operations_of_one_name_are_both_there(example):
    assert "/first" in str(example.send("twice").url)


@infidelity("content-parameter", AssertionError)
def test_a_parameter_with_content_is_in_the_signature(example):
    assert "filter_" in inspect.signature(example.module("by_content").sync_detailed).parameters


@infidelity("root-security", AssertionError)
def test_the_document_s_own_security_asks_for_a_key(example):
    hints = typing.get_type_hints(example.module("for_the_root_key").sync_detailed)
    assert not typing.get_args(hints["client"])


@infidelity("nullable-enum", AssertionError)
def test_a_closed_list_with_null_is_one_type(example):
    models = importlib.import_module(f"{example.name}.models").__all__
    assert len([one for one in models if re.fullmatch(r"TellNullableListResponse200State.+", one)
                and not one.endswith("_VALUES")]) <= 1  # fmt: skip


@infidelity("any-content-type", AssertionError)
def test_an_answer_of_any_type_is_parsed(example):
    assert example.parse("tell_any_type", {"id": "1"}) is not None


@infidelity("first-content-type", AssertionError)
def test_an_answer_is_read_by_its_own_content_type(example):
    assert not isinstance(example.parse("tell_two_types", {"id": "1"}), str)


@infidelity("answer-without-schema", AssertionError)
def test_an_answer_without_a_schema_leaves_the_others_typed(example):
    hints = typing.get_type_hints(example.module("tell_without_schema").sync)
    assert typing.Any not in typing.get_args(hints["return"])


@infidelity("null-answer", TypeError)
def test_an_answer_that_is_null_can_be_imported(example):
    example.module("tell_nothing")


@infidelity("two-bodies", NameError)
def test_a_body_of_two_types_can_be_imported(example):
    example.module("with_two_bodies")


# What is sent.


@infidelity("default-sent", AssertionError)
def test_what_is_not_asked_is_not_sent(example):
    body = example.model("WithDefaultBody")()
    assert example.body("with_default", body) == {}


@infidelity("reference-default", AssertionError)
def test_a_default_beside_a_reference_is_known(example):
    assert example.model("WithReferenceDefaultBody")().mood == "calm"


@infidelity("object-default", AssertionError)
def test_a_default_that_is_an_object_is_known(example):
    assert example.model("WithObjectDefaultBody")().to_dict() == {"limits": {"level": "auto"}}


@infidelity("list-default", AssertionError)
def test_a_default_that_is_a_list_is_known(example):
    assert example.model("WithListDefaultBody")().to_dict() == {"names": ["a"]}


@infidelity("union-default", AssertionError)
def test_a_default_of_a_union_is_not_made_a_string(example):
    assert not isinstance(example.model("WithUnionDefaultBody")().limits, str)


@infidelity("bounds-unchecked", pytest.fail.Exception)
def test_a_value_out_of_bounds_is_refused(example):
    with pytest.raises(ValueError, match="seed"):
        example.body("with_bounds", example.model("WithBoundsBody")(seed=10))


@infidelity("pattern-unchecked", pytest.fail.Exception)
def test_a_value_of_another_form_is_refused(example):
    with pytest.raises(ValueError, match="ratio"):
        example.body("with_pattern", example.model("WithPatternBody")(ratio="wide"))


@infidelity("type-unchecked", pytest.fail.Exception)
def test_a_value_of_another_type_is_refused(example):
    with pytest.raises((TypeError, ValueError)):
        example.body("with_bounds", example.model("WithBoundsBody")(seed="x"))


@infidelity("const-unchecked", pytest.fail.Exception)
def test_a_value_that_is_not_the_const_is_refused(example):
    with pytest.raises(ValueError, match="model"):
        example.body("with_const", example.model("WithConstBody")(model="gen4"))


@infidelity("object-as-list", pytest.fail.Exception)
def test_an_object_in_a_list_s_place_is_not_made_a_list(example):
    with pytest.raises((TypeError, AttributeError)):
        example.body("with_list", example.model("WithListBody")(marks={}))


@infidelity("read-only", TypeError)
def test_what_only_the_server_says_need_not_be_given(example):
    example.body("with_read_only", example.model("WithReadOnlyBody")())


@infidelity("pattern-properties", AssertionError)
def test_a_field_named_by_a_pattern_is_kept(example):
    model = example.model("PatternNames")
    assert example.body("with_pattern_names", model.from_dict({"x-a": "1"})) == {"x-a": "1"}


@infidelity("null-body", AssertionError)
def test_a_body_that_is_null_is_sent(example):
    assert example.send("with_null_body", body=None).content == b"null"


@infidelity("reserved-names", TypeError)
def test_a_field_may_be_called_to_dict(example):
    body = example.model("OddNames")(to_dict="a")
    assert example.body("with_odd_names", body) == {"to_dict": "a"}


@infidelity("moment-respelled", AssertionError)
def test_a_moment_keeps_its_spelling(example):
    model = example.model("WithMomentBody")
    said = {"at": "2026-05-01T12:47:47.351Z"}
    assert model.from_dict(said).to_dict() == said


@infidelity("leap-second", ValueError)
def test_a_leap_second_is_a_moment(example):
    example.model("WithMomentBody").from_dict({"at": "2016-12-31T23:59:60Z"})


@infidelity("dot-segments", AssertionError)
def test_an_id_of_dots_reaches_its_own_route(example):
    sent = example.send("at_path", id="..")
    assert sent.url.raw_path.startswith(b"/things/")


@infidelity("empty-id", pytest.fail.Exception)
def test_an_empty_id_is_refused(example):
    with pytest.raises(ValueError, match="id"):
        example.send("at_path", id="")


@infidelity("boolean-in-path", AssertionError)
def test_a_truth_in_an_address_is_spelt_as_in_json(example):
    assert example.send("at_truth", yes=True).url.path == "/truths/true"


@infidelity("joined-list", AssertionError)
def test_a_list_that_is_not_exploded_is_joined(example):
    assert example.send("by_joined_list", names=["a", "b"]).url.query in {
        b"names=a,b",
        b"names=a%2Cb",
    }


@infidelity("piped-list", AssertionError)
def test_a_list_with_pipes_has_pipes(example):
    assert b"a%7Cb" in example.send("by_piped_list", names=["a", "b"]).url.query


@infidelity("deep-object", AssertionError)
def test_a_deep_object_has_brackets(example):
    where = example.model("ByDeepObjectWhere")(a="1")
    assert (
        httpx.QueryParams({"where[a]": "1"})
        == example.send("by_deep_object", where=where).url.params
    )


@infidelity("header-beyond-ascii", AssertionError)
def test_a_header_beyond_ascii_is_refused_by_its_name(example):
    with pytest.raises(ValueError, match="X-Note"):
        example.send("by_header", x_note="caf\u00e9")


@infidelity("declared-content-type", AssertionError)
def test_a_declared_content_type_is_no_argument(example):
    assert (
        "content_type"
        not in inspect.signature(example.module("by_type_header").sync_detailed).parameters
    )
