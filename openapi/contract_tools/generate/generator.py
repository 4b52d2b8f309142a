"""Runs openapi-python-client in the pinned version and checks what it generates.

The output depends only on the contract, the configuration and the pinned versions: the interpreter
is isolated, the search path contains only its own folder, and other versions are refused.
"""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import as_object, entries, members
from contract_tools._common.openapi import Operation, operations
from contract_tools._common.workspace import PACKAGE

if TYPE_CHECKING:
    from contract_tools._common.workspace import Workspace
    from contract_tools.build.contract import Contract

GENERATOR = "openapi-python-client"
FORMATTER = "ruff"
# Imports every module below a folder, and names the first that fails.
IMPORT_ALL = """
import importlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root.parent))
for file in sorted(root.rglob("*.py")):
    parts = file.relative_to(root.parent).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    try:
        importlib.import_module(name)
    except Exception as error:
        sys.exit(f"{name}: {type(error).__name__}: {error}")
"""


def generate_package(workspace: Workspace, contract: Contract, folder: Path) -> Path:
    """Generate the package from a contract.

    Args:
        workspace: the source of the configuration and of the pinned versions.
        contract: the contract; its JSON becomes package data as `contract.json`.
        folder: an empty folder for the package and intermediate files.

    Returns:
        The finished package, below `folder`.

    Raises:
        ContractError: a tool is not in its pinned version, the generator refused the contract, or
            its output is incomplete.
    """
    check_versions(workspace)
    source = folder / "contract.json"
    source.write_text(contract.json, "utf-8")
    package = folder / PACKAGE
    _run_generator(source, workspace.generator_config, package)
    (package / "py.typed").touch()
    shutil.copyfile(source, package / "contract.json")
    _check_overrides(workspace, source, folder)
    _check_modules(contract, package)
    return package


def check_versions(workspace: Workspace) -> None:
    """Check that the generator and ruff have the versions that the repository pins.

    Raises:
        ContractError: a pin is missing, or another version is installed.
    """
    for name, found in ((GENERATOR, _generator_version()), (FORMATTER, _formatter_version())):
        wanted = _pin(workspace, name)
        if found != wanted:
            raise ContractError(
                f"{name} {wanted} is pinned in {workspace.name(workspace.pyproject)}, "
                f"but {found or 'no ' + name} is installed next to this Python; run make setup"
            )


def _tools() -> Path:
    # Not resolved: the interpreter of a virtual environment is a link to another folder.
    return Path(sys.executable).parent


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(_tools()), "LANG": "C.UTF-8"}
    return subprocess.run(  # noqa: S603 - fixed programs, no shell
        [str(part) for part in command],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def _run_generator(source: Path, config: Path, package: Path) -> None:
    options = ["--meta", "none", "--fail-on-warning"]
    ran = _run(
        *(sys.executable, "-I", "-B", "-m", "openapi_python_client", "generate", *options),
        *("--path", source, "--config", config, "--output-path", package),
    )
    if ran.returncode:
        output = "\n".join(filter(None, (ran.stdout.strip(), ran.stderr.strip())))
        raise ContractError(f"{GENERATOR} refused the contract:\n{output}")


def _generator_version() -> str:
    try:
        return importlib.metadata.version(GENERATOR)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _formatter_version() -> str:
    program = shutil.which(FORMATTER, path=str(_tools()))
    return _run(program, "--version").stdout.split()[-1] if program else ""


def _pin(workspace: Workspace, name: str) -> str:
    """Return the exact version that a dependency group pins for a distribution."""
    text = portable_yaml.read_text(workspace.pyproject, workspace.name(workspace.pyproject))
    groups = tomllib.loads(text).get("dependency-groups", {})
    for line in (line for group in groups.values() for line in group if isinstance(line, str)):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        pins = [pin.version for pin in requirement.specifier if pin.operator == "=="]
        if requirement.name == name and pins:
            return pins[0]
    raise ContractError(
        f"{workspace.name(workspace.pyproject)}: no dependency group pins {name}==<version>"
    )


def _check_overrides(workspace: Workspace, source: Path, folder: Path) -> None:
    """Refuse an override of a class that does not exist; the generator ignores it."""
    where = workspace.name(workspace.generator_config)
    text = portable_yaml.read_text(workspace.generator_config, where)
    config = as_object(portable_yaml.load_unambiguous(text, where), where)
    overrides = members(config.pop("class_overrides", None))
    if not overrides:
        return
    plain, plain_config = folder / "without_overrides" / PACKAGE, folder / "generator.yaml"
    plain_config.write_text(portable_yaml.dump(config), "utf-8")
    _run_generator(source, plain_config, plain)
    known = _exported(plain / "models" / "__init__.py")
    for name in overrides:
        if name not in known:
            raise ContractError(f"{where}: class_overrides: no class {name!r} is generated")


def _exported(module: Path) -> set[str]:
    for statement in ast.parse(module.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            return set(ast.literal_eval(statement.value))
    return set()


def _check_modules(contract: Contract, package: Path) -> None:
    """Check that there is one importable module for each operation, and no other."""
    wanted = {_module(operation) for operation in operations(contract.document)}
    api = package / "api"
    found = {
        file.relative_to(api).as_posix() for file in api.glob("*/*.py") if file.stem != "__init__"
    }
    if wanted != found:
        missing, extra = sorted(wanted - found), sorted(found - wanted)
        raise ContractError(f"generated endpoints: missing {missing}, unexpected {extra}")
    ran = _run(sys.executable, "-I", "-B", "-c", IMPORT_ALL, package)
    if ran.returncode:
        raise ContractError(f"the generated package cannot be imported: {ran.stderr.strip()}")


def _module(operation: Operation) -> str:
    return f"{entries(operation.raw['tags'])[0]}/{operation.id}.py"
