"""Open files without following symbolic links.

In a folder that others can write to, a link at a predictable name would make this package overwrite
the link's target.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# Windows has neither flag: it has no FIFO files, and links are looked for before opening.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def open_without_link(path: Path, flags: int) -> BinaryIO:
    """Open a regular file at its start, without truncating it.

    Args:
        path: The file.
        flags: ``os.O_RDONLY``, or ``os.O_RDWR`` with or without ``os.O_CREAT``.

    Raises:
        OSError: The name is a symbolic link (``errno`` is ELOOP) or no regular file (EINVAL), or
            the file cannot be opened.
    """
    if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
        raise OSError(errno.ELOOP, "a symbolic link", str(path))
    return open(
        path, "r+b" if flags & os.O_RDWR else "rb", opener=lambda name, _: _open(name, flags)
    )


def _open(name: str, flags: int) -> int:
    descriptor = os.open(name, flags | _FLAGS | getattr(os, "O_BINARY", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", name)
    return descriptor
