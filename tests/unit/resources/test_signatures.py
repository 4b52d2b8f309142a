"""Signatures match the contract: names, required fields, types, values and defaults."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import keyword
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import runwayml.resources
import yaml
from tests.cases import each_case

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway.resources import _signatures as signatures
from cometapi_runway.resources._inputs import draw_seed
from cometapi_runway.resources._signatures import OPTIONS, Signature
from cometapi_runway.resources._signatures.from_contract import from_contract
from cometapi_runway.validation import Contract, contract

ROOT = Path(__file__).parents[3]
EVERY = [one for one in vars(signatures).values() if isinstance(one, Signature)]
each = each_case("signature", EVERY, ids=[one.name for one in EVERY])
READS = {"tasks", "feed"}
# How a schema of the contract is written in Python; whatever else it is, it is plain text.
BY_NAME = {
    "Ratio": "RatioInput",
    "ImageUri": "UriInput",
    "VideoUri": "UriInput",
    "MediaUri": "UriInput",
    "ContentModeration": "ModerationInput",
}
BY_TYPE = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}


@each
def test_a_task_is_polled_where_its_kind_is(signature: Signature[...]) -> None:
    tag = contract().operation(signature.operation).tag
    assert signature.route == ("feed" if tag == "compat" else "tasks")
    made = from_contract(signature.operation, contract())
    assert made.route == signature.route
    assert made.build.__name__ == signature.operation
    parameters = list(inspect.signature(made.build).parameters.values())[:-1]
    has_default = [one.default is not inspect.Parameter.empty for one in parameters]
    assert has_default == sorted(has_default), "required arguments are first"


def snake(name: str) -> str:
    argument = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"{argument}_" if keyword.iskeyword(argument) or argument in OPTIONS else argument


def get_type(schema: Mapping[str, Any]) -> Any:
    """The type of a schema, without null; None if it has none or several."""
    listed = schema.get("type")
    kinds = [one for one in listed if one != "null"] if isinstance(listed, list) else [listed]
    return kinds[0] if len(kinds) == 1 else None


def follow(schema: Mapping[str, Any], document: Any) -> tuple[set[str], dict[str, Any]]:
    """A schema with everything laid under it, and the names of what was."""
    names, found = set(), dict(schema)
    for part in [{"$ref": found.pop("$ref")}] if "$ref" in found else found.pop("allOf", []):
        name = part["$ref"].rpartition("/")[2]
        under, fields = follow(document["components"]["schemas"][name], document)
        names |= {name, *under}
        found = {**fields, **found}
    return names, found


def body_of(signature: Signature[...], source: Contract) -> dict[str, Any]:
    """The schema of the body that a signature builds."""
    operation = source.operation(signature.operation)
    schema = operation.body_schema
    if operation.variants:
        name = operation.variants[signature.name.rpartition(".")[2]]
        schema = {"$ref": f"#/components/schemas/{name}"}
    return follow(schema, source.document)[1]


def python_type(schema: Mapping[str, Any], document: Any) -> str:
    """The annotation that a field of the body is to have."""
    names, found = follow(schema, document)
    for name in names & BY_NAME.keys():
        return BY_NAME[name]
    if "enum" in found:
        return f"Literal[{', '.join(map(json.dumps, found['enum']))}]"
    if "anyOf" in found:
        kinds = {python_type(branch, document) for branch in found["anyOf"]}
        return "PromptImageInput" if kinds == {"UriInput", "ReferencesInput"} else "object"
    if get_type(found) == "array":
        item = python_type(found["items"], document)
        return "ReferencesInput" if item == "AssetInput" else f"Sequence[{item}]"
    if get_type(found) == "object":
        return "AssetInput" if "uri" in found.get("properties", {}) else "FieldsInput"
    # Without a type of its own, any JSON.
    return BY_TYPE.get(get_type(found), "object")


def drift(signature: Signature[...], source: Contract) -> Iterator[str]:
    """Where a signature and a contract have parted."""
    body = body_of(signature, source)
    fields = {snake(name): schema for name, schema in body["properties"].items()}
    yield from (
        f"{n}: the contract has no such field" for n in signature.parameters.keys() - fields
    )
    yield from (
        f"{n}: the signature lacks this field" for n in fields.keys() - signature.parameters
    )
    required = {snake(name) for name in body["required"]}
    for name, parameter in signature.parameters.items():
        if name not in fields:
            continue
        if name in signature.required and name not in required:
            yield f"{name}: required here, and not by the contract"
        if name in required and parameter.default is None and name not in {"seed", "options"}:
            yield f"{name}: may be left out here, and not by the contract"
        wanted = python_type(fields[name], source.document)
        wanted += " | None" if parameter.default is None else ""
        if parameter.annotation.replace("'", '"') != wanted:
            yield f"{name}: is {parameter.annotation}, the contract has {wanted}"


@each
def test_a_signature_says_what_the_contract_says(signature: Signature[...]) -> None:
    problems = list(drift(signature, contract()))
    module = f"wrapper/{signature.build.__module__.replace('.', '/')}.py"
    assert not problems, f"change {signature.build.__name__} in {module}"


@each_case(
    ("resource", "way", "value", "words"),
    [
        ("video_upscale", "VideoUpscaleRequest/properties/flavor", {"type": "string"}, "lacks"),
        ("video_upscale", "VideoUpscaleRequest/properties/videoUri", None, "no such field"),
        ("image_to_video", "ImageToVideoRequest/properties/duration/type", "string", "has str"),
        ("image_to_video", "ImageToVideoRequest/required", ["promptImage"], "not by the contract"),
        (
            "image_to_video",
            "ImageToVideoRequest/required",
            ["promptImage", "model", "ratio"],
            "may be left out",
        ),
        (
            "character_performance",
            "CharacterPerformanceRequest/properties/model/enum",
            ["act_two", "act_three"],
            'has Literal["act_two", "act_three"]',
        ),
        ("compat.act_one", "CompatActOneRequest/properties/ratio", {"type": "string"}, "lacks"),
        (
            "compat.image_to_video",
            "CompatImageToVideoRequest/properties/style",
            {"type": "integer"},
            "has int",
        ),
    ],
)
def test_a_contract_that_moves_on_is_noticed(
    resource: str, way: str, value: Any, words: str
) -> None:
    document = copy.deepcopy(contract().document)
    *steps, last = way.split("/")
    holder: Any = document["components"]["schemas"]  # type: ignore[index]
    for step in steps:
        holder = holder[step]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    (signature,) = (one for one in EVERY if one.name == resource)
    assert any(words in one for one in drift(signature, Contract(document)))


@functools.cache
def read_pages() -> list[dict[str, Any]]:
    """The vendored pages, read once: that takes longer than the tests."""
    files = sorted((ROOT / "openapi/vendor").glob("*.yaml"))
    return [yaml.safe_load(file.read_text("utf-8")) for file in files]


def shown(signature: Signature[...], field: str) -> list[Any]:
    """Every value that the contract, the vendored page or a sample of it shows for a field."""
    operation = contract().operation(signature.operation)
    _, schema = follow(body_of(signature, contract())["properties"][field], contract().document)
    found = [*schema.get("examples", []), *schema.get("enum", [])]
    for path in (ROOT / "tests/data/samples").glob("*.json"):
        sample = json.loads(path.read_text("utf-8"))
        if sample["operation"] == operation.id:
            found.append(sample["body"].get(field))
    for page in read_pages():
        (item,) = page["paths"].values()
        if next(iter(item.values())).get("operationId") == operation.id:
            content = next(iter(item.values()))["requestBody"]["content"]
            schema = content["application/json"]["schema"]
            found.append(schema.get("properties", {}).get(field, {}).get("default"))
    return found


@each
def test_every_default_is_a_value_that_a_page_shows(signature: Signature[...]) -> None:
    fields = {snake(name): name for name in body_of(signature, contract())["properties"]}
    for name, parameter in signature.parameters.items():
        if parameter.default in {inspect.Parameter.empty, None}:
            continue
        values = shown(signature, fields[name])
        values += [value["publicFigureThreshold"] for value in values if isinstance(value, dict)]
        assert parameter.default in values, f"{name}: nobody shows {parameter.default!r}"


def test_a_fresh_seed_is_allowed_everywhere() -> None:
    drawn = {draw_seed() for _ in range(200)}
    assert len(drawn) > 190
    # The image-to-video page ends here, the others later.
    assert min(drawn) >= 0
    assert max(drawn) <= 999_999_999


@pytest.mark.parametrize("kind", [RunwayClient, AsyncRunwayClient])
def test_every_operation_of_the_contract_has_its_resource(kind: type) -> None:
    wanted = {
        ("compat." if one.tag == "compat" else "") + resource: one.id
        for one in contract().operations
        if one.resource not in READS
        for resource in (one.variants or [one.resource])
    }
    client = kind("sk-drift")
    for resource, operation in wanted.items():
        found = client
        for name in resource.split("."):
            assert hasattr(found, name), (
                f"client.{resource} is missing: `make operation` with the page, or write its "
                "signature into wrapper/cometapi_runway/resources/_signatures and its line into "
                "wrapper/cometapi_runway/_client.py"
            )
            found = getattr(found, name)
        assert found.signature.name == resource
        assert found.signature.operation == operation
        assert found.signature.route == ("feed" if resource.startswith("compat.") else "tasks")
    assert {one.name for one in EVERY} == wanted.keys()


@each
def test_a_signature_is_documented(signature: Signature[...]) -> None:
    words = inspect.getdoc(signature.build)
    assert words is not None
    for name in signature.parameters:
        assert re.search(rf"^    {name}: ", words, re.MULTILINE), f"{name} is not documented"
    assert signature.parameters.keys().isdisjoint(OPTIONS)


@each
def test_create_shows_the_signature(signature: Signature[...]) -> None:
    for kind, returned in ((RunwayClient, "BoundTask"), (AsyncRunwayClient, "AsyncBoundTask")):
        found: Any = kind("sk-drift")
        for name in signature.name.split("."):
            assert getattr(found, name) is getattr(found, name)
            found = getattr(found, name)
        seen = inspect.signature(found.create)
        assert dict(seen.parameters) == dict(inspect.signature(signature.build).parameters)
        assert seen.return_annotation == returned
        assert inspect.getdoc(found.create) == inspect.getdoc(signature.build)
        own = (found.create.__name__, found.create.__qualname__)
        assert own == ("create", f"{signature.build.__name__}.create")


OWN = {"image_to_video": {"watermark"}}
"""Arguments that CometAPI documents and Runway has dropped."""


def find_their_resource(signature: Signature[...]) -> str | None:
    """The resource of Runway's own SDK that posts to the same route."""
    path = contract().operation(signature.operation).path.removeprefix("/runwayml")
    folder = Path(next(iter(runwayml.resources.__path__)))
    posts = [file.stem for file in folder.glob("*.py") if f'"{path}"' in file.read_text("utf-8")]
    return posts[0] if posts else None


@each_case(
    "signature",
    [one for one in EVERY if one.route == "tasks"],
    ids=[one.name for one in EVERY if one.route == "tasks"],
)
def test_a_program_for_runways_own_sdk_keeps_its_keywords(signature: Signature[...]) -> None:
    resource = find_their_resource(signature)
    if resource is None:
        # An operation of the gateway alone.
        assert signature.name not in vars(runwayml.resources)
        return
    assert resource == signature.name
    module = import_module(f"runwayml.resources.{signature.name}")
    words = "".join(word.title() for word in signature.name.split("_"))
    theirs = inspect.signature(getattr(module, f"{words}Resource").create).parameters
    ours = signature.parameters.keys() - OWN.get(signature.name, set())
    assert ours <= theirs.keys()
    for name in ("timeout", "extra_headers", "extra_body"):
        assert name in theirs.keys() & OPTIONS
