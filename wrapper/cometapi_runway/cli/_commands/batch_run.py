"""``batch run`` and ``batch retry``: run the rows of a batch."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import evolve

from cometapi_runway._core.naming import count_noun
from cometapi_runway.batch import Batch, ManifestReport
from cometapi_runway.batch._batch import check_name
from cometapi_runway.batch._check import MAX_BAD_ROWS
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._outputs import is_remote
from cometapi_runway.batch._report import format_cost
from cometapi_runway.cli._actions.batch_records import BatchRecords, locate_records
from cometapi_runway.cli._actions.batch_run import BatchRun, run_batch
from cometapi_runway.cli._actions.budget import make_scoped_budget
from cometapi_runway.cli._commands.batch import (
    ReportArgument,
    check_manifest,
    format_estimate,
    make_estimate_fields,
    make_manifest,
    make_refusal,
)
from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.batch import (
    BatchName,
    BatchRunOptions,
    DatabaseOption,
    ManifestPath,
    PageOption,
    RowOptions,
    list_limit_words,
)
from cometapi_runway.cli._options.budget import LimitOptions
from cometapi_runway.cli._options.shared import (
    ConnectionOptions,
    DisplayOptions,
    SavingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport
from cometapi_runway.cli._output.json_report import JsonReport
from cometapi_runway.cli._output.report import Report
from cometapi_runway.errors import InvalidRequestError

if TYPE_CHECKING:
    from cometapi_runway.journal import Budget

_CONNECTION: Final = ConnectionOptions()
_DISPLAY: Final = DisplayOptions()
_LIMITS: Final = LimitOptions()
_ROWS: Final = RowOptions()
_MAX_NAME: Final = 40


def run(
    manifest: ManifestPath,
    /,
    *,
    options: BatchRunOptions,
    rows: RowOptions = _ROWS,
    limits: LimitOptions = _LIMITS,
    database: DatabaseOption = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Run every row of a manifest: create its task, wait for it, save its files.

    Nothing is sent if a row is not valid. The same command again goes on where the last one ended,
    and pays for no row twice. FOLDER/results.jsonl has one line for each row that has ended.
    """
    name = make_name(manifest) if options.name is None else check_name(options.name)
    records = locate_records(connection, database)
    budget = make_scoped_budget(limits, name)
    page = options.page and paths.expand_user(options.page)
    place = None if is_remote(options.output) else paths.expand_user(Path(options.output))
    folder = options.output if place is None else str(place)
    batch_options = _make_options(options, budget)
    found = check_manifest(manifest, rows, budget.prices, place)
    if not found.is_valid:
        exit_report = make_refusal(found)
        report.show_failure(exit_report, found.to_error())
        return exit_report.code
    _check_cost(found, budget, report)
    if place is not None:
        SavingOptions(output=place).prepare_folder()
    resume_command = format_command(
        "batch",
        "run",
        str(manifest),
        *options.words,
        *rows.words,
        *list_limit_words(limits),
        *records.words,
    )
    with _open_batch(name, folder, records, connection) as batch:
        try:
            batch.add_manifest(make_manifest(manifest, rows))
        except InvalidRequestError as error:
            exit_report = make_conflict_report(manifest, name, error)
            report.show_failure(exit_report, error)
            return exit_report.code
        batch_run = BatchRun(batch, batch_options, records, page, resume_command)
        return run_batch(batch_run, report)


def retry(
    name: BatchName,
    /,
    *,
    page: PageOption = None,
    limits: LimitOptions = _LIMITS,
    database: DatabaseOption = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Run rows again that did not succeed, with the options of the last run and those given here.

    A row whose task has failed gets a new task, which is charged. A row of unknown outcome is never
    sent again, unless it was settled as not charged. If rows have not ended, it goes on with these
    first.
    """
    file = page and paths.expand_user(page)
    records = locate_records(connection, database)
    with records.open(name) as known:
        status, options = known.read_status(), _raise_limits(known.read_options(), limits, name)
    page_words = () if page is None else ("--report", str(page))
    resume_command = format_command(
        "batch", "retry", name, *page_words, *list_limit_words(limits), *records.words
    )
    with _open_batch(name, status.folder, records, connection) as batch:
        if status.is_complete:
            ids = batch.retry()
            report.show_note(f"running {count_noun(len(ids), 'row')} again")
        else:
            left = count_noun(status.rows - status.ended, "row")
            report.show_note(f"going on with {left} that had not ended")
        return run_batch(BatchRun(batch, options, records, file, resume_command), report)


def make_name(manifest: Path) -> str:
    """A batch's name from its manifest's: ``Shots 2.csv`` as ``shots-2``."""
    name = re.sub(r"[^a-z0-9_]+", "-", manifest.stem.lower()).strip("-_")[:_MAX_NAME]
    if not name:
        raise UsageError(f"{manifest} gives the batch no name", "name it with --name NAME")
    return name


def make_conflict_report(manifest: Path, name: str, error: InvalidRequestError) -> ExitReport:
    """The exit report of rows that ask for other tasks, or would replace files.

    The other tasks are those that the batch has under the rows' ids.
    """
    if all(issue.rule == "exists" for issue in error.issues):
        message = f"{manifest} would replace files that are not of the batch {name!r}"
        advice = "nothing was sent; move the files, or choose another folder with --output"
    else:
        message = f"{manifest} differs from the batch {name!r}, which has been run before"
        advice = (
            "nothing was sent; give changed rows other ids, or run another batch with --name NAME"
        )
    lines = [issue.message for issue in error.issues[:MAX_BAD_ROWS]]
    hidden = len(error.issues) - len(lines)
    return ExitReport(
        ExitCode.REFUSED,
        type(error).__name__,
        message,
        advice,
        details=(*lines, *([f"and {count_noun(hidden, 'more row')}"] if hidden else ())),
        fields={"manifest": str(manifest), "name": name, "bad_rows": len(error.issues)},
    )


def _make_options(options: BatchRunOptions, budget: Budget) -> BatchOptions:
    return BatchOptions(
        concurrency=options.concurrency,
        rate=options.rate,
        max_cost=budget.max_cost,
        max_tasks=budget.max_tasks,
        prices=budget.prices,
        attempts=options.attempts,
        halt=options.halt,
        interval=options.interval,
        polling=options.polling,
    )


def _raise_limits(options: BatchOptions, limits: LimitOptions, name: str) -> BatchOptions:
    """The options of the last run, with the limits that are given now."""
    budget = make_scoped_budget(limits, name)
    return evolve(
        options,
        max_cost=options.max_cost if budget.max_cost is None else budget.max_cost,
        max_tasks=options.max_tasks if budget.max_tasks is None else budget.max_tasks,
        prices={**options.prices, **budget.prices},
    )


def _check_cost(found: ManifestReport, budget: Budget, report: Report) -> None:
    """Show the estimate, and refuse a limited cost where a price is not known.

    Raises:
        UsageError: A price is not known.
    """
    estimate = found.estimate
    unpriced = [name for name in estimate.rows if name not in estimate.prices]
    if unpriced and budget.max_cost is not None:
        raise UsageError(
            f"--max-cost needs the price of {', '.join(unpriced)}, which is not known",
            "give it in a file with --prices FILE, or limit --max-tasks instead",
        )
    if isinstance(report, JsonReport):
        report.show_event("manifest", make_estimate_fields(found))
    else:
        report.show_note(format_estimate(found))
    if budget.max_cost is not None and estimate.known_cost > budget.max_cost:
        report.show_warning(
            f"all rows cost {format_cost(estimate.known_cost)} USD; those beyond "
            f"{format_cost(budget.max_cost)} USD are not sent"
        )


@contextlib.contextmanager
def _open_batch(
    name: str, folder: str, records: BatchRecords, connection: ConnectionOptions
) -> Generator[Batch]:
    database = records.database
    with Batch(
        name,
        folder,
        data=records.data,
        database=None if database is None else database.reveal(),
        journal=records.journal,
        # An empty option or variable counts as not set.
        base_url=connection.base_url or None,
        runway_version=connection.runway_version or None,
        timeout=connection.request_timeout,
    ) as batch:
        yield batch
