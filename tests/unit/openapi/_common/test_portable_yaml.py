"""YAML 1.1 and 1.2: text for one reader is text for every other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import Json, members

TRAPS = [
    "16:9",
    "1280:720",
    "2024-11-06",
    "2024-11-06T12:00:00Z",
    "no",
    "No",
    "on",
    "y",
    "null",
    "~",
    "",
    "1e3",
    "0o14",
    "014",
    "0x1F",
    "1_000",
    ".inf",
    "=",
    "<<",
    "*a",
    "&a",
    "@at",
    "- a",
    "a: b",
    "a #b",
    " lead",
    "trail ",
    "two\nlines",
    "two\nlines\n\n",
    "\ttab",
    "\x07",
    "\u0085",
    "\u2028",
    "true",
    "ünï",
    "😀",
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
).filter(lambda value: "Infinity" not in json.dumps(value))


@pytest.mark.parametrize("text", TRAPS)
def test_text_stays_text_for_every_reader(text: str) -> None:
    value: Json = {text: text, "list": [text], "deep": {"key": {text: [text]}}}
    written = portable_yaml.dump(value)
    assert yaml.safe_load(written) == value
    assert YAML(typ="safe", pure=True).load(written) == value
    assert portable_yaml.load_unambiguous(written, "x") == value


@given(json_values)
def test_what_is_written_reads_back_under_both_dialects(value: Json) -> None:
    written = portable_yaml.dump(value)
    assert (
        portable_yaml.first_difference(portable_yaml.load_unambiguous(written, "x"), value) is None
    )


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("16:9", "16:9"),
        ("2024-11-06", "2024-11-06"),
        ("no", "no"),
        ("1e3", 1000.0),
        ("0o14", 12),
        ("'0o14'", "0o14"),
    ],
)
def test_pages_are_read_by_the_core_rules_of_1_2(scalar: str, value: object) -> None:
    read = members(portable_yaml.load(f"a: {scalar}\n", "x"))["a"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("scalar", ["16:9", "2024-11-06", "no", "1e3", "0o14", "014", "1:30"])
def test_overlays_must_quote_what_the_dialects_read_differently(scalar: str) -> None:
    with pytest.raises(ContractError, match=r"fix\.yaml"):
        portable_yaml.load_unambiguous(f"actions:\n  - update: {scalar}\n", "fix.yaml")
    quoted = portable_yaml.load_unambiguous(f"actions:\n  - update: '{scalar}'\n", "fix.yaml")
    assert quoted == {"actions": [{"update": scalar}]}


def test_the_first_difference_is_named() -> None:
    message = r"fix\.yaml: /a/1 reads '16:9' under YAML 1\.2 but 969 under YAML 1\.1: quote it"
    with pytest.raises(ContractError, match=message):
        portable_yaml.load_unambiguous("a: [1, 16:9]\n", "fix.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\n", "x: line 2, column 1 not YAML"),
        ("a: .nan\n", "/a is a float, which JSON cannot hold"),
        ("a: .inf\n", "/a is a float"),
        ("a: !!binary aGk=\n", "/a is a bytes"),
        ("a: &x [*x]\n", "/a/0 is an alias to itself"),
        ("? [1]\n: 2\n", "has the key"),
        ("true: 1\n", "has the key True, which is not text"),
        ("a: !thing 1\n", "not YAML"),
    ],
)
def test_what_json_cannot_hold_is_refused(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        portable_yaml.load(text, "x")


def test_number_keys_become_text() -> None:
    assert portable_yaml.load("responses:\n  200: ok\n", "x") == {"responses": {"200": "ok"}}


def test_repeated_parts_are_written_without_aliases() -> None:
    shared: Json = {"type": "string"}
    assert portable_yaml.dump({"a": shared, "b": shared}).count("type: string") == 2


def test_the_heading_is_a_comment() -> None:
    assert portable_yaml.dump({"a": 1}, heading="one\n\ntwo\n") == "# one\n#\n# two\na: 1\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[a,:b]\n", "while parsing a flow node"),
        ("a: &é c\n", "while scanning an anchor"),
        ("x: 2001-99-99\n", "month must be in 1..12"),
    ],
)
def test_text_that_only_yaml_1_2_can_read_is_refused(text: str, reason: str) -> None:
    assert portable_yaml.load(text, "fix.yaml")
    for read in (portable_yaml.load_as_yaml_1_1, portable_yaml.load_unambiguous):
        with pytest.raises(ContractError, match=f"^fix.yaml: not YAML 1.1: {reason}"):
            read(text, "fix.yaml")


NO_YAML = ["a: [", "a: b: c", "\tx", "'a", "&a *b", "%TAG ! x\n"]
NO_TEXT = ["a: \x00", "\ud800"]
NO_NUMBER = ["a: " + "1" * 5000, "!!int x", "!!float x"]


@pytest.mark.parametrize("text", [*NO_YAML, *NO_TEXT, *NO_NUMBER], ids=lambda text: text[:12])
def test_text_that_is_no_yaml_is_refused(text: str) -> None:
    for read in (portable_yaml.load, portable_yaml.load_as_yaml_1_1):
        with pytest.raises(ContractError, match=r"fix\.yaml"):
            read(text, "fix.yaml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / "fix.yaml"
    for prepare, problem in (
        (lambda: None, "cannot be read: No such file or directory"),
        (file.mkdir, "cannot be read: Is a directory"),
        (lambda: (file.rmdir(), file.write_bytes(b"a\xff")), "byte 1 is not UTF-8"),
    ):
        prepare()
        with pytest.raises(ContractError, match=f"^here: {problem}$"):
            portable_yaml.read_text(file, "here")
