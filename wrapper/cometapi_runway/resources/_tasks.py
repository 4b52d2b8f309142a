"""``client.tasks``: existing tasks, retrieved once, or waited for alone or in groups."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from attrs import evolve

from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.task import PENDING, Route, Task
from cometapi_runway._io.drivers import OnUpdate
from cometapi_runway._io.session import AsyncSession, Session, TaskLookup
from cometapi_runway._settings import POLL_INTERVAL, WAIT_TIMEOUT
from cometapi_runway.errors import InvalidRequestError, RunwayError, TaskError
from cometapi_runway.resources._bound_task import (
    AsyncBoundTask,
    BoundTask,
    bind,
    bind_async,
    poll_once,
    poll_once_async,
)
from cometapi_runway.resources._call_options import (
    check_async_callback,
    check_callback,
    invalid_option,
)
from cometapi_runway.resources._tracked_task import TrackedTask

if TYPE_CHECKING:
    from cometapi_runway._flows import wait as wait_flow
    from cometapi_runway._flows.polling import Polling
    from cometapi_runway._flows.steps import Flow
    from cometapi_runway._flows.wait_queue import WaitOutcome
    from cometapi_runway.resources import _waits as waits
    from cometapi_runway.resources._waits import Kind, WaitOptions
else:
    # The first call loads them, not the client.
    wait_flow = LazyModule("cometapi_runway._flows.wait")
    waits = LazyModule("cometapi_runway.resources._waits")


class Tasks:
    """Existing tasks, by their id.

    An id is polled on one route; a task passed instead of its id is polled on its own route.
    """

    def __init__(self, session: Session, route: Route = "tasks") -> None:
        self._session = session
        self._route: Route = route

    def bind(self, task: str | Task) -> BoundTask:
        """Bind a task, or its id with what the journal records, to this client. Sends nothing.

        Raises:
            InvalidRequestError: The value is neither a task nor text.
        """
        if isinstance(task, BoundTask):
            return task
        return bind(self._session, resolve_task(task, self._route, self._session.journal))

    def retrieve(self, id: str | Task) -> BoundTask:
        """Poll a task once; see `BoundTask.refresh`."""
        if isinstance(id, BoundTask):
            return id.refresh()
        return poll_once(self._session, resolve_task(id, self._route, self._session.journal))

    def wait(
        self,
        id: str | Task,
        timeout: float | None = WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
    ) -> BoundTask:
        """Wait until a task has ended; see `BoundTask.wait`.

        Args:
            id: The task's id, or the task. An id in this client's journal is polled on the route
                of the operation that created it.
            timeout: Seconds to wait at most; None for no limit.
            on_update: Called with the task whenever its state has changed.
            interval: Seconds between two polls, at least.
            polling: When to poll; see `BoundTask.wait`.
        """
        return self.bind(id).wait(timeout, on_update, interval=interval, polling=polling)

    def as_completed(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
    ) -> Iterator[BoundTask]:
        """Wait for many tasks at once, and yield each when its wait has ended.

        Tasks do not affect each other: one that fails, is not found, or has not ended at the
        deadline is yielded as last seen, with the reason in `error`; `result()` raises it.
        Thousands of tasks need one thread and a few workers.

        Args:
            ids: Tasks, or their ids; a repeated one is waited for once.
            timeout: Seconds for all of them together; None for no limit.
            on_update: Called with a task whenever its state has changed.
            interval: Seconds between two polls of one task, at least.
            polling: When to poll; see `BoundTask.wait`.

        Raises:
            InvalidRequestError: An item of `ids` is neither a task nor text, or an option is
                malformed.
        """
        session = self._session
        known = index_tasks(ids, self._route, session.journal)
        options = waits.check_wait_options(timeout, interval, polling)
        plans = waits.make_plans(known.values(), options, session)
        flows = start_waits(known, options, session, plans)
        callback = check_callback("on_update", on_update)
        notify = waits.make_on_update(callback, partial(bind, session), known)
        driver = evolve(session.driver, on_update=notify)
        # Late, as everything that only many waits at once need.
        from cometapi_runway._io.scheduler import Scheduler  # noqa: PLC0415

        for task_id, outcome in Scheduler(driver).run(flows):
            task, error = split_outcome(known[task_id], outcome)
            bound = bind(session, task, accepted_if_unseen(task, known[task_id]))
            yield evolve(bound, error=error)

    def wait_all(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
    ) -> list[BoundTask]:
        """Wait for many tasks at once, and return them in the order of `ids`.

        No task's error is raised; each task has its own in `error`. See `as_completed`.
        """
        items = list_ids(ids)
        completed = self.as_completed(items, timeout, on_update, interval=interval, polling=polling)
        ended = {task.id: task for task in completed}
        return [ended[task_id_of(item)] for item in items]


class AsyncTasks:
    """Existing tasks, by their id; see `Tasks`."""

    def __init__(self, session: AsyncSession, route: Route = "tasks") -> None:
        self._session = session
        self._route: Route = route

    def bind(self, task: str | Task) -> AsyncBoundTask:
        """Bind a task or its id to this client. Sends nothing. See `Tasks.bind`."""
        if isinstance(task, AsyncBoundTask):
            return task
        return bind_async(self._session, resolve_task(task, self._route, self._session.journal))

    async def retrieve(self, id: str | Task) -> AsyncBoundTask:
        """Poll a task once; see `BoundTask.refresh`."""
        if isinstance(id, AsyncBoundTask):
            return await id.refresh()
        task = resolve_task(id, self._route, self._session.journal)
        return await poll_once_async(self._session, task)

    async def wait(
        self,
        id: str | Task,
        timeout: float | None = WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
    ) -> AsyncBoundTask:
        """Wait until a task has ended; see `Tasks.wait`. `on_update` may be a coroutine."""
        return await self.bind(id).wait(timeout, on_update, interval=interval, polling=polling)

    async def as_completed(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
    ) -> AsyncIterator[AsyncBoundTask]:
        """Wait for many tasks at once, and yield each as it ends; see `Tasks.as_completed`."""
        session = self._session
        known = index_tasks(ids, self._route, session.journal)
        options = waits.check_wait_options(timeout, interval, polling)
        plans = await waits.make_plans_async(known.values(), options, session)
        flows = start_waits(known, options, session, plans)
        callback = check_async_callback("on_update", on_update)
        notify = waits.make_on_update(callback, partial(bind_async, session), known)
        driver = evolve(session.driver, on_update=notify)
        from cometapi_runway._io.async_scheduler import AsyncScheduler  # noqa: PLC0415 - as above

        async with contextlib.aclosing(AsyncScheduler(driver).run(flows)) as outcomes:
            async for task_id, outcome in outcomes:
                task, error = split_outcome(known[task_id], outcome)
                bound = bind_async(session, task, accepted_if_unseen(task, known[task_id]))
                yield evolve(bound, error=error)

    async def wait_all(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = POLL_INTERVAL,
        polling: Polling = "learned",
    ) -> list[AsyncBoundTask]:
        """Wait for many tasks at once, and return them in order; see `Tasks.wait_all`."""
        items = list_ids(ids)
        completed = self.as_completed(items, timeout, on_update, interval=interval, polling=polling)
        ended = {task.id: task async for task in completed}
        return [ended[task_id_of(item)] for item in items]


def task_id_of(item: str | Task) -> str:
    """The id of a task, passed as the task or as its id."""
    return item.id if isinstance(item, Task) else item


def list_ids(ids: Iterable[str | Task]) -> list[str | Task]:
    """The tasks and ids as a list, so that they can be iterated over several times.

    Raises:
        InvalidRequestError: `ids` is not iterable, or is one task or one id: iterating over a
            text would yield its letters.
    """
    if isinstance(ids, str | Task):
        raise invalid_option("ids", "type", "is one task; pass a list")
    if not isinstance(ids, Iterable):
        raise invalid_option("ids", "type", f"is {safe_repr(ids)}; pass a list of tasks or ids")
    return list(ids)


def index_tasks(
    ids: Iterable[str | Task], route: Route, journal: TaskLookup | None
) -> dict[str, Task]:
    """Each task once, by its id.

    They are bound when their waits end: thousands may be waited for.
    """
    tasks = (resolve_task(item, route, journal) for item in list_ids(ids))
    return {task.id: task for task in tasks}


def resolve_task(item: str | Task, route: Route, journal: TaskLookup | None) -> Task:
    """The task that was passed as itself or as its id, with what the journal records of the id.

    Raises:
        InvalidRequestError: The value is neither a task nor text.
    """
    if isinstance(item, Task):
        return item
    if not isinstance(item, str):
        raise invalid_option("task_id", "type", f"is {safe_repr(item)}; a task id is text")
    recorded = None if journal is None else journal.recall(item)
    return recorded or Task(item, PENDING, route=route)


def start_waits(
    known: Mapping[str, Task],
    options: WaitOptions,
    session: Session | AsyncSession,
    plans: Mapping[Kind, tuple[float, ...]],
) -> dict[str, Flow[Task]]:
    """A wait for each task, all with one deadline."""
    now = session.driver.clock.now()

    def start(task: Task) -> Flow[Task]:
        try:
            request = waits.make_wait_request(task, options, session.settings, now=now, plans=plans)
        except InvalidRequestError as error:
            return _failed_wait(error)
        return wait_flow.wait(request, started=now, rng=session.rng)

    return {task_id: start(task) for task_id, task in known.items()}


def _failed_wait(error: InvalidRequestError) -> Flow[Task]:
    """A wait that raises at once, so that a malformed id does not stop the other waits."""
    yield from ()
    raise error


def split_outcome(known: Task, outcome: WaitOutcome) -> tuple[Task, RunwayError | None]:
    """A task's last known state, and the error that ended its wait."""
    if isinstance(outcome, Task):
        return outcome, None
    seen = outcome.task_details if isinstance(outcome, TaskError) else None
    return seen or known, outcome


def accepted_if_unseen(task: Task, known: Task) -> float | None:
    """When a task was accepted, if no wait has seen it yet: being seen ends its grace."""
    return known.accepted_at if task is known and isinstance(known, TrackedTask) else None
