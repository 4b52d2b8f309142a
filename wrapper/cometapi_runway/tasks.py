"""Tasks that exist already: asked for once, waited for alone or among many."""

from __future__ import annotations

import contextlib
import inspect
import math
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from cometapi_runway import operations, redaction, settings
from cometapi_runway.bound import AsyncBoundTask, Bound, BoundTask, facts
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
    from cometapi_runway.history import AsyncHistory, History


# Asked for at once, an answer would be asked for again before the gateway has drawn breath.
_SHORTEST_INTERVAL = 0.001


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
        return self._client.bind(_known(given, self._route, self._client.journal))

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
        known = _by_id(ids, self._taken)
        pace = _pace(timeout, interval)
        now = client.driver.clock.now()
        flows = _flows(known, now, pace, client.settings, client.rng)
        driver = evolve(client.driver, on_update=_telling(_plain(on_update), client.bind, known))
        for task_id, ending in Scheduler(driver).run(flows):
            state, error = _ending(known[task_id], ending)
            yield evolve(client.bind(state, _accepted(state, known[task_id])), error=error)

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
        wanted = _listed(ids)
        ended = {t.id: t for t in self.as_completed(wanted, timeout, on_update, interval=interval)}
        return [ended[_id_of(item)] for item in wanted]

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
        watch = _watch(task, _pace(timeout, interval), client.settings)
        known = {task.id: task}
        driver = evolve(client.driver, on_update=_telling(_plain(on_update), client.bind, known))
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
        return self._client.bind(_known(given, self._route, self._client.journal))

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
        known = _by_id(ids, self._taken)
        pace = _pace(timeout, interval)
        now = client.driver.clock.now()
        flows = _flows(known, now, pace, client.settings, client.rng)
        driver = evolve(client.driver, on_update=_telling(on_update, client.bind, known))
        async with contextlib.aclosing(run_async(driver, flows)) as endings:
            async for task_id, ending in endings:
                state, error = _ending(known[task_id], ending)
                yield evolve(client.bind(state, _accepted(state, known[task_id])), error=error)

    async def wait_all(
        self,
        ids: Iterable[str | Task],
        timeout: float | None = settings.WAIT_TIMEOUT,  # noqa: ASYNC109 - the flow's own deadline
        on_update: OnUpdate | None = None,
        *,
        interval: float = settings.POLL_INTERVAL,
    ) -> list[AsyncBoundTask]:
        """Wait for many tasks at once, and return them in order; see `Tasks.wait_all`."""
        wanted = _listed(ids)
        endings = self.as_completed(wanted, timeout, on_update, interval=interval)
        ended = {task.id: task async for task in endings}
        return [ended[_id_of(item)] for item in wanted]

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
        watch = _watch(task, _pace(timeout, interval), client.settings)
        known = {task.id: task}
        driver = evolve(client.driver, on_update=_telling(on_update, client.bind, known))
        with driver.board.waiting(task.id):
            final = await driver.run(wait(watch, started=driver.clock.now(), rng=client.rng))
        return client.bind(final)


def _id_of(item: str | Task) -> str:
    return item.id if isinstance(item, Task) else item


def _listed(ids: Iterable[str | Task]) -> list[str | Task]:
    if isinstance(ids, str | Task):
        raise _refusal("ids", "type", "is one task; give a list of them")
    return list(ids)


def _by_id(ids: Iterable[str | Task], take: Callable[[str | Task], Bound]) -> dict[str, Bound]:
    """Each task once, under its id."""
    return {task.id: task for task in map(take, _listed(ids))}


def _known(given: str | Task, route: Route, journal: History | AsyncHistory) -> Task:
    """A task with all that is known of it here: on record, or nothing but its id."""
    if isinstance(given, Task):
        return given
    if not isinstance(given, str):
        raise _refusal("task_id", "type", f"is {redaction.shown(given)}; a task id is text")
    return journal.recall(given) or Task(given, PENDING, route=route)


def _flows(
    known: Mapping[str, Bound], now: float, pace: _Pace, chosen: Settings, rng: Random
) -> dict[str, Flow[Task]]:
    def begun(task: Bound) -> Flow[Task]:
        try:
            return wait(_watch(task, pace, chosen), started=now, rng=rng)
        except InvalidRequestError as error:
            return _refused(error)

    return {task_id: begun(task) for task_id, task in known.items()}


def _refused(error: InvalidRequestError) -> Flow[Task]:
    """The wait for what is no id: it has ended, and disturbs no other."""
    yield from ()
    raise error


def _ending(known: Task, ending: Ending) -> tuple[Task, RunwayError | None]:
    """A task's last state, and what kept its output away."""
    if isinstance(ending, Task):
        return ending, None
    seen = ending.task_details if isinstance(ending, TaskError) else None
    return seen or known, ending


def _accepted(state: Task, known: Bound) -> float | None:
    """When a task was made, until the gateway has shown it; its grace is of no use after that."""
    return known.accepted if state is known else None


def _plain(on_update: OnUpdate | None) -> OnUpdate | None:
    """A callback that needs no event loop, which the blocking client has none of."""
    if inspect.iscoroutinefunction(on_update):
        raise _refusal("on_update", "type", "is a coroutine function, and nobody would await it")
    return on_update


def _telling(
    on_update: OnUpdate | None, bind: Callable[[Task], Task], known: Mapping[str, Bound]
) -> OnUpdate:
    """What a wait tells of: the caller's callback is told of bound tasks."""
    if on_update is not None and not callable(on_update):
        raise _refusal("on_update", "type", f"is {redaction.shown(on_update)}, not callable")

    def tell(seen: Task) -> object:
        known[seen.id].sight.seen = True
        return None if on_update is None else on_update(bind(seen))

    return tell


@frozen
class _Pace:
    """How long to wait, and how often to ask, in seconds."""

    timeout: float
    interval: float


def _pace(timeout: float | None, interval: float) -> _Pace:
    return _Pace(
        math.inf if timeout is None else _number("timeout", timeout),
        max(_number("interval", interval), _SHORTEST_INTERVAL),
    )


def _watch(task: BoundTask | AsyncBoundTask, pace: _Pace, chosen: Settings) -> Watch:
    return Watch(
        # Errors carry it, and travel further than a client can.
        task=Task(**facts(task)),
        poll=operations.poll(task, chosen),
        request_timeout=chosen.timeout,
        timeout=pace.timeout,
        interval=pace.interval,
        created=task.accepted,
        seen=task.sight.seen or (task.raw != {} and task.accepted is None),
    )


def _number(name: str, value: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= math.inf:
        words = f"must be a number of seconds, at least 0; got {redaction.shown(value)}"
        raise _refusal(name, "minimum", words, value)
    # An integer may be too large for a float; nobody waits to see the difference.
    return float(min(value, sys.float_info.max)) if value < math.inf else math.inf


def _refusal(name: str, rule: str, words: str, value: object = None) -> InvalidRequestError:
    return InvalidRequestError([Issue(name, rule, value, f"{name}: {words}")])
