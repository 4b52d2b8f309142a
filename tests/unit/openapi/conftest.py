"""Fixtures: a copy of the contract folder, and pages to vendor into it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Protocol

import pytest
from jsonschema import ValidationError

from contract_tools._common import json_values, portable_yaml
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


KEPT = ROOT / ".build" / "unit-openapi"
# A mutant of the readers is in memory alone: their files do not show it.
IS_MUTATED = getattr(sys.modules["__main__"].__spec__, "parent", "") == "tests.mutants"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def _versions(*names: str) -> str:
    """The installed versions of libraries: what they answered is kept for these alone."""
    return _digest(sys.version, *(f"{name} {metadata.version(name)}" for name in names))


def _keep(file: Path, compute: Callable[[], str]) -> str:
    """What was computed once, by any worker of any run."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_text("utf-8")
    text = compute()
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as new:
        new.write(text)
    Path(new.name).replace(file)
    return text


@pytest.fixture(autouse=True, scope="session")
def _cache_yaml() -> Iterator[None]:
    """Cache what is read: both YAML readers are slow, and most tests read the same twenty files.

    Large texts are kept for the next run as well, until a reader or the code around it changes.
    """
    readers = _versions("ruamel.yaml", "pyyaml")
    code = _digest(*(Path(one.__file__).read_text("utf-8") for one in (portable_yaml, json_values)))

    def remembering(load: Callable[[str, str], Json]) -> Callable[[str, str], Json]:
        known: dict[str, str] = {}

        def loaded(text: str, where: str) -> Json:
            if text not in known:
                name = _digest(load.__name__, readers, code, text)
                is_kept = len(text) > 1000 and not IS_MUTATED
                compute = lambda: json.dumps(load(text, where))  # noqa: E731
                known[text] = _keep(KEPT / name, compute) if is_kept else compute()
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
    libraries = _versions("openapi-spec-validator", "openapi-schema-validator", "jsonschema")

    class Remembering:
        def __init__(self, document: JsonObject) -> None:
            self.key = _digest(libraries, json.dumps(document))
            self.document = document

        def iter_errors(self) -> list[ValidationError]:
            # Of the valid ones the next run need not know more.
            valid = KEPT / self.key
            if self.key not in known and not valid.exists():
                known[self.key] = list(validator(self.document).iter_errors())
                if not known[self.key]:
                    _keep(valid, str)
            return known.get(self.key, [])

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
