"""Files and folders change all at once, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tools._common import atomic_files


def test_files_are_written_and_deleted_together(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    new = tmp_path / "very" / "deep" / "new"
    for content in (b"first", b"new"):
        atomic_files.replace_files({new: content, tmp_path / "old": None})
    assert atomic_files.read_tree(tmp_path) == {"very/deep/new": b"new"}
    assert new.stat().st_mode & 0o777 == 0o644


def test_a_failure_midway_restores_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"before")
    real = Path.replace

    def fail_on_c(self: Path, target: Path) -> Path:
        if target.name == "c":
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", fail_on_c)
    changes = {"a": b"after", "b": None, "new": b"after", "c": b"after"}
    with pytest.raises(OSError, match="No space left"):
        atomic_files.replace_files({tmp_path / name: content for name, content in changes.items()})
    assert atomic_files.read_tree(tmp_path) == dict.fromkeys("abc", b"before")
    (tmp_path / "c").unlink()
    with pytest.raises(OSError, match="No space left"):
        atomic_files.replace_files({tmp_path / "a": b"after", tmp_path / "c": b"after"})
    assert atomic_files.read_tree(tmp_path) == dict.fromkeys("ab", b"before")


def test_a_folder_replaces_another(tmp_path: Path) -> None:
    for name, content in (("fresh/a", "new"), ("goal/a", "old"), ("goal/stale", "old")):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
    atomic_files.swap_folder(tmp_path / "fresh", tmp_path / "goal")
    assert atomic_files.read_tree(tmp_path / "goal") == {"a": b"new"}
    for target in ("very/deep/goal", "very/deep/other"):
        (tmp_path / "fresh").mkdir()
        atomic_files.swap_folder(tmp_path / "fresh", tmp_path / target)
        assert (tmp_path / target).is_dir()


def test_a_failed_swap_keeps_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fresh", "goal"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(name)
    real = Path.rename

    def fail_on_fresh(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError(13, "Permission denied")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", fail_on_fresh)
    with pytest.raises(OSError, match="Permission denied"):
        atomic_files.swap_folder(tmp_path / "fresh", tmp_path / "goal")
    assert atomic_files.read_tree(tmp_path / "goal") == {"a": b"goal"}


def test_a_scratch_folder_is_deleted_afterwards(tmp_path: Path) -> None:
    parent = tmp_path / "deep" / "build"
    for _ in range(2):
        with atomic_files.scratch_folder(parent) as folder:
            (folder / "x").write_text("x")
            assert folder.parent == parent
        assert list(parent.iterdir()) == []


def test_python_caches_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_bytes(b"")
    assert atomic_files.read_tree(tmp_path) == {}
