"""The confidence table of a transcription: every field has a level, and no level is left over."""

from __future__ import annotations

import re

import pytest

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import Json, JsonObject
from contract_tools.pages.confidence import check_confidence
from contract_tools.pages.register import Entry

TEXT: Json = {"type": "string"}


def media(schema: Json) -> JsonObject:
    return {"content": {"application/json": {"schema": schema}}}


PAGE: JsonObject = {
    "paths": {
        "/x": {
            "parameters": [{"name": "shared", "in": "query"}],
            "post": {
                "operationId": "make",
                "parameters": [{"$ref": "#/components/parameters/Own"}],
                "requestBody": media(
                    {
                        "properties": {
                            "flat": TEXT,
                            "deep": {"properties": {"inner": TEXT}},
                            "list": {"items": {"properties": {"of": TEXT}}},
                            "lists": {"items": {"items": TEXT}},
                            "map": {"additionalProperties": {"properties": {"value": TEXT}}},
                            "open": {"additionalProperties": True},
                            "one": {"oneOf": [TEXT, {"properties": {"x": TEXT}}]},
                            "any": {"anyOf": [{"properties": {"y": TEXT}}]},
                            "all": {"allOf": [{"properties": {"z": TEXT}}, TEXT]},
                            "tree": {"$ref": "#/components/schemas/Tree"},
                            "hen": {"$ref": "#/components/schemas/Hen"},
                        }
                    }
                ),
                "responses": {
                    "200": media({"properties": {"id": TEXT}}),
                    "404": {"description": "no body"},
                },
            },
        }
    },
    "components": {
        "parameters": {"Own": {"name": "own", "in": "header"}},
        "schemas": {
            "Hen": {"properties": {"egg": {"$ref": "#/components/schemas/Egg"}}},
            "Egg": {"properties": {"hen": {"$ref": "#/components/schemas/Hen"}}},
            "Tree": {
                "properties": {
                    "leaf": TEXT,
                    "tree": {"$ref": "#/components/schemas/Tree"},
                }
            },
        },
    },
}
PARTS = [
    "parameters.shared", "parameters.own", "body.flat", "body.deep", "body.deep.inner",
    "body.list", "body.list[].of", "body.lists", "body.map", "body.map{*}",
    "body.map{*}.value", "body.open", "body.one", "body.one<oneOf 2>.x", "body.any",
    "body.any<anyOf 1>.y", "body.all", "body.all<allOf 1>.z", "body.tree", "body.tree.leaf",
    "body.tree.tree", "body.hen", "body.hen.egg", "body.hen.egg.hen", "responses.200.id",
]  # fmt: skip


def check(parts: list[str]) -> None:
    levels = dict.fromkeys(parts, "inferred")
    check_confidence(PAGE, Entry("s", "POST", "/x", "0", "transcribed", confidence=levels), "here")


def test_a_table_of_every_field_is_complete() -> None:
    check(PARTS)
    check([*PARTS, "body.flat.type", "operation", "x.y"])
    check([])


@pytest.mark.parametrize("part", PARTS)
def test_each_field_needs_a_level(part: str) -> None:
    message = f"here: the confidence table has no level for {part}"
    with pytest.raises(ContractError, match=f"^{re.escape(message)}$"):
        check([one for one in PARTS if one != part])


@pytest.mark.parametrize(
    "part",
    ["body.flat.type.x", "body.nonesuch", "parameters.other", "responses.404.id", "body.lists[]"],
)
def test_a_level_of_no_field_is_refused(part: str) -> None:
    message = f"here: the confidence table names {part}, which does not exist"
    with pytest.raises(ContractError, match=f"^{re.escape(message)}$"):
        check([*PARTS, part])
