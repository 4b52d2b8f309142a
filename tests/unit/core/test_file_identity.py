"""The identity that is stored with a partial file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cometapi_runway._core.file_identity import FileIdentity
from cometapi_runway._core.partial_file import PartialFile

from ..support.partial_files import DATA, KNOWN, NO_IDENTITY, POSIX, names, write


class TestStoredIdentity:
    """Which file the bytes are of is beside them, and outlives a process as they do."""

    def test_what_nothing_vouches_for_is_not_added_to(
        self, parts: list[PartialFile], shared: Path
    ) -> None:
        shared.write_bytes(DATA)
        assert (parts[0].hold(), parts[0].origin) == (0, None)
        parts[0].close()
        assert shared.read_bytes() == DATA

    def test_the_identity_is_passed_to_the_next_holder(
        self, parts: list[PartialFile], shared: Path
    ) -> None:
        write(parts[0], DATA, KNOWN)
        parts[0].close()
        assert names(shared.parent) == {"a.part", "a.part.json"}
        assert (parts[1].hold(), parts[1].origin) == (len(DATA), KNOWN)

    def test_it_is_on_the_disk_before_the_first_byte(
        self, parts: list[PartialFile], shared: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the bytes that it does not tell of are off it before: power may go at any time."""
        write(parts[0], b"old", FileIdentity('"old"'))
        seen: list[tuple[int, bytes]] = []
        note = shared.with_name("a.part.json")
        sync = os.fsync

        def look(descriptor: int) -> None:
            sync(descriptor)
            seen.append((shared.stat().st_size, note.read_bytes()))

        monkeypatch.setattr(os, "fsync", look)
        parts[0].begin(0, KNOWN)
        (first, before), (second, after) = seen
        assert (first, second) == (0, 0)
        assert b"old" in before
        assert b"v1" in after

    def test_a_shorter_identity_replaces_a_longer_one(
        self, parts: list[PartialFile], shared: Path
    ) -> None:
        write(parts[0], DATA, FileIdentity(f'"{"long" * 50}"', len(DATA)))
        write(parts[0], DATA, KNOWN)
        assert (parts[0].hold(), parts[0].origin) == (len(DATA), KNOWN)
        parts[0].close()
        assert parts[1].hold() == len(DATA)

    @pytest.mark.parametrize("anew", [NO_IDENTITY, FileIdentity(None, 7)])
    def test_the_identity_is_removed_when_the_next_file_has_none(
        self, anew: FileIdentity, parts: list[PartialFile], shared: Path
    ) -> None:
        write(parts[0], DATA, KNOWN)
        write(parts[0], b"new", anew)
        assert names(shared.parent) == {"a.part"}
        assert (parts[0].hold(), parts[0].origin) == (3, anew)
        parts[0].close()
        assert parts[1].hold() == 0

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"{}", b"\xff", b'{"etag": null}', b'{"etag": "W/\\"v1\\""}',
         b'{"etag": "v1"}', b'{"etag": "\\"\\u00e9\\""}', b'{"etag": "\\"a\\r\\nb\\""}'],
    )  # fmt: skip
    def test_one_that_cannot_be_read_vouches_for_nothing(
        self, content: bytes, parts: list[PartialFile], shared: Path
    ) -> None:
        shared.write_bytes(DATA)
        shared.with_name("a.part.json").write_bytes(content)
        assert parts[0].hold() == 0

    @pytest.mark.parametrize("how", ["named", "renamed", "swept", "empty", "beaten"])
    def test_it_goes_with_the_part(self, how: str, parts: list[PartialFile], shared: Path) -> None:
        final = shared.with_name("a.mp4")
        write(parts[0], DATA, KNOWN)
        write(parts[1], DATA, KNOWN)
        if how == "swept":
            parts[0].close()
            parts[1].publish(final, overwrite=False)
        elif how == "empty":
            parts[0].begin(0, KNOWN)
            parts[0].close()
            parts[1].close()
        elif how == "beaten":
            parts[1].publish(final, overwrite=False)
            with pytest.raises(FileExistsError):
                parts[0].publish(final, overwrite=False)
        else:
            parts[1].close()
            parts[0].publish(final, overwrite=how == "renamed")
        assert names(shared.parent) == ({"a.mp4"} if how != "empty" else set())

    @POSIX
    def test_the_identity_of_another_holder_is_left_alone(
        self, parts: list[PartialFile], shared: Path
    ) -> None:
        write(parts[0], DATA, KNOWN)
        shared.unlink()
        write(parts[1], b"theirs", FileIdentity('"theirs"'))
        parts[0].begin(0, FileIdentity('"mine"'))
        parts[0].close()
        parts[1].close()
        assert (parts[2].hold(), parts[2].origin) == (6, FileIdentity('"theirs"'))
