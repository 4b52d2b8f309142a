"""Messages: they name field, rule and value, and never show credentials or long values."""

from __future__ import annotations

import copy

import pytest
from tests.cases import each_case

from cometapi_runway.validation import Contract, _messages

from .request_table import INVALID
from .samples import BODY, DOCUMENT, HEADERS, SECRET, asset, header, post


@each_case(("case", "path", "rule"), INVALID.values(), ids=INVALID)
def test_messages_name_field_and_rule(case, path, rule):
    (issue, *_) = [one for one in case.check() if (one.path, one.rule) == (path, rule)]
    assert rule in issue.message
    name = {"": "", "server": "", "path": "", "method": case.method}.get(path, path)
    assert name in issue.message
    assert "\n" not in issue.message
    assert len(issue.message) < 400


@each_case(
    ("row", "message"),
    [
        ("seed above", "/seed must be at most 4294967295 (maximum), got 4294967296"),
        ("asset missing", "/asset is required and missing (required)"),
        ("asset of unknown type",
         '/asset/type must be one of "image", "video" (enum), got "gif"'),
        ("asset over http",
         "/asset/uri must match the pattern ^https:// (pattern) or must match the pattern "
         '^data:(image|video)/ (pattern), got "http://cdn.example/a.mp4"'),
        ("moderation of neither form", "/moderation must be a string or an object (type), got 3"),
        ("an empty tag", '/tags/1 must have at least 1 character (minLength), got ""'),
        ("an unknown field",
         "/a~1b~0 is not a field in the contract (additionalProperties), got 1"),
        ("no version", "header X-Version is required and missing (required)"),
        ("no key", "header Authorization is required and missing (security)"),
        ("query below minimum", "query parameter limit must be at least 1 (minimum), got 0"),
        ("an id too long", f'path parameter id must have at most 40 characters (maxLength), '
                           f'got "{"x" * 41}"'),
        ("another method", "PUT is not a method of /v1/clips (method), which has POST, GET"),
        ("duplicate key",
         "/asset/type is repeated (duplicate-key), got image"),
    ],
)  # fmt: skip
def test_a_message_is_a_sentence(row, message):
    request = INVALID[row][0]
    assert message in [issue.message for issue in request.check()]


@each_case(
    ("schema", "value", "requirement"),
    [
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "must have at most 1 field "),
        ({"maxProperties": 2}, {"a": 1, "b": 2, "c": 3}, "must have at most 2 fields "),
        ({"minProperties": 2}, {"a": 1}, "must have at least 2 fields "),
        ({"maxItems": 1}, [1, 2], "must have at most 1 item "),
        ({"maxLength": 2}, "abc", "must have at most 2 characters "),
        ({"exclusiveMinimum": 0}, 0, "must be more than 0 "),
        ({"exclusiveMaximum": 9}, 9, "must be less than 9 "),
        ({"uniqueItems": True}, [1, 1], "must not repeat an item "),
        ({"multipleOf": 2}, 3, "must be a multiple of 2 "),
        ({"minItems": 2}, [1], "must have at least 2 items "),
        ({"minLength": 2}, "a", "must have at least 2 characters "),
        ({"minimum": 2}, 1, "must be at least 2 "),
        ({"maximum": 2}, 3, "must be at most 2 "),
        ({"const": "a"}, "b", 'must be "a" '),
        ({"format": "date"}, "x", "must be a valid date "),
        ({"pattern": "^a$"}, "x", "must match the pattern ^a$ "),
        ({"not": {"type": "string"}}, "x", "must not have a form that the contract excludes "),
        ({"contains": {"type": "string"}}, [1], "must contain an item of the required form "),
        (
            {"oneOf": [{"type": "string"}, {"minLength": 1}]},
            "x",
            "must fit exactly one of the documented forms ",
        ),
        ({"properties": {"a": False}}, {"a": 1}, "is not allowed (falseSchema)"),
        ({"propertyNames": {"maxLength": 1}}, {"long": 1}, "has a field whose name "),
        ({"anyOf": [{"const": "a"}, {"const": ["b"]}]}, "d", 'must be one of "a", a list of 1 '),
        ({"anyOf": [{"enum": ["a", "b"]}, {"enum": ["c"]}]}, "d", 'must be one of "a", "b", "c" '),
    ],
)
def test_every_rule_has_a_plain_message(schema, value, requirement):
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["ClipRequest"] = schema
    (issue,) = Contract(document).check_body("make_clip", value)
    assert requirement in issue.message


LONG = f"^({'|'.join(f'{number:02}' for number in range(30))})$"


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"pattern": "^[1-9]+:[1-9]+$", "description": "Width:height."},
         '/ratio does not fit (pattern ^[1-9]+:[1-9]+$): Width:height. Got "x"'),
        ({"pattern": LONG, "description": "Two digits."},
         '/ratio does not fit (pattern): Two digits. Got "x"'),
        ({"pattern": "^0$"}, '/ratio must match the pattern ^0$ (pattern), got "x"'),
    ],
)  # fmt: skip
def test_a_pattern_message_shows_the_contracts_description(schema, message):
    """A long pattern is unreadable; a short one is more exact than its description."""
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["ClipRequest"]["properties"]["ratio"] = schema
    (issue,) = Contract(document).check_body("make_clip", {**BODY, "ratio": "x"})
    assert (issue.message, issue.rule) == (message, "pattern")


def test_a_pattern_with_two_descriptions_is_shown_itself():
    document = copy.deepcopy(DOCUMENT)
    fields = document["components"]["schemas"]["ClipRequest"]["properties"]
    fields["ratio"] = {"pattern": "^0$", "description": "One."}
    fields["other"] = {"pattern": "^0$", "description": "Another."}
    (issue,) = Contract(document).check_body("make_clip", {**BODY, "ratio": "x"})
    assert issue.message == '/ratio must match the pattern ^0$ (pattern), got "x"'


@each_case("value", [SECRET, f"Basic {SECRET}", f"Bearer {SECRET} x", f"Bearer {SECRET}\r\n"])
def test_a_key_is_never_shown(value):
    issues = header("Authorization", value).check()
    assert issues
    assert SECRET not in repr(issues)


@each_case("name", ["Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key"])
def test_no_header_with_credentials_is_shown(name):
    others = tuple((key, value) for key, value in HEADERS if key != name)
    issues = post(headers=(*others, (name, f"{SECRET}\n"))).check()
    assert any(issue.rule == "wire" for issue in issues)
    assert all(SECRET not in repr(issue) + str(issue.value) for issue in issues)


def test_embedded_files_and_url_signatures_are_not_shown():
    embedded = asset(uri="data:text/plain;base64," + "QUJD" * 50_000)
    signed = asset(uri="http://cdn.example/a.mp4?signature=s3cret")
    for request in (embedded, signed):
        issues = request.check()
        assert [issue.path for issue in issues] == ["/asset/uri"]
        assert "QUJDQUJD" not in repr(issues)
        assert "s3cret" not in repr(issues)


def test_a_text_is_shown_whole_up_to_its_limit():
    longest = "a" * _messages._MAX_TEXT
    assert longest in _messages.describe_value(longest)
    cut = _messages.describe_value(longest + "a")
    assert f"({len(longest) + 1} characters)" in cut
    assert longest not in cut


def test_a_pattern_is_shown_whole_up_to_its_limit():
    for more, is_shown in ((0, True), (1, False)):
        pattern = "x" * (_messages._TEXT_START + more)
        message = _messages.write_pattern_message("/a", pattern, "Meaning.", 1)
        assert (f"(pattern {pattern})" in message) is is_shown
        assert "(pattern" in message


def test_options_are_listed_up_to_their_limit():
    for more, end in ((0, ""), (1, ", …")):
        options = list(range(_messages._MAX_ITEMS + more))
        shown = ", ".join(map(str, options[: _messages._MAX_ITEMS]))
        message = _messages.write_message("/a", "enum", options, "x")
        assert f"must be one of {shown}{end} (enum)" in message
