"""Every create command's options match the contract and the signatures."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from cyclopts import App
from tests.cases import each_case

from cometapi_runway._client import Compat, RunwayClient
from cometapi_runway.cli._app import build_app
from cometapi_runway.cli._commands.create import make_create_app
from cometapi_runway.cli._options.resource_options import (
    find_unknown_fields,
    list_resource_options,
)
from cometapi_runway.resources._argument_fields import parse_value
from cometapi_runway.resources._client_resources import (
    ClientResource,
    get_client_resource,
    list_client_resources,
)
from cometapi_runway.resources._known_values import describe_known_values, read_known_values
from cometapi_runway.resources._resolved_schema import resolve_schema
from cometapi_runway.resources._resource import ResourceDescriptor
from cometapi_runway.resources._signatures import OPTIONS
from cometapi_runway.validation import Contract, contract

ALL = list_client_resources()
each = each_case("resource", ALL, ids=lambda one: one.python_name)


def properties(resource: ClientResource) -> dict[str, Any]:
    found: Any = resource.body_schema["properties"]
    return {name: resolve_schema(contract(), schema) for name, schema in found.items()}


def list_arguments(resource: ClientResource) -> dict[str, Any]:
    """The command's parameters by option, as the command line itself reads them."""
    return {found.name: found for found in make_create_app(resource).assemble_argument_collection()}


@each
def test_every_field_of_the_contract_is_an_option_and_every_option_a_field(
    resource: ClientResource,
) -> None:
    options = list_resource_options(resource)

    assert {option.field for option in options} == set(properties(resource))
    assert [option.argument for option in options] == list(resource.signature.parameters)
    assert {option.flag for option in options} <= set(list_arguments(resource))


@each
def test_types_and_values_come_from_the_contract(resource: ClientResource) -> None:
    plain = {"integer": int, "number": float, "boolean": bool}
    for option in list_resource_options(resource):
        schema = properties(resource)[option.field]
        hint = get_args(get_args(option.hint)[0])[0]
        if schema.get("enum"):
            assert get_origin(hint) is Literal
            assert list(get_args(hint)) == schema["enum"]
        elif known := read_known_values(schema):
            kinds = get_args(get_args(option.hint)[0])
            assert list(get_args(hint)) == [value for group in known for value in group.values]
            assert kinds[1:] == ({"integer": int, "string": str}[schema["type"]], type(None))
        elif schema.get("type") in plain:
            assert hint is plain[schema["type"]]
        elif schema.get("type") == "array":
            is_file = option.metavar == "ADDRESS|FILE"
            assert hint == (list[Path | Any] if is_file else list[Any])


@each
def test_help_comes_from_the_contract_and_defaults_from_the_signature(
    resource: ClientResource,
) -> None:
    found = list_arguments(resource)
    for option in list_resource_options(resource):
        parameter = found[option.flag].parameter
        words = str(properties(resource)[option.field].get("description", "")).replace("`", "")
        assert words in parameter.help
        assert describe_known_values(contract(), properties(resource)[option.field]) in (
            parameter.help
        )
        assert ("[required]" in parameter.help) is option.is_required
        default = resource.signature.parameters[option.argument].default
        if default in {None, inspect.Parameter.empty}:
            assert parameter.show_default is False
        elif isinstance(default, bool):
            assert parameter.show_default == ("on" if default else "off")
        else:
            assert parameter.show_default == str(default)


@each
def test_an_option_that_is_not_given_sets_nothing(resource: ClientResource) -> None:
    assert {option.parameter.default for option in list_resource_options(resource)} == {None}


@each
def test_the_command_and_the_clients_resource_belong_together(resource: ClientResource) -> None:
    app = build_app()
    for word in resource.command_words:
        app = app[word]
    with RunwayClient("key") as client:
        client_resource = resource.get_from(client)

    assert app.name == (resource.command_words[-1],)
    assert client_resource.signature.operation == resource.operation.id
    assert client_resource.signature.parameters.keys() == resource.signature.parameters.keys()


def test_every_resource_of_the_client_has_a_command() -> None:
    def resources(kind: type) -> set[str]:
        return {
            n
            for base in kind.__mro__
            for n, v in vars(base).items()
            if isinstance(v, ResourceDescriptor)
        }

    offered = {one.python_name for one in ALL}

    assert offered == resources(RunwayClient) | {f"compat__{n}" for n in resources(Compat)}


def test_every_call_option_is_reachable() -> None:
    flags = set(list_arguments(ALL[0]))
    by = {
        "runway_version": "--runway-version",
        "timeout": "--request-timeout",
        "validate": "--validate",
        "extra_body": "--json",
        "idempotency_key": "--idempotency-key",
        "label": "--label",
    }

    assert set(by.values()) <= flags
    # Headers can hold secrets, which do not belong on a command line.
    assert set(by) | {"extra_headers"} == set(OPTIONS)


@each
def test_no_option_exists_twice(resource: ClientResource) -> None:
    every = [
        n for found in make_create_app(resource).assemble_argument_collection() for n in found.names
    ]
    names = [name for name in every if name.startswith("--")]

    assert len(names) == len(set(names))


def test_an_operation_without_a_hand_written_signature_has_a_command() -> None:
    source = Contract(
        {
            "paths": {
                "/made/up": {
                    "post": {
                        "operationId": "make_up",
                        "x-resource": "made_up",
                        "tags": ["official"],
                        "summary": "Make something up",
                        "requestBody": {
                            "content": {
                                "application/json": {
                                    "schema": {
                                        "type": "object",
                                        "required": ["videoUri"],
                                        "properties": {
                                            "videoUri": {
                                                "type": "string",
                                                "pattern": "^(https://|data:)",
                                            },
                                            "loopCount": {"type": "integer", "maximum": 9},
                                            "aspect": {"enum": ["wide", "tall"]},
                                            "size": {"enum": ["twenty", "columns", "it is"]},
                                            "mood": {"enum": ["twenty", "columns", "and 21"]},
                                            "fps": {"type": "integer", "enum": [24, 60]},
                                            "motion": {
                                                "type": "object",
                                                "properties": {"by": {"description": "`Speed`."}},
                                            },
                                            "isFast": {"type": ["boolean", "null"]},
                                        },
                                    }
                                }
                            }
                        },
                        "responses": {},
                    }
                }
            }
        }
    )
    (made,) = list_client_resources(source)

    found = {option.flag: option for option in list_resource_options(made)}

    assert set(found) == {
        "--video-uri",
        "--loop-count",
        "--aspect",
        "--is-fast",
        "--size",
        "--mood",
        "--fps",
        "--motion",
    }
    assert [flag for flag, option in found.items() if option.is_required] == ["--video-uri"]
    assert found["--video-uri"].metavar == "ADDRESS|FILE"
    assert found["--aspect"].metavar == "wide|tall"
    assert found["--size"].metavar == "twenty|columns|it is"
    assert found["--mood"].metavar == "CHOICE"
    assert found["--fps"].metavar == "24|60"
    # A field without a description has that of its only part.
    assert found["--motion"].hint.__metadata__[0].help == "Speed."
    assert found["--loop-count"].hint.__metadata__[0].help == "At most 9."
    assert get_args(get_args(found["--is-fast"].hint)[0])[0] is bool


@each_case(
    ("text", "value"),
    [
        ("https://example.com/face.png", "https://example.com/face.png"),
        ("http://example.com/face.png", "http://example.com/face.png"),
        ("data:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
        ("DATA:image/png;base64,AAAA", "DATA:image/png;base64,AAAA"),
        ("face.png", Path("face.png")),
        (
            '{"type": "image", "uri": "https://example.com/x"}',
            {"type": "image", "uri": "https://example.com/x"},
        ),
        ('["https://example.com/x"]', ["https://example.com/x"]),
    ],
)
def test_a_value_is_an_address_a_file_or_json(text: str, value: object) -> None:
    assert parse_value(text) == value


def test_a_home_folder_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert parse_value("~/face.png") == tmp_path / "face.png"


def test_invalid_json_is_refused() -> None:
    with pytest.raises(ValueError, match="property name"):
        parse_value("{type: image}")


def test_an_unknown_field_is_reported_with_a_suggestion() -> None:
    resource = get_client_resource("character_performance")
    found = list_resource_options(resource)

    (issue,) = find_unknown_fields(resource, found, {"bodyControll": True, "seed": 1})

    assert issue.path == "/bodyControll"
    assert issue.rule == "unknown"
    assert issue.message.endswith("did you mean 'bodyControl'?")


def test_no_command_takes_a_key() -> None:
    def flags(app: App) -> set[str]:
        found = app.assemble_argument_collection() if app.default_command else ()
        own = {name for one in found for name in one.names}
        inner = (flags(app[name]) for name in app if not name.startswith("-"))
        return own.union(*inner)

    # A name for a request is no secret.
    every = flags(build_app()) - {"--idempotency-key"}

    assert "--base-url" in every
    # Not `--keywords`, which a page may have.
    words = {word for flag in every for word in flag.split("-")}
    assert not {
        one for one in words if one.endswith(("key", "keys")) or "token" in one or "secret" in one
    }


@each
def test_the_range_in_the_help_is_the_one_enforced(resource: ClientResource) -> None:
    found = list_arguments(resource)
    for option in list_resource_options(resource):
        schema = properties(resource)[option.field]
        text = str(found[option.flag].parameter.help)
        limits = (schema.get("minimum"), schema.get("maximum"))
        shown = re.findall(r"(\d+) to (\d+)", text)
        assert {(int(low), int(high)) for low, high in shown} == (
            set() if None in limits else {limits}
        ), option.flag
        lengths = {int(limit) for limit in re.findall(r"[Aa]t most (\d+) characters", text)}
        assert lengths <= {schema.get("maxLength")}, option.flag
        if limits[0] is not None and limits[1] is None:
            assert f"At least {limits[0]}." in text


def test_known_values_are_in_the_help_once() -> None:
    """Help names them with their sources, so that cyclopts must not list them as well."""
    for resource in list_client_resources():
        for option in list_resource_options(resource):
            parts = get_args(get_args(option.hint)[0])
            if any(get_origin(part) is Literal for part in parts):
                parameters = option.hint.__metadata__
                assert not all(one.show_choices for one in parameters), option.argument
