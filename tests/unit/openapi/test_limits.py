"""Limits, flags and defaults of the tools: each at its value, and one beyond."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest

from contract_tools.__main__ import _parser
from contract_tools._common import atomic_files, portable_yaml
from contract_tools._common.json_values import Json, JsonObject, shorten
from contract_tools._common.openapi import Operation, resolve
from contract_tools._common.workspace import Workspace
from contract_tools.diff import report, witness
from contract_tools.diff.changes import Change, Judgement
from contract_tools.diff.spec_diff import Comparison
from contract_tools.generate import regenerate
from contract_tools.operation import fields, names, samples, signature


def test_a_long_value_is_cut_to_60_characters() -> None:
    assert shorten("é" * 58) == f'"{"é" * 58}"'
    assert shorten("é" * 59) == f'"{"é" * 58}…'


def test_yaml_breaks_lines_after_100_characters() -> None:
    for length in (97, 98):
        lines = portable_yaml.dump({"k": f"{'a' * length} é"}).splitlines()
        assert len(lines) == length - 96
        assert lines[-1].endswith(" é")


def test_a_chain_of_references_is_followed_20_times() -> None:
    chain: JsonObject = {f"n{i}": {"$ref": f"#/n{i + 1}"} for i in range(21)}
    document: JsonObject = {**chain, "n21": {"type": "string"}}
    assert resolve(document, {"$ref": "#/n2"}) == {"type": "string"}
    assert resolve(document, {"$ref": "#/n1"}) == {"$ref": "#/n21"}


def report_on(value: Json) -> Comparison:
    change = Change("é", "body", "", "what", Judgement("breaking", "why", [value]))
    return Comparison("v1", (change,))


def test_a_report_shows_1500_characters_of_a_witness(tmp_path: Path) -> None:
    for length, shown in ((1498, f'"{"é" * 1498}"'), (1499, f'"{"é" * 1498}…')):
        comparison = report_on("é" * length)
        assert f"  - for example `{shown}`" in report.as_markdown(comparison)
        assert shown in report.as_html(comparison).replace("&quot;", '"')
    page, data = report.write_reports(comparison, tmp_path)
    assert page.read_text("utf-8") == report.as_html(comparison)
    assert (page.name, data.name) == ("spec-diff.html", "spec-diff.json")
    expected = json.dumps(report.as_json(comparison), indent=2, ensure_ascii=False)
    assert data.read_text("utf-8") == f"{expected}\n"
    report.delete_reports(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_40_lines_of_a_difference_are_shown() -> None:
    # Two lines of heading, and one of place.
    for count, more in ((37, []), (38, ["(1 more line)"]), (39, ["(2 more lines)"])):
        text = "".join(f"{number}\n" for number in range(count)).encode()
        first, *diff, last = regenerate._differences({"a": b""}, {"a": text})
        assert (first, last) == (
            "a: differs", "1 file differs from what `make regenerate` makes; run it"
        )  # fmt: skip
        assert diff[:3] == ["--- a (here)", "+++ a (made)", f"@@ -0,0 +1,{count} @@"]
        assert diff[3:] == [*(f"+{number}" for number in range(37)), *more]


def test_a_search_tries_some_values_of_each_place() -> None:
    """The numbers bound the time of a comparison."""

    def count(schema: JsonObject, focus: str = "") -> int:
        tried: list[Json] = []
        witness.WitnessSearch({}, focus).find(schema, lambda value: bool(tried.append(value)))
        return len(tried)

    many: JsonObject = {"type": "null", "enum": list(range(500))}
    assert count(many) == 400
    # The smallest object, then 20 values of the member, or 400 in focus, then an unknown one.
    one: JsonObject = {"type": "object", "properties": {"a": many}}
    assert count(one) == 1 + 20 + 3
    assert count(one, "/a") == 400
    assert count({"type": "null", "anyOf": [{"const": i} for i in range(9)]}) == 8 * 2 + 1
    # Each item once and three times, and no item.
    assert count({"type": "array", "items": many}) == 20 * 3 + 1


def test_a_search_for_a_text_is_repeatable_and_bounded() -> None:
    settings = witness._SETTINGS
    assert (settings.max_examples, settings.derandomize) == (60, True)
    assert (settings.database, settings.deadline) == (None, None)
    assert set(settings.suppress_health_check) == set(hypothesis.HealthCheck)
    # A text in ASCII is read without effort.
    assert witness._simplest("^é$", "{}") == ()


def test_a_summary_is_cut_to_its_line() -> None:
    for length, end in ((85, "a bb."), (86, "aa.")):
        raw: JsonObject = {"operationId": "a", "summary": f"{'a' * length} bb."}
        first = signature._docstring(Operation("POST", "/a", raw, {}), [], "options")
        assert first.splitlines()[0].endswith(end)
    named: JsonObject = {"operationId": "make_a_thing", "summary": "Takes X."}
    for raw, line in ((named, "Takes X."), ({**named, "summary": ""}, "make a thing.")):
        text = signature._docstring(Operation("POST", "/a", raw, {}), [], "options")
        assert text.startswith(f'"""{line}\n\nArgs:\n    **options: See `CallOptions`.\n\n')


def test_an_overlay_has_a_number_of_its_format(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.overlays.mkdir(parents=True)
    for tag, first, last in (("official", 20, 29), ("compat", 31, 39)):
        new = names.Names(tag, "thing")
        assert names.next_overlay(workspace, new).name.startswith(f"{first}-")
        (workspace.overlays / f"{first + 1}-a.overlay.yaml").touch()
        assert names.next_overlay(workspace, new).name.startswith(f"{first + 2}-")
        for outside in (first - 1, last + 1, 40):
            (workspace.overlays / f"{outside}-a.overlay.yaml").touch()
        assert names.next_overlay(workspace, new).name.startswith(f"{first + 2}-")
        for number in (last - 1, last):
            (workspace.overlays / f"{number}-a.overlay.yaml").touch()
            assert names.next_overlay(workspace, new).name.startswith(f"{last}-")
            (workspace.overlays / f"{number}-a.overlay.yaml").unlink()


def test_a_seed_is_drawn_where_every_drawn_one_is_allowed() -> None:
    for most, minimum, drawn in (
        (10**9 - 1, 0, True), (10**9, None, True), (10**9 - 2, 0, False), (10**9, 1, False)
    ):  # fmt: skip
        schema: JsonObject = {"type": "integer", "maximum": most, "minimum": minimum}
        assert fields._is_drawn("seed", fields.Resolved(frozenset(), schema)) is drawn
    assert not fields._is_drawn("seed", fields.Resolved(frozenset(), {"type": "integer"}))


def test_options_of_the_command_line_are_empty_by_default() -> None:
    assert vars(_parser().parse_args(["vendor", "a"])) == {
        "command": "vendor", "page": "a", "variant": ""
    }  # fmt: skip
    assert vars(_parser().parse_args(["operation", "a"])) == {
        "command": "operation", "page": "a", "name": ""
    }  # fmt: skip
    assert vars(_parser().parse_args(["table"])) == {"command": "table", "write": None}
    found = _parser().parse_args(["table", "--write", "a"])
    assert found.write == Path("a")


def test_a_sample_is_written_as_it_is_read() -> None:
    page: Any = SimpleNamespace(
        source="runway/compat/post-odd.openapi.json",
        operation_id="make_odd",
        document={"paths": {"/a": {"post": {}}}},
    )
    sample = samples.Sample("code", "code sample", {"promptText": "é"}, {})
    text = sample.render(page).decode()
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    assert json.loads(text)["source"] == "compat/odd"


def test_temporary_files_are_next_to_what_they_replace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename is atomic within one file system only."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    renamed: list[tuple[Path, Path]] = []
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        renamed.append((self, target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    atomic_files.replace_files({tmp_path / "a.txt": b"a"})
    ((temporary, target),) = renamed
    assert (temporary.parent, target) == (tmp_path, tmp_path / "a.txt")
    assert re.fullmatch(r"\.a\.txt\.\w{8}", temporary.name)
    with atomic_files.scratch_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        assert re.fullmatch(r"generate-\w{8}", folder.name)
    assert atomic_files.read_tree(tmp_path) == {"a.txt": b"a"}
