"""The three formats: what is read, what is refused, and the line that is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.batch import _records
from cometapi_runway.batch._manifest import BadRow, Manifest
from cometapi_runway.batch._rows import Row
from cometapi_runway.errors import ConfigurationError

from ..support.manifests import (
    PICTURE,
    UPSCALE,
    VIDEO,
    read,
    read_bad,
    read_rows,
    to_csv,
    to_json,
    to_jsonl,
)

WRITERS = {"m.jsonl": to_jsonl, "m.ndjson": to_jsonl, "m.csv": to_csv, "m.JSON": to_json}
HEAD = b"id,operation,video_uri\n"
GOOD = b"a,video-upscale,https://example.com/a.mp4\n"

texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\r"), min_size=1
).filter(lambda text: text.strip() != "")
rows = st.fixed_dictionaries(
    {"prompt_text": texts},
    optional={
        "duration": st.integers(),
        "watermark": st.booleans(),
        "seed": st.integers(0, 10**9),
        "extra_body": st.dictionaries(st.text(max_size=3), st.integers() | st.none(), max_size=2),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(rows, min_size=1, max_size=4))
def test_the_format_makes_no_difference(tmp_path: Path, given_rows: list[dict[str, Any]]) -> None:
    full = [{"id": f"{n}", **VIDEO, **row} for n, row in enumerate(given_rows)]
    found = [read_rows(tmp_path, write(full), name) for name, write in WRITERS.items()]

    assert len(found[0]) == len(full)
    for one in found[1:]:
        for left, right in zip(found[0], one, strict=True):
            assert left.arguments == right.arguments
            assert (left.id, left.digest, left.output) == (right.id, right.digest, right.output)


@each_case("name", WRITERS)
@each_case("mark", [b"", b"\xef\xbb\xbf"])
@each_case("crlf", [False, True])
def test_byte_order_marks_and_line_ends(name: str, mark: bytes, crlf: bool, tmp_path: Path) -> None:
    content = WRITERS[name]([{"id": "ä", **UPSCALE}, {"id": "b", **UPSCALE}])
    content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n" if crlf else b"\n")

    assert [row.id for row in read_rows(tmp_path, mark + content, name)] == ["ä", "b"]


def test_lines_are_those_on_which_rows_begin(tmp_path: Path) -> None:
    rows = b'a,image-to-video,"two\nlines"\n\n,,\nb,image-to-video,one\n'
    head = b"id,operation,prompt_text\n"
    found = read(tmp_path, b"\n" + head + rows, "m.csv")
    assert [(item.line, item.id) for item in found] == [(3, "a"), (7, "b")]

    found = read(tmp_path, b'\n{"id": "a"}\n\n \n{"id": "b"}', "m.jsonl", operation="video_upscale")
    assert [(item.line, item.id) for item in found] == [(2, "a"), (5, "b")]

    text = b'\n[ {"id":\n"a"},\n\n{"id": "b"}, {"id": "c"}\n]\n'
    found = read(tmp_path, text, "m.json", operation="video_upscale")
    assert [(item.line, item.id) for item in found] == [(2, "a"), (5, "b"), (5, "c")]


@each_case(
    ("name", "content", "expected"),
    [
        ("m.jsonl", b'{"id": \n' + to_jsonl([UPSCALE]), [(1, "", "json")]),
        ("m.jsonl", to_jsonl([UPSCALE]) + b'{"id": "b", "vid', [(2, "", "torn")]),
        ("m.jsonl", b"{} {}\n", [(1, "", "json")]),
        ("m.jsonl", b"[1]\n7\nnull\n", [(1, "", "type"), (2, "", "type"), (3, "", "type")]),
        ("m.jsonl", b'{"id": "a", "id": "b"}\n', [(1, "id", "unique")]),
        ("m.jsonl", b'{"id": "caf\xe9"}\n', [(1, "", "utf-8")]),
        ("m.jsonl", b'{"id": "a\0b"}\n', [(1, "", "nul")]),
        ("m.jsonl", b"[" * 100_000 + b"\n", [(1, "", "json")]),
        ("m.jsonl", b"9" * 5000 + b"\n", [(1, "", "json")]),
        ("m.jsonl", '{"id": 1}\n'.encode("utf-16"), [(1, "", "utf-8")]),
        ("m.csv", b"id,operation,id\n" + GOOD, [(1, "", "unique")]),
        ("m.csv", b"id,,video_uri\n" + GOOD, [(1, "", "name")]),
        ("m.csv", b"id,caf\xe9\n" + GOOD, [(1, "", "name")]),
        ("m.csv", b"id,a\0b,video_uri\n" + GOOD, [(1, "", "name")]),
        ("m.csv", b"id;operation;video_uri\n" + GOOD, [(1, "", "csv")]),
        ("m.csv", HEAD + b"a,b,c,d\n" + GOOD, [(2, "", "cells")]),
        ("m.csv", HEAD + b"a,b\n" + GOOD, [(2, "", "cells")]),
        ("m.csv", HEAD + GOOD + b"b,video-ups", [(3, "", "cells")]),
        ("m.csv", HEAD + b"caf\xe9,b,c\n" + GOOD, [(2, "id", "utf-8")]),
        ("m.csv", HEAD + b"a,b,c\0\n" + GOOD, [(2, "video_uri", "nul")]),
        ("m.csv", HEAD + GOOD + b'b,"video-upscale,c\n' + GOOD, [(3, "", "csv")]),
        ("m.csv", HEAD + b'b,"x"y,c\n', [(2, "", "csv")]),
        ("m.csv", HEAD + b"b," + b"x" * 200_000 + b",c\n", [(2, "", "csv")]),
        ("m.json", b'{"id": "a"}', [(1, "", "type")]),
        ("m.json", b"", [(1, "", "type")]),
        ("m.json", b"[]", []),
        ("m.json", b" [ ] ", []),
        ("m.json", b'[\n{"id": "a"', [(2, "", "json")]),
        ("m.json", b"[\n{},", [(2, "", "required"), (2, "", "json")][1:]),
        ("m.json", b"[]\n[]", [(1, "", "json")]),
        ("m.json", b"[]x", [(1, "", "json")]),
        ("m.json", b"\n[\n]]", [(3, "", "json")]),
        ("m.json", b'[\n\n{"id": "caf\xe9"}]', [(3, "", "utf-8")]),
        ("m.json", b"[\n7]", [(2, "", "type")]),
        ("m.json", b'[{"a": 1, "a": 2}]', [(1, "a", "unique")]),
    ],
)
def test_what_cannot_be_read_is_named(
    name: str, content: bytes, expected: list[tuple[int, str, str]], tmp_path: Path
) -> None:
    bad = [one for one in read_bad(tmp_path, content, name) if one[1] != "operation"]

    assert bad == expected


def test_the_place_in_a_line_is_named_and_the_line_where_a_row_may_have_many(
    tmp_path: Path,
) -> None:
    for name, content, place in (
        ("m.jsonl", b'{"id": "a"}\n{"id": x}\n', "at column 8"),
        ("m.json", b'[{"id": "a"},\n{"id": x}]', "at line 2, column 8"),
    ):
        bad = read(tmp_path, content, name)[-1]
        assert isinstance(bad, BadRow)
        problem = bad.issues[0].message.rpartition(": ")[2]
        assert problem.partition(";")[0] == f"Expecting value {place}"


def test_what_is_before_a_broken_byte_is_shown_from_the_next_whole_character(
    tmp_path: Path,
) -> None:
    content = b'{"id": "' + ("é" * 12 + "x").encode() + b'\xe9"}\n'
    (bad,) = read(tmp_path, content, "m.jsonl")
    assert isinstance(bad, BadRow)
    assert f"got the byte 0xe9 after '{'é' * 9}x';" in bad.issues[0].message


def test_what_is_no_array_is_refused_at_the_line_where_it_begins(tmp_path: Path) -> None:
    (bad,) = read(tmp_path, b"\n{}", "m.json")
    assert isinstance(bad, BadRow)
    assert bad.place.startswith("line 2")


def test_a_column_without_a_name_is_counted_from_one(tmp_path: Path) -> None:
    (bad,) = read(tmp_path, b",operation\nx,y\n", "m.csv")
    assert isinstance(bad, BadRow)
    assert bad.issues[0].message.endswith("as column 1")


def test_only_empty_cells_are_left_out_at_the_end_of_a_row(tmp_path: Path) -> None:
    for cells, count in ((b"a,b,c,,", 0), (b"a,b,c,d,", 4), (b"a,b,c,,d,,", 5)):
        (row,) = read(tmp_path, HEAD + cells + b"\n", "m.csv")
        texts = [issue.message for issue in row.issues] if isinstance(row, BadRow) else []
        assert any(f"has {count} cells" in text for text in texts) is bool(count)


def test_a_row_with_another_number_of_cells_shows_the_last_one(tmp_path: Path) -> None:
    for cells, count in ((b"a,b,c,d", "4 cells"), (b"a,b", "2 cells")):
        (bad,) = read(tmp_path, HEAD + cells + b"\n", "m.csv")
        assert isinstance(bad, BadRow)
        (issue,) = bad.issues
        last = cells.decode()[-1]
        assert issue.value == last
        assert f"has {count}, the header 3 columns (cells); the last is '{last}'" in issue.message


def test_bytes_that_are_not_utf8_are_shown_as_they_are(tmp_path: Path) -> None:
    (bad,) = read(tmp_path, HEAD + b"caf\xe9,b,c\n", "m.csv")
    assert isinstance(bad, BadRow)
    assert r"got 'caf\xe9'" in bad.issues[0].message


@pytest.mark.parametrize(("name", "line"), [("m.json", 2), ("m.jsonl", 2)])
def test_a_byte_that_is_not_utf8_is_named_with_what_is_before_it(
    name: str, line: int, tmp_path: Path
) -> None:
    before = "".join(map(chr, range(ord("a"), ord("u"))))
    (bad,) = read(tmp_path, b"\n--" + before.encode() + b"\xff", name)
    assert isinstance(bad, BadRow)
    (issue,) = bad.issues
    assert (bad.place.partition(" ")[2].partition(" ")[0], issue.value) == (f"{line}", "0xff")
    assert f"got the byte 0xff after '{before}'; save it" in issue.message
    (bad,) = read(tmp_path, b"a\xff", name)
    assert isinstance(bad, BadRow)
    assert "got the byte 0xff after 'a'; save it" in bad.issues[0].message


def test_an_array_needs_no_blanks(tmp_path: Path) -> None:
    rows = [{**UPSCALE, "id": name} for name in "abc"]
    for separators in ((",", ":"), (" ,\n", " : ")):
        content = json.dumps(rows, separators=separators).encode()
        assert [row.id for row in read_rows(tmp_path, content, "m.json")] == ["a", "b", "c"]


def test_reading_goes_on_after_a_bad_row(tmp_path: Path) -> None:
    content = HEAD + b"caf\xe9,b,c\na,b\n" + GOOD
    assert [type(item) for item in read(tmp_path, content, "m.csv")] == [BadRow, BadRow, Row]
    content = b"nonsense\n" + to_jsonl([UPSCALE]) + b"{"
    assert [type(item) for item in read(tmp_path, content)] == [BadRow, Row, BadRow]


def test_a_last_line_without_a_line_end_is_a_row(tmp_path: Path) -> None:
    assert len(read_rows(tmp_path, to_jsonl([UPSCALE]).rstrip())) == 1


def test_empty_columns_and_cells_at_the_end_are_ignored(tmp_path: Path) -> None:
    content = b"id,operation,video_uri,,\n" + GOOD.rstrip() + b",,,, \n,,\n\n"
    (row,) = read_rows(tmp_path, content, "m.csv")
    assert row.arguments == {"video_uri": "https://example.com/a.mp4"}


@each_case("name", ["m.txt", "m", "m.jsonl.gz", ".csv"])
def test_another_end_of_the_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"must end in one of \.jsonl") as caught:
        read(tmp_path, b"", name)
    assert caught.value.setting == "manifest"


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("missing.csv", "folder.csv", "nul\0.csv"):
        with pytest.raises(ConfigurationError, match="cannot be read") as caught:
            list(Manifest(tmp_path / name).read())
        assert caught.value.setting == "manifest"


def test_a_line_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_records, "_MAX_LINE_BYTES", 100)
    content = to_jsonl([UPSCALE]) + b'"' + b"x" * 1000

    assert read_bad(tmp_path, content) == [(2, "", "maxBytes")]
    # A line of exactly so many bytes, its end included, is read.
    line = to_jsonl([UPSCALE])
    for limit, expected in ((len(line), []), (len(line) - 1, [(1, "", "maxBytes")])):
        monkeypatch.setattr(_records, "_MAX_LINE_BYTES", limit)
        assert read_bad(tmp_path, line) == expected


def test_null_counts_as_absent(tmp_path: Path) -> None:
    row = {"id": None, "output": None, "seed": None, **VIDEO}
    (found,) = read_rows(tmp_path, json.dumps(row).encode())
    assert found.arguments == {"prompt_image": PICTURE, "model": "gen4_turbo"}
