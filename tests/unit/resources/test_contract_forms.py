"""Bodies in forms that the gateway's contract does not use: as signatures and as commands."""

from __future__ import annotations

from inspect import Parameter
from pathlib import Path
from typing import Any, get_args

from tests.cases import each_case

from cometapi_runway.cli._options.resource_options import ResourceOption, list_resource_options
from cometapi_runway.resources._client_resources import list_client_resources
from cometapi_runway.resources._signatures.from_contract import from_contract
from cometapi_runway.validation import Contract

from ..support.contracts import make_contract

TEXT = {"type": "string"}
URI = {"type": "string", "pattern": "^(https://|data:)"}


def form(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties}


A, B, C = form(["a"], a=TEXT, x=TEXT), form(["a", "b"], a=TEXT, b=TEXT), form(["c"], c=TEXT)
SCHEMAS = {"A": A, "AorB": {"anyOf": [{"$ref": "#/components/schemas/A"}, B]}}
REF_A = {"$ref": "#/components/schemas/A"}
BODIES: dict[str, tuple[dict[str, Any], set[str], set[str]]] = {
    "an object": (A, {"a", "x"}, {"a"}),
    "a reference": (REF_A, {"a", "x"}, {"a"}),
    "anyOf": ({"anyOf": [A, B]}, {"a", "b", "x"}, {"a"}),
    "oneOf": ({"oneOf": [A, B]}, {"a", "b", "x"}, {"a"}),
    "oneOf without a common field": ({"oneOf": [A, C]}, {"a", "c", "x"}, set()),
    "allOf": ({"allOf": [A, C]}, {"a", "c", "x"}, {"a", "c"}),
    "allOf of references": ({"allOf": [REF_A, C]}, {"a", "c", "x"}, {"a", "c"}),
    "nested anyOf": ({"anyOf": [{"anyOf": [A, B]}, B]}, {"a", "b", "x"}, {"a"}),
    "a union by reference": (
        {"$ref": "#/components/schemas/AorB"}, {"a", "b", "x"}, {"a"},
    ),
    "anyOf in oneOf": ({"oneOf": [{"anyOf": [A, B]}, C]}, {"a", "b", "c", "x"}, set()),
    "allOf in anyOf": ({"anyOf": [{"allOf": [A, C]}, B]}, {"a", "b", "c", "x"}, {"a"}),
    "anyOf in allOf": ({"allOf": [{"anyOf": [A, B]}, C]}, {"a", "b", "c", "x"}, {"a", "c"}),
    "fields next to a union": ({**C, "anyOf": [A, B]}, {"a", "b", "c", "x"}, {"a", "c"}),
    "fields next to allOf": ({**C, "allOf": [B]}, {"a", "b", "c"}, {"a", "b", "c"}),
    "fields next to a reference": ({**C, **REF_A}, {"a", "c", "x"}, {"a", "c"}),
    "a union that only requires": (
        {**form([], a=TEXT, b=TEXT), "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"a", "b"}, set(),
    ),
    "allOf that only requires": (
        {**form([], a=TEXT), "allOf": [{"required": ["a"]}]}, {"a"}, {"a"},
    ),
    "both unions": ({"anyOf": [A, B], "oneOf": [C]}, {"a", "b", "c", "x"}, {"a", "c"}),
}  # fmt: skip


def options_of(contract: Contract) -> dict[str, ResourceOption]:
    (resource,) = list_client_resources(contract)
    return {option.field: option for option in list_resource_options(resource)}


@each_case(("schema", "fields", "required"), BODIES.values(), ids=BODIES)
def test_a_signature_and_a_command_have_every_field_of_a_body(
    schema: dict[str, Any], fields: set[str], required: set[str]
) -> None:
    contract = make_contract(schema, schemas=SCHEMAS, summary="Make it", description="At once.")

    signature = from_contract("make_it", contract)
    parameters = signature.parameters
    options = options_of(contract)

    assert signature.build.__doc__ == "Make it\n\nAt once."
    assert set(parameters) == set(options) == fields
    for name, parameter in parameters.items():
        assert (parameter.default is Parameter.empty) is (name in required)
        assert options[name].is_required is (name in required)


@each_case(("schema", "fields", "required"), BODIES.values(), ids=BODIES)
def test_a_body_of_the_required_arguments_has_no_missing_field_of_every_branch(
    schema: dict[str, Any], fields: set[str], required: set[str]
) -> None:
    """The engine agrees on what is required: without one of these, no body is valid."""
    contract = make_contract(schema, schemas=SCHEMAS)
    everything: dict[str, Any] = dict.fromkeys(fields, "text")

    def is_missing(name: str) -> bool:
        body = {field: value for field, value in everything.items() if field != name}
        return bool(contract.check_body("make_it", body))

    if "oneOf" not in schema:
        assert contract.check_body("make_it", everything) == ()
        assert {name for name in fields if is_missing(name)} >= required


@each_case(
    ("schema", "metavar"),
    [
        (URI, "ADDRESS|FILE"),
        ({"anyOf": [TEXT, URI]}, "ADDRESS|FILE"),
        ({"oneOf": [form(["uri"], uri=URI), TEXT]}, "ADDRESS|FILE"),
        ({"anyOf": [{"oneOf": [TEXT, {"anyOf": [TEXT, URI]}]}, TEXT]}, "ADDRESS|FILE"),
        ({"allOf": [URI, {"description": "x"}]}, "ADDRESS|FILE"),
        ({"type": "array", "items": {"oneOf": [TEXT, URI]}}, "ADDRESS|FILE"),
        ({"type": "array", "items": {"oneOf": [TEXT, TEXT]}}, "JSON"),
        ({"anyOf": [TEXT, {"type": "integer"}]}, "JSON"),
        ({"allOf": [{"type": "integer"}, {"minimum": 2}]}, "N"),
        ({"allOf": [{"enum": ["p", "q"]}]}, "p|q"),
        ({"type": "integer", "enum": [5, 10]}, "5|10"),
        (form([], only={"allOf": [{"enum": ["p", "q"]}]}), "p|q"),
        ({"type": ["number", "null"]}, "NUMBER"),
        ({"type": ["string", "integer"]}, "JSON"),
        (TEXT, "TEXT"),
    ],
)
def test_the_form_of_a_value_decides_how_it_is_typed(schema: dict[str, Any], metavar: str) -> None:
    (option,) = options_of(make_contract(form([], a=schema))).values()

    assert option.metavar == metavar


def test_a_field_takes_what_any_branch_takes() -> None:
    contract = make_contract({"oneOf": [form([], a=TEXT, b=TEXT), form([], a=URI, b=TEXT)]})

    options = options_of(contract)

    assert (options["a"].metavar, options["b"].metavar) == ("ADDRESS|FILE", "TEXT")
    assert get_args(get_args(options["a"].hint)[0])[0] is Path


@each_case(
    ("limits", "description", "shown"),
    [
        ({"minimum": 1, "maximum": 10}, "", "From 1 to 10."),
        ({"minimum": 0}, "", "At least 0."),
        ({"maximum": 0}, "", "At most 0."),
        ({}, "", ""),
        ({"minimum": 1, "maximum": 10}, "1 to 10.", "1 to 10."),
        ({"minimum": 1, "maximum": 10}, "Up to 10.", "Up to 10. From 1 to 10."),
        ({"minimum": 1, "maximum": 10}, "Up to 110.", "Up to 110. From 1 to 10."),
    ],
)
def test_a_range_is_shown_unless_the_description_states_it(
    limits: dict[str, int], description: str, shown: str
) -> None:
    schema = {"type": "integer", "description": description, **limits}
    (option,) = options_of(make_contract(form([], a=schema))).values()

    (parameter, *_) = get_args(option.hint)[1:]
    assert parameter.help == shown


@each_case("name", ["class", "timeout", "extra_body", "api-key", "validate"])
def test_a_name_that_python_or_the_call_needs_is_still_reachable(name: str) -> None:
    signature = from_contract("make_it", make_contract(form([name], **{name: TEXT})))
    (argument,) = signature.parameters

    assert argument.isidentifier()
    assert signature.build(**{argument: "x"}).to_dict() == {name: "x"}
