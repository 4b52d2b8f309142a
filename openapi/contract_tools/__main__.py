"""`python -m contract_tools`: vendor a page, build, compare, regenerate, check the contract."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from contract_tools import build, files, regenerate, vendor
from contract_tools.errors import ContractError
from contract_tools.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None, workspace: Workspace | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line; that of the process if None.
        workspace: what to work on; the repository that holds these tools if None.

    Returns:
        The exit status: 0, or 1 if something is wrong.
    """
    options = _parser().parse_args(arguments)
    place = workspace or Workspace.here()
    try:
        for line in _lines(options, place):
            print(line)
    except ContractError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _lines(options: argparse.Namespace, place: Workspace) -> list[str]:
    match options.command:
        case "vendor":
            return vendor.vendor(place, options.page, options.variant)
        case "build":
            contract = build.build(place)
            files.replace({place.contract: contract.yaml.encode()})
            written = f"{place.name(place.contract)}: written"
            return [*(f"warning: {warning}" for warning in contract.warnings), written]
        case "regenerate":
            return regenerate.regenerate(place)
        case "spec-diff":
            # Imported here: it brings a schema engine that the other commands do without.
            from contract_tools import specdiff, specdiff_report  # noqa: PLC0415

            specdiff_report.discard(place.scratch)
            found = specdiff.report(place, options.base)
            pages = specdiff_report.write(found, place.scratch)
            named = ", ".join(place.name(file) for file in pages)
            return [*specdiff_report.as_markdown(found), "", f"Also written: {named}"]
        case _:
            return regenerate.check(place)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="contract_tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    page = commands.add_parser("vendor", help="store a saved documentation page's OpenAPI block")
    page.add_argument("page", help="the page, saved as Markdown")
    page.add_argument(
        "--variant", default="", help="the component for its body, if pages share an operation"
    )
    commands.add_parser("build", help="write the contract")
    commands.add_parser("regenerate", help="write the contract and the generated package")
    commands.add_parser("check", help="fail if regenerating would change a byte")
    diff = commands.add_parser(
        "spec-diff", help="tell what changed in the contract, and whom it hits"
    )
    diff.add_argument("base", help="a git revision, or a file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
