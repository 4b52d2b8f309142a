"""Seeing tasks through: wait, fetch, report. Every command that waits ends up here."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from attrs import define, evolve, field, frozen

from cometapi_runway import _settings as settings
from cometapi_runway._client import RunwayClient
from cometapi_runway._core.task import Route
from cometapi_runway._flows.wait import succeed
from cometapi_runway.cli.endings import Exit, Interrupted, command, ending
from cometapi_runway.cli.forecast import Forecast
from cometapi_runway.cli.options import Connection, Waiting
from cometapi_runway.cli.report import Report, Tracked, facts
from cometapi_runway.errors import RunwayError, TaskTimeoutError
from cometapi_runway.journal import SubmissionRecord
from cometapi_runway.resources._bound_task import BoundTask

_AT_ONCE: Final = settings.PARALLEL_DOWNLOADS
_FAREWELL: Final = 1.0
_WAITING: Final = Waiting()


@frozen(kw_only=True)
class Wish:
    """What is wanted of tasks.

    Attributes:
        timeout: Seconds to wait for all of them, or None for no limit.
        interval: Least seconds between two polls of one task.
        folder: Where their output goes; None for nowhere.
        overwrite: Whether files of the same name are replaced.
        repeat: Options that a command to go on with must repeat.
    """

    timeout: float | None = settings.WAIT_TIMEOUT
    interval: float = settings.POLL_INTERVAL
    folder: Path | None = None
    overwrite: bool = False
    repeat: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The options that a command to go on with must repeat, the folder among them."""
        saving = () if self.folder is None else ("--output", str(self.folder))
        return (*saving, *self.repeat)


class _Stopped(BaseException):
    """Ends a download from within; what has come stays and is continued by the next."""


def wish(
    connection: Connection,
    *,
    folder: Path | None,
    overwrite: bool,
    waiting: Waiting = _WAITING,
) -> Wish:
    """What the options of a command ask for; see `Wish`."""
    return Wish(
        timeout=waiting.limit,
        interval=waiting.interval,
        folder=folder,
        overwrite=overwrite,
        repeat=connection.words,
    )


def known(client: RunwayClient, task_id: str, route: Route) -> BoundTask:
    """A task by its id, with what the journal knows of it: above all where it is polled."""
    return (client.compat if route == "feed" else client).tasks.bind(task_id)


def see_through(
    client: RunwayClient, tasks: Sequence[BoundTask], wish: Wish, report: Report
) -> Exit:
    """Wait for tasks, fetch their output, and report each.

    Returns:
        SUCCESS if all went well; else the code of the first task, in their order, that did not.

    Raises:
        Interrupted: By Ctrl-C; it names the command to go on with.
    """
    if wish.folder is not None:
        for task in tasks:
            # Killed after the task has ended and before its file is there, this one is still ours.
            client.journal.request_output(task.id, wish.folder)
    endings = client.tasks.as_completed(tasks, wish.timeout, report.updated, interval=wish.interval)
    noted = client.journal.record_missing(endings)
    return _Work(wish, report).do(tasks, noted, _tracked(client, tasks, report), "wait")


def fetch(client: RunwayClient, tasks: Sequence[BoundTask], wish: Wish, report: Report) -> Exit:
    """Fetch the output of tasks that have ended, and report each; see `see_through`."""
    endings = (_look(task, report) for task in tasks)
    return _Work(wish, report).do(tasks, endings, _tracked(client, tasks, report), "download")


def _look(task: BoundTask, report: Report) -> BoundTask:
    """How a task stands, and why it has no output if it has none."""
    try:
        seen = task.refresh()
        report.updated(seen)
        if not seen.is_terminal:
            raise TaskTimeoutError(seen.id, seen)
        succeed(seen)
    except RunwayError as error:
        return evolve(task, error=error)
    return seen


@define
class _Work:
    """Taking in tasks as they end, in one thread, and fetching their output in others."""

    wish: Wish
    report: Report
    codes: dict[str, Exit] = field(factory=dict)
    ended: set[str] = field(factory=set)
    _stop: threading.Event = field(factory=threading.Event)

    def do(
        self,
        tasks: Sequence[BoundTask],
        endings: Iterable[BoundTask],
        tracked: Sequence[Tracked],
        again: str,
    ) -> Exit:
        """Take in all endings; `again` is the command that goes on after Ctrl-C."""
        try:
            with self.report.watching(tracked):
                self._take_in(endings)
        except KeyboardInterrupt:
            raise self._interrupted([task.id for task in tasks], again) from None
        codes = (self.codes[task.id] for task in tasks)
        return next((code for code in codes if code), Exit.SUCCESS)

    def _take_in(self, endings: Iterable[BoundTask]) -> None:
        pool = ThreadPoolExecutor(_AT_ONCE)
        fetching: list[Future[None]] = []
        try:
            for task in endings:
                self.ended.add(task.id)
                fetching.append(pool.submit(self._settle, task))
            for one in fetching:
                one.result()
        except BaseException:
            self._stop.set()
            # Downloads end with the next bytes that come, but nobody waits long for those.
            wait(fetching, timeout=_FAREWELL)
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _interrupted(self, ids: Sequence[str], again: str) -> Interrupted:
        """What Ctrl-C leaves behind, and the command to go on with."""
        left = [task_id for task_id in ids if task_id not in self.codes]
        if not left:
            return Interrupted("interrupted; all was done", command("tasks", "list"))
        if self.ended.issuperset(left):
            again, words = "download", "what has come of the files is kept"
        elif len(left) == 1:
            words = f"task {left[0]} goes on at the gateway"
        else:
            words = f"{len(left)} tasks go on at the gateway"
        return Interrupted(
            f"interrupted; {words}", command("tasks", again, *left, *self.wish.words)
        )

    def _settle(self, task: BoundTask) -> None:
        """Fetch a task's output, or report why there is none."""
        try:
            self._bring(task.result())
        except RunwayError as error:
            told = ending(error, self.wish.words)
            self.report.failed(told, error)
            self.codes[task.id] = told.code
        else:
            self.codes[task.id] = Exit.SUCCESS

    def _bring(self, task: BoundTask) -> None:
        if self.wish.folder is None:
            self.report.result("\n".join(task.output), "task", facts(task))
            return
        watch = partial(self._count, task.id)
        for path in task.download(
            self.wish.folder, overwrite=self.wish.overwrite, on_progress=watch
        ):
            self.report.saved(task, path)

    def _count(self, task_id: str, index: int, done: int, total: int | None) -> None:
        if self._stop.is_set():
            raise _Stopped
        self.report.downloading(task_id, index, done, total)


def _tracked(client: RunwayClient, tasks: Sequence[BoundTask], report: Report) -> list[Tracked]:
    """The tasks with their age, and how long such tasks usually take."""
    history = client.journal.tasks() if client.journal.store else []
    forecast = Forecast.of(history)
    made = {one.task_id: one for one in history if one.task_id is not None}
    now, today = report.clock(), datetime.now(UTC)
    return [
        Tracked(
            task.id,
            now - _age(made.get(task.id), today).total_seconds(),
            forecast.expected(task.operation),
        )
        for task in tasks
    ]


def _age(one: SubmissionRecord | None, today: datetime) -> timedelta:
    """Time from a submission to its end, or until now; none for one that is not on record."""
    if one is None:
        return timedelta(0)
    return max((one.ended_at or today) - one.created_at, timedelta(0))
