"""What a change does to names in Python."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from contract_tools.diff import python_names

from .test_compare import changes, field, operation, rename_field, schema

if TYPE_CHECKING:
    from contract_tools._common.workspace import Workspace


def add_operation(d: Any, resource: str) -> None:
    added = {**operation(d), "operationId": "make_a_clip", "x-resource": resource}
    d["paths"]["/clips"] = {"post": added}


def effects(change: Any) -> dict[str, tuple[str, bool]]:
    return {one.name: (one.what, one.breaking) for c in changes(change) for one in c.effects}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda d: schema(d)["properties"].pop("seed"),
            {"models.StillRequest.seed": ("is gone", True),
             "client.still.create(seed=…)": ("is gone", True)},
        ),
        (
            rename_field,
            {"models.StillRequest.prompt_text": ("is called models.StillRequest.prompt_words",
                                                 True),
             "client.still.create(prompt_text=…)": ("is called client.still.create(prompt_words=…)",
                                                    True)},
        ),
        (
            lambda d: schema(d, "Mark")["required"].append("name"),
            {"models.Mark.name": ("must be passed", True)},
        ),
        (
            lambda d: field(d, "kind", "Frame")["enum"].append("sound"),
            {"models.Frame.kind": ('allowed value added: "sound"', False)},
        ),
        (
            lambda d: field(d, "seed").update(type="string"),
            {"models.StillRequest.seed":
                ('type changed from "integer" to "string"', True),
             "client.still.create(seed=…)":
                ('type changed from "integer" to "string"', True)},
        ),
        (lambda d: field(d, "strength").update(maximum=3), {}),
        (
            # A type that changed together with a bound is still a changed type.
            lambda d: field(d, "strength").update(maximum=3, type="number"),
            {"models.StillRequest.strength":
                ('type changed from "integer" to "number"; maximum changed from 5 to 3', True),
             "client.still.create(strength=…)":
                ('type changed from "integer" to "number"; maximum changed from 5 to 3', True)},
        ),
        (
            # So is one that is named last.
            lambda d: field(d, "seed").update(minimum=1, format="int64"),
            {"models.StillRequest.seed":
                ('minimum changed from 0 to 1; format added: "int64"', False),
             "client.still.create(seed=…)":
                ('minimum changed from 0 to 1; format added: "int64"', False)},
        ),
        (
            lambda d: schema(d)["required"].pop(),
            {"models.StillRequest.frame": ("may be left out", False),
             "client.still.create(frame=…)": ("may be left out", False)},
        ),
        (
            lambda d: operation(d).update({"x-resource": "picture"}),
            {"client.still": ("is gone; there is client.picture", True),
             "client.picture": ("is new once it has a signature", False)},
        ),
        (
            lambda d: operation(d).update({"x-resource": {"ink": "A", "oil": "B"}}),
            {"client.still": ("is gone; there are client.ink, client.oil", True),
             "client.ink": ("is new once it has a signature", False),
             "client.oil": ("is new once it has a signature", False)},
        ),
        (
            lambda d: operation(d).pop("x-resource"),
            {"client.still": ("is gone", True)},
        ),
        (
            # A second operation shares no resource with the first.
            lambda d: add_operation(d, "clip"),
            {"cometapi_runway_api.api.official.make_a_clip": ("is new", False),
             'client.operation("make_a_clip")': ("is new", False),
             "client.clip": ("is new once it has a signature", False)},
        ),
        (
            # One that takes over a resource does not make it new.
            lambda d: (add_operation(d, "still"), d["paths"].pop("/stills")),
            {"cometapi_runway_api.api.official.make_a_still": ("is gone", True),
             'client.operation("make_a_still")': ("is gone", True),
             "client.still": ("calls POST /clips now", True),
             "cometapi_runway_api.api.official.make_a_clip": ("is new", False),
             'client.operation("make_a_clip")': ("is new", False)},
        ),
        (
            lambda d: (add_operation(d, "still"), operation(d).update({"x-resource": "picture"})),
            {"client.still": ("calls POST /clips now", True),
             "client.picture": ("is new once it has a signature", False),
             "cometapi_runway_api.api.official.make_a_clip": ("is new", False),
             'client.operation("make_a_clip")': ("is new", False)},
        ),
        (
            lambda d: operation(d).update({"operationId": "still"}),
            {"cometapi_runway_api.api.official.make_a_still":
                ("is called cometapi_runway_api.api.official.still", True),
             'client.operation("make_a_still")': ('is called client.operation("still")', True)},
        ),
        (
            lambda d: operation(d)["parameters"].pop(),
            {"cometapi_runway_api.api.official.make_a_still(draft=…)": ("is gone", True)},
        ),
        (
            lambda d: operation(d)["parameters"][0].update(required=False),
            {"cometapi_runway_api.api.official.make_a_still(x_version=…)":
                ("may be left out", False)},
        ),
    ],
)  # fmt: skip
def test_a_change_names_what_it_affects(change: Any, expected: dict[str, tuple[str, bool]]) -> None:
    assert effects(change) == expected


def test_a_removed_field_breaks_programs_but_not_requests() -> None:
    (one,) = changes(lambda d: schema(d)["properties"].pop("seed"))
    assert (one.judgement.verdict, one.verdict) == ("compatible", "breaking")


def test_names_are_those_of_the_generated_package(repository: Workspace) -> None:
    generated = importlib.import_module("cometapi_runway_api.models")
    document = json.loads((repository.package / "contract.json").read_text("utf-8"))
    for name, fields in python_names.models(document).items():
        found = [one.name for one in attrs.fields(getattr(generated, name)) if one.init]
        assert sorted(found) == sorted(fields), name
    for item in document["paths"].values():
        for raw in (one for one in item.values() if "operationId" in one):
            module = importlib.import_module(python_names.module(raw))
            assert callable(module.sync)


def test_an_operation_of_several_resources_has_the_names_of_each() -> None:
    raw = {"tags": ["compat"], "x-resource": {"text_to_video": "A", "image_to_video": "B"}}
    every = ["client.compat.text_to_video", "client.compat.image_to_video"]
    assert python_names.resources(raw) == every
    assert python_names.resources(raw, "B") == every[1:]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("promptText", "prompt_text"),
        ("HTTPServer", "http_server"),
        ("imageURIList", "image_uri_list"),
        ("X-Runway-Version", "x_runway_version"),
        ("a.b  c", "a_b_c"),
        ("gen4_turbo", "gen4_turbo"),
        ("class", "class_"),
        ("type", "type_"),
        ("self", "self_"),
        ("True", "true_"),
        ("datetime", "datetime_"),
        ("id", "id"),
    ],
)
def test_a_name_is_the_one_that_the_generator_gives(name: str, expected: str) -> None:
    assert python_names.snake_case(name) == expected
