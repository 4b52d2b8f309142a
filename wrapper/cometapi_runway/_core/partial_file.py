"""Files that appear complete or not at all: written under another name, then renamed.

A partial file has one writer at a time. Operating system locks enforce this; they end with their
process, so a killed process leaves no lock to clean up.
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
from cometapi_runway._core.file_links import open_without_link
from cometapi_runway._core.file_locks import has_name, lock_file, sync_folder, unlock_file

PARTIAL_SUFFIX = ".part"
_MAX_CLAIMS = 5
"""Names tried before giving up. A claim fails only if another process takes it at that moment."""


@define(eq=False)
class PartialFile:
    """An unfinished file that has no other writer while it is held.

    The shared name is where an earlier attempt left its bytes. If another writer holds that file,
    this one starts from nothing under a name of its own, which is removed when it is closed.

    Attributes:
        shared: The name under which bytes outlive an attempt.
        path: The file's current name.
        origin: Which remote file its bytes belong to; None if unknown, and then nothing may be
            appended to them.
    """

    shared: Path
    path: Path = field(init=False)
    origin: FileIdentity | None = field(init=False, default=None)
    _file: BinaryIO | None = field(init=False, default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        self.path = self.shared

    def hold(self) -> int:
        """Open and lock the file, unless it is held already, and count its usable bytes.

        Raises:
            OSError: The file cannot be opened.
        """
        if self._file is None or not has_name(self._file, self.path):
            # Another process removed the name: what is written from now on would be lost.
            self.close()
            self.path, self._file = _claim(self.shared)
            self.origin = read_identity(self.path)
        return 0 if self.origin is None else os.fstat(self._file.fileno()).st_size

    def begin(self, offset: int, origin: FileIdentity) -> None:
        """Continue at an offset and cut off what follows it.

        Args:
            offset: Where the next write goes, in bytes.
            origin: Which remote file the bytes belong to if `offset` is 0; bytes that are kept
                keep their own.

        Raises:
            OSError: The disk write fails.
        """
        file = self._open_file()
        file.truncate(offset)
        file.seek(offset)
        if offset == 0:
            self._record_identity(file, origin)
            self.origin = origin

    def write(self, chunk: bytes) -> None:
        """Write the next bytes.

        Raises:
            OSError: The disk write fails.
        """
        self._open_file().write(chunk)

    def sync(self) -> OSError | None:
        """Flush the written bytes to disk, because the next attempt relies on them.

        Returns:
            Why that failed, or None. It is not raised, so that it cannot replace the exception
            that ended the writing.
        """
        try:
            file = self._open_file()
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            return error
        return None

    def publish(self, final: Path, *, overwrite: bool) -> None:
        """Give the complete file its final name, and close it.

        Raises:
            FileExistsError: Another file has the name and `overwrite` is off. It is left as it
                is, and this one is removed.
            OSError: The file cannot be renamed, or something that is not a file has the name.
        """
        if not has_name(self._open_file(), self.path):
            # The name may belong to another process's unfinished file by now.
            raise FileNotFoundError(errno.ENOENT, "removed by another process", str(self.path))
        if overwrite:
            self._rename(final)
        else:
            self._link_or_rename(final)
        sync_folder(final.parent)
        _remove_leftovers(self.shared)

    def close(self) -> None:
        """Unlock and close the file. Bytes under the shared name stay for the next attempt."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.flush()
            is_empty = os.fstat(self._file.fileno()).st_size == 0
            self._release(remove=is_empty or self.path != self.shared)

    def _record_identity(self, file: BinaryIO, origin: FileIdentity) -> None:
        """Record the identity of the bytes that come next, if they may outlive this attempt."""
        has_record = origin.etag is not None or identity_path(self.path).exists()
        # After a removal the name, and so the sidecar file, may belong to another process.
        if self.path == self.shared and has_record and has_name(file, self.path):
            # The truncation first, or a power cut could leave the old bytes with the new record.
            os.fsync(file.fileno())
            write_identity(self.path, origin)

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise ValueError(f"{self.path} is not held")
        return self._file

    def _link_or_rename(self, final: Path) -> None:
        try:
            # A hard link fails if the name is taken; a rename would silently replace the file.
            os.link(self.path, final)
        except OSError:
            # Not every file system has hard links.
            if has_file(final):
                self._release(remove=True)
                raise FileExistsError(final) from None
            self._rename(final)
        else:
            self._release(remove=True)

    def _rename(self, final: Path) -> None:
        if sys.platform == "win32":
            # Windows cannot rename an open file. If another process opens this one in between,
            # the rename fails and nothing is damaged.
            self._release(remove=False)
        self.path.replace(final)
        self._release(remove=False)

    def _release(self, *, remove: bool) -> None:
        file, self._file = self._file, None
        if file is not None:
            _close_locked(file, self.path, remove=remove)


def has_file(path: Path) -> bool:
    """Whether a file has this name, directly or through links.

    Raises:
        OSError: A folder, a device or a link to no file has the name.
    """
    if path.is_file():
        return True
    if os.path.lexists(path):
        kind = "a symbolic link to no file" if path.is_symlink() else "not a regular file"
        # Not EEXIST, which would say that the complete file is there.
        raise OSError(errno.EINVAL, kind, str(path))
    return False


def _claim(shared: Path) -> tuple[Path, BinaryIO]:
    """Open and lock a partial file: the shared one, else one with a random name."""
    # A link is left as it is: its target belongs to someone else.
    path = _own_name(shared) if shared.is_symlink() else shared
    for _ in range(_MAX_CLAIMS):
        file = open_without_link(path, os.O_RDWR | os.O_CREAT)
        if _is_locked_elsewhere(file, if_unsupported=path == shared):
            file.close()
            path = _own_name(shared)
        elif _is_unfinished(file, path):
            return path, file
        else:
            _close_locked(file, path, remove=True)
    raise OSError(errno.EBUSY, "other processes hold every partial file of it", str(shared))


def _own_name(shared: Path) -> Path:
    return shared.with_name(f"{shared.stem}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")


def _is_locked_elsewhere(file: BinaryIO, *, if_unsupported: bool) -> bool:
    """Lock a file, or report that it is locked already.

    Args:
        file: The open file.
        if_unsupported: The result on a file system without locks.
    """
    try:
        lock_file(file)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return if_unsupported
    return False


def _is_unfinished(file: BinaryIO, path: Path) -> bool:
    """Whether a locked file is still a partial file, and not a published one.

    It may have been renamed between opening and locking, or its process may have died between
    linking the final name and removing this one.
    """
    return has_name(file, path) and os.fstat(file.fileno()).st_nlink <= 1


def _close_locked(file: BinaryIO, path: Path, *, remove: bool) -> None:
    """Close a locked file; `remove` also removes its name and its sidecar file."""
    remove = remove and has_name(file, path)
    if remove:
        # Before it is unlocked: afterwards another process may hold it.
        remove_identity(path)
        _try_to_remove(path)
    with contextlib.suppress(OSError):
        # A process forked in the meantime has the file open too, and would keep the lock.
        unlock_file(file)
    with contextlib.suppress(OSError):
        file.close()
    if sys.platform == "win32" and remove:
        # Windows cannot remove an open file, and so not one that another process has opened.
        _try_to_remove(path)


def _try_to_remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def remove_second_name(partial: Path, final: Path) -> None:
    """Remove the partial name of a complete file, if its process was killed before it did so."""
    with contextlib.suppress(OSError):
        if partial.samefile(final):
            _remove_abandoned(partial)


def _remove_leftovers(shared: Path) -> None:
    """Remove the partial files that dead processes left of a file that is complete now."""
    with contextlib.suppress(OSError):
        for path in shared.parent.iterdir():
            if path.suffix == PARTIAL_SUFFIX and path.name.startswith(f"{shared.stem}."):
                _remove_abandoned(path)
        if not shared.exists():
            # A process that creates the name at this very moment only loses its sidecar file.
            remove_identity(shared)


def _remove_abandoned(path: Path) -> None:
    with contextlib.suppress(OSError):
        file = open_without_link(path, os.O_RDWR)
        if _is_locked_elsewhere(file, if_unsupported=True):
            file.close()
        else:
            _close_locked(file, path, remove=True)
