"""The generated package: openapi-python-client, held to what the repository pins.

Nothing around the run has a say in its output: the interpreter is isolated, the search path
holds only the interpreter's own folder, and versions other than the pinned ones are refused.
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

from contract_tools import lint, yaml_text
from contract_tools.errors import ContractError
from contract_tools.values import Json, JsonObject, as_object, entries, members
from contract_tools.workspace import PACKAGE

if TYPE_CHECKING:
    from contract_tools.build import Contract
    from contract_tools.workspace import Workspace

GENERATOR = "openapi-python-client"
FORMATTER = "ruff"
# Imports every module below the folder it is given, and names the first that fails.
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


def generate(workspace: Workspace, contract: Contract, folder: Path) -> Path:
    """Generate the package from a contract.

    Args:
        workspace: whose configuration and pins to use.
        contract: what to generate from; it becomes package data as `contract.json`.
        folder: an empty folder for the package and what is needed on the way.

    Returns:
        The finished package, below `folder`.

    Raises:
        ContractError: the tools are not the pinned ones, or the generator left something out.
    """
    check_versions(workspace)
    source = folder / "contract.json"
    source.write_text(contract.json, "utf-8")
    package = folder / PACKAGE
    _run_generator(source, workspace.generator_config, package)
    shutil.rmtree(package / ".ruff_cache", ignore_errors=True)
    (package / "py.typed").touch()
    shutil.copyfile(source, package / "contract.json")
    _check_overrides(workspace, source, folder)
    _check_modules(contract, package)
    return package


def check_versions(workspace: Workspace) -> None:
    """Check that the generator and ruff are the ones the repository pins.

    Raises:
        ContractError: a pin is missing, or another version is installed.
    """
    for name, found in ((GENERATOR, _generator_version()), (FORMATTER, _formatter_version())):
        wanted = _pin(workspace, name)
        if found != wanted:
            raise ContractError(
                f"{name} {wanted} is pinned in {workspace.name(workspace.pyproject)}, "
                f"but {found or 'no ' + name} is installed beside this Python; run make setup"
            )


def _tools() -> Path:
    # Not resolved: a virtual environment's interpreter is a link out of its own folder.
    return Path(sys.executable).parent


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(_tools()), "LANG": "C.UTF-8"}
    return subprocess.run(  # noqa: S603 - fixed programs, no shell
        [str(part) for part in command],
        env=environment,
        capture_output=True,
        text=True,
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
        said = "\n".join(filter(None, (ran.stdout.strip(), ran.stderr.strip())))
        raise ContractError(f"{GENERATOR} refused the contract:\n{said}")


def _generator_version() -> str:
    try:
        return importlib.metadata.version(GENERATOR)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _formatter_version() -> str:
    program = shutil.which(FORMATTER, path=str(_tools()))
    return _run(program, "--version").stdout.split()[-1] if program else ""


def _pin(workspace: Workspace, name: str) -> str:
    """Return the exact version a dependency group pins for a distribution."""
    text = yaml_text.read_text(workspace.pyproject, workspace.name(workspace.pyproject))
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
    """The generator ignores an override of a class that does not exist; this does not."""
    where = workspace.name(workspace.generator_config)
    text = yaml_text.read_text(workspace.generator_config, where)
    config = as_object(yaml_text.load_unambiguous(text, where), where)
    overrides = members(config.pop("class_overrides", None))
    if not overrides:
        return
    plain, plain_config = folder / "without_overrides" / PACKAGE, folder / "generator.yaml"
    plain.parent.mkdir()
    plain_config.write_text(yaml_text.dump(config), "utf-8")
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
    """One importable module for each operation, and no other."""
    wanted = {_module(operation) for _, operation in lint.operations(contract.document)}
    api = package / "api"
    found = {
        file.relative_to(api).as_posix() for file in api.glob("*/*.py") if file.stem != "__init__"
    }
    if wanted != found:
        missing, extra = sorted(wanted - found), sorted(found - wanted)
        raise ContractError(f"generated endpoints: missing {missing}, not asked for {extra}")
    ran = _run(sys.executable, "-I", "-B", "-c", IMPORT_ALL, package)
    if ran.returncode:
        raise ContractError(f"the generated package cannot be imported: {ran.stderr.strip()}")


def _module(operation: JsonObject) -> str:
    tag: Json = entries(operation["tags"])[0]
    return f"{tag}/{operation['operationId']}.py"
