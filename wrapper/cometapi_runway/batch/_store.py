"""The rows of batches in a database: what each one asks for, which chunk has it, how it ended.

SQLite for one process, PostgreSQL for many. The engine's queue holds chunks, and a chunk is a name:
its rows are those that name it here and have no result. So a chunk can be run again at any time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from cometapi_runway._core.json_values import as_object
from cometapi_runway.batch._results import RowResult, RowStatus, parse_result
from cometapi_runway.errors import ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")

_SCHEMA: Final = "cometapi_runway"
_LOCK: Final = 0x43524254
"""One process at a time creates the tables."""
_PATH_FIELD: Final = "$path"
_PAGE: Final = 500
_OUTAGE: Final = 120.0
"""Seconds that the database may be away, such as for a restart."""
_OUTAGE_PAUSE: Final = 1.0
_metadata: Final = sa.MetaData()
_batches: Final = sa.Table(
    "batch",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("gateway", sa.Text, nullable=False),
    sa.Column("options", sa.Text, nullable=False),
    sa.Column("halted", sa.Text),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("run_at", sa.Double, nullable=False),
)
_rows: Final = sa.Table(
    "batch_row",
    _metadata,
    sa.Column("batch", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("output", sa.Text, nullable=False),
    sa.Column("first_attempt", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("chunk", sa.Text),
    sa.Column("started_at", sa.Double),
    sa.Column("ended_at", sa.Double),
    sa.Column("status", sa.Text),
    sa.Column("result", sa.Text),
    sa.Index("batch_row_chunk", "batch", "chunk"),
    sa.Index("batch_row_end", "batch", "ended_at"),
)
_OPEN: Final = _rows.c.status.is_(None)


@frozen
class StoredBatch:
    """A batch as it is stored.

    Attributes:
        name: Its name.
        folder: The folder or URL of its outputs.
        gateway: The gateway that its tasks are created at.
        options: How it runs, as JSON.
        halted: Why it stopped submitting, or None.
        created_at: When it was first run.
        run_at: When it was last run.
    """

    name: str
    folder: str
    gateway: str
    options: Mapping[str, Any]
    halted: str | None
    created_at: datetime
    run_at: datetime


@frozen
class StoredRow:
    """A row as it is stored.

    Attributes:
        id: Its id.
        digest: A digest of what it asks for.
        operation: The resource that creates its task.
        arguments: The arguments of ``create``.
        output: The name of its outputs.
        first_attempt: The number of the first task of this run; later than 1 after a retry.
        attempt: The number of its next task.
    """

    id: str
    digest: str
    operation: str
    arguments: Mapping[str, Any]
    output: str
    first_attempt: int = 1
    attempt: int = 1


@frozen
class Counts:
    """How many rows a batch has.

    Attributes:
        rows: All of them.
        running: Those that have started and not ended.
        assigned: Those that have not ended and are in a chunk of the queue.
        statuses: Those that have ended, by status.
    """

    rows: int
    running: int
    assigned: int
    statuses: Mapping[RowStatus, int]

    @property
    def ended(self) -> int:
        """Those that have ended."""
        return sum(self.statuses.values())


@frozen
class RowStarted:
    """A row's task is about to be created."""

    row_id: str


@frozen
class RowEnded:
    """A row has ended.

    Attributes:
        result: How it ended.
        next_attempt: The number of its next task, should it be retried.
    """

    result: RowResult
    next_attempt: int


def _outlast_restart(method: Callable[P, T]) -> Callable[P, T]:
    """Call a method of the store again while the database cannot be reached."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        deadline = time.monotonic() + _OUTAGE
        while True:
            try:
                return method(*args, **kwargs)
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_OUTAGE_PAUSE)

    return call


class Store:
    """The database of batches. Its methods wait while the database is restarted."""

    def __init__(self, engine: sa.Engine) -> None:
        self._is_postgres = engine.dialect.name == "postgresql"
        schema = _SCHEMA if self._is_postgres else None
        self.engine = engine.execution_options(schema_translate_map={None: schema})
        if not self._is_postgres:
            event.listen(engine, "connect", _prepare_sqlite)
        self._create_tables()

    @_outlast_restart
    def save_batch(
        self, name: str, folder: str, gateway: str, options: Mapping[str, Any]
    ) -> StoredBatch:
        """Write a batch that is to run, or take over new options of one that is there.

        Raises:
            ConfigurationError: It has another folder or another gateway.
        """
        now = time.time()
        with self.engine.begin() as db:
            known = self._find(db, name)
            if known is None:
                values = {"name": name, "folder": folder, "gateway": gateway, "created_at": now}
                db.execute(
                    _batches.insert().values(**values, options=json.dumps(options), run_at=now)
                )
            else:
                _check_same(name, "output", known.folder, folder)
                _check_same(name, "base_url", known.gateway, gateway)
                update = _batches.update().where(_batches.c.name == name)
                db.execute(update.values(options=json.dumps(options), halted=None, run_at=now))
        return self.load_batch(name)

    @_outlast_restart
    def load_batch(self, name: str) -> StoredBatch:
        """The batch of a name.

        Raises:
            ConfigurationError: There is none.
        """
        with self.engine.connect() as db:
            found = self._find(db, name)
        if found is None:
            raise ConfigurationError(f"there is no batch {name!r}", setting="name")
        return found

    @_outlast_restart
    def list_batches(self) -> list[StoredBatch]:
        """Every batch, by its name."""
        with self.engine.connect() as db:
            rows = db.execute(sa.select(_batches).order_by(_batches.c.name))
            return [_to_batch(row) for row in rows]

    @_outlast_restart
    def halt(self, name: str, reason: str) -> None:
        """Stop submitting rows of a batch; the first reason stays."""
        update = _batches.update().where(_batches.c.name == name, _batches.c.halted.is_(None))
        with self.engine.begin() as db:
            db.execute(update.values(halted=reason))

    @_outlast_restart
    def load_digests(self, name: str) -> dict[str, str]:
        """The digest of every row of a batch, by id."""
        query = sa.select(_rows.c.id, _rows.c.digest).where(_rows.c.batch == name)
        with self.engine.connect() as db:
            return {row.id: row.digest for row in db.execute(query)}

    def add_rows(self, name: str, rows: Iterable[StoredRow]) -> None:
        """Add rows behind those that are there, all of them or none."""
        last = sa.select(sa.func.max(_rows.c.position)).where(_rows.c.batch == name)
        with self.engine.begin() as db:
            position = (db.execute(last).scalar() or 0) + 1
            page: list[dict[str, Any]] = []
            for row in rows:
                page.append(_to_values(name, position, row))
                position += 1
                if len(page) == _PAGE:
                    db.execute(_rows.insert(), page)
                    page = []
            if page:
                db.execute(_rows.insert(), page)

    @_outlast_restart
    def list_unassigned(self, name: str) -> list[str]:
        """The ids of rows without result that no chunk has, in order."""
        query = sa.select(_rows.c.id).where(_rows.c.batch == name, _OPEN, _rows.c.chunk.is_(None))
        with self.engine.connect() as db:
            return list(db.execute(query.order_by(_rows.c.position)).scalars())

    @_outlast_restart
    def assign(self, name: str, chunks: Mapping[str, Sequence[str]]) -> None:
        """Put rows into chunks, all of them or none."""
        update = _rows.update().where(_rows.c.batch == name, _rows.c.id == sa.bindparam("row"))
        values = [{"row": row, "chunk": chunk} for chunk, rows in chunks.items() for row in rows]
        if values:
            with self.engine.begin() as db:
                db.execute(update.values(chunk=sa.bindparam("chunk")), values)

    @_outlast_restart
    def list_open_chunks(self, name: str) -> list[str]:
        """The chunks that have rows without result, in order."""
        query = sa.select(_rows.c.chunk).where(_rows.c.batch == name, _OPEN)
        query = query.where(_rows.c.chunk.is_not(None)).group_by(_rows.c.chunk)
        with self.engine.connect() as db:
            return list(db.execute(query.order_by(sa.func.min(_rows.c.position))).scalars())

    @_outlast_restart
    def release(self, name: str, chunks: Sequence[str]) -> None:
        """Take rows without result out of chunks, so that a later run plans them."""
        for start in range(0, len(chunks), _PAGE):
            page = chunks[start : start + _PAGE]
            update = _rows.update().where(_rows.c.batch == name, _OPEN, _rows.c.chunk.in_(page))
            with self.engine.begin() as db:
                db.execute(update.values(chunk=None, started_at=None))

    @_outlast_restart
    def load_chunk(self, name: str, chunk: str) -> list[StoredRow]:
        """The rows of a chunk that have no result, in order."""
        query = sa.select(_rows).where(_rows.c.batch == name, _rows.c.chunk == chunk, _OPEN)
        with self.engine.connect() as db:
            rows = db.execute(query.order_by(_rows.c.position))
            return [_to_row(row) for row in rows]

    @_outlast_restart
    def repeat(self, name: str, row_id: str, attempt: int) -> None:
        """Take a row out of its chunk, so that a new chunk creates its next task."""
        update = _rows.update().where(_rows.c.batch == name, _rows.c.id == row_id, _OPEN)
        with self.engine.begin() as db:
            db.execute(update.values(chunk=None, attempt=attempt))

    @_outlast_restart
    def write(self, name: str, entries: Sequence[RowStarted | RowEnded]) -> None:
        """Write what happened to rows, in one transaction; a row's first result stays."""
        now = time.time()
        started = [
            {"row": entry.row_id, "now": now} for entry in entries if isinstance(entry, RowStarted)
        ]
        ended = [
            {
                "row": entry.result.id,
                "now": now,
                "new_status": entry.result.status,
                "new_result": json.dumps(entry.result.to_json()),
                "next": entry.next_attempt,
            }
            for entry in entries
            if isinstance(entry, RowEnded)
        ]
        mine = (_rows.c.batch == name, _rows.c.id == sa.bindparam("row"), _OPEN)
        with self.engine.begin() as db:
            if started:
                db.execute(
                    _rows.update().where(*mine).values(started_at=sa.bindparam("now")), started
                )
            if ended:
                values: dict[str, Any] = {
                    "ended_at": sa.bindparam("now"),
                    "status": sa.bindparam("new_status"),
                    "result": sa.bindparam("new_result"),
                    "first_attempt": sa.bindparam("next"),
                    "attempt": sa.bindparam("next"),
                }
                db.execute(_rows.update().where(*mine).values(values), ended)

    def read_results(
        self, name: str, since: float = 0.0, known: Container[str] = ()
    ) -> Iterator[tuple[float, RowResult]]:
        """The results written since a time, in the order in which they were, with their times.

        Args:
            name: The batch.
            since: Seconds since 1970.
            known: Ids of rows whose results are left out.
        """
        after: tuple[float, str] = (since, "")
        while True:
            page = self._read_page(name, after)
            for row in page:
                if row.id not in known:
                    yield row.ended_at, parse_result(row.result)
            if len(page) < _PAGE:
                return
            after = (page[-1].ended_at, page[-1].id)

    @_outlast_restart
    def _read_page(self, name: str, after: tuple[float, str]) -> Sequence[Any]:
        place = sa.tuple_(_rows.c.ended_at, _rows.c.id)
        query = sa.select(_rows.c.ended_at, _rows.c.id, _rows.c.result)
        query = query.where(_rows.c.batch == name, place > sa.tuple_(*map(sa.literal, after)))
        query = query.order_by(_rows.c.ended_at, _rows.c.id).limit(_PAGE)
        with self.engine.connect() as db:
            return db.execute(query).all()

    @_outlast_restart
    def forget_results(self, name: str, statuses: Iterable[RowStatus]) -> list[str]:
        """Have rows run again that have ended in one of these ways; return their ids."""
        values: dict[str, Any] = dict.fromkeys(
            ("chunk", "started_at", "ended_at", "status", "result")
        )
        update = _rows.update().where(_rows.c.batch == name, _rows.c.status.in_(list(statuses)))
        with self.engine.begin() as db:
            return list(db.execute(update.values(values).returning(_rows.c.id)).scalars())

    @_outlast_restart
    def count(self, name: str, since: float | None = None) -> Counts:
        """Count the rows of a batch; by status those that have ended since a time."""
        is_running = sa.and_(_OPEN, _rows.c.started_at.is_not(None))
        is_assigned = sa.and_(_OPEN, _rows.c.chunk.is_not(None))
        query = sa.select(
            _rows.c.status,
            sa.func.count().label("rows"),
            sa.func.sum(sa.case((is_running, 1), else_=0)).label("running"),
            sa.func.sum(sa.case((is_assigned, 1), else_=0)).label("assigned"),
        ).where(_rows.c.batch == name)
        if since is not None:
            query = query.where(sa.or_(_OPEN, _rows.c.ended_at >= since))
        with self.engine.connect() as db:
            found = db.execute(query.group_by(_rows.c.status)).all()
        return Counts(
            rows=sum(row.rows for row in found),
            running=sum(row.running for row in found),
            assigned=sum(row.assigned for row in found),
            statuses={row.status: row.rows for row in found if row.status is not None},
        )

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _find(self, db: sa.Connection, name: str) -> StoredBatch | None:
        row = db.execute(sa.select(_batches).where(_batches.c.name == name)).first()
        return None if row is None else _to_batch(row)

    def _create_tables(self) -> None:
        with self.engine.begin() as db:
            if self._is_postgres:
                db.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                db.execute(sa.schema.CreateSchema(_SCHEMA, if_not_exists=True))
            _metadata.create_all(db)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Readers, such as `batch watch` in another terminal, do not block the writer.
    connection.execute("PRAGMA journal_mode=WAL")
    # The ledger holds what was paid for; a result lost in a power cut is found again.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA busy_timeout=10000")


def _check_same(name: str, setting: str, known: str, value: str) -> None:
    if known != value:
        raise ConfigurationError(
            f"{setting}: batch {name!r} has {known}; got {value}. Use another name for another "
            "batch",
            setting=setting,
        )


def _to_batch(row: Any) -> StoredBatch:
    return StoredBatch(
        row.name,
        row.folder,
        row.gateway,
        json.loads(row.options),
        row.halted,
        datetime.fromtimestamp(row.created_at, UTC),
        datetime.fromtimestamp(row.run_at, UTC),
    )


def _to_values(batch: str, position: int, row: StoredRow) -> dict[str, Any]:
    return {
        "batch": batch,
        "id": row.id,
        "position": position,
        "digest": row.digest,
        "operation": row.operation,
        "arguments": json.dumps(row.arguments, default=_encode_path),
        "output": row.output,
        "first_attempt": row.first_attempt,
        "attempt": row.attempt,
    }


def _encode_path(value: object) -> dict[str, str]:
    if not isinstance(value, Path):
        raise TypeError(f"a row cannot hold {type(value).__name__}")
    return {_PATH_FIELD: str(value.absolute())}


def _to_row(row: Any) -> StoredRow:
    arguments = json.loads(row.arguments, object_hook=_decode_path)
    return StoredRow(
        row.id,
        row.digest,
        row.operation,
        as_object(arguments) or {},
        row.output,
        row.first_attempt,
        row.attempt,
    )


def _decode_path(value: dict[str, Any]) -> Any:
    return Path(value[_PATH_FIELD]) if value.keys() == {_PATH_FIELD} else value
