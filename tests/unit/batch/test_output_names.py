"""Names of outputs stay in the folder, fit every system, and belong to one row."""

from __future__ import annotations

import sys
import tempfile
from itertools import product
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.batch._output_names import (
    ExistingFiles,
    OutputNames,
    clean_output_name,
    is_reserved,
    number_name,
)
from cometapi_runway.batch._outputs import open_folder
from cometapi_runway.batch._records import Record
from cometapi_runway.batch._rows import RowMaker
from cometapi_runway.errors import ConfigurationError, InvalidRequestError

from ..support.manifests import UPSCALE, read_bad, read_rows


def rules(name: str) -> list[str]:
    try:
        clean_output_name(name)
    except InvalidRequestError as error:
        return [issue.rule for issue in error.issues if issue.path == "output"]
    return []


@each_case(
    ("name", "expected"),
    [
        ("cat", "cat"),
        ("cat.mp4", "cat"),
        ("cat.PNG", "cat"),
        ("cat.v2", "cat.v2"),
        ("a/b/cat.mp4", "a/b/cat"),
        ("Kätzchen am Morgen", "Kätzchen am Morgen"),
        ("console", "console"),
        ("~cat", "~cat"),
        ("mp4", "mp4"),
        ("x" * 200, "x" * 200),
        ("ä" * 100, "ä" * 100),
        ("a/" * 499 + "ab", "a/" * 499 + "ab"),
    ],
)
def test_good_names(name: str, expected: str) -> None:
    assert clean_output_name(name) == expected


@each_case(
    ("name", "rule"),
    [
        ("../cat", "inside"),
        ("a/../../cat", "inside"),
        ("a/..", "inside"),
        ("/etc/cat", "inside"),
        ("\\cat", "inside"),
        ("C:cat", "inside"),
        ("c:\\cat", "inside"),
        ("\\\\host\\share", "inside"),
        ("a\\..\\cat", "characters"),
        ("..\\cat", "characters"),
        ("", "name"),
        (".mp4", "name"),
        ("a//b", "name"),
        ("a/", "name"),
        ("./a", "name"),
        ("cat ", "name"),
        (" cat", "name"),
        ("cat.", "name"),
        ("a /b", "name"),
        ("cat\n", "characters"),
        ("cat\0", "characters"),
        ("ab:c", "characters"),
        ("wh?t", "characters"),
        ("\ud800", "characters"),
        ("nul", "reserved"),
        ("COM1", "reserved"),
        ("com¹", "reserved"),
        ("Aux.tar", "reserved"),
        ("a/prn/b", "reserved"),
        ("x" * 201, "maxLength"),
        ("ä" * 101, "maxLength"),
        ("a/" * 500 + "a", "maxLength"),
        ("cat.mp4/b", "name"),
        ("cat.part/b", "name"),
        ("cat.bin/b", "name"),
    ],
)
def test_bad_names(name: str, rule: str) -> None:
    assert rule in rules(name)
    assert len(rules(name)) == len(set(rules(name)))


@given(st.text(alphabet="a./\\: C~\0", max_size=12))
def test_no_name_leaves_the_folder_on_any_system(name: str) -> None:
    try:
        name = clean_output_name(name)
    except InvalidRequestError:
        return
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind(name)
        assert not path.is_absolute()
        assert not path.drive
        assert not path.root
        assert ".." not in path.parts


@given(
    st.text(min_size=1, max_size=64).filter(
        lambda text: text.strip().isprintable() and text.strip() != ""
    )
)
def test_the_default_name_of_any_id_is_good(row_id: str) -> None:
    row, issues = RowMaker(Path(), None, ()).make(Record(1, {"id": row_id, **UPSCALE}))
    assert row is not None
    assert issues == []
    assert clean_output_name(row.output) == row.output
    assert "/" not in row.output


@pytest.mark.parametrize("name", ["con", "NUL", "lpt9"])
def test_the_default_name_is_never_reserved(name: str, tmp_path: Path) -> None:
    (row,) = read_rows(tmp_path, [{**UPSCALE, "id": name}])
    assert not is_reserved(row.output)


@each_case(
    ("first", "second"),
    [
        ("cat", "CAT"),
        ("cat", "cat.mp4"),
        ("Straße", "STRASSE"),
        ("a/b", "A/b.png"),
        ("caf\u00e9", "cafe\u0301"),
        ("cat", "cat-1of2"),
        ("cat-1of2", "CAT-1of2"),
    ],
)
def test_names_that_may_be_the_same_file_are_refused(
    first: str, second: str, tmp_path: Path
) -> None:
    for pair in ((first, second), (second, first)):
        rows = [{**UPSCALE, "id": str(n), "output": name} for n, name in enumerate(pair)]
        assert read_bad(tmp_path, rows) == [(2, "output", "unique")]


def test_ids_that_differ_in_case_only_need_names(tmp_path: Path) -> None:
    rows = [{**UPSCALE, "id": "cat"}, {**UPSCALE, "id": "Cat"}]
    assert read_bad(tmp_path, rows) == [(2, "output", "unique")]
    assert read_bad(tmp_path, [rows[0], {**rows[1], "output": "other"}]) == []


def test_files_of_accepted_names_never_meet() -> None:
    parts = ("cat", "cat-1", "cat-2", "cat-1of1", "cat-1of2", "cat-1of2-1of2", "Cat", "dog")
    names = OutputNames()
    taken = [name for line, name in enumerate(parts, 1) if not names.add(name, line)]
    files = [
        number_name(name, index, count).casefold()
        for name, count in product(taken, (1, 2, 3))
        for index in range(count)
    ]
    assert {"cat", "cat-1", "cat-2", "dog"} <= set(taken)
    assert len(set(files)) == len(files)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder, outside = tmp_path / "out", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "away").symlink_to(outside)
    (folder / "near").mkdir()
    (folder / "there").symlink_to(folder / "near")
    rows = [
        {**UPSCALE, "id": f"{n}", "output": name}
        for n, name in enumerate(["away/a", "away/deep/b", "near/c", "there/d", "new/e", "f"])
    ]
    expected = [(1, "output", "inside"), (2, "output", "inside")]
    assert read_bad(tmp_path, rows, output_folder=folder) == expected
    # The folder itself may be a link.
    (tmp_path / "link").symlink_to(folder)
    assert read_bad(tmp_path, rows, output_folder=tmp_path / "link") == expected
    assert read_bad(tmp_path, rows) == []


FILES = st.sampled_from(["cat.mp4", "CAT.png", "cat-2of3.webm", "cat.bin", "a/cat.mp4"])
OTHERS = st.sampled_from(
    ["cat.txt", "cat", "cat.mp4.part", "cat-2.mp4", "acat.mp4", "results.jsonl"]
)


@given(
    taken=st.sets(FILES), others=st.sets(OTHERS), name=st.sampled_from(["cat", "a/cat", "b/cat"])
)
@settings(max_examples=40)
def test_a_file_with_the_name_of_an_output_is_found_and_no_other(
    taken: set[str], others: set[str], name: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for file in taken | others:
            (Path(folder) / file).parent.mkdir(exist_ok=True)
            (Path(folder) / file).touch()
        issues = ExistingFiles(Path(folder)).check(name, "line 2 (cat)")
    folders = {file.rpartition("/")[0] for file in taken}
    assert bool(issues) is (name.rpartition("/")[0] in folders)
    assert {(issue.path, issue.rule, issue.value) for issue in issues} <= {
        ("output", "exists", name)
    }


@pytest.mark.parametrize("missing", [False, True])
def test_a_folder_of_an_unknown_file_system_is_refused(
    monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    if missing:
        monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(ConfigurationError, match="output: cannot open nosuch://x: ") as refusal:
        open_folder("nosuch://x")
    assert refusal.value.setting == "output"


def test_a_file_in_place_of_a_folder_has_no_outputs(tmp_path: Path) -> None:
    (tmp_path / "cat").touch()
    assert ExistingFiles(tmp_path).check("cat/first", "line 2 (cat)") == []
