"""The examples of the documentation pages can be called."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.cases import each_case

from cometapi_runway import InvalidRequestError
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import contract

from ..support.both_clients import ClientHarness
from ..support.operation_cases import ACCEPTED, CASES, OperationCase, each, make, snake
from ..support.scripted_transport import json_reply

ROOT = Path(__file__).parents[3]


@cache
def read_page(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "openapi/vendor" / name).read_text("utf-8"))
    return document


def page_of(signature: Signature[...]) -> dict[str, Any]:
    """The request schema of the vendored page behind a signature, as it stands."""
    operation = contract().operation(signature.operation)
    page = operation.document["x-page"]
    if operation.variants:
        page = page[operation.variants[signature.name.rpartition(".")[2]]]
    name = page["source"].rpartition("/")[2].replace(".json", ".yaml")
    document = read_page(name)
    (item,) = document["paths"].values()
    schema = next(iter(item.values()))["requestBody"]["content"]["application/json"]["schema"]
    components = document.get("components", {})
    if "$ref" in schema:
        schema = components["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**schema, "components": components}


@each
def test_the_least_satisfies_the_page_as_it_stands(
    case: OperationCase, harness: ClientHarness
) -> None:
    make(harness, case)
    page = page_of(case.on(harness.client).signature)
    assert page["properties"]
    jsonschema.validate(harness.network.sent[0].json, page)


SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "tests/data/samples").glob("*.json"))
}
READS = {one.id for one in contract().operations if one.resource in {"tasks", "feed"}}
SHOWN = {name: one for name, one in SAMPLES.items() if one["operation"] not in READS}


def resource_of(sample: dict[str, Any]) -> str:
    operation = contract().operation(sample["operation"])
    group = "compat." if operation.tag == "compat" else ""
    if not operation.variants:
        return group + operation.resource
    return group + ("image_to_video" if "image" in sample["body"] else "text_to_video")


@each_case("name", SHOWN)
def test_every_sample_of_a_page_can_be_said(name: str, harness: ClientHarness) -> None:
    sample = SHOWN[name]
    case = next(case for case in CASES if case.resource == resource_of(sample))
    arguments = {snake(field): value for field, value in sample["body"].items()}
    create = case.on(harness.client).create
    if sample["verdict"] != "valid":
        with pytest.raises(InvalidRequestError):
            harness.run(create(**arguments))
        assert harness.network.sent == []
        return
    harness.respond_with(json_reply(ACCEPTED[case.route]))
    harness.run(create(**arguments))
    assert harness.network.sent[0].json.items() >= sample["body"].items()
