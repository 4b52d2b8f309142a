"""Options of bodies that are unions, which the gateway's contract has not."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from cometapi_runway import RunwayClient
from cometapi_runway.cli._options import request, shared
from cometapi_runway.cli._options.resource_options import list_resource_options
from cometapi_runway.resources._argument_fields import _list_properties
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.validation import Contract, contract

from ...support.contracts import make_contract

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def list_of(schema: dict[str, Any], **schemas: Any) -> dict[str, Any]:
    source = make_contract(schema, schemas=schemas)
    return dict(_list_properties(source, schema))


@pytest.mark.parametrize("union", ["anyOf", "oneOf"])
def test_the_fields_are_those_of_every_branch(union: str) -> None:
    schema = {
        "properties": {"own": TEXT},
        union: [
            {"properties": {"a": TEXT, "both": TEXT, "same": NUMBER}},
            {"$ref": "#/components/schemas/Other"},
        ],
    }
    other = {"properties": {"b": NUMBER, "both": NUMBER, "same": NUMBER, "own": TEXT}}
    assert list_of(schema, Other=other) == {
        "own": TEXT,
        "a": TEXT,
        "b": NUMBER,
        "both": {"anyOf": [TEXT, NUMBER]},
        "same": NUMBER,
    }


def test_both_kinds_of_union_and_unions_of_unions_count() -> None:
    schema = {
        "anyOf": [{"properties": {"a": TEXT}}],
        "oneOf": [
            {"anyOf": [{"properties": {"b": TEXT}}, {"oneOf": [{"properties": {"c": TEXT}}]}]}
        ],
    }
    assert list_of(schema) == {"a": TEXT, "b": TEXT, "c": TEXT}
    assert list_of({"properties": {"a": TEXT}}) == {"a": TEXT}
    assert list_of({}) == {}


def test_a_resource_without_a_written_signature_is_called_by_its_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ClientResource, "_written_signature", None)
    with RunwayClient("key") as client:
        for one in list_client_resources():
            if one.operation.variants:
                continue
            found = one.get_from(client)
            assert found.signature.operation == one.operation.id
            flags = [option.flag for option in list_resource_options(one)]
            assert len(flags) == len(one.signature.parameters) > 0


def test_an_assets_place_follows_from_every_branch() -> None:
    source: Contract = contract()
    kinds = {
        one.python_name: {option.flag: option.metavar for option in list_resource_options(one)}
        for one in list_client_resources(source)
    }
    assert kinds["character_performance"]["--character"] == "ADDRESS|FILE"
    assert kinds["image_to_video"]["--prompt-image"] == "ADDRESS|FILE"
    assert kinds["text_to_image"]["--reference-images"] == "ADDRESS|FILE"
    assert kinds["text_to_image"]["--prompt-text"] == "TEXT"
    assert kinds["character_performance"]["--seed"] == "N"


@pytest.mark.parametrize("module", [shared, request])
def test_the_groups_of_options_are_given_by_name_only(module: Any) -> None:
    """A command line has many of them, so that an order would mean nothing."""
    groups = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and attrs.has(one) and one.__module__ == module.__name__
    ]
    assert groups
    for group in groups:
        assert all(one.kw_only for one in attrs.fields(group)), group
        with pytest.raises(TypeError):
            group("value")
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            group().nothing = 1
