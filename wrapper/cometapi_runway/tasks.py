"""Tasks that exist already: asked for once, waited for alone or among many."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import evolve

from cometapi_runway import operations, settings, told, waiting
from cometapi_runway.bound import AsyncBoundTask, BoundTask
from cometapi_runway.drivers import OnUpdate
from cometapi_runway.flows import retrieve, wait
from cometapi_runway.many import Scheduler, run_async
from cometapi_runway.task import Route, Task

if TYPE_CHECKING:
    from cometapi_runway.client import AsyncRunwayClient, RunwayClient


class Tasks:
    """Tasks that exist already, by their id.

    Ids are asked for on one route; a task, wherever it is given instead of its id, knows its own.
    """

    def __init__(self, client: RunwayClient, route: Route = "tasks") -> None:
        self._client = client
        self._route: Route = route

    def _taken(self, given: str | Task) -> BoundTask:
        if isinstance(given, BoundTask):
            return given
        return self._client.bind(waiting.recalled(given, self._route, self._client.journal))

    def retrieve(self, id: str | Task) -> BoundTask:
        """Ask once how a task stands.

        Raises:
            TaskNotFoundError: The gateway does not know it, or not yet.
            APIError: The question was not answered.
            ResponseDecodeError: The answer is of no known shape.
        """
        return self.look(self._taken(id))

    def wait(
        self,
        id: str | Task,
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> BoundTask:
        """Wait until a task has ended, whatever the network does meanwhile.

        Args:
            id: The task's id, or the task. An id that this client's journal has is asked for
                where its task was made.
            timeout: Seconds to wait at most; None for no limit. The deadline is kept to within
                one request, and the task goes on after it.
            on_update: Called with the task whenever its state has changed. Its errors are
                logged and end nothing.
            interval: Least seconds between two polls; Runway asks for 5.

        Returns:
            The task with its output.

        Raises:
            TaskFailedError: It failed.
            TaskCancelledError: It was cancelled.
            TaskTimeoutError: The time is over.
            TaskNotFoundError: It stayed unknown for longer than a new task does.
            APIStatusError: The gateway refuses to tell: key, permission or a malformed id.
        """
        return self.await_end(self._taken(id), timeout, on_update, interval)

    def as_completed(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> Iterator[BoundTask]:
        """Wait for many tasks at once, and yield each when its wait has ended.

        No task disturbs another: one that fails, is not found, or has not ended at the deadline
        is yielded as last seen, with the reason in `error`; `result()` raises it. Thousands of
        tasks are waited for in one thread and a few workers.

        Args:
            ids: Tasks, or their ids; one that is given twice is waited for once.
            timeout: Seconds for all of them together; None for no limit.
            on_update: Called with a task whenever its state has changed.
            interval: Least seconds between two polls of one task.

        Raises:
            InvalidRequestError: Something among the ids is neither, or an option is malformed.
        """
        client = self._client
        known = waiting.by_id(ids, self._taken)
        pace = waiting.pace_of(timeout, interval)
        now = client.driver.clock.now()
        flows = waiting.begun(known, now, pace, client.settings, client.rng)
        tell = waiting.telling(told.plain("on_update", on_update), client.bind, known)
        driver = evolve(client.driver, on_update=tell)
        for task_id, ending in Scheduler(driver).run(flows):
            asked = known[task_id]
            state, error = waiting.ending_of(asked, ending)
            yield evolve(client.bind(state, waiting.accepted_at(state, asked)), error=error)

    def wait_all(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> list[BoundTask]:
        """Wait for many tasks at once, and return them in the order given.

        See `as_completed`: nothing is raised for a task; each carries its own `error`.
        """
        wanted = waiting.listed(ids)
        ended = {t.id: t for t in self.as_completed(wanted, timeout, on_update, interval=interval)}
        return [ended[waiting.id_of(item)] for item in wanted]

    def look(self, task: Task) -> BoundTask:
        """Ask once how a task stands, keeping what is known of it."""
        client = self._client
        call = operations.poll(task, client.settings)
        seen = client.driver.run(retrieve(call, task, timeout=client.settings.timeout))
        return client.bind(seen)

    def await_end(
        self, task: BoundTask, timeout: float | None, on_update: OnUpdate | None, interval: float
    ) -> BoundTask:
        """Wait for a task, keeping what is known of it."""
        client = self._client
        watch = waiting.watch_of(task, waiting.pace_of(timeout, interval), client.settings)
        known = {task.id: task}
        tell = waiting.telling(told.plain("on_update", on_update), client.bind, known)
        driver = evolve(client.driver, on_update=tell)
        with driver.board.waiting(task.id):
            final = driver.run(wait(watch, started=driver.clock.now(), rng=client.rng))
        return client.bind(final)


class AsyncTasks:
    """Tasks that exist already, by their id; see `Tasks`."""

    def __init__(self, client: AsyncRunwayClient, route: Route = "tasks") -> None:
        self._client = client
        self._route: Route = route

    def _taken(self, given: str | Task) -> AsyncBoundTask:
        if isinstance(given, AsyncBoundTask):
            return given
        return self._client.bind(waiting.recalled(given, self._route, self._client.journal))

    async def retrieve(self, id: str | Task) -> AsyncBoundTask:
        """Ask once how a task stands; see `Tasks.retrieve`."""
        return await self.look(self._taken(id))

    async def wait(
        self,
        id: str | Task,
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> AsyncBoundTask:
        """Wait until a task has ended; see `Tasks.wait`. `on_update` may be a coroutine."""
        return await self.await_end(self._taken(id), timeout, on_update, interval)

    async def as_completed(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> AsyncIterator[AsyncBoundTask]:
        """Wait for many tasks at once, and yield each as it ends; see `Tasks.as_completed`."""
        client = self._client
        known = waiting.by_id(ids, self._taken)
        pace = waiting.pace_of(timeout, interval)
        now = client.driver.clock.now()
        flows = waiting.begun(known, now, pace, client.settings, client.rng)
        tell = waiting.telling(told.awaited("on_update", on_update), client.bind, known)
        driver = evolve(client.driver, on_update=tell)
        async with contextlib.aclosing(run_async(driver, flows)) as endings:
            async for task_id, ending in endings:
                asked = known[task_id]
                state, error = waiting.ending_of(asked, ending)
                yield evolve(client.bind(state, waiting.accepted_at(state, asked)), error=error)

    async def wait_all(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> list[AsyncBoundTask]:
        """Wait for many tasks at once, and return them in order; see `Tasks.wait_all`."""
        wanted = waiting.listed(ids)
        endings = self.as_completed(wanted, timeout, on_update, interval=interval)
        ended = {task.id: task async for task in endings}
        return [ended[waiting.id_of(item)] for item in wanted]

    async def look(self, task: Task) -> AsyncBoundTask:
        """Ask once how a task stands, keeping what is known of it."""
        client = self._client
        call = operations.poll(task, client.settings)
        seen = await client.driver.run(retrieve(call, task, timeout=client.settings.timeout))
        return client.bind(seen)

    async def await_end(
        self,
        task: AsyncBoundTask,
        timeout: float | None,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None,
        interval: float,
    ) -> AsyncBoundTask:
        """Wait for a task, keeping what is known of it."""
        client = self._client
        watch = waiting.watch_of(task, waiting.pace_of(timeout, interval), client.settings)
        known = {task.id: task}
        tell = waiting.telling(told.awaited("on_update", on_update), client.bind, known)
        driver = evolve(client.driver, on_update=tell)
        with driver.board.waiting(task.id):
            final = await driver.run(wait(watch, started=driver.clock.now(), rng=client.rng))
        return client.bind(final)
