"""Tasks that exist already: asked for once, waited for alone or among many."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING

from attrs import evolve

from cometapi_runway import operations, settings
from cometapi_runway.bound import AsyncBoundTask, Bound, BoundTask
from cometapi_runway.drivers import OnUpdate
from cometapi_runway.errors import (
    InvalidRequestError,
    Issue,
    RunwayError,
    TaskError,
)
from cometapi_runway.flows import Flow, Watch, retrieve, wait
from cometapi_runway.many import Ending, Scheduler, run_async
from cometapi_runway.settings import Settings
from cometapi_runway.task import PENDING, Route, Task

if TYPE_CHECKING:
    from cometapi_runway.client import AsyncRunwayClient, RunwayClient


class Tasks:
    """Tasks that exist already, by their id.

    Ids are asked for on one route; a task, wherever it is given instead of its id, knows its own.
    """

    def __init__(self, client: RunwayClient, route: Route = "tasks") -> None:
        self._client = client
        self._route: Route = route

    def _named(self, id: str) -> BoundTask:
        return self._client.bind(Task(id, PENDING, route=self._route))

    def retrieve(self, id: str) -> BoundTask:
        """Ask once how a task stands.

        Raises:
            TaskNotFoundError: The gateway does not know it, or not yet.
            APIError: The question was not answered.
            ResponseDecodeError: The answer is of no known shape.
        """
        return self.look(Task(id, PENDING, route=self._route))

    def wait(
        self,
        id: str,
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> BoundTask:
        """Wait until a task has ended, whatever the network does meanwhile.

        Args:
            id: The task.
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
        return self.await_end(self._named(id), timeout, on_update, interval)

    def as_completed(
        self,
        ids: Iterable[str | BoundTask],
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
        """
        client = self._client
        known = _by_id(ids, self._named)
        now = client.driver.clock.now()
        flows = _flows(known, now, timeout, interval, client.settings, client.rng)
        driver = evolve(client.driver, on_update=_telling(on_update, client.bind))
        for task_id, ending in Scheduler(driver).run(flows):
            state, error = _ending(known[task_id], ending)
            yield evolve(client.bind(state, _accepted(state, known[task_id])), error=error)

    def wait_all(
        self,
        ids: Iterable[str | BoundTask],
        timeout: float | None = settings.WAIT_TIMEOUT,
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> list[BoundTask]:
        """Wait for many tasks at once, and return them in the order given.

        See `as_completed`: nothing is raised for a task; each carries its own `error`.
        """
        wanted = list(ids)
        ended = {t.id: t for t in self.as_completed(wanted, timeout, on_update, interval=interval)}
        return [ended[_id_of(item)] for item in wanted]

    def look(self, task: Task) -> BoundTask:
        """Ask once how a task stands, keeping what is known of it."""
        client = self._client
        call = operations.poll(task.id, task.route, client.settings)
        seen = client.driver.run(retrieve(call, task, timeout=client.settings.timeout))
        return client.bind(seen)

    def await_end(
        self, task: BoundTask, timeout: float | None, on_update: OnUpdate | None, interval: float
    ) -> BoundTask:
        """Wait for a task, keeping what is known of it."""
        client = self._client
        watch = _watch(task, task.accepted, timeout, interval, client.settings)
        driver = evolve(client.driver, on_update=_telling(on_update, client.bind))
        with driver.board.waiting(task.id):
            final = driver.run(wait(watch, started=driver.clock.now(), rng=client.rng))
        return client.bind(final)


class AsyncTasks:
    """Tasks that exist already, by their id; see `Tasks`."""

    def __init__(self, client: AsyncRunwayClient, route: Route = "tasks") -> None:
        self._client = client
        self._route: Route = route

    def _named(self, id: str) -> AsyncBoundTask:
        return self._client.bind(Task(id, PENDING, route=self._route))

    async def retrieve(self, id: str) -> AsyncBoundTask:
        """Ask once how a task stands; see `Tasks.retrieve`."""
        return await self.look(Task(id, PENDING, route=self._route))

    async def wait(
        self,
        id: str,
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> AsyncBoundTask:
        """Wait until a task has ended; see `Tasks.wait`. `on_update` may be a coroutine."""
        task = self._named(id)
        return await self.await_end(task, timeout, on_update, interval)

    async def as_completed(
        self,
        ids: Iterable[str | AsyncBoundTask],
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> AsyncIterator[AsyncBoundTask]:
        """Wait for many tasks at once, and yield each as it ends; see `Tasks.as_completed`."""
        client = self._client
        known = _by_id(ids, self._named)
        now = client.driver.clock.now()
        flows = _flows(known, now, timeout, interval, client.settings, client.rng)
        driver = evolve(client.driver, on_update=_telling(on_update, client.bind))
        async with contextlib.aclosing(run_async(driver, flows)) as endings:
            async for task_id, ending in endings:
                state, error = _ending(known[task_id], ending)
                yield evolve(client.bind(state, _accepted(state, known[task_id])), error=error)

    async def wait_all(
        self,
        ids: Iterable[str | AsyncBoundTask],
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> list[AsyncBoundTask]:
        """Wait for many tasks at once, and return them in order; see `Tasks.wait_all`."""
        wanted = list(ids)
        endings = self.as_completed(wanted, timeout, on_update, interval=interval)
        ended = {task.id: task async for task in endings}
        return [ended[_id_of(item)] for item in wanted]

    async def look(self, task: Task) -> AsyncBoundTask:
        """Ask once how a task stands, keeping what is known of it."""
        client = self._client
        call = operations.poll(task.id, task.route, client.settings)
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
        watch = _watch(task, task.accepted, timeout, interval, client.settings)
        driver = evolve(client.driver, on_update=_telling(on_update, client.bind))
        with driver.board.waiting(task.id):
            final = await driver.run(wait(watch, started=driver.clock.now(), rng=client.rng))
        return client.bind(final)


def _id_of(item: str | Task) -> str:
    return item.id if isinstance(item, Task) else item


def _by_id(ids: Iterable[str | Bound], make: Callable[[str], Bound]) -> dict[str, Bound]:
    """Each task once, under its id."""
    return {_id_of(item): make(item) if isinstance(item, str) else item for item in ids}


def _flows(
    known: Mapping[str, Bound],
    now: float,
    timeout: float | None,
    interval: float,
    chosen: Settings,
    rng: Random,
) -> dict[str, Flow[Task]]:
    return {
        task_id: wait(_watch(task, task.accepted, timeout, interval, chosen), started=now, rng=rng)
        for task_id, task in known.items()
    }


def _ending(known: Task, ending: Ending) -> tuple[Task, RunwayError | None]:
    """A task's last state, and what kept its output away."""
    if isinstance(ending, Task):
        return ending, None
    seen = ending.task_details if isinstance(ending, TaskError) else None
    return seen or known, ending


def _accepted(state: Task, known: Bound) -> float | None:
    """When a task was made, until the gateway has shown it; its grace is of no use after that."""
    return known.accepted if state is known else None


def _telling(on_update: OnUpdate | None, bind: Callable[[Task], Task]) -> OnUpdate | None:
    """The caller's callback, told of bound tasks."""
    if on_update is None:
        return None
    tell = on_update
    return lambda seen: tell(bind(seen))


def _watch(
    task: Task, accepted: float | None, timeout: float | None, interval: float, chosen: Settings
) -> Watch:
    return Watch(
        task=task,
        poll=operations.poll(task.id, task.route, chosen),
        request_timeout=chosen.timeout,
        timeout=math.inf if timeout is None else _number("timeout", timeout, least=0),
        interval=_number("interval", interval, least=0.001),
        created=accepted,
        seen=task.raw != {} and accepted is None,
    )


def _number(name: str, value: float, *, least: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= math.inf:
        words = f"{name}: must be a number of seconds, at least {least:g}; got {value!r}"
        raise InvalidRequestError([Issue(name, "minimum", value, words)])
    # An integer may be too large for a float; nobody waits to see the difference.
    return float(min(value, sys.float_info.max)) if value < math.inf else math.inf
