"""Writes files and folders so that a reader finds the old state or the new one, not a mixture."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def replace_files(changes: Mapping[Path, bytes | None]) -> None:
    """Write files, or delete those with the content None: all of them or none.

    New content is first written to a temporary file in the same folder, which is then renamed.
    If a rename fails, the earlier contents are restored.
    """
    before = {file: file.read_bytes() if file.exists() else None for file in changes}
    prepared = {f: _write_temporary(f, new) for f, new in changes.items() if new is not None}
    done: list[Path] = []
    try:
        for file in changes:
            done.append(file)
            if file in prepared:
                prepared[file].replace(file)
            else:
                file.unlink(missing_ok=True)
    except OSError:
        for file in done:
            _restore(file, before[file])
        raise
    finally:
        for temporary in prepared.values():
            temporary.unlink(missing_ok=True)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Create a temporary folder below a parent, and delete it at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="generate-") as name:
        yield Path(name)


def swap_folder(fresh: Path, target: Path) -> None:
    """Replace a folder by a finished one on the same file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    retired = fresh.with_name(fresh.name + ".old")
    if target.exists():
        target.rename(retired)
    try:
        fresh.rename(target)
    except OSError:
        if retired.exists():
            retired.rename(target)
        raise


def read_tree(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder, by relative name, without Python's caches."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def _write_temporary(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    # mkstemp makes the file private to its owner; repository files are world-readable.
    Path(name).chmod(0o644)
    return Path(name)


def _restore(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(content)
