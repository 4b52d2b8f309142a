"""Whether a process that wrote to a SQLite journal still runs.

A process number alone is reused, and is another one in each container. Instead every process draws
a number of its own and locks the byte at that offset of a file next to the journal. The operating
system ends the lock with the process, however it ends.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Final

from cometapi_runway._core.fork import register_fork_aware

_MAX_OWNER: Final = 2**31 - 1
"""Windows locks bytes up to this offset."""

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, offset: int) -> None:
        os.lseek(descriptor, offset, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _is_locked(descriptor: int, offset: int) -> bool:
        try:
            _lock(descriptor, offset)
        except OSError:
            return True
        os.lseek(descriptor, offset, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        return False

else:
    import fcntl

    # Not flock: a forked child would share its parent's lock and keep it after the parent's end.
    def _lock(descriptor: int, offset: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)

    def _is_locked(descriptor: int, offset: int) -> bool:
        try:
            # Shared, so that two processes that look at the same time see no lock of each other.
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, offset)
        except OSError:
            return True
        fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, offset)
        return False


class ProcessLocks:
    """This process's number in each lock file, and whether other processes' numbers are in use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._descriptors: dict[Path, int] = {}
        self._owners: dict[Path, int | None] = {}
        register_fork_aware(self)

    def get_owner(self, path: Path) -> int | None:
        """This process's number in a lock file; None where the file system has no locks."""
        with self._lock:
            if path not in self._owners:
                self._owners[path] = self._take_number(path)
            return self._owners[path]

    def find_living(self, path: Path, owners: Collection[int]) -> frozenset[int]:
        """The numbers that running processes have; all of them if the file cannot be read."""
        with self._lock:
            own = self._owners.get(path)
            try:
                descriptor = self._open(path)
            except OSError:
                return frozenset(owners)
            # A process does not see its own locks.
            return frozenset(n for n in owners if n == own or _is_locked(descriptor, n))

    def reset_after_fork(self) -> None:
        """Forget the parent's numbers: its locks are not inherited."""
        self._lock = threading.Lock()
        self._owners = {}

    def _take_number(self, path: Path) -> int | None:
        number = 1 + secrets.randbelow(_MAX_OWNER - 1)
        try:
            _lock(self._open(path), number)
        except OSError:
            return None
        return number

    def _open(self, path: Path) -> int:
        """The lock file, which is never closed: to close it once would end all its locks."""
        if path not in self._descriptors:
            self._descriptors[path] = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        return self._descriptors[path]


process_locks: Final = ProcessLocks()
"""One for the whole process, because a POSIX lock ends when the process closes the file once."""
