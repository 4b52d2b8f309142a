"""``tasks``: those that exist already. The gateway has no list of them; the journal is the list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from attrs import evolve, frozen
from cyclopts import App, Group, Parameter
from cyclopts.types import NonNegativeInt

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.task import Route
from cometapi_runway.cli.creations import creations
from cometapi_runway.cli.deferred import Deferred
from cometapi_runway.cli.endings import Exit, command, ending
from cometapi_runway.cli.options import CONNECTION, RUN, Connection, Display, Saving, Waiting
from cometapi_runway.cli.report import Report, facts
from cometapi_runway.errors import RunwayError
from cometapi_runway.journal import Journal

if TYPE_CHECKING:
    from cometapi_runway.cli import clients, watching
    from cometapi_runway.journal import SubmissionRecord
    from cometapi_runway.journal import _journal as journal
    from cometapi_runway.resources._bound_task import BoundTask
else:
    clients = Deferred("cometapi_runway.cli.clients")
    watching = Deferred("cometapi_runway.cli.watching")
    journal = Deferred("cometapi_runway.journal")

app: Final = App(name="tasks", help_epilogue="", group_commands=Group("Commands"))

Ids: TypeAlias = Annotated[list[str], Parameter(name="ID", help="Ids of tasks.", negative=())]
Where: TypeAlias = Annotated[
    Route,
    Parameter(
        name="--route", help="Where tasks that are not on record are asked for.", group=CONNECTION
    ),
]
Speaker: TypeAlias = Annotated[Report, Parameter(parse=False)]

_DISPLAY: Final = Display()
_CONNECTION: Final = Connection()
_WAITING: Final = Waiting()
_SAVING: Final = Saving()
_UNSENT: Final = "never left this computer"
_REFUSALS: Final = {
    "APIConnectionError": _UNSENT,
    "APITimeoutError": _UNSENT,
    "AuthenticationError": "the key was not accepted",
    "PermissionDeniedError": "the key may not do this",
    "InsufficientQuotaError": "the balance or the key's quota did not cover it",
    "RateLimitError": "the gateway asked for a slower pace to the last",
    "BadRequestError": "the gateway took it for a bad request",
    "KeyboardInterrupt": "interrupted; nothing was accepted",
}


@Parameter(name="*", group=RUN)
@frozen(kw_only=True)
class Perhaps:
    """Where files go, if anywhere."""

    output: Annotated[
        Path | None,
        Parameter(help="Save the files into this folder; else print addresses.", metavar="FOLDER"),
    ] = None
    overwrite: Annotated[
        bool, Parameter(negative="", help="Replace files of the same name.", show_default=False)
    ] = False

    def prepare(self) -> Path | None:
        """The folder, made if it is not there."""
        return None if self.output is None else Saving(output=self.output).prepare()


_PERHAPS: Final = Perhaps()


@app.command
def get(
    ids: Ids,
    /,
    *,
    route: Where = "tasks",
    connection: Connection = _CONNECTION,
    display: Display = _DISPLAY,
    report: Speaker,
) -> Exit:
    """Ask once how tasks stand."""
    codes: list[Exit] = []
    with clients.connect(connection) as client:
        for task_id in ids:
            try:
                task = watching.known(client, task_id, route).refresh()
            except RunwayError as error:
                told = ending(error, connection.words)
                report.failed(told, error)
                codes.append(told.code)
            else:
                report.result(_line(task), "task", facts(task))
    return next(iter(codes), Exit.SUCCESS)


@app.command
def wait(
    ids: Ids,
    /,
    *,
    route: Where = "tasks",
    saving: Perhaps = _PERHAPS,
    waiting: Waiting = _WAITING,
    connection: Connection = _CONNECTION,
    display: Display = _DISPLAY,
    report: Speaker,
) -> Exit:
    """Wait for tasks, all at once, and save their files if a folder is given."""
    wish = watching.wish(
        connection, folder=saving.prepare(), overwrite=saving.overwrite, waiting=waiting
    )
    with clients.connect(connection) as client:
        tasks = [watching.known(client, task_id, route) for task_id in dict.fromkeys(ids)]
        return watching.see_through(client, tasks, wish, report)


@app.command
def download(
    ids: Ids,
    /,
    *,
    route: Where = "tasks",
    saving: Saving = _SAVING,
    connection: Connection = _CONNECTION,
    display: Display = _DISPLAY,
    report: Speaker,
) -> Exit:
    """Save the files of finished tasks; what an earlier try left is continued."""
    wish = watching.wish(connection, folder=saving.prepare(), overwrite=saving.overwrite)
    with clients.connect(connection) as client:
        tasks = [watching.known(client, task_id, route) for task_id in dict.fromkeys(ids)]
        return watching.fetch(client, tasks, wish, report)


@app.command
def resume(
    *,
    saving: Saving = _SAVING,
    waiting: Waiting = _WAITING,
    connection: Connection = _CONNECTION,
    display: Display = _DISPLAY,
    report: Speaker,
) -> Exit:
    """Take up every task of the record that was not seen to end, and save its files."""
    wish = watching.wish(
        connection, folder=saving.prepare(), overwrite=saving.overwrite, waiting=waiting
    )
    with clients.connect(connection) as client:
        if client.journal.store is None:
            report.note("without a record there is nothing to take up")
            return Exit.SUCCESS
        for lost in client.journal.unknown():
            report.warn(f"{_lost(lost)}; look into the usage log of your CometAPI account")
        tasks = client.journal.unfinished()
        away = _tell_elsewhere(connection, client.journal.store.tasks(unfinished=True), report)
        if not tasks:
            report.note(f"every task {'of this gateway' if away else 'on record'} has ended")
            return Exit.SUCCESS
        return watching.see_through(client, tasks, wish, report)


@app.command(name="list")
def list_(
    *,
    limit: Annotated[
        NonNegativeInt, Parameter(help="How many, newest first; 0 for all.", group=RUN)
    ] = 20,
    unfinished: Annotated[
        bool,
        Parameter(help="Only those not seen to end.", negative="", show_default=False, group=RUN),
    ] = False,
    connection: Connection = _CONNECTION,
    display: Display = _DISPLAY,
    report: Speaker,
) -> Exit:
    """List the tasks on record; asks nobody, needs no key."""
    file = connection.record
    if file is None or not file.exists():
        report.note(f"no tasks on record{'' if file is None else f' in {file}'}")
        return Exit.SUCCESS
    record = Journal(file)
    try:
        found = record.tasks(unfinished=unfinished, limit=limit or None)
    finally:
        record.close()
    for one in found:
        report.result(_row(one, connection.gateway), "submission", _facts(one))
    going = [one for one in found if one.state == "SUBMITTED" or one.unsaved]
    if not found:
        report.note("no such tasks on record")
    elif any(one.base_url == connection.gateway for one in going):
        advice = command("tasks", "resume", *connection.words)
        report.note(f"next:  {advice} takes up what is not done")
    _tell_elsewhere(connection, going, report)
    return Exit.SUCCESS


def _tell_elsewhere(
    connection: Connection, going: Iterable[SubmissionRecord], report: Report
) -> bool:
    """Say which unfinished tasks are another gateway's, and how they are taken up."""
    away = connection.elsewhere(going)
    for address, count in away.items():
        there = evolve(connection, base_url=address)
        report.note(f"{count} {'task belongs' if count == 1 else 'tasks belong'} to {address}")
        report.note(f"next:  {command('tasks', 'resume', *there.words)}")
    return bool(away)


def _line(task: BoundTask) -> str:
    """A task in a line, and its output in further ones."""
    part = "" if task.progress is None or task.is_terminal else f" {task.progress:.0%}"
    code = f" ({task.failure_code})" if task.failure_code else ""
    reason = f": {task.failure}{code}" if task.failure else code
    return "\n".join([f"{task.id}  {task.status}{part}{reason}", *task.output])


def _row(one: SubmissionRecord, gateway: str) -> str:
    """A submission in a line of less than 80 columns, and what else there is in further ones."""
    name = one.task_id or f"(no id; request {one.fingerprint})"
    files = "".join(f"\n  {file}" for file in one.files)
    state, reason = _standing(one)
    why = f"\n  {reason}" if reason and one.state in {"FAILED", "LOST", "REFUSED"} else ""
    away = "" if one.base_url == gateway else f"\n  at {one.base_url}"
    rest = "\n  its output is still to be saved" if one.unsaved else ""
    head = f"{name:<36}  {state:<9}  {_age(one.created_at):>5}  {_resource(one)}"
    return f"{head}{away}{why}{files}{rest}"


def _standing(one: SubmissionRecord) -> tuple[str, str | None]:
    """State and reason in words; of a request without a task, the record has an error's name."""
    if one.state != "REFUSED" or one.reason is None:
        return one.state, one.reason
    words = _REFUSALS.get(one.reason, one.reason)
    return ("UNSENT" if words == _UNSENT else one.state), words


def _resource(one: SubmissionRecord) -> str:
    """What made it, as it is typed; two resources may share an operation."""
    known = (" ".join(c.words) for c in creations() if c.operation.id == one.operation)
    return " or ".join(known) or one.operation


def _age(moment: datetime) -> str:
    """How long ago, in one unit."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"


def _lost(one: SubmissionRecord) -> str:
    seed = "" if one.seed is None else f", seed {one.seed}"
    return (
        f"a request sent {_age(one.created_at)} ago has no id and may have been charged "
        f"(request {one.fingerprint}{seed})"
    )


def _facts(one: SubmissionRecord) -> dict[str, JSON]:
    return {
        "task_id": one.task_id,
        "state": one.state,
        "operation": one.operation,
        "created_at": one.created_at.isoformat(),
        "ended_at": one.ended_at.isoformat() if one.ended_at else None,
        "seed": one.seed,
        "fingerprint": one.fingerprint,
        "reason": one.reason,
        "failure_code": one.failure_code,
        "base_url": one.base_url,
        "arguments": one.arguments,
        "files": [str(file) for file in one.files],
        "unsaved": one.unsaved,
    }
