"""The derived contract, compared with the documentation page of the first route."""

from __future__ import annotations

import json
import re
from copy import deepcopy

import jsonschema_rs
import pytest
import yaml
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from contract_tools._common import portable_yaml
from contract_tools._common.json_values import (
    Json,
    JsonObject,
    as_object,
    at_pointer,
    entries,
    members,
)
from contract_tools._common.workspace import Workspace

POST = "/paths/~1runwayml~1v1~1character_performance/post"
GET = "/paths/~1runwayml~1v1~1tasks~1{id}/get"
SCHEMAS = "/components/schemas"


@pytest.fixture(scope="module")
def contract() -> JsonObject:
    text = Workspace.here().contract.read_text("utf-8")
    return as_object(portable_yaml.load_unambiguous(text, "runway.yaml"), "runway.yaml")


@pytest.fixture(scope="module")
def example(contract: JsonObject) -> JsonObject:
    place = f"{POST}/requestBody/content/application~1json/examples/Default/value"
    return members(at_pointer(contract, place))


def is_valid(contract: JsonObject, name: str, value: Json) -> bool:
    """Judge a value by a named schema, with two validators that must agree."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": contract["components"]}
    rust = bool(jsonschema_rs.validator_for(schema).is_valid(value))
    python = bool(Draft202012Validator(schema).is_valid(value))
    assert rust == python, f"the validators disagree about {value!r}"
    return rust


def changed(body: JsonObject, place: str, value: Json) -> JsonObject:
    """Return a copy of a body with one member set, or removed if the value is None."""
    copy = deepcopy(body)
    parent, _, key = place.rpartition("/")
    holder = members(at_pointer(copy, parent))
    holder.pop(key, None) if value is None else holder.update({key: value})
    return copy


def test_the_plain_loaders_of_both_dialects_agree(contract: JsonObject) -> None:
    text = Workspace.here().contract.read_text("utf-8")
    assert yaml.safe_load(text) == contract
    assert YAML(typ="safe", pure=True).load(text) == contract
    packaged = (Workspace.here().package / "contract.json").read_text("utf-8")
    assert json.loads(packaged) == contract


def test_the_file_states_how_it_is_derived() -> None:
    first = Workspace.here().contract.read_text("utf-8").splitlines()[0]
    assert first.startswith("# Derived, not edited: `make regenerate`")


@pytest.mark.parametrize(
    ("place", "resource", "operation_id", "header"),
    [
        (POST, "character_performance", "control_a_character", "RunwayVersion"),
        (GET, "tasks", "runway_to_get_task_details", "OptionalRunwayVersion"),
    ],
)
def test_an_operation_has_all_its_marks(
    contract: JsonObject, place: str, resource: str, operation_id: str, header: str
) -> None:
    operation = members(at_pointer(contract, place))
    assert operation["x-resource"] == resource
    assert operation["operationId"] == operation_id
    assert operation["tags"] == ["official"]
    assert operation["security"] == [{"bearerAuth": []}]
    assert {"$ref": f"#/components/parameters/{header}"} in entries(operation["parameters"])


@pytest.mark.parametrize(("name", "required"), [("", True), ("Optional", False)])
def test_the_version_header_is_stated_once_and_has_no_default(
    contract: JsonObject, name: str, required: bool
) -> None:
    parameter = members(at_pointer(contract, f"/components/parameters/{name}RunwayVersion"))
    assert (parameter["name"], parameter["in"]) == ("X-Runway-Version", "header")
    assert parameter["required"] is required
    assert parameter["example"] == "2024-11-06"
    assert set(members(parameter["schema"])) == {"type", "pattern"}


def test_every_operation_documents_its_failures(contract: JsonObject) -> None:
    wanted = {"200", "400", "401", "403", "404", "429", "500", "502", "503", "504", "default"}
    for place in (POST, GET):
        assert set(members(at_pointer(contract, f"{place}/responses"))) == wanted


def test_the_pages_example_and_samples_are_valid(contract: JsonObject, example: JsonObject) -> None:
    assert is_valid(contract, "CharacterPerformanceRequest", example)
    page = Workspace.here().vendor / "post-control-a-character.openapi.yaml"
    samples = re.findall(r"\{\s*\"character\".*?\"1280:720\"\s*\}", page.read_text("utf-8"), re.S)
    assert len(samples) == 3
    for sample in samples:
        body = json.loads(sample)
        assert sorted(body) == ["character", "model", "ratio", "reference"]
        assert is_valid(contract, "CharacterPerformanceRequest", body)


def test_exactly_what_all_samples_send_is_required(contract: JsonObject) -> None:
    required = at_pointer(contract, f"{SCHEMAS}/CharacterPerformanceRequest/required")
    assert required == ["character", "reference", "model", "ratio"]


def test_every_field_of_the_page_is_in_the_contract(contract: JsonObject) -> None:
    page = Workspace.here().vendor / "post-control-a-character.openapi.yaml"
    place = f"{POST}/requestBody/content/application~1json/schema/properties"
    document = as_object(portable_yaml.load(page.read_text("utf-8"), "page"), "page")
    wanted = list(members(at_pointer(document, place)))
    found = at_pointer(contract, f"{SCHEMAS}/CharacterPerformanceRequest/properties")
    assert list(members(found)) == wanted


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("/expressionIntensity", 1),
        ("/expressionIntensity", 5),
        ("/expressionIntensity", None),
        ("/seed", 0),
        ("/seed", 4294967295),
        ("/seed", None),
        ("/bodyControl", False),
        ("/bodyControl", None),
        ("/contentModeration", None),
        ("/contentModeration/publicFigureThreshold", "low"),
        ("/character/type", "image"),
        ("/ratio", "720:1280"),
        ("/ratio", "16:9"),
        ("/ratio", "1:99999"),
        ("/laterField", {"any": "thing"}),
        ("/character/uri", "https://example.com"),
        ("/character/uri", "https://example.com/"),
        ("/character/uri", "https://sub.example.co.uk:8443/a/b.png?x=1&y=%20#z"),
        ("/character/uri", "https://192.0.2.7/a.png"),
        ("/character/uri", "https://example.com?x=1"),
        ("/character/uri", "https://example.com/лицо.png"),
        ("/character/uri", "https://xn--e1afmkfd.xn--p1ai/a_b.png"),
        ("/character/uri", "https://host_name/a.png"),
        ("/character/uri", "https://example.com/" + "a" * 5000),
        ("/character/uri", "data:image/png;base64,iVBORw0KGgo="),
        ("/character/uri", "data:image/svg+xml;base64,AA=="),
        ("/character/uri", "data:video/mp4;codecs=avc1.42E01E;base64,AAAA"),
        ("/reference/uri", "data:video/mp4;base64," + "A" * 100_000),
    ],
)
def test_a_good_body_is_accepted(
    contract: JsonObject, example: JsonObject, place: str, value: Json
) -> None:
    assert is_valid(contract, "CharacterPerformanceRequest", changed(example, place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("/character", None),
        ("/reference", None),
        ("/model", None),
        ("/ratio", None),
        ("/character/uri", None),
        ("/character/type", None),
        ("/contentModeration/publicFigureThreshold", None),
        ("/character", "https://example.com/a.png"),
        ("/bodyControl", "true"),
        ("/expressionIntensity", 0),
        ("/expressionIntensity", 6),
        ("/expressionIntensity", 2.5),
        ("/expressionIntensity", "3"),
        ("/seed", -1),
        ("/seed", 4294967296),
        ("/model", "act_one"),
        ("/model", "ACT_TWO"),
        ("/character/type", "audio"),
        ("/reference/type", "image"),
        ("/contentModeration/publicFigureThreshold", "high"),
        ("/contentModeration", {}),
        ("/ratio", "1280x720"),
        ("/ratio", "1280:720 "),
        ("/ratio", "0:720"),
        ("/ratio", "1280:"),
        ("/ratio", "1280:720:1"),
        ("/ratio", "١٦:٩"),
        ("/ratio", 16),
        ("/character/uri", ""),
        ("/character/uri", "http://example.com/a.png"),
        ("/character/uri", "https://"),
        ("/character/uri", "https:///a.png"),
        ("/character/uri", "https://?a"),
        ("/character/uri", "https://.example.com/a.png"),
        ("/character/uri", "https://example.com:port/a.png"),
        ("/character/uri", "https://user:secret@example.com/a.png"),
        ("/character/uri", "https://example.com/a b.png"),
        ("/character/uri", " https://example.com/a.png"),
        ("/character/uri", "https://example.com/a.png\t"),
        ("/character/uri", "see https://example.com/a.png"),
        ("/character/uri", "ftp://example.com/a.png"),
        ("/character/uri", "file:///etc/passwd"),
        ("/character/uri", "runway://abc"),
        ("/character/uri", "face.png"),
        ("/character/uri", "data:image/png,plain"),
        ("/character/uri", "data:image/png;base64,"),
        ("/character/uri", "data:image/png;base64,a b"),
        ("/character/uri", "data:audio/wav;base64,AAAA"),
        ("/character/uri", "data:;base64,AAAA"),
        ("/reference/uri", "data:image/png;base64,AAAA"),
    ],
)
def test_a_bad_body_is_refused(
    contract: JsonObject, example: JsonObject, place: str, value: Json
) -> None:
    assert not is_valid(contract, "CharacterPerformanceRequest", changed(example, place, value))
