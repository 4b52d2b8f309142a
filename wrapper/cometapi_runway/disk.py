"""Files that are whole or absent: partial ones under another name, the final name given at once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO


def size(path: Path) -> int:
    """Bytes in a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def writing(path: Path, offset: int) -> Generator[BinaryIO]:
    """Open a file to be written from `offset` on; what follows is cut off.

    On leaving, also by an error, what was written is on the disk and not in a buffer: the next
    try counts on it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(offset)
        file.seek(offset)
        try:
            yield file
        finally:
            file.flush()
            os.fsync(file.fileno())


def publish(part: Path, final: Path, *, overwrite: bool) -> None:
    """Give a complete file its final name.

    Raises:
        FileExistsError: Another file has the name and `overwrite` is off; it is left alone.
        OSError: The disk refuses.
    """
    if overwrite:
        part.replace(final)
    else:
        _publish_new(part, final)
    _sync_folder(final.parent)


def _publish_new(part: Path, final: Path) -> None:
    try:
        # A hard link fails where the name is taken; a rename would replace the file silently.
        os.link(part, final)
    except FileExistsError:
        part.unlink(missing_ok=True)
        raise
    except OSError:
        # Not every file system has hard links.
        if final.exists():
            raise FileExistsError(final) from None
        part.replace(final)
    else:
        part.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where folders can be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
