"""Which file the bytes of a part are of: noted beside it, so that no two files become one.

A part may outlive its process, and by the next try the server may have another file under the
name: written anew, or at a fresh address. The note is on the disk before the first byte that it
vouches for, and what it cannot be read from vouches for nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

from attrs import frozen

from cometapi_runway._core.json_values import parse_json

IDENTITY_SUFFIX = ".json"
"""Behind the part's own name."""
# Others could not be sent back, or would be taken for a date.
_STRONG = re.compile(r'"[ !#-~]{0,500}"', re.ASCII)


@frozen
class FileIdentity:
    """What is known of a file as its server has it.

    Attributes:
        etag: Its strong validator, with its quotes, or None.
        size: Its bytes, or None.
    """

    etag: str | None = None
    size: int | None = None

    def allows(self, seen: FileIdentity, *, is_range: bool) -> bool:
        """Whether an answer may be of this file.

        RFC 9110 (15.3.7) has a server repeat the validator with a range; one that does not may
        have ignored what was asked of it.
        """
        etags = {self.etag} if is_range else {self.etag, None}
        return (self.etag is None or seen.etag in etags) and (
            None in {self.size, seen.size} or self.size == seen.size
        )


def strong_etag(etag: str) -> str | None:
    """A validator if it is a strong one: a weak one promises the same picture, not its bytes."""
    return etag if _STRONG.fullmatch(etag) else None


def read_identity(part: Path) -> FileIdentity | None:
    """What a part is of, or None where nothing vouches for it."""
    try:
        found = parse_json(identity_path(part).read_bytes())
    except (OSError, ValueError):
        return None
    etag, size = (found.get("etag"), found.get("size")) if isinstance(found, dict) else (None, None)
    if not isinstance(etag, str) or not strong_etag(etag):
        return None
    return FileIdentity(etag, size if isinstance(size, int) else None)


def write_identity(part: Path, origin: FileIdentity) -> None:
    """Note what the bytes are of that come next; it is on the disk when this returns.

    Without a strong validator there is nothing to hold the next server to, and no note.

    Raises:
        OSError: The disk refuses.
    """
    words = json.dumps({"etag": origin.etag, "size": origin.size}) if origin.etag else ""
    path = identity_path(part)
    # Over what was there: an earlier note must be gone for good, even where its name stays.
    with path.open("w", encoding="utf-8") as file:
        file.write(words)
        file.flush()
        os.fsync(file.fileno())
    if not words:
        remove_identity(part)


def remove_identity(part: Path) -> None:
    """Remove the note, if there is one."""
    with contextlib.suppress(OSError):
        identity_path(part).unlink()


def identity_path(part: Path) -> Path:
    """Where the note of a part is."""
    return part.with_name(part.name + IDENTITY_SUFFIX)
