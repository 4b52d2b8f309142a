"""`python -m contract_tools`: vendor a page, build, compare, regenerate and check the contract."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from contract_tools._common.atomic_files import replace_files
from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.build.contract import build_contract
from contract_tools.diff.page_report import report_page
from contract_tools.generate.operations_table import write_table
from contract_tools.generate.regenerate import check, regenerate
from contract_tools.operation.new_operation import add_operation
from contract_tools.pages.vendor import plan_vendoring

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, workspace: Workspace | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line; that of the process if None.
        workspace: the workspace to use; the repository that contains these tools if None.

    Returns:
        The exit status: 0, or 1 after an error.
    """
    options = _parser().parse_args(arguments)
    try:
        for line in _run(options, workspace or Workspace.here()):
            print(line)
    except ContractError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def vendor(workspace: Workspace, page: str, variant: str = "") -> list[str]:
    """Store a saved page's OpenAPI block and report what changed.

    Args:
        workspace: where to store it.
        page: the saved page.
        variant: which of an operation's bodies the page describes, see `plan_vendoring`.

    Returns:
        The report, a line each.

    Raises:
        ContractError: the page cannot be vendored; nothing was written.
    """
    plan = plan_vendoring(workspace, page, variant)
    name = workspace.name(plan.file)
    notes = [f"note: {note}" for note in plan.page.notes]
    if plan.is_stored:
        return [*notes, f"{name}: unchanged"]
    report = report_page(plan)
    plan.store()
    following = "make regenerate" if plan.replaced else f"make operation PAGE={page}"
    return [*notes, *report, f"{name}: stored; next: {following}"]


def build(workspace: Workspace) -> list[str]:
    """Write the contract, and return what to print."""
    contract = build_contract(workspace)
    replace_files({workspace.contract: contract.yaml.encode()})
    written = f"{workspace.name(workspace.contract)}: written"
    return [*(f"warning: {warning}" for warning in contract.warnings), written]


def spec_diff(workspace: Workspace, base: str) -> list[str]:
    """Compare the contract with an earlier one, write the reports, and return what to print."""
    # Imported here: hypothesis is slow to import, and the other commands do not need it.
    from contract_tools.diff import report, spec_diff  # noqa: PLC0415

    report.delete_reports(workspace.scratch)
    found = spec_diff.compare_contract(workspace, base)
    files = report.write_reports(found, workspace.scratch)
    listed = ", ".join(workspace.name(file) for file in files)
    return [*report.as_markdown(found), "", f"Also written: {listed}"]


def _run(options: argparse.Namespace, workspace: Workspace) -> list[str]:
    match options.command:
        case "vendor":
            return vendor(workspace, options.page, options.variant)
        case "operation":
            return add_operation(workspace, options.page, options.name)
        case "build":
            return build(workspace)
        case "regenerate":
            return regenerate(workspace)
        case "spec-diff":
            return spec_diff(workspace, options.base)
        case "table":
            return write_table(workspace, options.write)
        case _:
            return check(workspace)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="contract_tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    page = commands.add_parser("vendor", help="store a saved documentation page's OpenAPI block")
    page.add_argument("page", help="the page, saved as Markdown")
    page.add_argument(
        "--variant",
        default="",
        help="the component for the page's body, where several pages describe one operation",
    )
    operation = commands.add_parser("operation", help="take in the page of a new operation")
    operation.add_argument("page", help="the page, saved as Markdown")
    operation.add_argument(
        "--name", default="", help="the resource; the last part of the route without it"
    )
    commands.add_parser("build", help="write the contract")
    commands.add_parser("regenerate", help="write the contract and the generated package")
    commands.add_parser("check", help="fail if regenerating would change a byte")
    diff = commands.add_parser(
        "spec-diff", help="report what changed in the contract and what the changes break"
    )
    diff.add_argument("base", help="a git revision, or a file")
    table = commands.add_parser("table", help="print the operations as a Markdown table")
    table.add_argument(
        "--write", metavar="FILE", type=Path, help="write it between the marks of this file instead"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
