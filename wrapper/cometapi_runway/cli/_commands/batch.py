"""``batch``: commands for manifests of many tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from cyclopts import App, Group, Parameter

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.batch import ManifestPath, RowOptions
from cometapi_runway.cli._options.budget import PriceOptions
from cometapi_runway.cli._options.shared import DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.report import Report
from cometapi_runway.errors import InvalidRequestError, Issue

if TYPE_CHECKING:
    from decimal import Decimal

    from cometapi_runway import journal
    from cometapi_runway.batch import _check, _manifest, _rows
    from cometapi_runway.batch._check import Estimate, ManifestReport
    from cometapi_runway.batch._manifest import BadRow, Manifest
    from cometapi_runway.cli._actions import budget as budget_action
    from cometapi_runway.resources import _prices
else:
    _check = LazyModule("cometapi_runway.batch._check")
    _manifest = LazyModule("cometapi_runway.batch._manifest")
    _prices = LazyModule("cometapi_runway.resources._prices")
    _rows = LazyModule("cometapi_runway.batch._rows")
    budget_action = LazyModule("cometapi_runway.cli._actions.budget")
    journal = LazyModule("cometapi_runway.journal")

app: Final = App(name="batch", help_epilogue="", group_commands=Group("Commands"))
# A module is imported when its command is run.
for _name, _target, _help in (
    ("run", "batch_run:run", "Run every row of a manifest; the same command again goes on."),
    ("work", "batch_work:work", "Be one more worker for the batches of a database."),
    ("list", "batch_show:list_batches", "List the batches; works offline and needs no key."),
    ("status", "batch_show:status", "Show how a batch stands; works offline and needs no key."),
    ("watch", "batch_show:watch", "Watch a batch that another process runs."),
    ("retry", "batch_run:retry", "Run rows again that did not succeed."),
    ("cancel", "batch_show:cancel", "Create no further task of a batch."),
    ("report", "batch_show:write_report", "Write a page with files, failures and costs."),
):
    app.command(f"cometapi_runway.cli._commands.{_target}", name=_name, help=_help)

ReportArgument: TypeAlias = Annotated[Report, Parameter(parse=False)]

_DISPLAY: Final = DisplayOptions()
_PRICES: Final = PriceOptions()
_ROWS: Final = RowOptions()


@app.command
def check(
    manifest: ManifestPath,
    /,
    *,
    rows: RowOptions = _ROWS,
    prices: PriceOptions = _PRICES,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Check every row of a manifest offline, and estimate the cost; nothing is sent."""
    found = check_manifest(manifest, rows, budget_action.load_known_prices(prices))
    if not found.is_valid:
        exit_report = make_refusal(found)
        report.show_failure(exit_report, found.to_error())
        return exit_report.code
    report.show_result(format_estimate(found), "manifest", make_estimate_fields(found))
    return ExitCode.SUCCESS


def check_manifest(
    path: Path, rows: RowOptions, prices: Mapping[str, Decimal], folder: Path | None = None
) -> ManifestReport:
    """Check a manifest offline, and estimate its cost at the known prices.

    Raises:
        ConfigurationError: The manifest cannot be read, or an option is malformed.
    """
    manifest = make_manifest(path, rows)
    budget = journal.Budget(prices=prices)

    def get_price(name: str) -> Decimal | None:
        signature = _rows.find_resource(name).signature
        return _prices.find_price(budget, signature.name, signature.operation)

    return _check.check_manifest(manifest, folder=folder, price_of=get_price)


def make_manifest(path: Path, rows: RowOptions) -> Manifest:
    """The manifest of a command.

    Raises:
        ConfigurationError: An option is malformed.
        UsageError: The path begins with a home folder that there is not.
    """
    return _manifest.Manifest(
        paths.expand_user(path), operation=rows.operation, assignments=rows.assignments or ()
    )


def make_refusal(found: ManifestReport) -> ExitReport:
    """The exit report of a manifest with bad rows."""
    lines = [f"{row.place}: {issue.message}" for row in found.bad_rows for issue in row.issues]
    hidden = found.bad_row_count - len(found.bad_rows)
    issues: list[JSON] = [
        _make_issue_fields(row, issue) for row in found.bad_rows for issue in row.issues
    ]
    return ExitReport(
        ExitCode.REFUSED,
        InvalidRequestError.__name__,
        found.message,
        "nothing was sent; correct the manifest and check it again",
        details=(*lines, *([f"and {count_noun(hidden, 'more bad row')}"] if hidden else ())),
        fields={
            "manifest": str(found.path),
            "rows": found.row_count,
            "bad_rows": found.bad_row_count,
            "bad_rows_shown": len(found.bad_rows),
            "issues": issues,
        },
    )


def format_estimate(found: ManifestReport) -> str:
    """The rows and their cost, for people."""
    estimate = found.estimate
    width = max(len(name) for name in estimate.rows)
    lines = [f"{found.path}: {count_noun(found.row_count, 'row')}, all valid"]
    for name, count in estimate.rows.items():
        price = estimate.prices.get(name)
        each = "price unknown" if price is None else f"{price} USD each"
        lines.append(f"  {name:<{width}}  {count:>6}  {each}")
    lines.append(f"known cost: {_format_cost(estimate)}")
    return "\n".join(lines)


def make_estimate_fields(found: ManifestReport) -> dict[str, JSON]:
    """The rows and their cost, for programs."""
    estimate = found.estimate
    return {
        "manifest": str(found.path),
        "rows": found.row_count,
        "operations": dict(estimate.rows),
        "known_cost": float(estimate.known_cost),
        "unpriced_rows": estimate.unpriced_rows,
    }


def _format_cost(estimate: Estimate) -> str:
    unpriced = estimate.unpriced_rows
    if not estimate.prices:
        return f"none; the price of {count_noun(unpriced, 'row')} is unknown"
    more = f", and {count_noun(unpriced, 'row')} of unknown price" if unpriced else ""
    return f"{estimate.known_cost} USD{more}"


def _make_issue_fields(row: BadRow, issue: Issue) -> dict[str, JSON]:
    return {
        "line": row.line,
        "id": row.id,
        "path": issue.path,
        "rule": issue.rule,
        "value": None if issue.value is None else safe_repr(issue.value),
        "message": issue.message,
    }
