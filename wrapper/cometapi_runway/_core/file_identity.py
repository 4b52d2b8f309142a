"""Which remote file the bytes of a partial file belong to, recorded in a sidecar file.

A partial file may outlive its process, and by the next attempt the server may serve another file:
a replaced one, or one at a fresh URL. The sidecar file is on disk before the first byte that it
describes. An unreadable sidecar file is ignored.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

from attrs import frozen

from cometapi_runway._core.file_links import open_without_link
from cometapi_runway._core.json_values import parse_json

IDENTITY_SUFFIX = ".json"
"""Added to the partial file's whole name."""
# Any other ETag could not be sent in If-Range, or would be read as a date there.
_STRONG_ETAG = re.compile(r'"[ !#-~]{0,500}"', re.ASCII)


@frozen
class FileIdentity:
    """What a server says about a file, to recognise it in a later response.

    Attributes:
        etag: Its strong ETag, with quotes, or None.
        size: Its size in bytes, or None.
    """

    etag: str | None = None
    size: int | None = None

    def allows(self, other: FileIdentity, *, is_range: bool) -> bool:
        """Whether a response with the other identity may be of this file.

        RFC 9110 (15.3.7) has a server repeat the ETag with a range. A range without it may come
        from a server that ignored If-Range.
        """
        etags = {self.etag} if is_range else {self.etag, None}
        return (self.etag is None or other.etag in etags) and (
            None in {self.size, other.size} or self.size == other.size
        )


def strong_etag(etag: str) -> str | None:
    """The ETag if it is a strong one, else None: a weak one does not promise the same bytes."""
    return etag if _STRONG_ETAG.fullmatch(etag) else None


def read_identity(partial: Path) -> FileIdentity | None:
    """The identity that is recorded for a partial file, or None if there is none to rely on."""
    try:
        with open_without_link(identity_path(partial), os.O_RDONLY) as file:
            recorded = parse_json(file.read())
    except (OSError, ValueError):
        return None
    if not isinstance(recorded, dict):
        return None
    etag, size = recorded.get("etag"), recorded.get("size")
    if not isinstance(etag, str) or not strong_etag(etag):
        return None
    return FileIdentity(etag, size if isinstance(size, int) else None)


def write_identity(partial: Path, identity: FileIdentity) -> None:
    """Record the identity of the bytes that come next; it is on disk when this returns.

    Without a strong ETag no later response could be compared, so nothing is recorded and an
    earlier record is removed.

    Raises:
        OSError: The disk write fails.
    """
    content = json.dumps({"etag": identity.etag, "size": identity.size}) if identity.etag else ""
    path = identity_path(partial)
    if path.is_symlink():
        path.unlink()
    # Overwritten before it is removed: an earlier record must be gone even if unlink fails.
    with open_without_link(path, os.O_RDWR | os.O_CREAT) as file:
        file.truncate()
        file.write(content.encode())
        file.flush()
        os.fsync(file.fileno())
    if not content:
        remove_identity(partial)


def remove_identity(partial: Path) -> None:
    """Remove the sidecar file, if it exists."""
    with contextlib.suppress(OSError):
        identity_path(partial).unlink()


def identity_path(partial: Path) -> Path:
    """The path of a partial file's sidecar file."""
    return partial.with_name(partial.name + IDENTITY_SUFFIX)
