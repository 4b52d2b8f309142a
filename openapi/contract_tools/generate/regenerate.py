"""`regenerate` and `check`: writes the derived files, or compares them with the committed ones."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from contract_tools._common.atomic_files import (
    read_tree,
    replace_files,
    scratch_folder,
    swap_folder,
)
from contract_tools._common.errors import ContractError
from contract_tools.build.contract import build_contract
from contract_tools.generate.generator import generate_package

if TYPE_CHECKING:
    from contract_tools._common.workspace import Workspace

SHOWN_LINES = 40


def regenerate(workspace: Workspace) -> list[str]:
    """Build the contract and the package, and write both once both are complete.

    Returns:
        What was written, a line each.

    Raises:
        ContractError: the inputs or the result break a rule; nothing was written.
    """
    contract = build_contract(workspace)
    with scratch_folder(workspace.scratch) as folder:
        package = generate_package(workspace, contract, folder)
        swap_folder(package, workspace.package)
        replace_files({workspace.contract: contract.yaml.encode()})
    return [
        *(f"warning: {warning}" for warning in contract.warnings),
        f"{workspace.name(workspace.contract)}: written",
        f"{workspace.name(workspace.package)}: written",
    ]


def check(workspace: Workspace) -> list[str]:
    """Build everything in a temporary folder and compare it, byte for byte, with the repository.

    Returns:
        One line with the number of files compared.

    Raises:
        ContractError: something differs, and the message shows the first lines of the difference;
            or an example in the contract contradicts its schema.
    """
    contract = build_contract(workspace)
    if contract.warnings:
        raise ContractError("\n".join(["examples contradict their schemas:", *contract.warnings]))
    wanted = {workspace.name(workspace.contract): contract.yaml.encode()}
    with scratch_folder(workspace.scratch) as folder:
        package = generate_package(workspace, contract, folder)
        wanted |= _named(workspace, read_tree(package))
    found = _named(workspace, read_tree(workspace.package))
    if workspace.contract.exists():
        found[workspace.name(workspace.contract)] = workspace.contract.read_bytes()
    lines = _differences(found, wanted)
    if lines:
        raise ContractError("\n".join(["not what `make regenerate` makes:", *lines]))
    return [f"{len(wanted)} derived files are what `make regenerate` makes"]


def _named(workspace: Workspace, tree: dict[str, bytes]) -> dict[str, bytes]:
    prefix = workspace.name(workspace.package)
    return {f"{prefix}/{name}": content for name, content in tree.items()}


def _differences(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    lines: list[str] = []
    diff: list[str] = []
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            lines.append(f"{name}: missing")
        elif name not in wanted:
            lines.append(f"{name}: not generated")
        elif found[name] != wanted[name]:
            lines.append(f"{name}: differs")
            diff += _diff(name, found[name], wanted[name])
    if not lines:
        return []
    rest = len(diff) - SHOWN_LINES
    hidden = [f"({rest} more line{'' if rest == 1 else 's'})"] if rest > 0 else []
    # The cause again: the difference pushes the first line out of a terminal.
    files = "1 file differs" if len(lines) == 1 else f"{len(lines)} files differ"
    return [
        *lines,
        *diff[:SHOWN_LINES],
        *hidden,
        f"{files} from what `make regenerate` makes; run it",
    ]


def _diff(name: str, found: bytes, wanted: bytes) -> list[str]:
    before, after = (text.decode("utf-8", "replace").splitlines() for text in (found, wanted))
    return list(
        difflib.unified_diff(before, after, f"{name} (here)", f"{name} (made)", lineterm="")
    )
