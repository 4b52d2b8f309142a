"""Every command's options against contract and signatures: none missing, none made up."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from cyclopts import App

from cometapi_runway._client import Compat, RunwayClient
from cometapi_runway.cli import derive
from cometapi_runway.cli.app import build
from cometapi_runway.cli.create import make_app
from cometapi_runway.cli.creations import Creation, creations, resolved
from cometapi_runway.resources._resource import ResourceDescriptor
from cometapi_runway.resources._signatures import OPTIONS
from cometapi_runway.validation import Contract, contract

ALL = creations()
each = pytest.mark.parametrize("creation", ALL, ids=lambda one: one.name)


def properties(creation: Creation) -> dict[str, Any]:
    found: Any = creation.body["properties"]
    return {name: resolved(contract(), schema) for name, schema in found.items()}


def shown(creation: Creation) -> dict[str, Any]:
    """The command's parameters by option, as the command line itself reads them."""
    return {found.name: found for found in make_app(creation).assemble_argument_collection()}


@each
def test_every_field_of_the_contract_is_an_option_and_every_option_a_field(
    creation: Creation,
) -> None:
    options = derive.options(creation)

    assert {option.field for option in options} == set(properties(creation))
    assert [option.argument for option in options] == list(creation.signature.parameters)
    assert {option.flag for option in options} <= set(shown(creation))


@each
def test_types_and_values_are_the_contracts(creation: Creation) -> None:
    plain = {"integer": int, "number": float, "boolean": bool}
    for option in derive.options(creation):
        schema = properties(creation)[option.field]
        hint = get_args(get_args(option.hint)[0])[0]
        if schema.get("enum"):
            assert get_origin(hint) is Literal
            assert list(get_args(hint)) == schema["enum"]
        elif schema.get("type") in plain:
            assert hint is plain[schema["type"]]
        elif schema.get("type") == "array":
            assert hint == list[Any]


@each
def test_help_is_the_contracts_and_defaults_are_the_signatures(creation: Creation) -> None:
    found = shown(creation)
    for option in derive.options(creation):
        parameter = found[option.flag].parameter
        words = str(properties(creation)[option.field].get("description", "")).replace("`", "")
        assert words in parameter.help
        assert ("[required]" in parameter.help) is option.is_required
        default = creation.signature.parameters[option.argument].default
        if default in {None, inspect.Parameter.empty}:
            assert parameter.show_default is False
        elif isinstance(default, bool):
            assert parameter.show_default == ("on" if default else "off")
        else:
            assert parameter.show_default == str(default)


@each
def test_an_option_that_is_not_given_passes_nothing_on(creation: Creation) -> None:
    assert {option.parameter.default for option in derive.options(creation)} == {None}


@each
def test_its_command_is_found_and_its_resource_is_the_clients(creation: Creation) -> None:
    app = build()
    for word in creation.words:
        app = app[word]
    with RunwayClient("key") as client:
        resource = creation.on(client)

    assert app.name == (creation.words[-1],)
    assert resource.signature.operation == creation.operation.id
    assert resource.signature.parameters.keys() == creation.signature.parameters.keys()


def test_every_resource_of_the_client_has_a_command() -> None:
    def resources(kind: type) -> set[str]:
        return {
            n
            for base in kind.__mro__
            for n, v in vars(base).items()
            if isinstance(v, ResourceDescriptor)
        }

    offered = {one.name for one in ALL}

    assert offered == resources(RunwayClient) | {f"compat__{n}" for n in resources(Compat)}


def test_every_call_option_is_reachable() -> None:
    flags = set(shown(ALL[0]))
    by = {
        "runway_version": "--runway-version",
        "timeout": "--request-timeout",
        "validate": "--validate",
        "extra_body": "--json",
    }

    assert set(by.values()) <= flags
    # Headers can hold secrets, which do not belong on a command line.
    assert set(by) | {"extra_headers"} == set(OPTIONS)


@each
def test_no_option_is_there_twice(creation: Creation) -> None:
    every = [n for found in make_app(creation).assemble_argument_collection() for n in found.names]
    names = [name for name in every if name.startswith("--")]

    assert len(names) == len(set(names))


def test_an_operation_that_nobody_has_written_a_signature_for_has_a_command_all_the_same() -> None:
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
    (made,) = creations(source)

    found = {option.flag: option for option in derive.options(made)}

    assert set(found) == {"--video-uri", "--loop-count", "--aspect", "--is-fast"}
    assert [flag for flag, option in found.items() if option.is_required] == ["--video-uri"]
    assert found["--video-uri"].metavar == "ADDRESS|FILE"
    assert found["--aspect"].metavar == "wide|tall"
    assert get_args(get_args(found["--is-fast"].hint)[0])[0] is bool


@pytest.mark.parametrize(
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
    assert derive.read_value(text) == value


def test_a_home_folder_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert derive.read_value("~/face.png") == tmp_path / "face.png"


def test_what_begins_like_json_and_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="property name"):
        derive.read_value("{type: image}")


def test_a_slip_in_a_body_is_seen_with_what_was_meant() -> None:
    creation = next(one for one in ALL if one.name == "character_performance")
    found = derive.options(creation)

    (issue,) = derive.strange(creation, found, {"bodyControll": True, "seed": 1})

    assert issue.path == "/bodyControll"
    assert issue.rule == "unknown"
    assert issue.message.endswith("did you mean bodyControl?")


def test_no_command_takes_a_key() -> None:
    def flags(app: App) -> set[str]:
        found = app.assemble_argument_collection() if app.default_command else ()
        own = {name for one in found for name in one.names}
        inner = (flags(app[name]) for name in app if not name.startswith("-"))
        return own.union(*inner)

    every = flags(build())

    assert "--base-url" in every
    assert not {flag for flag in every if "key" in flag or "token" in flag or "secret" in flag}
