"""Where the batches of the command line have their records, and what these say, offline."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import define, frozen

from cometapi_runway._core.secret import Secret
from cometapi_runway.batch import BatchStatus, RowResult
from cometapi_runway.batch._batch import check_name
from cometapi_runway.batch._options import BatchOptions
from cometapi_runway.batch._places import Place, check_database, make_place
from cometapi_runway.batch._status import make_status
from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.batch import list_database_words
from cometapi_runway.cli._options.shared import ConnectionOptions, hide_password
from cometapi_runway.journal import Journal
from cometapi_runway.journal._location import hide_location, parse_location

if TYPE_CHECKING:
    from cometapi_runway.batch._store import Store


_LATE_RESULTS: Final = 5.0
"""Seconds by which a result of another machine may be visible later than its time says."""


@frozen
class BatchRecords:
    """Where the records of batches are: beside the journal's file, or in a database.

    Attributes:
        data: The folder of the journal's file.
        journal: The journal; None with a database, which is the journal.
        database: The database's URL, or None.
        words: The options that a follow-up command must repeat, the gateway included.
        journal_words: The option by which `tasks settle` finds the journal.
    """

    data: Path
    journal: str | Path | None
    database: Secret | None
    words: tuple[str, ...]
    journal_words: tuple[str, ...]

    @contextlib.contextmanager
    def open(self, name: str) -> Generator[KnownBatch]:
        """Open a batch that has been run.

        Raises:
            UsageError: There is none of this name.
            ConfigurationError: The records cannot be opened.
        """
        place = self._make_place()
        check_name(name)
        if self.database is None and name not in place.list_names():
            raise self.make_unknown_error(name)
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(contextlib.closing(place.open_store(name)))
            if name not in {batch.name for batch in store.list_batches()}:
                raise self.make_unknown_error(name)
            journal = stack.enter_context(contextlib.closing(place.open_journal(self.journal)))
            yield KnownBatch(name, place, store, journal)

    def list_all(self) -> Iterator[BatchStatus]:
        """How every batch stands.

        Raises:
            ConfigurationError: The records cannot be opened.
        """
        place = self._make_place()
        names = place.list_names() if self.database is None else [""]
        if not names:
            return
        with contextlib.closing(place.open_journal(self.journal)) as journal:
            for name in names:
                with contextlib.closing(place.open_store(name)) as store:
                    for batch in store.list_batches():
                        yield KnownBatch(batch.name, place, store, journal).read_status()

    def make_unknown_error(self, name: str) -> UsageError:
        """The error for a name that no batch has."""
        where = self.data if self.database is None else hide_password(self.database.reveal())
        advice = f"`{format_command('batch', 'list', *self.words)}` shows all"
        return UsageError(f"there is no batch {name!r} in {where}", advice)

    def format_settle_command(self, batch: str, row_id: str, attempt: int) -> str:
        """The command that closes a row of unknown outcome; the task's id is left to fill in."""
        key = f"{batch}/{row_id}/{attempt}"
        return format_command("tasks", "settle", key, "--task", "ID", *self.journal_words)

    def _make_place(self) -> Place:
        return make_place("", self.data, self.database)


@define
class KnownBatch:
    """A batch that has been run, for reading; see `BatchRecords.open`."""

    name: str
    _place: Place
    _store: Store
    _journal: Journal
    _latest: float = 0.0

    def read_status(self) -> BatchStatus:
        """How it stands."""
        batch = self._store.load_batch(self.name)
        return make_status(batch, self._store.count(self.name), self._journal)

    def is_run(self) -> bool:
        """Whether a process runs it."""
        return self._place.is_run(self.name, self._store)

    def read_options(self) -> BatchOptions:
        """How it was last run."""
        return BatchOptions.from_json(self._store.load_batch(self.name).options)

    def read_results(self) -> Iterator[RowResult]:
        """The results so far, in the order in which rows ended."""
        for _, result in self._store.read_results(self.name):
            yield result

    def read_new_results(self) -> Iterator[RowResult]:
        """The results since the last call, and some of those before."""
        for ended_at, result in self._store.read_results(self.name, self._latest - _LATE_RESULTS):
            self._latest = max(self._latest, ended_at)
            yield result

    def cancel(self) -> None:
        """Have every worker create no further task of it."""
        self._store.halt(self.name, "cancelled")


def locate_records(connection: ConnectionOptions, database: str | None) -> BatchRecords:
    """Find out where the records are.

    Raises:
        UsageError: They need the journal, which is switched off.
        ConfigurationError: The URL of the journal or the database is malformed.
    """
    default = paths.get_default_journal_path().parent
    base_url = connection.base_url_options
    if database is not None:
        secret = Secret(database)
        check_database(secret)
        words = (*base_url, *list_database_words(database))
        return BatchRecords(default, None, secret, words, ("--journal", hide_password(database)))
    location = connection.journal_location
    if location is None:
        raise UsageError(
            "a batch needs the journal, which --no-journal switches off",
            "leave out --no-journal; the settings file may hold it as no-journal",
        )
    path = parse_location(hide_location(location)).path
    return BatchRecords(
        default if path is None else path.absolute().parent,
        location,
        None,
        connection.options_to_repeat,
        connection.journal_options,
    )
