"""Which submissions ``tasks list`` shows, and what it says about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from cometapi_runway._core.naming import count_noun
from cometapi_runway.cli._commands._submission_text import format_settle_command

if TYPE_CHECKING:
    from cometapi_runway.cli._output.report import Report
    from cometapi_runway.journal import Journal, SubmissionRecord, UnreadableRecord


@frozen(kw_only=True)
class TaskList:
    """Submissions of a journal.

    Attributes:
        submissions: The submissions, newest first.
        unknown: The keys of those of unknown outcome; running processes send none of them.
        unreadable: The damaged rows.
    """

    submissions: Sequence[SubmissionRecord]
    unknown: frozenset[str]
    unreadable: Sequence[UnreadableRecord]

    def list_details(
        self, submission: SubmissionRecord, options_to_repeat: Sequence[str]
    ) -> list[str]:
        """Further lines of a submission: the command that settles it if its outcome is unknown."""
        if submission.key not in self.unknown:
            return []
        return [format_settle_command(submission, options_to_repeat)]


def read_task_list(
    store: Journal, *, unfinished: bool, unknown: bool, label: str | None, limit: int | None
) -> TaskList:
    """Select submissions; every condition given must be met.

    Raises:
        ConfigurationError: The journal cannot be read.
    """
    unreadable: list[UnreadableRecord] = []
    if unknown:
        found = store.unknown()
    else:
        found = store.tasks(
            unfinished=unfinished,
            limit=None if label is not None else limit,
            on_unreadable=unreadable.append,
        )
    if label is not None:
        keys = _list_keys(store.find(label=label))
        found = [one for one in found if one.key in keys]
    found = found[:limit]
    has_open = any(one.state in {"INTENDED", "UNKNOWN"} for one in found)
    open_ones = found if unknown else store.unknown() if has_open else []
    return TaskList(submissions=found, unknown=_list_keys(open_ones), unreadable=unreadable)


def show_unreadable(unreadable: Sequence[UnreadableRecord], name: str, report: Report) -> None:
    """Show how many rows of a journal are damaged, and which tasks they are about."""
    if not unreadable:
        return
    rows = count_noun(len(unreadable), "row")
    report.show_warning(f"{rows} of the journal {name} cannot be read")
    for row in unreadable:
        report.show_warning(str(row))


def show_how_to_settle(task_list: TaskList, report: Report) -> None:
    """Show what to do about submissions of unknown outcome, if there are any."""
    count = sum(one.key in task_list.unknown for one in task_list.submissions)
    if not count:
        return
    report.show_note(
        f"{count_noun(count, 'request')} of unknown outcome may have been charged: check the usage "
        "log of your\nCometAPI account, then settle each with --task ID, --charged or --not-charged"
    )


def _list_keys(records: Iterable[SubmissionRecord]) -> frozenset[str]:
    return frozenset(record.key for record in records)
