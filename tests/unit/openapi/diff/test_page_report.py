"""Two versions of a document, and the report of the changes between them."""

from __future__ import annotations

from copy import deepcopy

import pytest

from contract_tools._common import portable_yaml
from contract_tools._common.json_values import JsonObject, as_object
from contract_tools.diff.page_report import describe_changes

BEFORE = """\
openapi: 3.1.0
info: {title: Things, version: 1.0.0}
paths:
  /things:
    parameters:
      - {name: lang, in: query, schema: {type: string}}
    post:
      operationId: make_thing
      parameters:
        - {name: X-Version, in: header, required: true, schema: {type: string}}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties:
                name: {type: string, maxLength: 10, description: A name.}
                size: {type: integer, minimum: 1, maximum: 5, default: 2}
                colour: {type: string, enum: [red, blue]}
                parts:
                  type: array
                  items: {type: object, properties: {uri: {type: string}}}
                frame: {$ref: '#/components/schemas/Frame'}
                either: {oneOf: [{type: string}, {type: object, properties: {x: {type: number}}}]}
                labels: {type: object, additionalProperties: {type: string}}
            example: {name: a}
      responses:
        '200':
          description: Made.
          content:
            application/json: {schema: {type: object, properties: {id: {type: string}}}}
            text/plain: {schema: {type: string}}
components:
  schemas:
    Frame:
      type: object
      additionalProperties: false
      properties:
        width: {type: integer}
        inner: {$ref: '#/components/schemas/Frame'}
  securitySchemes: {key: {type: http, scheme: bearer}}
"""

ID = "make_thing"
SCHEMA = "at /paths/~1things/post/requestBody/content/application~1json/schema/properties"


def read(text: str) -> JsonObject:
    return as_object(portable_yaml.load(text, "x"), "x")


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("maxLength: 10", "maxLength: 20", [f"{ID}: body /name: maxLength changed from 10 to 20"]),
        ("maxLength: 10, ", "", [f"{ID}: body /name: maxLength removed (was 10)"]),
        ("minimum: 1,", "minimum: 1, multipleOf: 2,", [f"{ID}: body /size: multipleOf added: 2"]),
        ("default: 2", "default: 3", [f"{SCHEMA}/size/default: changed from 2 to 3"]),
        ("default: 2", "default: 2.0", [f"{SCHEMA}/size/default: changed from 2 to 2.0"]),
        ("[red, blue]", "[red]", [f'{ID}: body /colour: allowed value removed: "blue"']),
        ("[red, blue]", "[red, blue, tan]", [f'{ID}: body /colour: allowed value added: "tan"']),
        (
            "[red, blue]",
            "[tan, red, pink]",
            [
                f'{ID}: body /colour: allowed values added: "tan", "pink"; allowed value removed: '
                '"blue"'
            ],
        ),
        ("[red, blue]", "[blue, red]", [f"{ID}: body /colour: allowed values reordered"]),
        (", enum: [red, blue]", "", [f'{ID}: body /colour: enum removed (was ["red", "blue"])']),
        ("required: [name]", "required: [name, size]", [f"{ID}: body /size: now required"]),
        ("required: [name]", "required: []", [f"{ID}: body /name: no longer required"]),
        (
            "description: A name.",
            "description: Its name.",
            [f'{SCHEMA}/name/description: changed from "A name." to "Its name."'],
        ),
        (
            ", description: A name.",
            "",
            [f'{SCHEMA}/name/description: removed (was "A name.")'],
        ),
        ("colour: ", "color: ", [f"{ID}: body /colour: looks renamed to color"]),
        ("{uri:", "{url:", [f"{ID}: body /parts/*/uri: looks renamed to url"]),
        (
            "{x: {type: number}}",
            "{x: {type: integer}}",
            [f'{ID}: body /either<2>/x: type changed from "number" to "integer"'],
        ),
        (
            "additionalProperties: {type: string}",
            "additionalProperties: {type: integer}",
            [
                f'{ID}: body /labels: additionalProperties changed from {{"type": "string"}} to '
                '{"type": "integer"}'
            ],
        ),
        (
            "additionalProperties: false",
            "additionalProperties: true",
            [f"{ID}: body /frame: additionalProperties changed from false to true"],
        ),
        (
            "width: {type: integer}",
            "width: {type: number}",
            [f'{ID}: body /frame/width: type changed from "integer" to "number"'],
        ),
        (
            "in: query",
            "in: header",
            [f"{ID}: query parameter lang: removed", f"{ID}: header lang: added"],
        ),
        ("required: true, schema", "schema", [f"{ID}: header X-Version: no longer required"]),
        (
            "{id: {type",
            "{id: {format: uuid, type",
            [f'{ID}: response 200 /id: format added: "uuid"'],
        ),
        (
            "text/plain: {schema: {type: string}}",
            "text/html: {schema: {type: string}}",
            [f"{ID}: response 200: text/plain is gone", f"{ID}: response 200: text/html is new"],
        ),
        (
            "example: {name: a}",
            "example: {name: b}",
            [
                "at /paths/~1things/post/requestBody/content/application~1json/example/name: "
                'changed from "a" to "b"'
            ],
        ),
        ("'200':", "'202':", [f"{ID}: response 202: the success moved from 200 to 202"]),
        ("    post:", "    put:", [f"{ID}: the operation: POST /things moved to PUT /things"]),
        (
            "make_thing",
            "make",
            [f"make: the operation: operationId or tag changed (operationId was {ID})"],
        ),
        (
            "title: Things",
            "title: All things",
            ['at /info/title: changed from "Things" to "All things"'],
        ),
        (
            "scheme: bearer",
            "scheme: basic",
            [
                'security scheme: key was {"type": "http", "scheme": "bearer"}, is '
                '{"type": "http", "scheme": "basic"}'
            ],
        ),
        (
            "size: {type: integer, minimum: 1, maximum: 5, default: 2}",
            "x: {}",
            [f"{ID}: body /size: removed", f"{ID}: body /x: added (any value)"],
        ),
    ],
)
def test_a_change_is_reported_by_operation_and_field(old: str, new: str, lines: list[str]) -> None:
    assert old in BEFORE
    assert describe_changes(read(BEFORE), read(BEFORE.replace(old, new, 1))) == lines


def test_a_renamed_field_that_became_required_is_both() -> None:
    new = BEFORE.replace("colour: ", "color: ").replace(
        "required: [name]", "required: [name, color]"
    )
    assert describe_changes(read(BEFORE), read(new)) == [
        f"{ID}: body /colour: looks renamed to color",
        f"{ID}: body /colour: now required, as color",
    ]


def test_no_change_is_no_line() -> None:
    assert describe_changes(read(BEFORE), read(BEFORE)) == []
    assert describe_changes(read(BEFORE), read(BEFORE.replace("[name]", "[name] # why"))) == []


def test_the_changes_inside_a_renamed_object_are_reported() -> None:
    after = BEFORE.replace("parts:", "pieces:", 1)
    after = after.replace("{uri: {type: string}}", "{uri: {}, size: {type: integer}}")
    assert describe_changes(read(BEFORE), read(after)) == [
        f"{ID}: body /parts: looks renamed to pieces",
        f'{ID}: body /parts/*/uri: type removed (was "string")',
        f"{ID}: body /parts/*/size: added (integer)",
    ]


def test_a_description_inside_a_renamed_field_is_reported() -> None:
    after = BEFORE.replace("name: {type: string, maxLength", "label: {type: string, maxLength", 1)
    after = after.replace("A name.", "A label.").replace("required: [name]", "required: [label]")
    assert describe_changes(read(BEFORE), read(after)) == [
        f"{ID}: body /name: looks renamed to label",
        f'{SCHEMA}/name/description: changed from "A name." to "A label."',
    ]


def test_an_object_without_a_common_field_is_no_rename() -> None:
    after = BEFORE.replace("parts:", "pieces:", 1).replace("{uri: {type", "{url: {type")
    lines = describe_changes(read(BEFORE), read(after))
    assert lines == [f"{ID}: body /parts: removed", f"{ID}: body /pieces: added (array)"]


def test_what_looks_like_two_renames_is_reported_as_neither() -> None:
    two = BEFORE.replace("{type: integer}", "{type: integer}\n        height: {type: integer}", 1)
    after = two.replace("width:", "w:", 1).replace("height:", "h:", 1)
    lines = describe_changes(read(two), read(after))
    assert f"{ID}: body /frame/width: removed" in lines
    assert f"{ID}: body /frame/w: added (integer)" in lines
    assert not any("renamed" in line for line in lines)


def test_a_long_value_is_shortened() -> None:
    after = BEFORE.replace("maxLength: 10", f"maxLength: 10, pattern: {'a' * 99}")
    (line,) = describe_changes(read(BEFORE), read(after))
    assert line.endswith("aaa…")
    assert len(line) < 120


def test_long_objects_are_reported_by_the_members_that_differ() -> None:
    sizes = ", ".join(f"{letter * 9}: 1" for letter in "abcdefgh")
    old = BEFORE.replace("default: 2", f"default: {{{sizes}}}")
    new = old.replace("ccccccccc: 1", "ccccccccc: 2").replace("hhhhhhhhh: 1", "iiiiiiiii: 1")
    assert describe_changes(read(old), read(new)) == [
        f"{SCHEMA}/size/default/ccccccccc: changed from 1 to 2",
        f"{SCHEMA}/size/default/hhhhhhhhh: removed (was 1)",
        f"{SCHEMA}/size/default/iiiiiiiii: added: 1",
    ]


def test_a_reference_that_points_nowhere_is_reported_by_its_pointer() -> None:
    after = BEFORE.replace("colour: {type: string, enum: [red, blue]}", "colour: {$ref: 'a.yaml'}")
    lines = describe_changes(read(BEFORE), read(after))
    assert f'{SCHEMA}/colour/$ref: added: "a.yaml"' in lines


def test_describing_leaves_the_documents_alone() -> None:
    old, new = read(BEFORE), read(BEFORE.replace("colour", "color"))
    before = deepcopy((old, new))
    describe_changes(old, new)
    assert (old, new) == before
