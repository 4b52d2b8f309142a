"""Content and identities of partial files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cometapi_runway._core.file_identity import FileIdentity
from cometapi_runway._core.partial_file import PartialFile

DATA = bytes(range(256)) * 40
KNOWN = FileIdentity('"v1"', len(DATA))
NO_IDENTITY = FileIdentity()
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there an open file cannot be removed")


def write(part: PartialFile, content: bytes, origin: FileIdentity = NO_IDENTITY) -> None:
    part.hold()
    part.begin(0, origin)
    part.write(content)
    assert part.sync() is None


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
