"""A field of a body becomes an argument: its name, type, conversion, default and description."""

from __future__ import annotations

from types import SimpleNamespace

import jsonpath_rfc9535 as jsonpath
import pytest

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import Json, JsonObject
from contract_tools.operation import fields, overlay, signature
from contract_tools.operation.new_operation import _check_page
from contract_tools.operation.samples import _parse_curl, make_sample

SHARED = ("ContentModeration", "ImageUri", "MediaUri", "ModelName", "Ratio", "VideoUri", "WebUrl")
DOCUMENT: JsonObject = {
    "components": {
        "schemas": {
            **{name: {"type": "string"} for name in SHARED},
            "Loud": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"maximum": 4}]},
            "Base": {"type": "integer", "minimum": 1, "maximum": 3, "title": "base"},
        }
    }
}


def refer(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def argument_of(
    name: str, schema: JsonObject, filler: Json = None, *, required: bool = False
) -> fields.Argument:
    body: JsonObject = {"properties": {name: schema}, "required": [name] if required else []}
    (found,) = fields.list_arguments(
        DOCUMENT, fields.resolve_schema(DOCUMENT, body), {name: filler}, {"timeout"}
    )
    return found


def asset(**uri: Json) -> JsonObject:
    return {"type": "object", "properties": {"uri": {**uri}}}


@pytest.mark.parametrize(
    ("schema", "annotation", "conversion", "accepts_none"),
    [
        (refer("ContentModeration"), "ModerationInput", "conversions.to_moderation(x)", False),
        (refer("Ratio"), "RatioInput", "inputs.format_ratio(x)", False),
        ({"allOf": [refer("Ratio")], "enum": ["1:1"]}, 'Literal["1:1"]', "x", True),
        (refer("ImageUri"), "UriInput", 'inputs.to_uri(x, "/x", (\'image\',))', True),
        (refer("VideoUri"), "UriInput", 'inputs.to_uri(x, "/x", (\'video\',))', True),
        (refer("MediaUri"), "UriInput", 'inputs.to_uri(x, "/x", (\'image\', \'video\'))', True),
        (refer("WebUrl"), "str", 'inputs.to_url(x, "/x")', True),
        ({"enum": ["a", None, 2]}, 'Literal["a", 2]', "x", True),
        ({"type": "integer"}, "int", "x", True),
        ({"type": ["number", "null"]}, "float", "x", True),
        ({"type": ["number", "string"]}, "object", "conversions.to_json({})", True),
        ({"type": "boolean"}, "bool", "x", True),
        ({"type": "array", "items": refer("ImageUri")}, "Sequence[UriInput]",
         'conversions.to_uris(x, "/x", (\'image\',))', False),
        ({"type": "array", "items": {"enum": [1]}}, "Sequence[Literal[1]]",
         'inputs.to_list(x, "/x")', False),
        ({"type": "array", "items": {"type": "string"}}, "Sequence[str]",
         'inputs.to_list(x, "/x")', False),
        ({"type": "array", "items": asset(**refer("VideoUri"))}, "ReferencesInput",
         'conversions.to_assets(x, "/x", (\'video\',), has_type=False)', False),
        ({"type": "array", "items": {"type": "object"}}, "Sequence[FieldsInput]",
         'conversions.to_objects(x, "/x")', False),
        ({"type": "array", "items": {}}, "object", "conversions.to_json({})", True),
        (asset(), "AssetInput",
         'conversions.to_asset(x, "/x", (\'image\', \'video\'), has_type=False)', False),
        ({"type": "object"}, "FieldsInput", 'conversions.to_object(x, "/x")', False),
        ({}, "object", "conversions.to_json({})", True),
    ],
)  # fmt: skip
def test_a_schema_has_a_type_and_a_conversion(
    schema: JsonObject, annotation: str, conversion: str, accepts_none: bool
) -> None:
    found = argument_of("x", schema)
    wanted = (annotation, conversion, accepts_none)
    assert (found.annotation, found.conversion, found.accepts_none) == wanted


@pytest.mark.parametrize(
    ("types", "of_address", "options"),
    [
        (["image"], "MediaUri", "('image',), has_type=True"),
        (["audio", "video"], "MediaUri", "('video',), has_type=True"),
        (["image"], "VideoUri", "('video',), has_type=True"),
    ],
)
def test_an_asset_takes_the_types_that_its_address_allows(
    types: list[Json], of_address: str, options: str
) -> None:
    schema = asset(**refer(of_address))
    schema["properties"] = {**schema["properties"], "type": {"enum": types}}  # type: ignore[dict-item]
    assert argument_of("x", schema).conversion == f'conversions.to_asset(x, "/x", {options})'


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("promptText", "prompt_text"),
        ("HTMLPage2Go", "html_page2_go"),
        ("still-image_", "still_image"),
        ("class", "class_"),
        ("timeout", "timeout_"),
    ],
)
def test_a_field_has_a_name_in_snake_case(field: str, name: str) -> None:
    found = argument_of(field, {"type": "boolean"})
    assert (found.field, found.name) == (field, name)


@pytest.mark.parametrize(
    ("field", "schema", "filler", "required", "default"),
    [
        ("x", {"type": "string"}, None, False, "None"),
        ("x", {"type": "string"}, None, True, None),
        ("x", {"type": "string"}, "a", False, '"a"'),
        ("x", {"type": "number"}, 0.5, False, "0.5"),
        ("x", {"type": "boolean"}, False, False, "False"),
        ("x", {"type": "array"}, [1], False, "None"),
        ("x", refer("ContentModeration"), {"a": 1}, False, '"auto"'),
        ("x", refer("ContentModeration"), None, False, "None"),
        ("model", {"x-known-values": [{"values": ["a", "b"]}]}, None, True, '"a"'),
        ("ratio", {"x-known-values": [{"values": []}, {"values": ["1:1"]}]}, None, True, '"1:1"'),
        ("other", {"x-known-values": [{"values": ["a"]}]}, None, True, None),
        ("model", {"x-known-values": [{"values": ["a"]}]}, None, False, "None"),
        ("seed", {"type": "integer", "maximum": 10**9 - 1}, 7, True, "None"),
        ("seed", {"type": "integer", "maximum": 10**9 - 2}, 7, False, "7"),
        ("seed", {"type": "integer", "maximum": 10**10, "minimum": 1}, None, True, None),
        ("seed", {"type": "string", "maximum": 10**10}, None, True, None),
        ("seeds", {"type": "integer", "maximum": 10**10}, None, True, None),
    ],
)
def test_a_default_is_what_the_page_prefills(
    field: str, schema: JsonObject, filler: Json, required: bool, default: str | None
) -> None:
    assert argument_of(field, schema, filler, required=required).default == default


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({}, "The x y; the page says no more. Omitted if None."),
        ({"description": "One\n two?"}, "One two? Omitted if None."),
        ({"description": "Stop!"}, "Stop! Omitted if None."),
        ({"description": "a.", "minimum": 1, "maximum": 4}, "a. From 1 to 4. Omitted if None."),
        ({"description": "1 to 4.", "minimum": 1, "maximum": 4}, "1 to 4. Omitted if None."),
        ({"description": "1 to.", "minimum": 1, "maximum": 4},
         "1 to. From 1 to 4. Omitted if None."),
        ({"description": "a.", "minimum": 1}, "a. Omitted if None."),
        ({"description": "a.", "maxLength": 9}, "a. At most 9 characters. Omitted if None."),
        ({"description": "9 letters.", "maxLength": 9}, "9 letters. Omitted if None."),
        ({"description": "a.", "type": "object"}, "a. An object. Omitted if None."),
        ({"description": "a.", "type": "object", "required": ["b"],
          "properties": {"b": {}, "c": {}, "d": {}}},
         "a. An object; it requires ``b``; it takes ``c``, ``d``. Omitted if None."),
        ({"description": "a.", "x-known-values": [
            {"values": ["b", 1], "confidence": "documented", "source": "s"},
            {"values": ["c"], "confidence": "observed", "source": "t"}]},
         "a. Omitted if None. Known: b, 1 (documented: s); c (observed: t)."),
        (refer("ContentModeration"),
         'Threshold for public figures, ``"auto"`` or ``"low"``. Omitted if None.'),
    ],
)  # fmt: skip
def test_a_description_says_what_the_contract_knows(schema: JsonObject, text: str) -> None:
    assert argument_of("xY", schema).description == text


@pytest.mark.parametrize(
    ("schema", "filler", "parameter", "assignment"),
    [
        ({"type": "integer"}, None, "x: int | None = None,", "x=inputs.or_unset(x),"),
        ({"type": "integer"}, 3, "x: int = 3,", "x=x,"),
        ({"type": "object"}, None, "x: FieldsInput | None = None,",
         'x=inputs.or_unset(None if x is None else conversions.to_object(x, "/x")),'),
        ({}, None, "x: object | None = None,", ""),
        ({}, "a", 'x: object = "a",', "x=conversions.to_json({}),"),
    ],
)  # fmt: skip
def test_an_argument_that_is_left_out_is_not_sent(
    schema: JsonObject, filler: Json, parameter: str, assignment: str
) -> None:
    found = argument_of("x", schema, filler)
    assert (found.parameter, found.assignment) == (parameter, assignment)


def test_required_arguments_come_first() -> None:
    schema: JsonObject = {"properties": {"a": {}, "b": {}, "c": {}}, "required": ["c", "b"]}
    body = fields.resolve_schema(DOCUMENT, schema)
    found = fields.list_arguments(DOCUMENT, body, {}, ())
    assert [(one.name, one.default) for one in found] == [("b", None), ("c", None), ("a", "None")]


def test_the_own_members_of_a_schema_win() -> None:
    found = fields.resolve_schema(DOCUMENT, {**refer("Loud"), "minimum": 2})
    assert found.names == {"Loud", "Base"}
    assert found.schema == {"type": "integer", "minimum": 2, "maximum": 4, "title": "base"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "a cat"),
        ({"type": "string", "minLength": 7}, "a cat.."),
        ({"type": "integer"}, 1),
        ({"type": "number", "minimum": 2}, 2),
        ({"type": "boolean"}, True),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 1}),
        ({"type": "object", "properties": {"a": {}}}, {}),
        (refer("ModelName"), "a_model"),
        ({**refer("ModelName"), "enum": ["b"]}, "b"),
        ({"examples": ["c"], "enum": ["b"]}, "c"),
        ({"x-known-values": [{"values": ["d"]}], "examples": ["c"]}, "d"),
        ({"anyOf": [{"type": "boolean"}, {"type": "integer"}]}, True),
        ({"oneOf": [{"type": "integer"}, {"type": "boolean"}]}, 1),
    ],
)
def test_a_request_is_made_up_where_the_page_shows_none(schema: JsonObject, value: Json) -> None:
    sample = make_sample(
        DOCUMENT, {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    )
    assert (sample.name, sample.body) == ("made-up", {"x": value})
    assert sample.headers == {"X-Runway-Version": "2024-11-06"}


VERSION = {"X-Runway-Version": "2024-11-06"}


@pytest.mark.parametrize(
    ("source", "body", "headers"),
    [
        ("curl u -d '{\"a\": 1}'", {"a": 1}, {}),
        ("curl u \\\n  --data '{\"a\": 1}' -H 'X-Runway-Version: 2024-11-06'", {"a": 1}, VERSION),
        ("curl u \\\n-d '{\"a\": 1}'", {"a": 1}, {}),
        ("curl -H X-Runway-Version: -H 'A: b' --data-raw '{\"a\": 1}' # -d '{}'", {"a": 1}, {}),
        ("curl --json '{\"a\": \"b: c\"}' -A 'X-Runway-Version: 1'", {"a": "b: c"}, {}),
        ("curl --data-binary '[1]' u", {}, {}),
        ("curl u -d '{\"a\": '", {}, {}),
        ("curl u -d", {}, {}),
        ("curl u", {}, {}),
        ("curl 'u", {}, {}),
        ("requests.post(u, -d '{\"a\": 1}')", {}, {}),
        ("", {}, {}),
    ],
)
def test_only_a_whole_curl_command_is_a_sample(
    source: str, body: JsonObject, headers: dict[str, str]
) -> None:
    assert _parse_curl(source) == (body, headers)


@pytest.mark.parametrize("indent", ["", "    "])
def test_a_docstring_is_wrapped_between_words(indent: str) -> None:
    address, word = "https://example.com/" + "a" * 100, "never-broken-at-a-hyphen"
    lines = signature._fill(" ".join([address, *[word] * 9]), indent).splitlines()
    further = indent * 2
    assert lines[0] == indent + address
    assert all(line.startswith(further + word) for line in lines[1:])
    assert all(part == word for line in lines[1:] for part in line.split())
    assert all(len(line) <= 96 < len(f"{line} {word}") for line in lines[1:-1])


@pytest.mark.parametrize(
    "name", ["a", "a b", "200", "x-y", "é", "it's", 'a "b"', "a\\b", "a\nb", "\\'", "/runway/{id}"]
)
def test_a_target_selects_the_member_of_a_name(name: str) -> None:
    other = f"{name} too"
    found = jsonpath.compile(f"${overlay._member(name)}").find({name: 1, other: 2})
    assert [node.value for node in found] == [1]
    listed = jsonpath.compile(f"$[?@ == {overlay._quote(name)}]").find([other, name])
    assert [node.value for node in listed] == [name]


def test_create_sends_a_body_and_headers_that_are_optional() -> None:
    body = {"content": {"application/json": {"schema": {"properties": {"a": {}}}}}}

    def check(*parameters: JsonObject) -> JsonObject:
        listed: Json = list(parameters)
        made: JsonObject = {"operationId": "make", "parameters": listed, "requestBody": body}
        page = SimpleNamespace(
            document={"paths": {"/x": {"post": made}}}, method="POST", route="POST /x"
        )
        return _check_page(page, "page.md")  # type: ignore[arg-type] # of a page what it reads

    version: JsonObject = {"name": "X-Runway-Version", "in": "header", "required": True}
    trace: JsonObject = {"name": "X-Trace", "in": "header"}
    for allowed in ((), (version,), (trace,), (version, {**trace, "required": False})):
        assert check(*allowed)["operationId"] == "make"
    unsendable: tuple[JsonObject, ...] = (
        {**trace, "required": True},
        {**trace, "in": "query"},
        {**version, "in": "query"},
        {**trace, "in": "cookie", "required": True},
    )
    for refused in unsendable:
        for others in ((), (version,)):
            message = f"page.md: `create` cannot send the {refused['in']} parameter "
            with pytest.raises(ContractError, match=f"^{message}{refused['name']};"):
                check(*others, refused)
