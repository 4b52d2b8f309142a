"""Two versions of a document, and the change between them in words."""

from __future__ import annotations

from copy import deepcopy

import pytest

from contract_tools import changes, yaml_text
from contract_tools.values import JsonObject, as_object

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

BODY = "POST /things: body field"
HEADER = "POST /things: header parameter X-Version"


def read(text: str) -> JsonObject:
    return as_object(yaml_text.load(text, "x"), "x")


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("maxLength: 10", "maxLength: 20", [f"{BODY} name: maxLength changed from 10 to 20"]),
        ("maxLength: 10, ", "", [f"{BODY} name: maxLength removed (was 10)"]),
        ("minimum: 1,", "minimum: 1, multipleOf: 2,", [f"{BODY} size: multipleOf added: 2"]),
        ("default: 2", "default: 3", [f"{BODY} size: default changed from 2 to 3"]),
        ("default: 2", "default: 2.0", [f"{BODY} size: default changed from 2 to 2.0"]),
        ("[red, blue]", "[red]", [f'{BODY} colour: allowed values removed: "blue"']),
        ("[red, blue]", "[red, blue, tan]", [f'{BODY} colour: allowed values added: "tan"']),
        ("[red, blue]", "[blue, red]", [f"{BODY} colour: allowed values reordered"]),
        (", enum: [red, blue]", "", [f'{BODY} colour: enum removed (was ["red", "blue"])']),
        ("required: [name]", "required: [name, size]", [f"{BODY} size: now required"]),
        ("required: [name]", "required: []", [f"{BODY} name: no longer required"]),
        ("description: A name.", "description: Its name.", [f"{BODY} name: description reworded"]),
        (", description: A name.", "", [f"{BODY} name: description removed"]),
        ("colour: ", "color: ", [f"{BODY} colour: looks renamed to color"]),
        ("{uri:", "{url:", [f"{BODY} parts[].uri: looks renamed to parts[].url"]),
        (
            "{x: {type: number}}",
            "{x: {type: integer}}",
            [
                f'{BODY} either<oneOf 2>.x: type changed from "number" to "integer"',
            ],
        ),
        (
            "additionalProperties: {type: string}",
            "additionalProperties: {type: integer}",
            [
                f'{BODY} labels{{*}}: type changed from "string" to "integer"',
            ],
        ),
        (
            "additionalProperties: false",
            "additionalProperties: true",
            [
                f"{BODY} frame: additionalProperties changed from false to true",
                f"{BODY} frame.inner: additionalProperties changed from false to true",
            ],
        ),
        (
            "width: {type: integer}",
            "width: {type: number}",
            [
                f'{BODY} frame.width: type changed from "integer" to "number"',
            ],
        ),
        (
            "in: query",
            "in: header",
            [
                "POST /things: query parameter lang: removed",
                "POST /things: header parameter lang: added (string)",
            ],
        ),
        ("required: true, schema", "schema", [f"{HEADER}: no longer required"]),
        (
            "{id: {type",
            "{id: {format: uuid, type",
            [
                'POST /things: answer 200 field id: format added: "uuid"',
            ],
        ),
        (
            "text/plain: {schema: {type: string}}",
            "text/html: {schema: {type: string}}",
            [
                "POST /things: answer 200 (text/plain): removed",
                "POST /things: answer 200 (text/html): added (string)",
            ],
        ),
        ("example: {name: a}", "example: {name: b}", ["POST /things: body: example changed"]),
        (
            "'200':",
            "'202':",
            [
                "POST /things: answer 200: removed",
                "POST /things: answer 202: added (object)",
            ],
        ),
        ("    post:", "    put:", ["POST /things: removed", "PUT /things: added"]),
        (
            "make_thing",
            "make",
            [
                'POST /things: operationId changed from "make_thing" to "make"',
            ],
        ),
        ("title: Things", "title: All things", ["document: info reworded"]),
        (
            "scheme: bearer",
            "scheme: basic",
            [
                "document: securitySchemes changed from "
                '{"key": {"type": "http", "scheme": "bearer"}} to '
                '{"key": {"type": "http", "scheme": "basic"}}',
            ],
        ),
        (
            "size: {type: integer, minimum: 1, maximum: 5, default: 2}",
            "x: {}",
            [
                f"{BODY} size: removed",
                f"{BODY} x: added",
            ],
        ),
    ],
)
def test_a_change_is_told_by_operation_and_field(old: str, new: str, lines: list[str]) -> None:
    assert old in BEFORE
    assert changes.describe(read(BEFORE), read(BEFORE.replace(old, new, 1))) == lines


def test_nothing_changed_is_nothing_told() -> None:
    assert changes.describe(read(BEFORE), read(BEFORE)) == []
    assert changes.describe(read(BEFORE), read(BEFORE.replace("[name]", "[name] # why"))) == []


def test_a_renamed_object_keeps_its_fields_and_tells_their_changes() -> None:
    after = BEFORE.replace("parts:", "pieces:", 1)
    after = after.replace("{uri: {type: string}}", "{uri: {}, size: {type: integer}}")
    assert changes.describe(read(BEFORE), read(after)) == [
        f"{BODY} parts: looks renamed to pieces",
        f"{BODY} pieces[].size: added (integer)",
        f'{BODY} pieces[].uri: type removed (was "string")',
    ]


def test_what_looks_like_two_renames_is_called_neither() -> None:
    two = BEFORE.replace("{type: integer}", "{type: integer}\n        height: {type: integer}", 1)
    after = two.replace("width:", "w:", 1).replace("height:", "h:", 1)
    lines = changes.describe(read(two), read(after))
    assert f"{BODY} frame.width: removed" in lines
    assert f"{BODY} frame.w: added (integer)" in lines
    assert not any("renamed" in line for line in lines)


def test_a_long_value_is_cut() -> None:
    after = BEFORE.replace("maxLength: 10", f"maxLength: 10, pattern: {'a' * 99}")
    (line,) = changes.describe(read(BEFORE), read(after))
    assert line.endswith("aaa…")
    assert len(line) < 120


def test_long_objects_are_told_by_the_members_that_differ() -> None:
    sizes = ", ".join(f"{letter * 9}: 1" for letter in "abcdefgh")
    old = BEFORE.replace("default: 2", f"default: {{{sizes}}}")
    new = old.replace("ccccccccc: 1", "ccccccccc: 2").replace("hhhhhhhhh: 1", "iiiiiiiii: 1")
    assert changes.describe(read(old), read(new)) == [
        f"{BODY} size: default changed in ccccccccc, hhhhhhhhh, iiiiiiiii"
    ]


def test_describing_leaves_the_documents_alone() -> None:
    old, new = read(BEFORE), read(BEFORE.replace("colour", "color"))
    before = deepcopy((old, new))
    changes.describe(old, new)
    assert (old, new) == before
