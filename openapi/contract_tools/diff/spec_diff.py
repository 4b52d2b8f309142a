"""`spec-diff BASE`: the contract that the pages and overlays make, compared with an earlier one."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import JsonObject, as_object
from contract_tools.build.contract import build_contract
from contract_tools.diff.compare import compare
from contract_tools.diff.judge import judge

if TYPE_CHECKING:
    from contract_tools._common.workspace import Workspace
    from contract_tools.build.contract import Contract
    from contract_tools.diff.changes import Change


@frozen
class Comparison:
    """The changes between two versions of the contract.

    Attributes:
        base: the name of the old version.
        changes: in the order of the new version, those of the document first.
        note: a remark on the new version, or empty.
        digest: the SHA-256 of the new version's file.
    """

    base: str
    changes: tuple[Change, ...]
    note: str = ""
    digest: str = ""

    def count(self, verdict: str) -> int:
        """Return how many changes have a verdict."""
        return sum(change.verdict == verdict for change in self.changes)


def compare_contract(workspace: Workspace, base: str) -> Comparison:
    """Compare the contract that a workspace's pages and overlays make with an earlier one.

    The new contract is built in memory, because between `vendor` and `regenerate` the file still
    contains the contract of the earlier page.

    Args:
        workspace: the workspace.
        base: a file, or a git revision of which `openapi/runway.yaml` is read.

    Raises:
        ContractError: there is no such file or revision, or the contract cannot be built.
    """
    old = load_contract(workspace, base)
    try:
        new = build_contract(workspace)
    except ContractError as error:
        raise ContractError(
            f"nothing was compared with {base}: the contract cannot be built, and "
            f"`make regenerate` will fail for the same reason: {error}"
        ) from error
    changes = tuple(compare(old, new.document, judge))
    digest = hashlib.sha256(new.yaml.encode()).hexdigest()
    return Comparison(base, changes, _note(workspace, new), digest)


def load_contract(workspace: Workspace, base: str) -> JsonObject:
    """Read the contract from a file or a git revision.

    Raises:
        ContractError: there is no such file or revision.
    """
    if Path(base).is_file():
        text = portable_yaml.read_text(Path(base), base)
        return as_object(portable_yaml.load(text, base), base)
    name = f"{base}:{workspace.name(workspace.contract)}"
    # `--end-of-options`, because a revision that begins with a dash would be read as an option.
    shown = subprocess.run(  # noqa: S603 - a fixed program, no shell
        ["git", "show", "--end-of-options", name],  # noqa: S607 - git is where the user has it
        cwd=workspace.root,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    if shown.returncode:
        raise ContractError(f"{base} is not a file, and git says: {shown.stderr.strip()}")
    return as_object(portable_yaml.load(shown.stdout, name), name)


def _note(workspace: Workspace, new: Contract) -> str:
    file = workspace.contract
    if file.is_file() and file.read_bytes() == new.yaml.encode():
        return ""
    return (
        f"{workspace.name(file)} is outdated; this compares what the pages and overlays make. "
        "Run `make regenerate` to update it."
    )
