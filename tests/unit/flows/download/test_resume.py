"""Resuming a partial file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve
from tests.cases import each_case

from cometapi_runway.errors import DownloadError

from ...support.both_clients import ID, ClientHarness
from ...support.downloads import (
    AGAIN,
    DATA,
    DEAD,
    FROM_HALF,
    HALF,
    ONE,
    VIDEO,
    _start,
    broken,
    fetch,
    ranges,
    rest,
    whole,
)
from ...support.fault_table import page
from ...support.scripted_transport import Event, Interruption, Reply


def leave(folder: Path, content: bytes, **more: Any) -> None:
    """What a process leaves that was killed."""
    (folder / f"{ID}.part").write_bytes(content)
    (folder / f"{ID}.part.json").write_text(json.dumps({**ONE, "size": len(DATA), **more}))


class TestResuming:
    def test_continues_the_part_of_a_killed_process(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        leave(tmp_path, DATA[:HALF])
        harness.respond_with(rest(**ONE))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [FROM_HALF]
        assert harness.network.sent[0].headers["if-range"] == ONE["etag"]
        assert list(tmp_path.iterdir()) == [path]

    @each_case("etag", [None, '"one"', '"two"'])
    def test_restarts_a_part_without_an_identity(
        self, etag: str | None, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """Nobody can know which file it is of, and a mixture would be published as complete."""
        (tmp_path / f"{ID}.part").write_bytes(b"of another file")
        told = {"etag": etag} if etag else {}
        harness.network.respond_by(
            lambda r: rest(_start(r), **told) if "range" in r.headers else whole(**told)
        )
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [None]
        assert list(tmp_path.iterdir()) == [path]

    @each_case("left", ["by this process", "by another"])
    @each_case("told", [{"etag": '"two"'}, {"etag": 'W/"one"'}, {}])
    def test_adds_no_range_of_another_file(
        self, told: dict[str, str], left: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """As a server would have it that does not know If-Range."""
        if left == "by another":
            leave(tmp_path, b"x" * HALF)
        else:
            harness.respond_with(
                Reply(200, b"x" * HALF, {**VIDEO, **ONE}, breaks=httpx.ReadError,
                      declared=len(DATA)), DEAD, page(400),
            )  # fmt: skip
            with pytest.raises(DownloadError):
                fetch(harness, tmp_path)
            harness.network.sent.clear()
        harness.respond_with(rest(**told), whole(**told))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [FROM_HALF, None]
        assert list(tmp_path.iterdir()) == [path]

    def test_adds_no_range_of_another_file_in_one_call(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        other = evolve(broken(**ONE), content=b"x" * HALF)
        harness.respond_with(other, rest(etag='"two"'), whole(etag='"two"'))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [None, FROM_HALF, None]

    def test_a_range_does_not_vouch_for_what_came_before_it(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """The first half is of nobody knows which file, whatever the second is of."""
        tail = evolve(rest(**ONE), breaks=httpx.ReadError, content=DATA[HALF:-9])
        harness.respond_with(broken(), tail, page(400), whole(**ONE))
        with pytest.raises(DownloadError):
            fetch(harness, tmp_path)
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness)[-1] is None

    def test_finds_that_everything_was_there(self, harness: ClientHarness, tmp_path: Path) -> None:
        leave(tmp_path, DATA)
        harness.respond_with(Reply(416, b"", {"content-range": f"bytes */{len(DATA)}"}))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA

    def test_discards_what_is_too_long(self, harness: ClientHarness, tmp_path: Path) -> None:
        leave(tmp_path, DATA + b"more")
        harness.respond_with(Reply(416, b"", {"content-range": f"bytes */{len(DATA)}"}), whole())
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA

    @each_case("first", [page(502), DEAD, page(403)])
    def test_requests_the_same_file_by_its_etag(
        self, first: Event, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """The validator outlives failures in between, and a file that changed comes anew."""
        between = (first, AGAIN) if first == page(403) else (first,)
        harness.respond_with(broken(100, etag='"one"'), *between, whole(etag='"two"'))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        files = [one for one in harness.network.sent if "range" in one.headers]
        assert {one.headers.get("if-range") for one in files} == {'"one"'}

    def test_sends_no_weak_etag(self, harness: ClientHarness, tmp_path: Path) -> None:
        harness.respond_with(broken(etag='W/"one"'), rest())
        fetch(harness, tmp_path)
        assert "if-range" not in harness.network.sent[1].headers

    def test_keeps_what_came_for_the_next_call(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(broken(**ONE), page(400), rest(**ONE))
        with pytest.raises(DownloadError):
            fetch(harness, tmp_path)
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [None, FROM_HALF, FROM_HALF]

    def test_keeps_what_came_before_an_interruption(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(broken(**ONE), Interruption(), rest(**ONE))
        with pytest.raises(harness.interrupt):
            fetch(harness, tmp_path)
        assert (tmp_path / f"{ID}.part").read_bytes() == DATA[:HALF]
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness)[-1] == FROM_HALF
