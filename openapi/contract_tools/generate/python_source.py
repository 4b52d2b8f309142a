"""Formats a hand-written module as the repository's ruff does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from contract_tools._common.errors import ContractError

if TYPE_CHECKING:
    from contract_tools._common.workspace import Workspace

# The order of imports and of `__all__`.
_SORTED = "I001,RUF022"


def format_module(workspace: Workspace, name: str, text: str) -> str:
    """Return a module with its imports and `__all__` sorted, formatted.

    Args:
        workspace: the source of ruff's configuration.
        name: the file's name from the root, for messages.
        text: the module.

    Raises:
        ContractError: ruff refused it.
    """
    config = f"--config={workspace.pyproject}"
    fixing = ("check", "--fix-only", f"--select={_SORTED}", "--exit-zero")
    fixed = _run_ruff(text, name, *fixing, "--no-cache", config)
    return _run_ruff(fixed, name, "format", "--no-cache", config)


def _run_ruff(text: str, name: str, *arguments: str) -> str:
    # Not resolved: the interpreter of a virtual environment is a link to another folder.
    program = Path(sys.executable).parent / "ruff"
    ran = subprocess.run(  # noqa: S603 - a fixed program, no shell
        [str(program), *arguments, "--stdin-filename", name, "-"],
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if ran.returncode:
        raise ContractError(f"{name}: ruff refused it: {ran.stderr.strip()}")
    return ran.stdout
