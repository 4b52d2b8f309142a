"""Which state of the project a result belongs to: the commit, and what differs from it."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

ROOT = Path(__file__).parents[1]


@frozen
class Revision:
    """A state of the project.

    Attributes:
        commit: the shortened hash; empty outside a git repository.
        changed_files: how many files differ from the commit; ignored files are not counted.
        changes: digest of what differs; empty if nothing does.
    """

    commit: str
    changed_files: int = 0
    changes: str = ""

    def __str__(self) -> str:
        if not self.commit:
            return "unknown (not a git repository)"
        if not self.changed_files:
            return self.commit
        files = "file" if self.changed_files == 1 else "files"
        return f"{self.commit} with {self.changed_files} changed {files}"

    def as_json(self) -> dict[str, Any]:
        """The revision as JSON."""
        return asdict(self)

    def is_state_of(self, data: object) -> bool:
        """Whether data, from `as_json`, is of this very state. An unknown state equals none."""
        return bool(self.commit) and data == self.as_json()


def read_revision(root: Path = ROOT) -> Revision:
    """Read the state of the repository whose root is a folder."""
    prefix, _, commit = _git(root, "rev-parse", "--show-prefix", "--short=10", "HEAD").partition(
        b"\n"
    )
    # A copy of the project in a folder of another repository has the state of neither.
    if prefix:
        return Revision("")
    status = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    entries = [one for one in status.split(b"\0") if one]
    digest = hashlib.sha256()
    for entry in entries:
        file = root / entry[3:].decode("utf-8", "surrogateescape")
        content = file.read_bytes() if file.is_file() else b""
        digest.update(b"%s\0%d\0%s" % (entry, len(content), content))
    changes = digest.hexdigest()[:16] if entries else ""
    return Revision(commit.decode().strip(), len(entries), changes)


def _git(root: Path, *arguments: str) -> bytes:
    """The output of a git command; empty if there is no git, no repository or no commit."""
    # Refreshing the index would need its lock, which another git command may hold.
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""
