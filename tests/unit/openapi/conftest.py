"""Fixtures: a copy of the contract folder, and pages to vendor into it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

import pytest

from contract_tools._common.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]
SEED_PAGE = ROOT / "tests" / "data" / "pages" / "control-a-character.md"
SEED_OVERLAY = "20-character-performance.overlay.yaml"


class WritePage(Protocol):
    """Writes a variant of the seed page: each (old, new) pair is replaced once."""

    def __call__(self, *edits: tuple[str, str], name: str = "page.md") -> str: ...


def amend_overlay(workspace: Workspace, *edits: tuple[str, str], name: str = SEED_OVERLAY) -> None:
    """Replace each (old, new) pair once in an overlay, as a person does after a page changed."""
    file = workspace.overlays / name
    text = file.read_text("utf-8")
    for old, new in edits:
        assert old in text, f"the overlay does not contain {old!r}"
        text = text.replace(old, new, 1)
    file.write_text(text, "utf-8")


@pytest.fixture(autouse=True)
def _cache(cache_contract_tools: None) -> None:
    """Every test here runs the tools."""


@pytest.fixture(scope="session")
def repository() -> Workspace:
    """The repository itself; read only."""
    return Workspace(ROOT)


@pytest.fixture(scope="session")
def seed_page() -> Path:
    return SEED_PAGE


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A copy of everything the tools read or write."""
    root = tmp_path / "repository"
    for part in ("openapi/vendor", "openapi/overlays", "generated"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("openapi/generator.yaml", "openapi/runway.yaml", "pyproject.toml"):
        shutil.copyfile(ROOT / part, root / part)
    return Workspace(root)


@pytest.fixture
def empty_workspace(tmp_path: Path) -> Workspace:
    """A workspace with the overlays and settings, but no page."""
    root = tmp_path / "empty"
    (root / "openapi" / "vendor").mkdir(parents=True)
    return Workspace(root)


@pytest.fixture
def write_page(tmp_path: Path) -> WritePage:
    def write(*edits: tuple[str, str], name: str = "page.md") -> str:
        text = SEED_PAGE.read_text("utf-8")
        for old, new in edits:
            assert old in text, f"the seed page does not say {old!r}"
            text = text.replace(old, new, 1)
        file = tmp_path / name
        file.write_text(text, "utf-8")
        return str(file)

    return write


@pytest.fixture
def snapshot() -> object:
    """Return a function that reads a whole folder, to show that nothing changed in it."""

    def read(folder: Path) -> dict[str, bytes]:
        return {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        }

    return read
