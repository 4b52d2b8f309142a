"""`regenerate` and `check`: the derived files, made, or compared with what is committed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from contract_tools import build, files, generator
from contract_tools.errors import ContractError

if TYPE_CHECKING:
    from contract_tools.workspace import Workspace

SHOWN_LINES = 40


def regenerate(workspace: Workspace) -> list[str]:
    """Build the contract and the package, and put both in place once both are made.

    Returns:
        What was written, a line each.

    Raises:
        ContractError: something is wrong with the inputs or the result; nothing was written.
    """
    contract = build.build(workspace)
    with files.scratch_folder(workspace.scratch) as folder:
        package = generator.generate(workspace, contract, folder)
        files.swap_folder(package, workspace.package)
        files.replace({workspace.contract: contract.yaml.encode()})
    return [
        *(f"warning: {warning}" for warning in contract.warnings),
        f"{workspace.name(workspace.contract)}: written",
        f"{workspace.name(workspace.package)}: written",
    ]


def check(workspace: Workspace) -> list[str]:
    """Build everything aside and compare it, byte for byte, with what is there.

    Returns:
        That all is equal.

    Raises:
        ContractError: something differs, and the first lines of the difference are in the
            message; or the contract contradicts itself.
    """
    contract = build.build(workspace)
    if contract.warnings:
        raise ContractError("\n".join(["the contract contradicts itself:", *contract.warnings]))
    wanted = {workspace.name(workspace.contract): contract.yaml.encode()}
    with files.scratch_folder(workspace.scratch) as folder:
        package = generator.generate(workspace, contract, folder)
        wanted |= _named(workspace, files.tree(package))
    found = _named(workspace, files.tree(workspace.package))
    if workspace.contract.exists():
        found[workspace.name(workspace.contract)] = workspace.contract.read_bytes()
    lines = _differences(found, wanted)
    if lines:
        raise ContractError("\n".join(["not as `make regenerate` makes it:", *lines]))
    return [f"{len(wanted)} derived files are as `make regenerate` makes them"]


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
    rest = len(diff) - SHOWN_LINES
    return lines + diff[:SHOWN_LINES] + ([f"({rest} more lines)"] if rest > 0 else [])


def _diff(name: str, found: bytes, wanted: bytes) -> list[str]:
    before, after = (text.decode("utf-8", "replace").splitlines() for text in (found, wanted))
    return list(
        difflib.unified_diff(before, after, f"{name} (here)", f"{name} (made)", lineterm="")
    )
