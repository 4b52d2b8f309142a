"""The results file has one line for each row, whatever interrupts its writer."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.batch import _results
from cometapi_runway.batch._results import ResultsFile, RowResult, read_results
from cometapi_runway.errors import ConfigurationError

FIELDS = [
    "id",
    "status",
    "task_id",
    "files",
    "attempts",
    "cost",
    "failure_code",
    "error",
    "created_at",
    "ended_at",
]
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DONE = RowResult(
    "cat",
    "SUCCEEDED",
    task_id="task-1",
    files=("a/cat.mp4",),
    attempts=1,
    cost=Decimal("0.10"),
    created_at=NOW,
    ended_at=NOW,
)
REFUSED = RowResult("dög\n", "REFUSED", error="no such model", ended_at=NOW)


def write(folder: Path, *results: RowResult) -> bytes:
    with ResultsFile(folder) as file:
        file.append(results)
    return (folder / "results.jsonl").read_bytes()


def test_a_line_has_exactly_the_documented_fields(tmp_path: Path) -> None:
    content = write(tmp_path, DONE, REFUSED)

    first, second = map(json.loads, content.splitlines())
    assert list(first) == list(second) == FIELDS
    assert first["files"] == ["a/cat.mp4"]
    assert first["cost"] == 0.1
    assert second["cost"] is None
    assert first["ended_at"] == "2026-11-20T12:00:00+00:00"
    assert list(read_results(tmp_path)) == [DONE, REFUSED]


@given(st.decimals(min_value=0, max_value=10**6, places=6))
def test_a_cost_is_read_as_it_was_written(cost: Decimal) -> None:
    line = json.dumps(RowResult("a", "FAILED", cost=cost).to_json())
    assert Decimal(str(json.loads(line, parse_float=Decimal)["cost"])) == cost


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cut=st.integers(0, 400))
def test_a_line_that_was_cut_off_is_removed_and_written_again(cut: int, tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.unlink(missing_ok=True)
    content = write(tmp_path, DONE, REFUSED)
    file.write_bytes(content[: min(cut, len(content))])

    # A reader in another process meets the cut line too.
    before = list(read_results(tmp_path))
    with ResultsFile(tmp_path) as results:
        assert results.statuses == {one.id: one.status for one in before}
        results.append([DONE, REFUSED])
    assert file.read_bytes() == content


def test_a_row_has_one_line(tmp_path: Path) -> None:
    once = write(tmp_path, DONE, DONE)
    assert write(tmp_path, RowResult("cat", "FAILED")) == once
    assert once.count(b"\n") == 1


def test_results_are_on_disk_when_append_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        sync(descriptor)
        synced.append((tmp_path / "results.jsonl").read_bytes())

    with ResultsFile(tmp_path) as file:
        monkeypatch.setattr(os, "fsync", record)
        file.append([DONE, REFUSED])
        assert [content.count(b"\n") for content in synced] == [2]
        file.append([DONE])
        assert len(synced) == 1


def test_a_new_name_is_on_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(_results, "sync_folder", synced.append)
    for count in (1, 1):
        with ResultsFile(tmp_path) as file:
            assert synced == [tmp_path] * count
            file.append([DONE])
    with ResultsFile(tmp_path) as file:
        file.remove({"cat"})
    assert synced == [tmp_path] * 2


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = write(tmp_path, DONE)
    write_bytes = os.write

    def fill(descriptor: int, content: bytes) -> int:
        if len(content) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(descriptor, content[:-50])

    with ResultsFile(tmp_path) as file:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fill)
            with pytest.raises(OSError, match="No space"):
                file.append([REFUSED])
        assert (tmp_path / "results.jsonl").read_bytes() == whole
        assert file.statuses == {"cat": "SUCCEEDED"}
        file.append([REFUSED])
    assert list(read_results(tmp_path)) == [DONE, REFUSED]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    with ResultsFile(tmp_path) as file:
        file.append([DONE])
        with pytest.raises(ConfigurationError, match="written by another process"):
            ResultsFile(tmp_path)
        file.remove({"cat"})
        with pytest.raises(ConfigurationError, match="written by another process"):
            ResultsFile(tmp_path)
    ResultsFile(tmp_path).close()


def test_an_interrupted_start_leaves_the_file_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: ResultsFile) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ResultsFile, "_load", interrupt)
        with pytest.raises(KeyboardInterrupt) as caught:
            ResultsFile(tmp_path)
    # Its frame still holds the file.
    assert caught.tb is not None
    ResultsFile(tmp_path).close()


def test_rows_that_run_again_lose_their_line(tmp_path: Path) -> None:
    again = RowResult("cat", "FAILED", attempts=2)
    with ResultsFile(tmp_path) as file:
        file.append([DONE, REFUSED])
        file.remove({"cat", "unknown"})
        assert file.statuses == {REFUSED.id: "REFUSED"}
        file.append([again])
    assert list(read_results(tmp_path)) == [REFUSED, again]
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


def test_a_removal_that_fails_keeps_every_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = write(tmp_path, DONE, REFUSED)

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with ResultsFile(tmp_path) as file:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse)
            with pytest.raises(OSError, match="No space"):
                file.remove({"cat"})
        assert (tmp_path / "results.jsonl").read_bytes() == content
        file.append([RowResult("new", "UNKNOWN")])
    assert len(list(read_results(tmp_path))) == 3


@each_case(
    "line",
    [
        b"nonsense\n",
        b"[]\n",
        b"{}\n",
        b"\n",
        json.dumps({**DONE.to_json(), "status": "WON"}).encode() + b"\n",
        json.dumps({**DONE.to_json(), "id": 5}).encode() + b"\n",
        json.dumps({**DONE.to_json(), "ended_at": "soon"}).encode() + b"\n",
        json.dumps({**DONE.to_json(), "cost": "much"}).encode() + b"\n",
        b"\xff\n",
    ],
)
def test_a_line_that_is_no_result_is_left_alone(line: bytes, tmp_path: Path) -> None:
    content = write(tmp_path, DONE) + line + write(tmp_path, REFUSED)
    (tmp_path / "results.jsonl").write_bytes(content)

    with pytest.raises(ConfigurationError, match="line 2 is not the result"):
        ResultsFile(tmp_path)
    with pytest.raises(ConfigurationError, match="line 2 is not the result"):
        list(read_results(tmp_path))
    assert (tmp_path / "results.jsonl").read_bytes() == content


def test_two_lines_of_one_row_are_left_alone(tmp_path: Path) -> None:
    content = write(tmp_path, DONE) * 2
    (tmp_path / "results.jsonl").write_bytes(content)
    with pytest.raises(ConfigurationError, match="two lines for the row 'cat'"):
        ResultsFile(tmp_path)
    assert (tmp_path / "results.jsonl").read_bytes() == content


def test_a_link_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    (tmp_path / "results.jsonl").symlink_to(other)
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ConfigurationError, match="cannot be opened") as caught:
            ResultsFile(folder)
        assert caught.value.setting == "output"
    assert other.read_bytes() == b"mine"
