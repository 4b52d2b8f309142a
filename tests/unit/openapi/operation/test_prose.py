"""What a page states in words becomes a rule, and nothing else does."""

from __future__ import annotations

import pytest

from contract_tools._common.json_values import Json, JsonObject
from contract_tools.operation import prose

NULLABLE: Json = ["integer", "null"]


@pytest.mark.parametrize(
    ("kind", "description", "rules"),
    [
        ("string", "The model. Must be act_two.", {"enum": ["act_two"]}),
        ("string", "It must be an https URL.", {}),
        ("string", "At most 500 characters.", {"maxLength": 500}),
        ("string", "not empty, up to 20 characters", {"maxLength": 20, "minLength": 1}),
        ("string", "For example 1280:720.", {}),
        ("integer", "Loudness, 1 to 10.", {"minimum": 1, "maximum": 10}),
        ("number", "From 0-2.", {"minimum": 0, "maximum": 2}),
        (NULLABLE, "1 to 10", {"minimum": 1, "maximum": 10}),
        ("integer", "Seconds; at most 10 characters.", {}),
        ("integer", "From 10 to 1.", {}),
        ("boolean", "1 to 10, must be yes", {}),
        ("string", "", {}),
    ],
)
def test_a_description_states_rules(kind: Json, description: str, rules: JsonObject) -> None:
    schema: JsonObject = {"type": kind, "description": description}
    assert prose.described_rules(schema) == rules


def test_a_rule_of_the_schema_is_kept() -> None:
    schema: JsonObject = {"type": "integer", "description": "1 to 10", "maximum": 8}
    assert prose.described_rules(schema) == {"minimum": 1}
    assert prose.described_rules({**schema, "enum": [1, 5]}) == {}


@pytest.mark.parametrize(
    ("description", "types"),
    [
        ("You can either provide a video or an image.", ["video", "image"]),
        ("Provide `type` (`video`) and `uri` (HTTPS URL).", ["video"]),
        ("Provide a video.", []),
    ],
)
def test_a_description_names_the_types_of_an_asset(description: str, types: list[str]) -> None:
    assert prose.asset_types({"description": description}) == types


@pytest.mark.parametrize(
    ("name", "more", "about", "component"),
    [
        ("videoUri", {}, "", "VideoUri"),
        ("imageUrl", {}, "", "ImageUri"),
        ("source", {"description": "HTTPS URL of the clip."}, "", "VideoUri"),
        ("uri", {}, "character: either a video or an image", "MediaUri"),
        ("uri", {"description": "HTTPS URL of the recording."}, "speech", ""),
        ("callback_url", {}, "", "WebUrl"),
        ("place", {"format": "uri"}, "", ""),
        ("promptText", {}, "", None),
        ("curious", {}, "", None),
        ("videoUri", {"pattern": "^x$"}, "", None),
        ("videoUri", {"type": "integer"}, "", None),
    ],
)
def test_an_address_is_recognized(
    name: str, more: JsonObject, about: str, component: str | None
) -> None:
    schema: JsonObject = {"type": "string", **more}
    assert prose.is_address(name, schema) is (component is not None)
    if component is not None:
        assert prose.media_component(name, schema, about) == component


def test_the_values_that_a_page_names_are_collected_once() -> None:
    schema: JsonObject = {"default": "9:16", "description": "1280:720 or 16:9, not 1280x720"}
    bodies: list[JsonObject] = [{"ratio": "1280:720"}, {}, {"ratio": {"w": 1}}, {"ratio": True}]
    assert prose.named_values("ratio", schema, bodies) == ["1280:720", "9:16", "16:9"]
