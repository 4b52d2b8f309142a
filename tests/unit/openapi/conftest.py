"""Fixtures: a copy of the contract folder, and pages to vendor into it."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from jsonschema import ValidationError

from contract_tools._common import portable_yaml
from contract_tools._common.json_values import Json, JsonObject
from contract_tools._common.workspace import Workspace
from contract_tools.build import lint
from contract_tools.generate import generator

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


@pytest.fixture(autouse=True, scope="session")
def _cache_yaml() -> Iterator[None]:
    """Cache what is read: both YAML readers are slow, and most tests read the same twenty files."""

    def remembering(load: Callable[[str, str], Json]) -> Callable[[str, str], Json]:
        known: dict[str, str] = {}

        def loaded(text: str, where: str) -> Json:
            if text not in known:
                known[text] = json.dumps(load(text, where))
            value: Json = json.loads(known[text])
            return value

        return loaded

    with pytest.MonkeyPatch.context() as patch:
        for name in ("load", "load_as_yaml_1_1"):
            patch.setattr(portable_yaml, name, remembering(getattr(portable_yaml, name)))
        yield


@pytest.fixture(autouse=True, scope="session")
def _cache_validation() -> Iterator[None]:
    """Cache the specification check, the slowest rule, because most contracts recur."""
    validator = lint.OpenAPIV31SpecValidator
    known: dict[str, list[ValidationError]] = {}

    class Remembering:
        def __init__(self, document: JsonObject) -> None:
            self.key = json.dumps(document)
            self.document = document

        def iter_errors(self) -> list[ValidationError]:
            if self.key not in known:
                known[self.key] = list(validator(self.document).iter_errors())
            return known[self.key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lint, "OpenAPIV31SpecValidator", Remembering)
        yield


@pytest.fixture(autouse=True, scope="session")
def _cache_generation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Cache the generator's output for each contract and configuration.

    Tests that run the tools in a separate process show that the output is always the same.
    """
    folder = tmp_path_factory.mktemp("generated")
    kept: dict[tuple[bytes, bytes], Path] = {}
    run = generator._run_generator

    @functools.wraps(run)
    def remembered(source: Path, config: Path, package: Path) -> None:
        key = (source.read_bytes(), config.read_bytes())
        if key not in kept:
            run(source, config, package)
            kept[key] = Path(shutil.copytree(package, folder / str(len(kept))))
        else:
            shutil.copytree(kept[key], package)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator, "_run_generator", remembered)
        yield


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
