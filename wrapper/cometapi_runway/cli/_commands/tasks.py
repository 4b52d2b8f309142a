"""``tasks``: commands for existing tasks.

The gateway has no list of tasks; the journal is the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from attrs import evolve
from cyclopts import App, Group, Parameter
from cyclopts.types import NonNegativeInt

from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.task import Route
from cometapi_runway.cli._commands._submission_text import (
    describe_unknown_submission,
    format_settle_command,
    format_submission,
    format_task,
    make_submission_fields,
)
from cometapi_runway.cli._commands._task_list import (
    read_task_list,
    show_how_to_settle,
    show_unreadable,
)
from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options.shared import (
    CONNECTION_GROUP,
    RUN_GROUP,
    ConnectionOptions,
    DisplayOptions,
    OptionalSaving,
    ResumeSaving,
    SavingOptions,
    WaitingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.cli._output.report import Report, make_result_fields
from cometapi_runway.errors import RunwayError

if TYPE_CHECKING:
    from cometapi_runway._client import RunwayClient
    from cometapi_runway.cli._actions import client as client_action
    from cometapi_runway.cli._actions import finish_tasks, open_journal
    from cometapi_runway.journal import SubmissionRecord
    from cometapi_runway.resources._bound_task import BoundTask
else:
    client_action = LazyModule("cometapi_runway.cli._actions.client")
    finish_tasks = LazyModule("cometapi_runway.cli._actions.finish_tasks")
    open_journal = LazyModule("cometapi_runway.cli._actions.open_journal")

app: Final = App(name="tasks", help_epilogue="", group_commands=Group("Commands"))
# A module is imported when its command is run.
for _name, _help in (
    ("settle", "Close a request of unknown outcome; works offline and needs no key."),
    ("spent", "Show what tasks have cost; works offline and needs no key."),
    ("export", "Write every request in the journal as a table; works offline."),
):
    app.command(f"cometapi_runway.cli._commands.{_name}:{_name}", name=_name, help=_help)

TaskIds: TypeAlias = Annotated[list[str], Parameter(name="ID", help="Ids of tasks.", negative=())]
RouteOption: TypeAlias = Annotated[
    Route,
    Parameter(
        name="--route", help="Route for tasks that are not in the journal.", group=CONNECTION_GROUP
    ),
]
ReportArgument: TypeAlias = Annotated[Report, Parameter(parse=False)]

_DISPLAY: Final = DisplayOptions()
_CONNECTION: Final = ConnectionOptions()
_WAITING: Final = WaitingOptions()
_SAVING: Final = SavingOptions()
_OPTIONAL_SAVING: Final = OptionalSaving()
_RESUME_SAVING: Final = ResumeSaving()


@app.command
def get(
    ids: TaskIds,
    /,
    *,
    route: RouteOption = "tasks",
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Show the status of tasks, without waiting."""
    codes: list[ExitCode] = []
    with client_action.make_client(connection) as client:
        for task_id in ids:
            try:
                task = finish_tasks.bind_task(client, task_id, route).refresh()
            except RunwayError as error:
                exit_report = make_exit_report(error, connection.options_to_repeat)
                report.show_failure(exit_report, error)
                codes.append(exit_report.code)
            else:
                report.show_result(format_task(task), "task", make_result_fields(task))
    return next(iter(codes), ExitCode.SUCCESS)


@app.command
def wait(
    ids: TaskIds,
    /,
    *,
    route: RouteOption = "tasks",
    saving: OptionalSaving = _OPTIONAL_SAVING,
    waiting: WaitingOptions = _WAITING,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Wait for tasks, all at once, and save their files if a folder is given."""
    options = finish_tasks.make_run_options(
        connection,
        folder=saving.prepare_folder(),
        overwrite=saving.overwrite,
        waiting=waiting,
    )
    with client_action.make_client(connection) as client:
        tasks = [finish_tasks.bind_task(client, task_id, route) for task_id in dict.fromkeys(ids)]
        return finish_tasks.wait_and_save(client, tasks, options, report)


@app.command
def download(
    ids: TaskIds,
    /,
    *,
    route: RouteOption = "tasks",
    saving: SavingOptions = _SAVING,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Save the files of tasks that have ended; partial files are continued."""
    options = finish_tasks.make_run_options(
        connection, folder=saving.prepare_folder(), overwrite=saving.overwrite
    )
    with client_action.make_client(connection) as client:
        tasks = [finish_tasks.bind_task(client, task_id, route) for task_id in dict.fromkeys(ids)]
        return finish_tasks.save_ended(client, tasks, options, report)


@app.command
def resume(
    *,
    saving: ResumeSaving = _RESUME_SAVING,
    waiting: WaitingOptions = _WAITING,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Wait for every unfinished task in the journal, and save their files.

    With --output, files are fetched as well that were never saved of tasks that succeeded, as long
    as the gateway may still have them.
    """
    options = finish_tasks.make_run_options(
        connection,
        folder=saving.prepare_folder(),
        overwrite=saving.overwrite,
        waiting=waiting,
    )
    with client_action.make_client(connection) as client:
        if client.journal.store is None:
            report.show_note("without a journal there is nothing to resume")
            return ExitCode.SUCCESS
        for submission in client.journal.unknown():
            settle = format_settle_command(submission, connection.journal_options)
            report.show_warning(
                f"{describe_unknown_submission(submission)}; "
                f"check the usage log of your CometAPI account, then close it: `{settle}`"
            )
        tasks = client.journal.unfinished()
        tasks += _find_unfetched(client, tasks, saving, options.connection_options, report)
        unfinished = client.journal.store.tasks(unfinished=True)
        has_others = _show_other_gateways(connection, unfinished, report)
        if not tasks:
            scope = "of this gateway" if has_others else "in the journal"
            report.show_note(f"every task {scope} has ended")
            return ExitCode.SUCCESS
        return finish_tasks.wait_and_save(client, tasks, options, report)


@app.command(name="list")
def list_tasks(
    *,
    limit: Annotated[
        NonNegativeInt, Parameter(help="How many, newest first; 0 for all.", group=RUN_GROUP)
    ] = 20,
    unfinished: Annotated[
        bool,
        Parameter(help="Only unfinished tasks.", negative="", show_default=False, group=RUN_GROUP),
    ] = False,
    unknown: Annotated[
        bool,
        Parameter(
            help="Only requests without a task that may have been charged.",
            negative="",
            show_default=False,
            group=RUN_GROUP,
        ),
    ] = False,
    label: Annotated[
        str | None,
        Parameter(
            help="Only tasks with this label; a * at its end stands for any rest.",
            metavar="TEXT",
            group=RUN_GROUP,
        ),
    ] = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """List the tasks in the journal; works offline and needs no key."""
    if unfinished and unknown:
        message = "--unfinished and --unknown exclude each other: an unfinished task has an id"
        raise UsageError(message, "give one of them")
    with open_journal.open_journal(connection) as store:
        if store is None:
            report.show_note(f"no tasks in the journal {connection.journal_name}".rstrip())
            return ExitCode.SUCCESS
        task_list = read_task_list(
            store, unfinished=unfinished, unknown=unknown, label=label, limit=limit or None
        )
    show_unreadable(task_list.unreadable, connection.journal_name, report)
    submissions, options = task_list.submissions, connection.journal_options
    for one in submissions:
        details = task_list.list_details(one, options)
        text = format_submission(one, connection.gateway, details)
        report.show_result(text, "submission", make_submission_fields(one))
    show_how_to_settle(task_list, report)
    open_ones = [one for one in submissions if one.state == "SUBMITTED" or one.unsaved]
    if not submissions:
        report.show_note("no such tasks in the journal")
    elif any(one.base_url == connection.gateway for one in open_ones):
        command = format_command("tasks", "resume", *connection.options_to_repeat)
        report.show_note(f"next:  {command} finishes the unfinished ones")
    unfetched = [
        one
        for one in submissions
        if one.is_unfetched and not one.unsaved and one.base_url == connection.gateway
    ]
    if unfetched:
        _show_fetch_command(len(unfetched), connection.options_to_repeat, report)
    _show_other_gateways(connection, open_ones, report)
    return ExitCode.SUCCESS


def _find_unfetched(
    client: RunwayClient,
    unfinished: Sequence[BoundTask],
    saving: ResumeSaving,
    connection_options: Sequence[str],
    report: Report,
) -> list[BoundTask]:
    """The succeeded tasks whose files are to be fetched; without a folder, only say how."""
    known = {task.id for task in unfinished}
    unfetched = [task for task in client.journal.unfetched() if task.id not in known]
    if not unfetched:
        return []
    if not saving.includes_unfetched:
        _show_fetch_command(len(unfetched), connection_options, report)
        return []
    tasks = count_noun(len(unfetched), "task")
    report.show_note(f"fetching the files of {tasks} that succeeded and had no file saved")
    return unfetched


def _show_fetch_command(count: int, connection_options: Sequence[str], report: Report) -> None:
    verb = "has" if count == 1 else "have"
    tasks = count_noun(count, "task")
    report.show_note(f"{tasks} that succeeded {verb} no file saved, or not all of them")
    command = format_command("tasks", "resume", "--output", "FOLDER", *connection_options)
    report.show_note(f"next:  {command} fetches them while the gateway has them")


def _show_other_gateways(
    connection: ConnectionOptions, unfinished: Iterable[SubmissionRecord], report: Report
) -> bool:
    """Show which unfinished tasks belong to other gateways, and the command to resume them."""
    counts = connection.count_other_gateways(unfinished)
    for address, count in counts.items():
        options = evolve(connection, base_url=address).options_to_repeat
        verb = "task belongs" if count == 1 else "tasks belong"
        report.show_note(f"{count} {verb} to {address}")
        report.show_note(f"next:  {format_command('tasks', 'resume', *options)}")
    return bool(counts)
