"""The generator runs in its pinned version, and an incomplete package is refused."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.generate import generator, regenerate


def test_an_override_that_matches_a_class_is_used(workspace: Workspace) -> None:
    override(workspace, "CharacterAssetType")
    regenerate.regenerate(workspace)
    assert (workspace.package / "models" / "renamed.py").exists()


def test_an_override_that_matches_nothing_is_refused(workspace: Workspace) -> None:
    override(workspace, "ControlACharacterBody")
    with pytest.raises(ContractError, match="class_overrides: no class 'ControlACharacterBody' is"):
        regenerate.check(workspace)


def override(workspace: Workspace, name: str) -> None:
    with workspace.generator_config.open("a") as config:
        config.write(f"class_overrides:\n  {name}: {{class_name: Renamed, module_name: renamed}}\n")


@pytest.mark.parametrize("name", ["openapi-python-client", "ruff"])
def test_versions_other_than_the_pinned_ones_are_refused(workspace: Workspace, name: str) -> None:
    text = workspace.pyproject.read_text("utf-8")
    found = next(line for line in text.splitlines() if line.strip().startswith(f'"{name}=='))
    workspace.pyproject.write_text(text.replace(found, f'    "{name}==0.0.1",'))
    with pytest.raises(ContractError, match=rf"{name} 0\.0\.1 is pinned in pyproject\.toml, but"):
        generator.check_versions(workspace)
    workspace.pyproject.write_text(text.replace(found, f'    "{name}>=0.0.1", "not a name!",'))
    with pytest.raises(ContractError, match=f"no dependency group pins {name}==<version>"):
        generator.check_versions(workspace)


def test_a_missing_pyproject_is_refused(workspace: Workspace) -> None:
    workspace.pyproject.unlink()
    with pytest.raises(ContractError, match=r"pyproject\.toml: cannot be read: No such file"):
        generator.check_versions(workspace)


def test_a_missing_ruff_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    with pytest.raises(ContractError, match="but no ruff is installed next to this Python"):
        generator.check_versions(workspace)


def test_a_package_that_lacks_an_operation_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(source: Path, config: Path, package: Path) -> None:
        shutil.copytree(workspace.package, package)
        (package / "api" / "official" / "control_a_character.py").rename(
            package / "api" / "official" / "other.py"
        )

    monkeypatch.setattr(generator, "_run_generator", lose)
    message = r"missing \['official/control_a_character\.py'\], unexpected \['official/other"
    with pytest.raises(ContractError, match=message):
        regenerate.check(workspace)


def test_a_package_that_cannot_be_imported_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(source: Path, config: Path, package: Path) -> None:
        shutil.copytree(workspace.package, package)
        (package / "models" / "task.py").write_text("import nowhere\n")

    monkeypatch.setattr(generator, "_run_generator", spoil)
    with pytest.raises(ContractError, match=r"cannot be imported: .*ModuleNotFoundError.*nowhere"):
        regenerate.check(workspace)
