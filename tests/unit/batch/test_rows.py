"""From a row of the manifest to operation, arguments, id, name and digest."""

from __future__ import annotations

import gc
import hashlib
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway.batch._manifest import BadRow, Manifest
from cometapi_runway.batch._rows import ROW_OPTIONS, Row, _read_text, find_resource
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.resources._argument_fields import ValueKind
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.resources._signatures import OPTIONS

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

IMAGE = {"operation": "text_to_image", "prompt_text": "A cat"}


@each_case("resource", list_client_resources(), ids=lambda one: one.name)
def test_an_operation_has_its_names_of_client_and_command_line(resource: ClientResource) -> None:
    words = resource.command_words
    for name in (resource.name, resource.python_name, " ".join(words), ".".join(words)):
        assert find_resource(name).name == resource.name


@each_case("name", ["image_to_vide", "", 5, True, ["x"], "tasks"])
def test_an_unknown_operation_is_refused(name: Any, tmp_path: Path) -> None:
    rule = "required" if name == "" else "unknown"
    assert read_bad(tmp_path, [{"id": "a", "operation": name}]) == [(1, "operation", rule)]


def test_the_default_operation_is_for_rows_that_name_none(tmp_path: Path) -> None:
    rows = [{"video_uri": PICTURE}, {**VIDEO}]
    found = read_rows(tmp_path, rows, operation="video-upscale")
    assert [row.resource.name for row in found] == ["video_upscale", "image_to_video"]
    with pytest.raises(ConfigurationError, match="did you mean 'video_upscale'") as caught:
        Manifest("m.csv", operation="video_upscal")
    assert caught.value.setting == "operation"


@each_case(
    ("field", "cell", "value"),
    [
        ("duration", "5", 5),
        ("duration", " 5 ", 5),
        ("duration", "5.5", 5.5),
        ("duration", "five", "five"),
        ("duration", "007", "007"),
        ("duration", "NaN", "NaN"),
        ("duration", "1e999", float("inf")),
        ("duration", "9" * 5000, "9" * 5000),
        ("watermark", "true", True),
        ("watermark", "FALSE", False),
        ("watermark", "yes", "yes"),
        ("prompt_text", "5", "5"),
        ("prompt_text", "{not json", "{not json"),
        ("prompt_text", " x ", " x "),
        ("ratio", "1280:720", "1280:720"),
        ("prompt_image", PICTURE, PICTURE),
        ("prompt_image", '[{"uri": "https://e.com/a.png"}]', [{"uri": "https://e.com/a.png"}]),
        ("extra_body", '{"a": [1]}', {"a": [1]}),
        ("validate", "false", False),
        ("runway_version", "2024-11-06", "2024-11-06"),
    ],
)
def test_cells_are_typed_by_the_contract(field: str, cell: str, value: Any, tmp_path: Path) -> None:
    (row,) = read_rows(tmp_path, to_csv([{**VIDEO, "id": "a", field: cell}]), "m.csv")
    assert row.arguments[field] == value
    assert type(row.arguments[field]) is type(value)
    # What --set fills in is typed in the same way.
    braces = cell.replace("{", "{{").replace("}", "}}")
    (row,) = read_rows(tmp_path, [{**VIDEO, "id": "a"}], assignments=[f"{field}={braces}"])
    assert row.arguments[field] == value


K = ValueKind


@each_case(
    ("kinds", "text", "value"),
    [
        *(((K.CHOICE, K.ASSET), text, value)
          for text, value in ((' {"a": 1}', {"a": 1}), (" [1]", [1]), (" x", " x"), ("", ""))),
        ((K.ASSETS,), ' {"a": 1}', [{"a": 1}]),
        *(((K.ASSETS,), text, value) for text, value in ((" [1]", [1]), (" x", [" x"]))),
        *(((K.LIST, K.JSON), text, value) for text, value in (("[5]", [5]), ("5", 5))),
        *(((K.INTEGER, K.NUMBER), text, value)
          for text, value in ((" -5 ", -5), ("1.5e+3", 1500.0), ("1E2", 100.0), ("5.", "5."),
                              ("--5", "--5"), ("1e9999", "1e9999"))),
        *(((K.BOOLEAN,), text, value)
          for text, value in ((" True ", True), ("FALSE", False), ("no", "no"))),
        ((K.TEXT,), "[5]", "[5]"),
    ],
)  # fmt: skip
def test_a_text_is_a_value_of_its_kind(kinds: Any, text: str, value: Any) -> None:
    for kind in kinds:
        found = _read_text(kind, text)
        assert (found, type(found)) == (value, type(value))


def test_values_of_json_are_not_typed_again(tmp_path: Path) -> None:
    (row,) = read_rows(tmp_path, [{**VIDEO, "duration": "5", "watermark": "true"}])
    assert (row.arguments["duration"], row.arguments["watermark"]) == ("5", "true")


def test_an_empty_cell_is_absent(tmp_path: Path) -> None:
    content = to_csv([{**VIDEO, "id": "a", "duration": "", "unknown": " "}])
    (row,) = read_rows(tmp_path, content, "m.csv")
    assert row.arguments == {"prompt_image": PICTURE, "model": "gen4_turbo"}


@each_case(
    ("field", "cell"),
    [
        ("extra_body", "{"),
        ("extra_body", "x"),
        ("prompt_image", "[{"),
        ("prompt_image", "~nobody/x"),
    ],
)
def test_a_cell_that_must_be_json_and_is_not_is_refused(
    field: str, cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expand(path: Path) -> Path:
        if path.parts[0] == "~nobody":
            raise RuntimeError("Could not determine home directory.")
        return path

    monkeypatch.setattr(Path, "expanduser", expand)
    content = to_csv([{**VIDEO, "id": "a", field: cell}])
    assert read_bad(tmp_path, content, "m.csv") == [(2, field, "json")]


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
def test_local_files_are_found_from_the_manifests_folder(name: str, tmp_path: Path) -> None:
    rows = [
        {**VIDEO, "id": "a", "prompt_image": "cat.png"},
        {**VIDEO, "id": "b", "prompt_image": str(tmp_path / "cat.png")},
        {**VIDEO, "id": "c", "prompt_image": [{"uri": "cat.png", "position": "first"}]},
        {**IMAGE, "id": "d", "reference_images": ["cat.png", {"uri": PICTURE, "tag": "t"}]},
    ]
    content = to_csv(rows) if name == "m.csv" else to_jsonl(rows)
    file = tmp_path / "cat.png"
    first, second, third, fourth = read_rows(tmp_path, content, name)

    assert first.arguments["prompt_image"] == second.arguments["prompt_image"] == file
    assert third.arguments["prompt_image"] == [{"uri": file, "position": "first"}]
    assert fourth.arguments["reference_images"] == [file, {"uri": PICTURE, "tag": "t"}]


def test_a_cell_with_one_file_is_a_list_where_the_argument_is_one(tmp_path: Path) -> None:
    content = to_csv([{**IMAGE, "id": "a", "reference_images": "cat.png"}])
    (row,) = read_rows(tmp_path, content, "m.csv")
    assert row.arguments["reference_images"] == [tmp_path / "cat.png"]


def test_an_unknown_column_is_refused_unless_a_template_reads_it(tmp_path: Path) -> None:
    rows = [{**VIDEO, "hero": "A cat", "id": "a"}]
    assert read_bad(tmp_path, rows) == [(1, "hero", "unknown")]
    (row,) = read_rows(tmp_path, rows, assignments=["prompt_text={hero} ({id})"])
    assert row.arguments["prompt_text"] == "A cat (a)"
    assert "hero" not in row.arguments
    # Its name is one edit away from an argument's.
    (bad,) = read(tmp_path, [{**VIDEO, "promt_text": "x"}])
    assert isinstance(bad, BadRow)
    assert "did you mean 'prompt_text'?" in bad.issues[0].message


def test_headers_and_timeouts_do_not_belong_into_a_manifest(tmp_path: Path) -> None:
    for name in OPTIONS - ROW_OPTIONS.keys():
        assert read_bad(tmp_path, [{**VIDEO, name: 1}]) == [(1, name, "unknown")]


def test_set_takes_precedence_and_reads_the_rows_own_values(tmp_path: Path) -> None:
    row = {**VIDEO, "id": "a", "prompt_text": "A cat", "duration": 5}
    assignments = ["prompt_text={prompt_text}, {duration} s", "duration=10", "id={id}-{model}"]
    (found,) = read_rows(tmp_path, [row], assignments=assignments)
    assert found.arguments["prompt_text"] == "A cat, 5 s"
    assert found.arguments["duration"] == 10
    assert found.id == "a-gen4_turbo"


def test_set_fills_operation_and_output(tmp_path: Path) -> None:
    rows = [{"kind": "video-upscale", "video_uri": PICTURE}]
    (row,) = read_rows(tmp_path, rows, assignments=["operation={kind}", "output=up/{id}"])
    assert row.resource.name == "video_upscale"
    assert row.output == f"up/{row.id}"


def test_a_template_that_fails_does_not_make_its_columns_unknown(tmp_path: Path) -> None:
    rows = [{**VIDEO, "hero": "A cat", "scene": "x"}]
    found = read_bad(tmp_path, rows, assignments=["prompt_text={hero} in {place}"])
    assert found == [(1, "prompt_text", "template")]
    found = read_bad(tmp_path, rows, assignments=["prompt_text={hero}"])
    assert found == [(1, "scene", "unknown")]


def test_every_issue_of_a_row_is_reported(tmp_path: Path) -> None:
    bad = read_bad(tmp_path, [{**VIDEO, "id": "a\nb", "output": "../x", "extra": 1}])
    assert bad == [(1, "id", "printable"), (1, "extra", "unknown"), (1, "output", "inside")]
    for output in (5, ["a"], True):
        assert read_bad(tmp_path, [{**VIDEO, "output": output}]) == [(1, "output", "type")]


def test_an_unknown_field_lists_those_that_there_are(tmp_path: Path) -> None:
    (bad,) = read(tmp_path, [{**UPSCALE, "zzzzzzzz": 1}])
    assert isinstance(bad, BadRow)
    for name in ("video_uri", "id", "operation", "output"):
        assert name in bad.issues[0].message.partition("; ")[2]


class TestIds:
    @each_case(
        ("value", "expected"),
        [("a", "a"), (" a ", "a"), (17, "17"), ("ä/b", "ä/b"), ("x" * 200, "x" * 200)],
    )
    def test_forms(self, value: Any, expected: str, tmp_path: Path) -> None:
        (row,) = read_rows(tmp_path, [{**UPSCALE, "id": value}])
        assert row.id == expected
        assert row.has_own_id

    @each_case(
        ("value", "rule"),
        [
            (True, "type"),
            (1.5, "type"),
            (["a"], "type"),
            ("a\x1b[2J", "printable"),
            ("\ud800", "printable"),
            ("x" * 201, "maxLength"),
        ],
    )
    def test_refusals(self, value: Any, rule: str, tmp_path: Path) -> None:
        assert read_bad(tmp_path, [{**UPSCALE, "id": value}]) == [(1, "id", rule)]

    def test_a_repeated_id_is_refused_and_names_the_other_line(self, tmp_path: Path) -> None:
        rows = [{**UPSCALE, "id": "5"}, {**VIDEO}, {**VIDEO, "id": 5}]
        (_, _, bad) = read(tmp_path, rows)
        assert isinstance(bad, BadRow)
        assert bad.place == "line 3 (5)"
        assert [issue.rule for issue in bad.issues] == ["unique"]
        assert "line 1" in bad.issues[0].message

    def test_a_row_without_an_id_keeps_its_id_when_rows_move(self, tmp_path: Path) -> None:
        rows = [{**UPSCALE, "video_uri": f"https://example.com/{n}.mp4"} for n in range(20)]
        ids = {row.arguments["video_uri"]: row.id for row in read_rows(tmp_path, rows)}
        random.Random(1).shuffle(rows)
        moved = read_rows(tmp_path, [{**VIDEO}, *rows])
        assert {row.arguments["video_uri"]: row.id for row in moved[1:]} == ids
        assert len(set(ids.values())) == len(rows)
        assert not any(row.has_own_id for row in moved)

    def test_equal_rows_without_an_id_are_refused(self, tmp_path: Path) -> None:
        assert read_bad(tmp_path, [UPSCALE, VIDEO, UPSCALE]) == [(3, "id", "unique")]
        assert len(read_rows(tmp_path, [UPSCALE, {**UPSCALE, "id": "again"}])) == 2

    def test_a_malformed_id_is_shown_on_one_line(self, tmp_path: Path) -> None:
        (bad,) = read(tmp_path, [{**UPSCALE, "id": "a\nb"}])
        assert isinstance(bad, BadRow)
        assert bad.place == "line 1 ('a\\nb')"


class TestDigests:
    def make(self, folder: Path, *rows: dict[str, Any]) -> list[str]:
        return [
            row.digest
            for row in read_rows(folder, [{**row, "id": n} for n, row in enumerate(rows)])
        ]

    def test_order_of_fields_id_and_output_do_not_matter(self, tmp_path: Path) -> None:
        backwards = dict(reversed({**VIDEO, "output": "x"}.items()))
        one, other = self.make(tmp_path, VIDEO, backwards)
        assert one == other

    def test_they_are_the_same_in_every_version(self, tmp_path: Path) -> None:
        """A batch knows its rows again by them, and its tasks by the ids made of them."""
        (tmp_path / "cat.png").write_bytes(b"cat")
        row = {"operation": "image-to-video", "prompt_image": "cat.png", "seed": 1}
        content = (
            '{"arguments": {"prompt_image": {"sha256": "'
            f'{hashlib.sha256(b"cat").hexdigest()}"}}, "seed": 1}}, "operation": "image_to_video"}}'
        )
        digest = hashlib.sha256(content.encode()).hexdigest()
        (made,) = read_rows(tmp_path, [row])
        assert (made.digest, made.id, made.has_own_id) == (digest, digest[:16], False)

    def test_operation_and_each_argument_matter(self, tmp_path: Path) -> None:
        found = self.make(
            tmp_path,
            VIDEO,
            {**VIDEO, "model": "gen3a_turbo"},
            {**VIDEO, "seed": 1},
            {**VIDEO, "seed": 2},
            {**VIDEO, "extra_body": {"a": 1}},
            {"operation": "compat.act_one", "video": PICTURE},
            {"operation": "compat.video_to_video", "video": PICTURE},
        )
        assert len(set(found)) == len(found)

    def test_a_local_file_counts_by_its_content(self, tmp_path: Path) -> None:
        for name, content in (("a.png", b"one"), ("b.png", b"one"), ("c.png", b"two")):
            (tmp_path / name).write_bytes(content)
        rows = [{**VIDEO, "prompt_image": name} for name in ("a.png", "b.png", "c.png", "no.png")]
        first, copy, other, missing = self.make(tmp_path, *rows)
        assert first == copy
        assert len({first, other, missing}) == 3
        (tmp_path / "a.png").write_bytes(b"six")
        os.utime(tmp_path / "a.png", ns=(0, 0))
        changed, *_ = self.make(tmp_path, *rows)
        assert changed not in {first, other}

    def test_a_name_that_no_system_allows_is_left_to_the_check(self, tmp_path: Path) -> None:
        first, second = self.make(
            tmp_path,
            {**VIDEO, "prompt_image": "a\0b.png"},
            {**VIDEO, "prompt_image": "a\0c.png"},
        )
        assert first != second

    def test_the_manifests_folder_does_not_matter(self, tmp_path: Path) -> None:
        digests = set()
        for folder in (tmp_path / "a", tmp_path / "b"):
            folder.mkdir()
            (folder / "cat.png").write_bytes(b"cat")
            digests.update(self.make(folder, {**VIDEO, "prompt_image": "cat.png"}))
        assert len(digests) == 1


def alive(kind: type) -> Sequence[object]:
    return [one for one in gc.get_objects() if isinstance(one, kind)]


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl", "m.json"])
def test_rows_are_not_kept(name: str, tmp_path: Path) -> None:
    rows = [{**UPSCALE, "id": f"{n}"} for n in range(300)]
    file = tmp_path / name
    write = {"m.csv": to_csv, "m.jsonl": to_jsonl, "m.json": to_json}[name]
    file.write_bytes(write(rows))
    # What earlier tests have left in cycles.
    gc.collect()
    for count, _ in enumerate(Manifest(file).read(), 1):
        if count == 250:
            assert len(alive(Row)) <= 3
