"""`Batch`: many tasks under one name, run to the end however often their process is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from cometapi_runway._async_client import AsyncRunwayClient
from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.secret import Secret
from cometapi_runway._flows.polling import Polling
from cometapi_runway._settings import POLL_INTERVAL, REQUEST_TIMEOUT, Settings, resolve_settings
from cometapi_runway.batch._check import ManifestReport, check_manifest
from cometapi_runway.batch._decisions import FAILURES
from cometapi_runway.batch._manifest import Manifest, RowList
from cometapi_runway.batch._options import WAIT_TIMEOUT, BatchOptions
from cometapi_runway.batch._output_names import ExistingFiles
from cometapi_runway.batch._outputs import is_remote, open_folder
from cometapi_runway.batch._places import Place, make_place
from cometapi_runway.batch._results import ResultsFile, RowResult, RowStatus
from cometapi_runway.batch._rows import Row, find_resource
from cometapi_runway.batch._status import BatchStatus, make_status
from cometapi_runway.errors import ConfigurationError, InvalidRequestError, Issue
from cometapi_runway.journal import Budget, Journal
from cometapi_runway.resources._prices import find_price

if TYPE_CHECKING:
    from cometapi_runway.batch._coordinator import Coordinator
    from cometapi_runway.batch._engine import Engine
    from cometapi_runway.batch._leases import Leases
    from cometapi_runway.batch._store import Counts, Store, StoredBatch, StoredRow

_WORK_LOOK: Final = 0.2
"""Seconds between two looks at whether a worker is to end."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
Prices: TypeAlias = Mapping[str, Decimal | float | str] | str | os.PathLike[str]

OnProgress: TypeAlias = Callable[[BatchStatus], object]


class Batch:
    """Many tasks under one name. A batch that is killed goes on when it is run again.

    ::

        from cometapi_runway.batch import Batch

        with Batch("spring", "out/spring") as batch:
            batch.add(
                {"id": hero, "operation": "text_to_image", "prompt_text": f"{hero} at dawn",
                 "reference_images": ["hero.png"]}
                for hero in ("fox", "owl")
            )
            for result in batch.run(concurrency=8, max_tasks=100):
                print(result.id, result.status, *result.files)

    In asyncio::

        async with Batch("spring", "out/spring") as batch:
            batch.add_manifest("heroes.csv", operation="text_to_image")
            async for result in batch.run_async(rate="30/min", halt="fail=10%"):
                print(result.id, result.status, *result.files)

    What is added stays added: a later program with the same name and data sees the rows. A row with
    a result is not run again; see `retry`. Every task is created with an idempotency key from the
    batch, the row and the attempt, so that no row is paid for twice, whatever is killed when.

    Args:
        name: Its name, which is also the scope of its budget: at most 40 lower-case letters,
            digits, dashes and underscores.
        folder: Where outputs and ``results.jsonl`` go: a local folder, or a URL that fsspec opens.
        data: The folder of its records; ``folder/.cometapi-runway`` if None, or the folder of
            temporary files with a `database`.
        database: A ``postgresql://`` URL, which holds the records instead and lets many machines
            work, see `work`.
        journal: The journal; ``journal.sqlite3`` in `data` if None. A `database` is the journal.
        api_key: The CometAPI key; from ``COMETAPI_KEY`` if None.
        base_url: The gateway; see `RunwayClient`.
        runway_version: The ``X-Runway-Version`` header; see `RunwayClient`.
        timeout: Seconds for one request.

    Raises:
        ConfigurationError: A setting is missing or malformed, the database cannot be opened, or the
            extra ``batch`` is not installed.
    """

    def __init__(
        self,
        name: str,
        folder: str | os.PathLike[str],
        *,
        data: str | os.PathLike[str] | None = None,
        database: str | None = None,
        journal: str | os.PathLike[str] | Journal | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        runway_version: str | None = None,
        timeout: float = REQUEST_TIMEOUT,
    ) -> None:
        key = None if api_key is None else Secret(api_key)
        url = None if database is None else Secret(database)
        # What follows may raise, and a traceback with locals shows the arguments.
        del api_key, database
        self.name = check_name(name)
        text = os.fspath(folder)
        self.folder = text if is_remote(text) else str(Path(text).absolute())
        self._settings = resolve_settings(
            key, base_url=base_url, runway_version=runway_version, timeout=timeout
        )
        self._place = make_place(self.folder, data, url)
        self._owns_journal = not isinstance(journal, Journal)
        self.journal = self._place.open_journal(journal)
        self._store = self._place.open_store(self.name)
        self._stopping = False
        self._run_stack = contextlib.ExitStack()

    def add(
        self, rows: Iterable[Mapping[str, JSON]], *, operation: str | None = None
    ) -> ManifestReport:
        """Add rows: mappings of ``id``, ``operation``, ``output`` and the arguments of ``create``.

        A row that is there already stays as it is.

        Args:
            rows: The rows; see `Manifest` for their fields.
            operation: The resource of rows that name none.

        Returns:
            What the check of the rows found: their number and known cost.

        Raises:
            InvalidRequestError: A row is not valid, asks for something else than the row of the
                same id that is there, or is new and has the name of a file in the folder. No row
                is added then.
        """
        return self._add(RowList(rows, operation=operation))

    def add_manifest(
        self,
        path: str | os.PathLike[str] | Manifest,
        *,
        operation: str | None = None,
        assignments: Iterable[str] = (),
    ) -> ManifestReport:
        """Add the rows of a manifest; see `add` and `Manifest`."""
        if isinstance(path, Manifest):
            return self._add(path)
        return self._add(Manifest(path, operation=operation, assignments=assignments))

    def run(
        self,
        *,
        concurrency: int = 8,
        rate: str | None = None,
        max_cost: Decimal | float | str | None = None,
        max_tasks: int | None = None,
        prices: Prices | None = None,
        attempts: int = 1,
        halt: str | None = None,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
        wait_timeout: float = WAIT_TIMEOUT,
        on_progress: OnProgress | None = None,
    ) -> Generator[RowResult]:
        """Run every row that has no result, and yield results as they are written.

        Leaving the loop, Ctrl-C or `stop` end it cleanly: creates that have begun are finished, and
        running tasks continue at the gateway. The same call goes on with them later.

        Args:
            concurrency: Tasks that run at once, over all workers.
            rate: Tasks created in a period, over all workers, such as ``30/min``.
            max_cost: US dollars for all tasks of the batch; it needs the price of every row.
            max_tasks: Tasks of the batch, at most.
            prices: US dollars by resource, or a TOML file of them; see `Budget`.
            attempts: Tasks for one row, at most. Another one is created only where the failure
                says that it can help, and is paid for.
            halt: When to stop submitting: ``fail=10%`` of the rows of this run, or ``fail=5``.
            interval: Seconds between two polls of one task.
            polling: When to poll; see `BoundTask.wait`.
            wait_timeout: Seconds after which a row stops waiting for its task.
            on_progress: Called about every second with the batch's `BatchStatus`.

        Yields:
            One result for each row that ends, also of rows that other workers run.

        Raises:
            ConfigurationError: An option is malformed, another process runs the batch, or its
                folder or gateway is another one than before.
        """
        options = self._make_options(
            concurrency,
            rate,
            max_cost,
            max_tasks,
            prices,
            attempts,
            halt,
            interval,
            polling,
            wait_timeout,
        )
        self._stopping = False
        with contextlib.ExitStack() as stack:
            self._run_stack = stack
            run = self._open_run(options, stack)

            def notify(batch: StoredBatch, counts: Counts) -> None:
                if on_progress is not None:
                    # A journal that cannot be read now delays the progress, not the batch.
                    with contextlib.suppress(ConfigurationError):
                        on_progress(make_status(batch, counts, self.journal))

            yield from run.follow(lambda: self._stopping, notify)

    async def run_async(
        self,
        *,
        concurrency: int = 8,
        rate: str | None = None,
        max_cost: Decimal | float | str | None = None,
        max_tasks: int | None = None,
        prices: Prices | None = None,
        attempts: int = 1,
        halt: str | None = None,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
        wait_timeout: float = WAIT_TIMEOUT,
        on_progress: OnProgress | None = None,
    ) -> AsyncIterator[RowResult]:
        """Run every row that has no result, in asyncio; see `run`."""
        results = self.run(
            concurrency=concurrency,
            rate=rate,
            max_cost=max_cost,
            max_tasks=max_tasks,
            prices=prices,
            attempts=attempts,
            halt=halt,
            interval=interval,
            polling=polling,
            wait_timeout=wait_timeout,
            on_progress=on_progress,
        )
        try:
            while (result := await self._next(results)) is not None:
                yield result
        finally:
            # The engine's end waits for creates that have begun.
            await asyncio.shield(asyncio.to_thread(results.close))

    def stop(self) -> None:
        """Have `run` end cleanly; any thread may call it."""
        self._stopping = True

    def status(self) -> BatchStatus:
        """How the batch stands, in whichever process it runs."""
        batch = self._store.load_batch(self.name)
        return make_status(batch, self._store.count(self.name), self.journal)

    def cancel(self, reason: str = "cancelled") -> None:
        """Stop submitting, in every worker. Tasks that run are waited for, and saved."""
        self._store.load_batch(self.name)
        self._store.halt(self.name, reason)

    def retry(self, *statuses: RowStatus) -> list[str]:
        """Have rows run again at the next `run`; return their ids.

        A row whose task has failed gets a new task. A row whose task has succeeded but whose files
        are missing, and one whose task did not end in time, keep theirs. A row of unknown outcome
        is looked up in the journal and never sent again, unless it was settled as not charged.

        Args:
            statuses: Which rows; all that did not succeed if none is given.

        Raises:
            ConfigurationError: Another process runs the batch.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._place.lease(self.name, self._store))
            results = stack.enter_context(self._open_results())
            ids = self._store.forget_results(self.name, statuses or (*sorted(FAILURES), "BUDGET"))
            # A result that is forgotten here first would be written again by the next run.
            results.remove(ids)
        return ids

    def results(self) -> Iterator[RowResult]:
        """Every result so far, in the order in which rows ended."""
        for _, result in self._store.read_results(self.name):
            yield result

    def close(self) -> None:
        """End the run, if one is left in the middle, and close the records."""
        self._run_stack.close()
        self._store.close()
        if self._owns_journal:
            self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)

    def __repr__(self) -> str:
        return f"Batch({vars(self).get('name', '')!r})"

    def _make_options(
        self,
        concurrency: int,
        rate: str | None,
        max_cost: Decimal | float | str | None,
        max_tasks: int | None,
        prices: Prices | None,
        attempts: int,
        halt: str | None,
        interval: float,
        polling: Polling,
        wait_timeout: float,
    ) -> BatchOptions:
        budget = Budget(max_cost, max_tasks, self.name, prices)
        return BatchOptions(
            concurrency=concurrency,
            rate=rate,
            max_cost=budget.max_cost,
            max_tasks=budget.max_tasks,
            prices=budget.prices,
            attempts=attempts,
            halt=halt,
            interval=interval,
            polling=polling,
            timeout=wait_timeout,
        )

    def _add(self, manifest: Manifest) -> ManifestReport:
        folder = None if is_remote(self.folder) else Path(self.folder)
        report = check_manifest(
            manifest, folder=folder, price_of=_price_of, settings=self._settings
        )
        if not report.is_valid:
            raise report.to_error()
        known = self._store.load_digests(self.name)
        # Of rows that are there already, a file may be their own output.
        files = None if folder is None else ExistingFiles(folder)
        issues: list[Issue] = []
        for row in _read_rows(manifest, folder):
            if known.get(row.id, row.digest) != row.digest:
                issues.append(_make_changed_issue(row))
            elif files is not None and row.id not in known:
                issues += files.check(row.output, f"line {row.line} ({row.id})")
        if issues:
            raise InvalidRequestError(issues)
        new = (_to_stored(row) for row in _read_rows(manifest, folder) if row.id not in known)
        self._store.add_rows(self.name, new)
        return report

    def _open_run(self, options: BatchOptions, stack: contextlib.ExitStack) -> Coordinator:
        # Late: the libraries of an extra.
        from cometapi_runway.batch._coordinator import Coordinator  # noqa: PLC0415

        lease = stack.enter_context(self._place.lease(self.name, self._store))
        outputs = open_folder(self.folder)
        results = stack.enter_context(self._open_results())
        gateway = self._settings.base_url
        stored = self._store.save_batch(self.name, self.folder, gateway, options.to_json())
        engine = make_engine(
            self._place, self.name, lease, self._store, self._settings, self.journal
        )
        run = Coordinator(self._store, engine, stored, options, results, outputs)
        # Last of all, the results of rows that ended while the engine stopped.
        stack.callback(run.publish)
        stack.callback(run.take_results)
        stack.callback(engine.stop)
        engine.start(options.concurrency, options.parse_rate())
        return run

    def _open_results(self) -> ResultsFile:
        if is_remote(self.folder):
            folder = self._place.get_batch_folder(self.name)
        else:
            folder = Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        return ResultsFile(folder)

    async def _next(self, results: Iterator[RowResult]) -> RowResult | None:
        step = asyncio.ensure_future(asyncio.to_thread(next, results, None))
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            self.stop()
            # The generator runs in a thread, and can only be closed once it does not.
            with contextlib.suppress(Exception):
                await step
            raise


def work(
    database: str,
    *,
    data: str | os.PathLike[str] | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float = REQUEST_TIMEOUT,
) -> None:
    """Be one more worker for the batches of a database, until stopped.

    ::

        from cometapi_runway.batch import work

        work("postgresql://runway@db.example.com/batches")

    Workers share the rows of every batch that is run; none needs to know of another. A worker that
    dies is noticed within 30 seconds, and the others go on with its rows and its tasks. Local
    folders of outputs must be the same on every machine.

    Args:
        database: The database of the batches.
        data: A folder for files that only this machine needs.
        is_stopping: Asked several times a second whether to end. Ctrl-C ends it too.
        api_key: The CometAPI key; from ``COMETAPI_KEY`` if None.
        base_url: The gateway; see `RunwayClient`. Batches of another gateway are left alone.
        timeout: Seconds for one request.

    Raises:
        ConfigurationError: A setting is missing or malformed, or the database cannot be opened.
    """
    key = None if api_key is None else Secret(api_key)
    url = Secret(database)
    del api_key, database
    settings = resolve_settings(key, base_url=base_url, timeout=timeout)
    place = make_place("", data, url)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(contextlib.closing(place.open_journal(None)))
        store = stack.enter_context(contextlib.closing(place.open_store("")))
        lease = stack.enter_context(place.lease(None, store))
        engine = make_engine(place, None, lease, store, settings, journal)
        stack.callback(engine.stop)
        engine.start()
        while not is_stopping():
            engine.check()
            time.sleep(_WORK_LOOK)


def list_batches(
    *, data: str | os.PathLike[str] | None = None, database: str | None = None
) -> list[BatchStatus]:
    """How every batch stands, in a folder of records or in a database.

    Raises:
        ConfigurationError: Neither or both are given, or the database cannot be opened.
    """
    url = None if database is None else Secret(database)
    del database
    if (url is None) == (data is None):
        raise ConfigurationError("pass either data or database", setting="database")
    place = make_place("", data, url)
    names = place.list_names() if url is None else [""]
    with contextlib.closing(place.open_journal(None)) as journal:
        return [status for name in names for status in _list_statuses(place, name, journal)]


def make_engine(
    place: Place,
    queue: str | None,
    lease: tuple[str, Leases],
    store: Store,
    settings: Settings,
    journal: Journal,
) -> Engine:
    """The engine of one process.

    Args:
        place: Where the records are.
        queue: The batch to work on; None for all of the database.
        lease: The worker's number and its lease.
        store: The rows.
        settings: The client's settings.
        journal: The ledger.
    """
    # Late: the libraries of an extra.
    from cometapi_runway.batch._engine import Engine  # noqa: PLC0415
    from cometapi_runway.batch._worker import Worker  # noqa: PLC0415

    def open_client(batch: StoredBatch, options: BatchOptions) -> AsyncRunwayClient:
        return AsyncRunwayClient(
            settings.api_key.reveal(),
            base_url=settings.base_url,
            runway_version=settings.runway_version,
            timeout=settings.timeout,
            journal=journal,
            budget=options.make_budget(batch.name),
        )

    number, leases = lease
    url = Secret(place.get_engine_url(queue or ""))

    def make_worker() -> Worker:
        return Worker(store, open_client, open_folder)

    return Engine(url, number, leases, make_worker, settings.base_url, queue)


def check_name(name: str) -> str:
    """Check the name of a batch.

    Raises:
        ConfigurationError: It is too long, or has other characters.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(
            "name: must have 1 to 40 lower-case letters, digits, dashes and underscores, and begin "
            f"with a letter or digit; got {safe_repr(name)}",
            setting="name",
        )
    return name


def _list_statuses(place: Place, name: str, journal: Journal) -> list[BatchStatus]:
    with contextlib.closing(place.open_store(name)) as store:
        return [
            make_status(batch, store.count(batch.name), journal) for batch in store.list_batches()
        ]


def _price_of(resource: str) -> Decimal | None:
    signature = find_resource(resource).signature
    return find_price(None, signature.name, signature.operation)


def _read_rows(manifest: Manifest, folder: Path | None) -> Iterator[Row]:
    """The rows of a manifest that was checked."""
    return (row for row in manifest.read(folder) if isinstance(row, Row))


def _to_stored(row: Row) -> StoredRow:
    from cometapi_runway.batch._store import StoredRow  # noqa: PLC0415 - late, as above

    return StoredRow(row.id, row.digest, row.resource.name, row.arguments, row.output)


def _make_changed_issue(row: Row) -> Issue:
    message = (
        f"line {row.line} ({row.id}): id belongs to a row with other arguments (idempotency); "
        "use another id for another task"
    )
    return Issue("id", "idempotency", row.id, message)
