"""Every difference in a page is reported, by operation and field or by its JSON pointer."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tools._common.json_values import Json, JsonObject, walk
from contract_tools.diff.json_differences import Difference, differences
from contract_tools.diff.page_report import describe_changes
from contract_tools.pages.saved_page import read_page

Steps = tuple[str | int, ...]

ROUTE = "/runwayml/v1/character_performance"
ID = "control_a_character"
POINTER = f"/paths/{ROUTE.replace('/', '~1')}/post"
SEED = 20250121
ADDED: tuple[Json, ...] = (
    False, True, None, 0, "", [], {}, {"type": "string"}, ["motionScale"], {"x": [1, {}]}
)  # fmt: skip
KEYS = (
    "additionalProperties", "required", "properties", "items", "allOf", "$ref", "schema", "content",
    "parameters", "headers", "components", "not", "const", "x-anything", "description", "enum",
)  # fmt: skip


@pytest.fixture(scope="module")
def document() -> JsonObject:
    seed = Path(__file__).parents[3] / "data" / "pages" / "control-a-character.md"
    return read_page(str(seed)).document


def at(value: Any, path: Steps) -> Any:
    for step in path:
        value = value[step]
    return value


def other(value: Json, draw: random.Random) -> Json:
    """Return another scalar, perhaps one that Python's `==` takes for the same."""
    choices: list[Json] = [None, True, False, 0, 1, 1.0, "", "bodyControl", f"{value} "]
    return draw.choice([c for c in choices if (type(c), c) != (type(value), value)])


def duplicate(document: JsonObject) -> Any:
    """Copy a document, five times as fast as `copy.deepcopy` does."""
    return json.loads(json.dumps(document))


def without_each(document: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for path, _ in list(walk(document))[1:]:
        mutant = duplicate(document)
        del at(mutant, path[:-1])[path[-1]]
        yield f"without {path}", mutant


def with_other_scalars(document: JsonObject, draw: random.Random) -> Iterator[tuple[str, Any]]:
    for path, value in walk(document):
        if not isinstance(value, dict | list):
            mutant = duplicate(document)
            at(mutant, path[:-1])[path[-1]] = new = other(value, draw)
            yield f"{path} is {new!r}", mutant


def with_more(document: JsonObject, draw: random.Random) -> Iterator[tuple[str, JsonObject]]:
    """Yield the document with one more member or entry, at every object and array."""
    holders = [path for path, value in walk(document) if isinstance(value, dict | list)]
    for path in holders:
        for key in draw.sample(KEYS, 6):
            mutant = duplicate(document)
            holder, new = at(mutant, path), copy.deepcopy(draw.choice(ADDED))
            if isinstance(holder, list):
                holder.insert(draw.randint(0, len(holder)), new)
            elif key not in holder:
                holder[key] = new
            else:
                continue
            yield f"{path} has {key}: {new!r}", mutant


def test_no_mutation_of_a_page_is_the_same_page(document: JsonObject) -> None:
    draw = random.Random(SEED)
    mutants = [
        *without_each(document),
        *with_other_scalars(document, draw),
        *with_more(document, draw),
    ]
    assert len(mutants) > 500
    missed = [
        how
        for how, mutant in mutants
        if not describe_changes(document, mutant) or not describe_changes(mutant, document)
    ]
    assert missed == []


def test_a_second_change_is_reported_too(document: JsonObject) -> None:
    """A change that the comparison reports must not hide one that it ignores."""
    draw = random.Random(SEED)
    renamed = copy.deepcopy(document)
    fields = at(renamed, ("paths", ROUTE, "post", "requestBody", "content", "application/json",
                          "schema", "properties"))  # fmt: skip
    fields["bodyMotion"] = fields.pop("bodyControl")
    known = set(describe_changes(document, renamed))
    assert known
    for how, mutant in draw.sample(list(with_more(renamed, draw)), 60):
        assert set(describe_changes(document, mutant)) != known, how


def test_the_order_of_keys_is_layout(document: JsonObject) -> None:
    draw = random.Random(SEED)

    def shuffled(value: Json) -> Json:
        if isinstance(value, list):
            return [shuffled(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        keys = draw.sample(list(value), len(value))
        return {key: shuffled(value[key]) for key in keys}

    other_way: Any = shuffled(document)
    assert list(other_way) != list(document)
    assert describe_changes(document, other_way) == []


BODY = ("requestBody", "content", "application/json", "schema")
RESPONSE = ("responses", "200", "content", "application/json", "schema")


@pytest.mark.parametrize(
    ("path", "key", "value", "line"),
    [
        (BODY, "additionalProperties", False, f"{ID}: body: additionalProperties added: false"),
        (RESPONSE, "additionalProperties", False,
         f"{ID}: response 200: additionalProperties added: false"),
        (("parameters", 0, "schema"), "additionalProperties", False,
         f"{ID}: header X-Runway-Version: additionalProperties added: false"),
        (RESPONSE, "required", ["id", "motionScale"],
         f"{ID}: response 200 /motionScale: now required"),
        (("parameters", 0, "schema"), "required", ["a"],
         f"{ID}: header X-Runway-Version /a: now required"),
        ((*BODY, "properties", "contentModeration"), "required",
         ["publicFigureThreshold", "motionScale"],
         f"{ID}: body /contentModeration/motionScale: now required"),
        ((*BODY, "properties", "character"), "required", ["uri", "type"],
         f"at {POINTER}/requestBody/content/application~1json/schema/properties/character/required"
         ": the same entries in another order"),
        ((*BODY, "properties", "seed"), "required", True,
         f"at {POINTER}/requestBody/content/application~1json/schema/properties/seed/required"
         ": added: true"),
    ],
)  # fmt: skip
def test_a_change_of_the_contract_is_reported(
    document: JsonObject, path: Steps, key: str, value: Json, line: str
) -> None:
    mutant = copy.deepcopy(document)
    at(mutant, ("paths", ROUTE, "post", *path))[key] = value
    assert describe_changes(document, mutant) == [line]


def test_an_unused_component_is_reported_by_its_pointer(document: JsonObject) -> None:
    mutant = copy.deepcopy(document)
    at(mutant, ("components",))["schemas"] = {"Spare": {"type": "string"}}
    line = 'at /components/schemas: added: {"Spare": {"type": "string"}}'
    assert describe_changes(document, mutant) == [line]
    (back,) = describe_changes(mutant, document)
    assert back == 'at /components/schemas: removed (was {"Spare": {"type": "string"}})'


@pytest.mark.parametrize(
    ("new", "expected"),
    [("b", 'changed from "a" to "b"'), (None, 'changed from "a" to null')],
)
def test_an_ignored_value_is_reported_with_both_versions(new: Json, expected: str) -> None:
    old: JsonObject = {"paths": {}, "components": {"x-word": "a"}}
    now: JsonObject = {"paths": {}, "components": {"x-word": new}}
    assert describe_changes(old, now) == [f"at /components/x-word: {expected}"]


def test_two_long_values_are_not_shown_as_the_same() -> None:
    old: JsonObject = {"paths": {}, "components": {"x": "a" * 99 + "b"}}
    now: JsonObject = {"paths": {}, "components": {"x": "a" * 99 + "c"}}
    assert describe_changes(old, now) == ["at /components/x: changed"]


def test_numbers_and_truth_are_three_values() -> None:
    values: list[Json] = [1, 1.0, True]
    for old in values:
        for new in values:
            found = list(differences({"a": [{"b": old}]}, {"a": [{"b": new}]}))
            is_same = type(old) is type(new)
            assert found == ([] if is_same else [Difference(("a", 0, "b"), "changed", old, new)])


def test_all_differences_one_after_the_other_make_the_new_document(document: JsonObject) -> None:
    draw = random.Random(SEED)
    mutants = [*without_each(document), *with_more(document, draw)]
    for how, mutant in draw.sample(mutants, 80):
        before = copy.deepcopy(document)
        made = document
        for one in differences(document, mutant):
            made = one.apply(made)
        assert made == mutant, how
        assert document == before
