"""A revision names the state of the project, and differs whenever a tracked or new file does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.revision import Revision, read_revision


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".gitignore").write_text("ignored\n")
    (tmp_path / "a").write_text("1")
    (tmp_path / "folder").mkdir()
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_every_change_of_a_file_is_another_revision(repository: Path) -> None:
    clean = read_revision(repository)
    assert str(clean) == clean.commit
    assert len(clean.commit) == 10
    (repository / "ignored").write_text("1")
    assert read_revision(repository) == clean
    seen = [clean]
    for name, text in (("a", "2"), ("a", "3"), ("new", "1"), ("new", "2")):
        (repository / name).write_text(text)
        seen.append(read_revision(repository))
    (repository / "a").unlink()
    seen.append(read_revision(repository))
    assert len(set(seen)) == len(seen)
    assert [one.changed_files for one in seen] == [0, 1, 1, 2, 2, 2]
    assert str(seen[1]) == f"{clean.commit} with 1 changed file"
    assert [one.is_state_of(clean.as_json()) for one in seen] == [True, *[False] * 5]


def test_a_folder_of_another_repository_has_no_revision(repository: Path) -> None:
    unknown = read_revision(repository / "folder")
    assert unknown == Revision("")
    assert not unknown.is_state_of(unknown.as_json())
