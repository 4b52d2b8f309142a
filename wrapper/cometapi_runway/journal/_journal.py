"""The record of every paid request: its intent before it is sent, its task id, its end, its files.

One SQLite file, readable by its owner only, or one PostgreSQL database, which several processes and
threads may use at once. It holds what is needed to repeat a request (arguments, seed). It never
holds the key, the payload of a data URI, or the signed URL of an output, which is requested from
the gateway when needed. An intent without a task id is a request of unknown outcome: it is listed,
and never sent again automatically.

The process that writes an intent first may send. A second intent with the same idempotency key is
not written, nor one that would exceed a budget: both are decided by the statement that writes it.

A journal that cannot be written delays nothing and forgets nothing. An intent is refused, so that
nothing is sent. Every other entry is kept in memory and written, in order, with the next use of the
journal, when it is closed, or when the process ends. A file that is removed or replaced while it is
open is noticed at the next use; what this process recorded is written into the new one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, overload

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.secret import Secret
from cometapi_runway._flows.entries import Conflict, Entry, PastDuration
from cometapi_runway._settings import JOURNAL_READ_TIMEOUT, JOURNAL_TIMEOUT
from cometapi_runway.errors import ConfigurationError, InvalidRequestError, Issue
from cometapi_runway.journal import _queries as queries
from cometapi_runway.journal._backend import Backend, SQLValue
from cometapi_runway.journal._budget import Spending
from cometapi_runway.journal._conflicts import list_in_progress
from cometapi_runway.journal._database import JournalDatabase
from cometapi_runway.journal._location import (
    Location,
    hide_location,
    open_backend,
    parse_location,
)
from cometapi_runway.journal._money import from_micros
from cometapi_runway.journal._records import (
    SubmissionRecord,
    UnreadableRecord,
    make_export_row,
    parse_durations,
    parse_records,
)
from cometapi_runway.journal._settlement import make_settlement
from cometapi_runway.journal._statements import make_write

OnUnreadable = Callable[[UnreadableRecord], object]

logger = logging.getLogger("cometapi_runway.journal")

_EXPORT_PAGE: Final = 500
"""Submissions that `export` holds in memory at a time."""


class Journal:
    """A journal: a file, or a PostgreSQL database that several machines share.

    Args:
        location: A path, or ``sqlite:///path``: a file, created with its folder if it does not
            exist. Or ``postgresql://user@host/database`` (extra ``postgres``): a database, in
            which the tables are created if they do not exist.

    Raises:
        ConfigurationError: `location` is none of these, the file or database cannot be opened, it
            belongs to another program, it is damaged, or a newer version has written it.

    Attributes:
        name: The path, or the URL without its password.
        path: The file, or None for a database.
    """

    def __init__(self, location: str | os.PathLike[str] | Secret) -> None:
        hidden = hide_location(location)
        # What follows may raise, and a traceback with locals shows the password in a URL.
        del location
        parsed: Location = parse_location(hidden)
        self.path: Path | None = parsed.path
        self._database = JournalDatabase(open_backend(parsed))
        self.name: str = self._database.backend.name

    def write(
        self, entry: Entry, base_url: str = "", *, timeout: float = JOURNAL_TIMEOUT
    ) -> Conflict | None:
        """Write an entry.

        When this method returns, a submission and its outcome are on disk, also after a power
        failure. The end of a task and its saved files survive every end of a process; after a power
        failure the gateway is asked for them again.

        What is not about a submission, such as the end of a task or a saved file, survives the end
        of the process, and is not on disk yet: a sync would cost more than the rest of the write.

        Args:
            entry: What happened.
            base_url: The gateway that a `SubmissionStarted` goes to.
            timeout: Seconds to wait while another process holds the file's lock.

        Returns:
            Why a `SubmissionStarted` is not written: the submission that has its idempotency key,
            or the budget that it would exceed. None if it is written.

        Raises:
            PendingEntryError: The file cannot be written now. The entry, which is not a
                `SubmissionStarted`, is kept and written later; see the module's docstring.
            MissingSubmissionError: The file has no such submission, and this process does not know
                enough of it to write it again.
            StorageError: The entry is not written.
            ConfigurationError: The file cannot be opened any more, and the entry is a
                `SubmissionStarted`.
        """
        return self._database.write(make_write(entry, base_url), timeout)

    def tasks(
        self,
        *,
        unfinished: bool = False,
        limit: int | None = None,
        gateway: str | None = None,
        on_unreadable: OnUnreadable | None = None,
    ) -> list[SubmissionRecord]:
        """Submissions, newest first. Rows that are damaged are left out.

        Args:
            unfinished: Only those whose task has no recorded end, or whose output was requested
                within the last seven days and is not saved.
            limit: How many at most; None for all.
            gateway: Only those sent to this gateway; None for all gateways.
            on_unreadable: Called with each damaged row; None logs a warning.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        condition = queries.UNFINISHED if unfinished else queries.ANY
        return self._select(condition, {}, gateway, limit, on_unreadable)

    def unfetched(self, *, gateway: str | None = None) -> list[SubmissionRecord]:
        """Tasks that succeeded within the last seven days and whose files are not all saved.

        Runway keeps an output for a day or two; seven days is how long the journal offers it.

        Args:
            gateway: Only those sent to this gateway; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        return self._select(queries.UNFETCHED, {}, gateway)

    def resumable(
        self, *, include_unfetched: bool = False, gateway: str | None = None
    ) -> list[SubmissionRecord]:
        """Unfinished tasks, see `tasks`, and on request the unfetched ones, see `unfetched`.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        condition = queries.UNFINISHED
        if include_unfetched:
            condition += f" OR {queries.UNFETCHED}"
        return self._select(condition, {}, gateway)

    def unknown(self, *, gateway: str | None = None) -> list[SubmissionRecord]:
        """Submissions without a task id that may have been charged, newest first.

        Requests that a running process is sending are left out. A submission that is settled is
        not unknown any more; see `settle`.

        Args:
            gateway: Only those sent to this gateway; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        records = self._select(queries.UNKNOWN, {}, gateway)
        in_progress = self._find_in_progress(records)
        return [record for record in records if record.key not in in_progress]

    @overload
    def find(
        self, task_id: str, *, gateway: str | None = None, timeout: float = JOURNAL_READ_TIMEOUT
    ) -> SubmissionRecord | None: ...
    @overload
    def find(
        self,
        *,
        idempotency_key: str,
        gateway: str | None = None,
        timeout: float = JOURNAL_READ_TIMEOUT,
    ) -> SubmissionRecord | None: ...
    @overload
    def find(
        self, *, label: str, gateway: str | None = None, timeout: float = JOURNAL_READ_TIMEOUT
    ) -> list[SubmissionRecord]: ...
    def find(
        self,
        task_id: str | None = None,
        *,
        idempotency_key: str | None = None,
        label: str | None = None,
        gateway: str | None = None,
        timeout: float = JOURNAL_READ_TIMEOUT,
    ) -> SubmissionRecord | list[SubmissionRecord] | None:
        """Find a submission by its task's id or its idempotency key, or submissions by label.

        Args:
            task_id: The task's id.
            idempotency_key: The key that its ``create`` was given. Of several submissions, which
                can only differ from one in that they were refused, the one that was not.
            label: The label that its ``create`` was given; a ``*`` at its end stands for any rest.
            gateway: Only if it was sent to this gateway, since another gateway's task may have the
                same id; None for all gateways.
            timeout: Seconds to wait while another process holds the file's lock.

        Returns:
            The submission or None; for a label, the list of submissions, newest first.

        Raises:
            TypeError: Not exactly one of id, key and label is given.
            ConfigurationError: The file cannot be read, or the submission's row is damaged.
        """
        if sum(value is not None for value in (task_id, idempotency_key, label)) != 1:
            raise TypeError("find takes one of task_id, idempotency_key and label")
        if task_id is not None:
            return self._find_one(queries.BY_TASK, {"task_id": task_id}, gateway, timeout)
        if idempotency_key is not None:
            by_key = {"idempotency_key": idempotency_key}
            return self._find_one(queries.BY_IDEMPOTENCY_KEY, by_key, gateway, timeout)
        condition, values = _match_label(label or "")
        return self._select(condition, values, gateway, timeout=timeout)

    def durations(
        self,
        operation: str,
        model: str | None = None,
        *,
        limit: int,
        gateway: str | None = None,
        timeout: float = JOURNAL_READ_TIMEOUT,
    ) -> list[PastDuration]:
        """How long the latest tasks of an operation and model took, the newest first.

        Only tasks that succeeded and whose end a wait has watched. Damaged rows are left out.

        Args:
            operation: The operation's id in the contract.
            model: The model that they asked for, or None.
            limit: How many at most.
            gateway: Only those sent to this gateway; None for all gateways.
            timeout: Seconds to wait while another process holds the file's lock.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        values: dict[str, SQLValue] = {
            "operation": operation,
            "model": model or "",
            "gateway": None if gateway is None else redact_url(gateway),
            "limit": limit,
        }
        rows = self._database.fetch(queries.DURATIONS, values, timeout)
        return parse_durations(rows)

    def spent(self, scope: str | None = "default", *, gateway: str | None = None) -> Spending:
        """What the submissions of a budget's scope have cost, or may yet cost.

        Args:
            scope: The scope; None for all submissions, with a budget or without one.
            gateway: Only submissions to this gateway; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        query = queries.SPENDING_OF_ALL if scope is None else queries.SPENDING
        if gateway is None:
            query = query.replace("base_url = :base_url AND ", "")
        values = {"scope": scope, "base_url": None if gateway is None else redact_url(gateway)}
        (row,) = self._database.fetch(query, values, JOURNAL_READ_TIMEOUT)
        return Spending(from_micros(int(row["cost"])), row["tasks"], row["unpriced"])

    def settle(
        self,
        key: str,
        *,
        task_id: str | None = None,
        charged: bool | None = None,
        gateway: str | None = None,
    ) -> SubmissionRecord:
        """Close a submission of unknown outcome, by what the account's usage log says.

        A mistake, such as a wrong task id, can be corrected by settling it again, as long as the
        task is not seen to have ended and it was not settled as not charged.

        Args:
            key: The submission's key in the journal, or its idempotency key.
            task_id: The task that it created, which can then be waited for like any other.
            charged: False if nothing was charged: its budget is given back, and its idempotency
                key may be used again. True if it was charged and its task is not known: its budget
                stays spent.
            gateway: Only if it was sent to this gateway; None for all gateways.

        Returns:
            The submission as it is now recorded.

        Raises:
            InvalidRequestError: There is no such submission, it is not of unknown outcome, a
                running process is sending it, or the task belongs to another submission.
            ConfigurationError: The journal cannot be read or written.
        """
        record = self._find_to_settle(key, gateway)
        settlement = make_settlement(record, task_id=task_id, charged=charged)
        if settlement is None:
            return record
        if self._find_in_progress([record]):
            raise _settle_error(key, "in progress", "a running process is sending it; wait for it")
        values: dict[str, SQLValue] = {
            "key": record.key,
            "task_id": task_id,
            "base_url": record.base_url,
        }
        if task_id is not None and self._database.fetch(
            queries.TASK_KEYS, values, JOURNAL_READ_TIMEOUT
        ):
            raise _settle_error(key, "unique", f"task {task_id} belongs to another submission")
        changed = self._database.execute(settlement, JOURNAL_READ_TIMEOUT)
        settled = self._find_one(queries.BY_KEY, {"key": record.key}, None, JOURNAL_READ_TIMEOUT)
        if not changed or settled is None:
            raise _settle_error(key, "state", "another process has settled it meanwhile")
        return settled

    def export(self, *, gateway: str | None = None) -> Iterator[dict[str, JSON]]:
        """Every submission as a plain mapping, in the order in which they were recorded.

        Times are ISO 8601 in UTC, amounts are US dollars as text.

        Args:
            gateway: Only those sent to this gateway; None for all gateways.

        Raises:
            ConfigurationError: The file cannot be read or is damaged.
        """
        after = 0
        while True:
            query = queries.build_select(
                queries.ANY, self._database.backend.row_order, is_oldest_first=True
            )
            values = queries.make_values(gateway, _EXPORT_PAGE, after)
            rows = self._database.fetch(query, values, JOURNAL_READ_TIMEOUT)
            yield from map(make_export_row, parse_records(rows, self._log_unreadable))
            if not rows:
                return
            after = rows[-1]["place"]

    def close(self) -> None:
        """Write the entries that are still in memory and close the file; the next use opens it.

        Entries that cannot be written are logged, and stay in memory.
        """
        self._database.close()

    def __repr__(self) -> str:
        # A constructor that raises leaves a journal without a name, which tracebacks show.
        return f"Journal({vars(self).get('name', '')!r})"

    def _select(
        self,
        condition: str,
        values: Mapping[str, SQLValue],
        gateway: str | None,
        limit: int | None = None,
        on_unreadable: OnUnreadable | None = None,
        timeout: float = JOURNAL_READ_TIMEOUT,
    ) -> list[SubmissionRecord]:
        """Select submissions with their saved files, in one query."""
        query = queries.build_select(condition, self._database.backend.row_order)
        rows = self._database.fetch(
            query, {**values, **queries.make_values(gateway, limit)}, timeout
        )
        return parse_records(rows, on_unreadable or self._log_unreadable)

    def _find_one(
        self, condition: str, values: Mapping[str, SQLValue], gateway: str | None, timeout: float
    ) -> SubmissionRecord | None:
        """The newest submission of a condition, one that was not refused if there is any."""
        records = self._select(condition, values, gateway, None, self._fail_unreadable, timeout)
        return min(records, key=lambda record: record.state == "REFUSED", default=None)

    def _find_to_settle(self, key: str, gateway: str | None) -> SubmissionRecord:
        for condition, name in (
            (queries.BY_KEY, "key"),
            (queries.BY_IDEMPOTENCY_KEY, "idempotency_key"),
        ):
            record = self._find_one(condition, {name: key}, gateway, JOURNAL_READ_TIMEOUT)
            if record is not None:
                return record
        raise _settle_error(key, "unknown", f"the journal {self.name} has no such submission")

    def _find_in_progress(self, records: list[SubmissionRecord]) -> frozenset[str]:
        """The keys of the submissions that running processes are sending."""
        if not any(record.state == "INTENDED" for record in records):
            return frozenset()

        def find(backend: Backend, timeout: float) -> frozenset[str]:
            return list_in_progress(backend, records, timeout)

        return self._database.read(find, JOURNAL_READ_TIMEOUT)

    def _fail_unreadable(self, row: UnreadableRecord) -> None:
        raise ConfigurationError(f"journal {self.name} cannot be read: {row}", setting="journal")

    def _log_unreadable(self, row: UnreadableRecord) -> None:
        logger.warning("journal %s: %s; it is left out", self.name, row)


def _match_label(label: str) -> tuple[str, dict[str, SQLValue]]:
    if label.endswith("*"):
        return queries.BY_LABEL_PREFIX, {"prefix": label.removesuffix("*")}
    return queries.BY_LABEL, {"label": label}


def _settle_error(key: str, rule: str, problem: str) -> InvalidRequestError:
    return InvalidRequestError([Issue("key", rule, key, f"submission {key}: {problem}")])
