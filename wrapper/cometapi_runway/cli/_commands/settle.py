"""``tasks settle``: say what came of a request of unknown outcome."""

from __future__ import annotations

import time
from typing import Annotated, Final

from cyclopts import Parameter

from cometapi_runway.cli._actions.open_journal import open_journal
from cometapi_runway.cli._commands._submission_text import (
    format_age,
    list_names_and_price,
    make_submission_fields,
)
from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options.shared import RUN_GROUP, ConnectionOptions, DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.journal import Journal, SubmissionRecord

_CONNECTION: Final = ConnectionOptions()
_DISPLAY: Final = DisplayOptions()
_LIST_UNKNOWN: Final = ("tasks", "list", "--unknown")


def settle(
    key: Annotated[
        str,
        Parameter(
            name="KEY",
            help="The request's key, which `tasks list --unknown` shows, or its idempotency key.",
            group=RUN_GROUP,
        ),
    ],
    /,
    *,
    task: Annotated[
        str | None,
        Parameter(help="It created this task.", metavar="ID", group=RUN_GROUP),
    ] = None,
    charged: Annotated[
        bool,
        Parameter(
            help="It was charged, and its task is not known.",
            negative="",
            show_default=False,
            group=RUN_GROUP,
        ),
    ] = False,
    not_charged: Annotated[
        bool,
        Parameter(
            help="It was not charged: it may be sent again.",
            negative="",
            show_default=False,
            group=RUN_GROUP,
        ),
    ] = False,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Close a request of unknown outcome, by what the usage log of your CometAPI account says.

    It works offline and needs no key. A closed request no longer warns.
    """
    if (task is not None) + charged + not_charged != 1:
        raise UsageError(
            "give one of --task ID, --charged and --not-charged",
            "check the usage log of your CometAPI account for the moment of the request",
        )
    started = time.time()
    with open_journal(connection) as journal:
        if journal is None:
            place = connection.journal_name or "which --no-journal switches off"
            raise UsageError(
                f"there is no such request: there is no journal, {place}",
                "name the journal with --journal",
            )
        record = _settle(journal, key, task, charged=charged, connection=connection)
    settled_at = record.settled_at
    is_earlier = settled_at is not None and settled_at.timestamp() < started
    head = f"settled {record.key}"
    if settled_at is not None and is_earlier:
        head += f" {format_age(settled_at)} ago; nothing was changed"
    lines = [head, *list_names_and_price(record), _describe(record)]
    report.show_result("\n  ".join(lines), "settled", make_submission_fields(record))
    report.show_note(f"next:  {_advise(record, connection)}")
    return ExitCode.SUCCESS


def _settle(
    journal: Journal,
    key: str,
    task: str | None,
    *,
    charged: bool,
    connection: ConnectionOptions,
) -> SubmissionRecord:
    """Settle a submission to the gateway in use, or else to any.

    Two gateways may have the same idempotency key, and the journal's own keys are unique.

    Raises:
        UsageError: There is none, or it is not of unknown outcome.
    """
    # `charged` is about a request whose task is not known.
    outcome = None if task is not None else charged
    for gateway in (connection.gateway, None):
        try:
            return journal.settle(key, task_id=task, charged=outcome, gateway=gateway)
        except InvalidRequestError as error:
            issue = error.issues[0]
            if gateway is None or issue.rule != "unknown":
                advice = _ADVICE.get(issue.rule, _ADVICE["unknown"])
                raise UsageError(
                    issue.message, advice.format(list=_list_command(connection))
                ) from error
    raise AssertionError("unreachable")


_ADVICE: Final = {
    "unknown": "`{list}` shows every request that can be settled",
    "state": "nothing was changed; `{list}` shows every request that can be settled",
    "in progress": "run it again when that process has ended",
    "unique": "check the task's id; nothing was changed",
    "one of": "check the task's id; nothing was changed",
}


def _list_command(connection: ConnectionOptions) -> str:
    return format_command(*_LIST_UNKNOWN, *connection.journal_options)


def _describe(record: SubmissionRecord) -> str:
    if record.task_id is not None:
        return f"it created task {record.task_id}"
    if record.state == "LOST":
        return "it was charged, and its task is not known"
    return "it was not charged"


def _advise(record: SubmissionRecord, connection: ConnectionOptions) -> str:
    if record.task_id is not None:
        options = connection.repeat_for(record.base_url)
        return format_command("tasks", "wait", record.task_id, *options)
    if record.state == "LOST":
        return "nothing; it counts towards its budget, and its idempotency key stays used"
    return "send the request again if you still want it; its budget is given back"
