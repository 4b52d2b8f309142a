"""Writing so that a reader finds either the old state or the new one, never a mixture."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def replace(changes: Mapping[Path, bytes | None]) -> None:
    """Write files, or delete those given None, all or none.

    Every new content is first written in full beside its goal; then the files are renamed
    into place. If that fails midway, what was there before is put back.
    """
    before = {file: file.read_bytes() if file.exists() else None for file in changes}
    prepared = {f: _beside(f, new) for f, new in changes.items() if new is not None}
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
    """Give a fresh folder below a parent, and delete it with all it holds at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="generate-") as name:
        yield Path(name)


def swap_folder(fresh: Path, goal: Path) -> None:
    """Put a finished folder in the place of another; both are on one file system."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    retired = fresh.with_name(fresh.name + ".old")
    if goal.exists():
        goal.rename(retired)
    try:
        fresh.rename(goal)
    except OSError:
        if retired.exists():
            retired.rename(goal)
        raise


def tree(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder, by relative name; Python's caches do not count."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def _beside(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    # mkstemp makes the file private; these are to be read by everybody, like their neighbours.
    Path(name).chmod(0o644)
    return Path(name)


def _restore(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(content)
