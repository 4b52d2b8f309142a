"""The rules of the derived contract: each is broken once, and the error names the place."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import Json, JsonObject, at_pointer, members
from contract_tools._common.workspace import Workspace
from contract_tools.build import lint
from contract_tools.build.contract import build_contract

POST = "/paths/~1runwayml~1v1~1character_performance/post"
SHARED = "/paths/~1runway~1pro~1generate/post"
REQUEST = "/components/schemas/CharacterPerformanceRequest"
KNOWN = f"{REQUEST}/properties/ratio/x-known-values"


@pytest.fixture(scope="module")
def whole() -> JsonObject:
    return build_contract(Workspace.here()).document


@pytest.fixture(scope="module")
def good(whole: JsonObject) -> JsonObject:
    """The contract with three of its routes, which keeps each test fast."""
    document = deepcopy(whole)
    paths = members(document["paths"])
    kept = {"/runwayml/v1/character_performance", "/runwayml/v1/tasks/{id}", "/runway/pro/generate"}
    for path in paths.keys() - kept:
        del paths[path]
    schemas = members(at_pointer(document, "/components/schemas"))
    while unused := [n for n in schemas if f'/schemas/{n}"' not in json.dumps(document)]:
        for name in unused:
            del schemas[name]
    return document


def edited(document: JsonObject, place: str, value: Json) -> JsonObject:
    """Return a copy with one member set, or removed if the value is None."""
    copy = deepcopy(document)
    parent, _, key = place.rpartition("/")
    key = key.replace("~1", "/")
    found = at_pointer(copy, parent)
    if isinstance(found, list):
        found[int(key)] = value
        return copy
    holder = members(found)
    if value is None:
        del holder[key]
    else:
        holder[key] = value
    return copy


def test_the_contract_keeps_its_rules(whole: JsonObject, good: JsonObject) -> None:
    for document in (whole, good):
        lint.check_contract(document)
        assert lint.invalid_examples(document) == []


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("/servers", [{"url": "https://a"}, {"url": "https://b"}], "/servers: there must be one"),
        (
            "/components/securitySchemes/bearerAuth/scheme",
            "basic",
            "/post: security must allow an http bearer token alone",
        ),
        (
            "/components/securitySchemes/bearerAuth",
            {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            "/post: security must allow an http bearer token alone",
        ),
        (
            f"{POST}/security",
            [{"bearerAuth": [], "other": []}],
            "/post: security must allow an http bearer token alone",
        ),
        (f"{POST}/operationId", "controlACharacter", "operationId must be snake_case, is 'control"),
        (f"{POST}/tags", None, r"/post: tags must be one of the document's tags, is \[\]"),
        (f"{POST}/tags", ["odd"], r"is \['odd'\]"),
        (f"{POST}/tags", ["official", "official"], r"is \['official', 'official'\]"),
        (f"{POST}/security", None, "/post: security must be stated on the operation"),
        (f"{POST}/security", [], "/post: security must be stated on the operation"),
        (f"{POST}/x-resource", None, "/post: x-resource is missing"),
        (f"{POST}/x-page", None, "/post: x-page is missing"),
        (f"{POST}/x-resource", "tasks", "x-resource tasks is also at /paths/.*/get"),
        (
            f"{POST}/x-resource",
            {"character_performance": "CharacterPerformanceRequest"},
            "/post: x-resource must name each of the body's schemas once",
        ),
        (
            f"{SHARED}/x-resource",
            {"text_to_video": "CompatTextToVideoRequest"},
            "generate/post: x-resource must name each of the body's schemas once",
        ),
        (
            f"{SHARED}/x-resource/image_to_video",
            "CompatTextToVideoRequest",
            "generate/post: x-resource must name each of the body's schemas once",
        ),
        (f"{POST}/responses/200/content", None, "no 2xx response with an application/json schema"),
        (
            f"{POST}/responses/200/content/application~1json",
            {"schema": {}},
            "no 2xx response with an application/json schema",
        ),
        (
            "/components/parameters/RunwayVersion/schema",
            {"type": "string", "const": "2024-11-06"},
            "/components/parameters/RunwayVersion: a header must not have a const",
        ),
        (
            "/components/parameters/RunwayVersion/schema/format",
            "date",
            "a header must not have the format date",
        ),
        (
            "/components/parameters/OptionalRunwayVersion/schema/default",
            "2024-11-06",
            "/get: the request must not have a default: ",
        ),
        (
            "/components/schemas/ContentModeration/properties/publicFigureThreshold/default",
            "auto",
            "/post: the request must not have a default: .*ContentModeration.*publicFigureThresh",
        ),
        (
            f"{REQUEST}/properties/model/$ref",
            "#/components/schemas/TaskStatus",
            f"{REQUEST}/properties/model: a .ref must have no siblings, found: type, desc[^$]*$",
        ),
        (
            f"{REQUEST}/properties/model/enum",
            ["act_two", "act_two"],
            f"{REQUEST}/properties/model: enum lists 'act_two' twice",
        ),
        (KNOWN, [], "/ratio/x-known-values: x-known-values must list values"),
        (
            f"{KNOWN}/1/values/0",
            "1280:720",
            "/ratio/x-known-values: x-known-values lists '1280:720' twice",
        ),
        (f"{KNOWN}/0/confidence", "certain", "must be one of documented, .*, is 'certain'"),
        (f"{KNOWN}/0/source", None, "/ratio/x-known-values: source must say who names"),
        (f"{REQUEST}/properties/ratio/pattern", "^(", "not OpenAPI 3.1: .* is not a 'regex'"),
        (f"{REQUEST}/properties/ratio/pattern", "[0-9]+:[0-9]+", "must be anchored at both ends"),
        (f"{REQUEST}/properties/ratio/pattern", r"^\d+:\d+$", r"'\\\\' is read differently"),
        (f"{REQUEST}/properties/ratio/pattern", "^(?=1)[0-9]+:.*$", r"'\(\?' is read diff"),
        (
            "/components/schemas/ErrorBody",
            {"$ref": "errors.yaml#/components"},
            "a .ref must stay inside the document, is 'errors.yaml#/components'",
        ),
        (f"{REQUEST}/type", "thing", "not OpenAPI 3.1"),
        (f"{POST}/responses/200/description", None, "not OpenAPI 3.1"),
        (f"{POST}/requestBody/content", None, "not OpenAPI 3.1"),
    ],
)
def test_a_broken_rule_is_named_with_its_place(
    good: JsonObject, place: str, value: Json, message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        lint.check_contract(edited(good, place, value))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            f"{REQUEST}/properties/seed/maximum",
            10,
            "examples/Default/value/seed: example is not valid: 4294967295",
        ),
        (
            "/components/schemas/GatewayError/example",
            {"error": {"message": 1, "type": "x"}},
            "/components/schemas/GatewayError/example/error/message: example is not valid: 1 is",
        ),
        (
            "/components/parameters/RunwayVersion/example",
            "a b",
            "/components/parameters/RunwayVersion/example: example is not valid: 'a b'",
        ),
        (f"{REQUEST}/properties/ratio/examples", ["wide"], "ratio/examples/0: example is not val"),
        (f"{KNOWN}/1/values", ["wide"], "x-known-values/1/values/0: example is not valid: 'wide'"),
    ],
)
def test_an_example_that_its_schema_forbids_is_named(
    good: JsonObject, place: str, value: Json, message: str
) -> None:
    changed = edited(good, place, value)
    lint.check_contract(changed)
    (line,) = lint.invalid_examples(changed)
    assert message in line


@pytest.mark.parametrize(
    "security",
    [
        [{"other": []}, {"bearerAuth": []}],
        [{"bearerAuth": []}, {"bearerAuth": [], "other": []}],
        [{"other": []}, {}],
    ],
)
def test_a_second_security_scheme_may_be_an_alternative(
    good: JsonObject, security: list[Json]
) -> None:
    scheme: JsonObject = {"type": "apiKey", "in": "query", "name": "key"}
    document = edited(good, "/components/securitySchemes/other", scheme)
    lint.check_contract(edited(document, f"{POST}/security", security))


def test_a_reference_to_nothing_is_refused(good: JsonObject) -> None:
    broken = edited(good, "/components/schemas/ContentModeration", None)
    with pytest.raises(ContractError, match=r"points at nothing; an object .* no 'ContentM"):
        lint.check_contract(broken)


def test_all_broken_rules_are_reported_at_once(good: JsonObject) -> None:
    broken = edited(edited(good, f"{POST}/x-resource", None), f"{POST}/security", None)
    with pytest.raises(ContractError, match=r"breaks 2 rules:\n.*security.*\n.*x-resource"):
        lint.check_contract(broken)


def test_fields_may_have_the_names_of_keywords(good: JsonObject) -> None:
    fields: JsonObject = {
        "default": {"type": "string"},
        "example": {"type": "object", "properties": {"pattern": {"type": "string"}}},
        "examples": {"type": "string"},
        "enum": {"type": "array", "items": {"type": "string"}},
        "$ref": {"type": "string"},
        "pattern": {"type": "string"},
    }
    lint.check_contract(
        edited(good, "/components/schemas/Task/properties", fields | good_task(good))
    )


def good_task(document: JsonObject) -> JsonObject:
    return members(at_pointer(document, "/components/schemas/Task/properties"))


def test_one_broken_rule_is_counted_in_the_singular(good: JsonObject) -> None:
    with pytest.raises(ContractError, match=r"breaks 1 rule:\n"):
        lint.check_contract(edited(good, f"{POST}/x-resource", None))


def test_references_to_nothing_are_reported_together(good: JsonObject) -> None:
    lost: Json = {"$ref": "#/components/schemas/Nowhere"}
    places = [f"{REQUEST}/properties/{name}" for name in ("one", "two")]
    document = good
    for place in places:
        document = edited(document, place, lost)
    with pytest.raises(ContractError) as caught:
        lint.check_contract(document)
    first, *rest = str(caught.value).splitlines()
    assert first == "the derived contract breaks 2 rules:"
    for line, place in zip(rest, places, strict=True):
        assert line.startswith(f"  {place}: ")
        assert "Nowhere" in line


DATA: JsonObject = {"enum": [1, 1], "pattern": "x", "format": "date"}


@pytest.mark.parametrize("data", [DATA, {"a": [DATA]}, [DATA]])
def test_an_example_is_no_rule(good: JsonObject, data: Json) -> None:
    place = f"{POST}/requestBody/content/application~1json/examples/Odd"
    lint.check_contract(edited(good, place, {"value": data}))
    lint.check_contract(edited(good, f"{REQUEST}/properties/odd", {"examples": [data]}))
    lint.check_contract(edited(good, f"{REQUEST}/properties/odd", {"example": data}))


@pytest.mark.parametrize("name", ["example", "examples", "enum", "const", "default", "value"])
def test_a_property_may_be_called_like_data(good: JsonObject, name: str) -> None:
    field: JsonObject = {"type": "integer", "enum": [1, 1]}
    document = edited(good, f"{REQUEST}/properties/{name}", field)
    with pytest.raises(ContractError, match=f"{REQUEST}/properties/{name}: enum lists 1 twice"):
        lint.check_contract(document)
