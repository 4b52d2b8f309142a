"""Locks on whole files, and names that survive a power cut.

The operating system ends a lock with its process, so a killed process leaves none to clean up.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt

    # A byte beyond any video's end, because a Windows lock blocks reads of what it covers.
    _LOCKED_BYTE = 0x7FFFFFFE

    def lock_file(file: BinaryIO) -> None:
        """Lock a file, or raise an OSError where another process or handle has locked it."""
        os.lseek(file.fileno(), _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def unlock_file(file: BinaryIO) -> None:
        """Unlock a file."""
        os.lseek(file.fileno(), _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    # Not lockf: its locks belong to the process, so two threads would share one.
    def lock_file(file: BinaryIO) -> None:
        """Lock a file, or raise an OSError where another process or handle has locked it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock_file(file: BinaryIO) -> None:
        """Unlock a file."""
        fcntl.flock(file, fcntl.LOCK_UN)


def has_name(file: BinaryIO, path: Path) -> bool:
    """Whether an open file still has a name, which another process may have replaced."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except OSError:
        return False


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder durable, on systems that can open folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
