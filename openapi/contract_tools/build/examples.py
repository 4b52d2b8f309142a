"""Checks every example and every known value in the contract against its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from contract_tools._common.json_values import Json, JsonObject, entries, members, pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contract_tools._common.json_values import Path

CONTRACT = "urn:contract"


def find_invalid_examples(
    document: JsonObject, nodes: Iterable[tuple[Path, Json]]
) -> Iterator[tuple[str, str]]:
    """Yield the place of each violation of a schema by its example, and the problem there."""
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry = Registry().with_resource(CONTRACT, resource)
    for path, node in nodes:
        if not isinstance(node, dict) or path[-1:] == ("properties",):
            continue
        for at, schema, example in _examples_of(node, path):
            reference = {"$ref": f"{CONTRACT}#{quote(pointer(schema))}"}
            validator = Draft202012Validator(reference, registry=registry)
            for error in validator.iter_errors(example):
                place = pointer((*at, *error.absolute_path))
                yield place, f"example is not valid: {error.message}"


def _examples_of(node: JsonObject, path: Path) -> Iterator[tuple[Path, Path, Json]]:
    """Yield (place of the example, place of its schema, example) for one object.

    An example in a schema belongs to that schema; one in a media type or a parameter belongs to
    the schema there.
    """
    schema = (*path, "schema") if isinstance(node.get("schema"), dict) else path
    if "example" in node:
        yield (*path, "example"), schema, node["example"]
    listed = node.get("examples")
    if isinstance(listed, list):
        for index, example in enumerate(listed):
            yield (*path, "examples", index), schema, example
    for index, entry in enumerate(entries(node.get("x-known-values"))):
        for number, value in enumerate(entries(members(entry).get("values"))):
            yield (*path, "x-known-values", index, "values", number), path, value
    for name, example in members(listed).items():
        if "value" in members(example):
            yield (*path, "examples", name, "value"), schema, members(example)["value"]
