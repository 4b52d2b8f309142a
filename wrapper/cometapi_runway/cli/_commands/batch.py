"""``batch``: commands for manifests of many tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from cyclopts import App, Group, Parameter

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway.cli._lazy_module import LazyModule
from cometapi_runway.cli._options.shared import RUN_GROUP, DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.report import Report
from cometapi_runway.errors import InvalidRequestError, Issue

if TYPE_CHECKING:
    from cometapi_runway.batch import _check, _manifest
    from cometapi_runway.batch._check import Estimate, ManifestReport
    from cometapi_runway.batch._manifest import BadRow
else:
    _check = LazyModule("cometapi_runway.batch._check")
    _manifest = LazyModule("cometapi_runway.batch._manifest")

app: Final = App(name="batch", help_epilogue="", group_commands=Group("Commands"))

ManifestPath: TypeAlias = Annotated[
    Path,
    Parameter(
        name="MANIFEST",
        help="The rows, one task each: a .jsonl, .csv or .json file with the arguments of "
        "create, and id, operation and output.",
        group=RUN_GROUP,
    ),
]
OperationOption: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="The operation of rows that name none, such as image-to-video.",
        metavar="NAME",
        group=RUN_GROUP,
    ),
]
SetOption: TypeAlias = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        help="Fill a field of every row, from its other fields in braces: "
        "prompt_text='{hero} at dawn'. May be repeated.",
        metavar="FIELD=VALUE",
        allow_leading_hyphen=True,
        group=RUN_GROUP,
    ),
]
ReportArgument: TypeAlias = Annotated[Report, Parameter(parse=False)]

_DISPLAY: Final = DisplayOptions()


@app.command
def check(
    manifest: ManifestPath,
    /,
    *,
    operation: OperationOption = None,
    assignments: SetOption = None,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Check every row of a manifest offline, and estimate the cost; nothing is sent."""
    rows = _manifest.Manifest(
        manifest.expanduser(), operation=operation, assignments=assignments or ()
    )
    found = _check.check_manifest(rows)
    if not found.is_valid:
        exit_report = make_refusal(found)
        report.show_failure(exit_report, found.to_error())
        return exit_report.code
    report.show_result(format_estimate(found), "manifest", make_estimate_fields(found))
    return ExitCode.SUCCESS


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
