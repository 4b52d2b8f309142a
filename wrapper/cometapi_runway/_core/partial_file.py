"""Files that are whole or absent: partial ones under another name, the final name given at once.

A partial file has one writer at a time, held to that by the system's own locks: they die with
their process, so nothing has to be cleared up after one that was killed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sys
from pathlib import Path
from typing import BinaryIO

from attrs import define, field

from cometapi_runway._core.file_identity import (
    FileIdentity,
    identity_path,
    read_identity,
    remove_identity,
    write_identity,
)

PARTIAL_SUFFIX = ".part"
_CLAIMS = 5
"""Names tried before a part is given up; each is lost only to somebody else at that moment."""

if sys.platform == "win32":
    import msvcrt

    # One byte, beyond what a video holds: a lock there keeps others from reading what it covers.
    _LOCKED_BYTE = 0x7FFFFFFE

    def _lock(file: BinaryIO) -> None:
        os.lseek(file.fileno(), _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _unlock(file: BinaryIO) -> None:
        os.lseek(file.fileno(), _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    # Not lockf: its locks are the process's, so that two threads would not see each other.
    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


@define(eq=False)
class PartialFile:
    """A file on its way, written by nobody else while it is held.

    What an earlier try left is under the shared name. Where somebody else holds that, this one
    begins anew under a name of its own, which goes when it is closed.

    Attributes:
        shared: The name under which bytes outlive a try.
        path: Where the file is.
        origin: Which file the bytes in it are of; None where nobody knows, and so nothing may
            be added to them.
    """

    shared: Path
    path: Path = field(init=False)
    origin: FileIdentity | None = field(init=False, default=None)
    _file: BinaryIO | None = field(init=False, default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        self.path = self.shared

    def hold(self) -> int:
        """Take the file, unless it is held already, and count the bytes in it that can be used.

        Raises:
            OSError: The disk refuses.
        """
        if self._file is None or not _has_name(self._file, self.path):
            # Somebody removed it: what is written from now on would be lost.
            self.close()
            self.path, self._file = _claim(self.shared)
            self.origin = read_identity(self.path)
        return 0 if self.origin is None else os.fstat(self._file.fileno()).st_size

    def begin(self, offset: int, origin: FileIdentity) -> None:
        """Go on at a byte; what follows it is cut off.

        Args:
            offset: Where.
            origin: Which file the bytes from 0 on are of; those that stay are of theirs.

        Raises:
            OSError: The disk refuses.
        """
        file = self._held()
        file.truncate(offset)
        file.seek(offset)
        if offset == 0:
            self._note(file, origin)
            self.origin = origin

    def write(self, chunk: bytes) -> None:
        """Write what comes next.

        Raises:
            OSError: The disk refuses.
        """
        self._held().write(chunk)

    def sync(self) -> OSError | None:
        """Bring what was written to the disk itself, since the next try counts on it.

        Returns:
            Why the disk refuses, or None. Not raised: it must not hide what ended the writing.
        """
        try:
            file = self._held()
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            return error
        return None

    def publish(self, final: Path, *, overwrite: bool) -> None:
        """Give the file, which is complete, its final name, and close it.

        Raises:
            FileExistsError: Another file has the name and `overwrite` is off; it is left alone,
                and this one removed.
            OSError: The disk refuses.
        """
        if not _has_name(self._held(), self.path):
            # By now another's unfinished file may have it.
            raise FileNotFoundError(errno.ENOENT, "removed by somebody else", str(self.path))
        if overwrite:
            self._rename(final)
        else:
            self._name_anew(final)
        _sync_folder(final.parent)
        _sweep(self.shared)

    def close(self) -> None:
        """Let the file go. Bytes under the shared name stay for the next try."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.flush()
            is_empty = os.fstat(self._file.fileno()).st_size == 0
            self._let_go(remove=is_empty or self.path != self.shared)

    def _note(self, file: BinaryIO, origin: FileIdentity) -> None:
        """Have the note beside the part tell of what comes, if it outlives this try."""
        is_noted = origin.etag is not None or identity_path(self.path).exists()
        # Removed meanwhile, it may be another's by now, and so the note.
        if self.path == self.shared and is_noted and _has_name(file, self.path):
            # The old bytes first, or a power cut might leave them with the new note.
            os.fsync(file.fileno())
            write_identity(self.path, origin)

    def _held(self) -> BinaryIO:
        if self._file is None:
            raise ValueError(f"{self.path} is not held")
        return self._file

    def _name_anew(self, final: Path) -> None:
        try:
            # A hard link fails where the name is taken; a rename would replace the file silently.
            os.link(self.path, final)
        except FileExistsError:
            self._let_go(remove=True)
            raise
        except OSError:
            # Not every file system has hard links.
            if final.exists():
                self._let_go(remove=True)
                raise FileExistsError(final) from None
            self._rename(final)
        else:
            self._let_go(remove=True)

    def _rename(self, final: Path) -> None:
        if sys.platform == "win32":
            # An open file cannot be renamed there. Nor one that somebody else takes from here on,
            # so that this fails and spoils nothing.
            self._let_go(remove=False)
        self.path.replace(final)
        self._let_go(remove=False)

    def _let_go(self, *, remove: bool) -> None:
        file, self._file = self._file, None
        if file is not None:
            _release(file, self.path, remove=remove)


def _claim(shared: Path) -> tuple[Path, BinaryIO]:
    """Open a part that nobody else writes: the shared one, or else one with a name of its own."""
    path = shared
    for _ in range(_CLAIMS):
        file = _opened(path)
        if _is_taken(file, unsure=path == shared):
            file.close()
            path = shared.with_name(f"{shared.stem}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")
        elif _is_unfinished(file, path):
            return path, file
        else:
            _release(file, path, remove=True)
    raise OSError(errno.EBUSY, "others take every part of it", str(shared))


def _opened(path: Path) -> BinaryIO:
    """Open a file for writing and leave what is in it; made if it is not there."""
    return open(path, "r+b", opener=lambda name, flags: os.open(name, flags | os.O_CREAT, 0o666))


def _is_taken(file: BinaryIO, *, unsure: bool) -> bool:
    """Lock a file, or tell that somebody else has; `unsure` where the file system has no locks."""
    try:
        _lock(file)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return unsure
    return False


def _is_unfinished(file: BinaryIO, path: Path) -> bool:
    """Whether a file that is locked now is still a part, and not somebody's finished file.

    It may have been given its final name between being opened and being locked, or its process
    may have died between giving that and removing the part's.
    """
    return _has_name(file, path) and os.fstat(file.fileno()).st_nlink <= 1


def _has_name(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _release(file: BinaryIO, path: Path, *, remove: bool) -> None:
    """Close a locked file, and remove its name and its note if those are worth nothing."""
    remove = remove and _has_name(file, path)
    if remove:
        # Before it is unlocked: afterwards it may be somebody else's.
        remove_identity(path)
        _try_to_remove(path)
    with contextlib.suppress(OSError):
        # A process that was forked meanwhile has the file open as well, and would keep the lock.
        _unlock(file)
    with contextlib.suppress(OSError):
        file.close()
    if sys.platform == "win32" and remove:
        # An open file cannot be removed there; neither can one that somebody else has taken.
        _try_to_remove(path)


def _try_to_remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _sweep(shared: Path) -> None:
    """Remove what dead processes left of a file that is complete now."""
    with contextlib.suppress(OSError):
        for path in shared.parent.iterdir():
            if path.suffix == PARTIAL_SUFFIX and path.name.startswith(f"{shared.stem}."):
                _remove_abandoned(path)
        if not shared.exists():
            # It was renamed. Whoever takes the name at this very moment loses the note, no more.
            remove_identity(shared)


def _remove_abandoned(path: Path) -> None:
    with contextlib.suppress(OSError):
        file = path.open("r+b")
        if _is_taken(file, unsure=True):
            file.close()
        else:
            _release(file, path, remove=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, where folders can be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
