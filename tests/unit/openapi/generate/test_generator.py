"""The generator runs in its pinned version, and an incomplete package is refused."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.generate import generator, regenerate
from contract_tools.generate.python_source import format_module


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


def test_a_module_that_is_not_python_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ContractError, match=r"^a\.py: ruff refused it: error: Failed to parse"):
        format_module(workspace, "a.py", "def (\n")


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


def test_a_missing_generator_is_refused(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", refuse)
    with pytest.raises(ContractError, match=f"but no {generator.GENERATOR} is installed"):
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


def test_nothing_of_the_environment_reaches_the_programs(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither variables, nor the folder, nor the user's packages; and no bytecode is written."""
    ran: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        environment = {"PATH": str(Path(sys.executable).parent), "LANG": "C.UTF-8"}
        assert options == {
            "env": environment, "capture_output": True, "encoding": "utf-8", "check": False
        }  # fmt: skip
        if "openapi_python_client" in command:
            shutil.copytree(workspace.package, command[-1])
        version = generator._pin(workspace, generator.FORMATTER)
        return subprocess.CompletedProcess(command, 0, f"ruff {version}\n", "")

    run_for_real(monkeypatch)
    monkeypatch.setattr(subprocess, "run", run)
    regenerate.check(workspace)
    formatted, generated, imported = ran
    assert formatted == [str(Path(sys.executable).parent / "ruff"), "--version"]
    for command in (generated, imported):
        assert command[:3] == [sys.executable, "-I", "-B"]
    package = Path(generated[-1])
    options = [
        "--meta",
        "none",
        "--fail-on-warning",
        "--path",
        str(package.parent / "contract.json"),
    ]
    assert generated[3:] == [
        "-m", "openapi_python_client", "generate", *options,
        "--config", str(workspace.generator_config), "--output-path", str(package),
    ]  # fmt: skip
    assert imported[3:] == ["-c", generator.IMPORT_ALL, str(package)]


def run_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start programs as the tools do, without what the tests remember of earlier ones."""
    monkeypatch.setattr(generator, "_run", inspect.unwrap(generator._run))


@pytest.mark.parametrize(("out", "error"), [("a", "b"), ("", "b"), ("a", "")])
def test_what_the_generator_prints_is_shown(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, out: str, error: str
) -> None:
    ended = subprocess.CompletedProcess([], 1, f"{out}\n", f"{error}\n")
    run_for_real(monkeypatch)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(ContractError) as refused:
        generator._run_generator(workspace.contract, workspace.generator_config, workspace.package)
    lines = ["openapi-python-client refused the contract:", *filter(None, (out, error))]
    assert str(refused.value).splitlines() == lines
