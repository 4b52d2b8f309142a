"""Many waits from one place, each result as it comes.

The blocking scheduler holds one generator per task, not one thread: flows that sleep lie in a
heap, and only steps that do something occupy a worker. The asynchronous one gives each flow a
task of the event loop. Either way the transport's gate bounds what is in flight.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import queue
from collections.abc import AsyncGenerator, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeAlias

from attrs import define, field

from cometapi_runway import settings
from cometapi_runway.drivers import AsyncDriver, Driver
from cometapi_runway.errors import RunwayError
from cometapi_runway.flows.steps import Flow, Notify, Sleep, Step
from cometapi_runway.task import Task

Ending: TypeAlias = Task | RunwayError
"""How one wait ended: the task in its terminal state, or why it is not known."""


@define(eq=False)
class _Wait:
    """One flow on its way."""

    id: str
    flow: Flow[Task]
    step: Step | None = None


@define(eq=False)
class Scheduler:
    """Runs many flows over one driver, in the calling thread and a few workers."""

    driver: Driver
    _asleep: list[tuple[float, int, _Wait]] = field(init=False, factory=list)
    _done: queue.SimpleQueue[tuple[_Wait, BaseException | None]] = field(
        init=False, factory=queue.SimpleQueue
    )
    _order: itertools.count[int] = field(init=False, factory=itertools.count)
    _busy: int = field(init=False, default=0)

    def run(self, flows: Mapping[str, Flow[Task]]) -> Generator[tuple[str, Ending]]:
        """Yield each task's id and ending, as they come.

        An interruption is thrown nowhere: the flows are closed, and the tasks go on.
        """
        with ExitStack() as stack:
            for task_id in flows:
                stack.enter_context(self.driver.board.waiting(task_id))
            pool = ThreadPoolExecutor(min(len(flows), settings.MAX_IN_FLIGHT) or 1)
            # Not waited for: a worker is at most one request away from its end.
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
            for task_id, flow in flows.items():
                yield from self._go_on(_Wait(task_id, flow), None, pool)
            while self._asleep or self._busy:
                yield from self._turn(pool)

    def _turn(self, pool: ThreadPoolExecutor) -> Generator[tuple[str, Ending]]:
        """Wake who is due, then take in one finished step or sleep until somebody is due."""
        while self._asleep and self._asleep[0][0] <= self.driver.clock.now():
            _, _, wait = heapq.heappop(self._asleep)
            if isinstance(wait.step, Sleep):
                wait.step.at = self.driver.clock.now()
            yield from self._go_on(wait, None, pool)
        pause = self._asleep[0][0] - self.driver.clock.now() if self._asleep else None
        if self._busy:
            try:
                wait, problem = self._done.get(timeout=None if pause is None else max(pause, 0))
            except queue.Empty:
                return
            self._busy -= 1
            yield from self._go_on(wait, problem, pool)
        elif pause is not None and pause > 0:
            self.driver.clock.sleep(pause)

    def _go_on(
        self, wait: _Wait, problem: BaseException | None, pool: ThreadPoolExecutor
    ) -> Generator[tuple[str, Ending]]:
        """Ask a flow for its next step and start it."""
        try:
            wait.step = next(wait.flow) if problem is None else wait.flow.throw(problem)
            while isinstance(wait.step, Notify):
                # In the caller's thread, as in a single wait.
                self.driver.do(wait.step)
                wait.step = next(wait.flow)
        except StopIteration as end:
            final: Task = end.value
            yield wait.id, final
        except RunwayError as error:
            yield wait.id, error
        else:
            if isinstance(wait.step, Sleep):
                due = self.driver.clock.now() + wait.step.seconds
                heapq.heappush(self._asleep, (due, next(self._order), wait))
            else:
                self._busy += 1
                pool.submit(self._work, wait, wait.step)

    def _work(self, wait: _Wait, step: Step) -> None:
        problem: BaseException | None = None
        try:
            self.driver.do(step)
        except BaseException as error:
            problem = error
        self._done.put((wait, problem))


async def run_async(
    driver: AsyncDriver, flows: Mapping[str, Flow[Task]]
) -> AsyncGenerator[tuple[str, Ending]]:
    """Yield each task's id and ending, as they come."""
    done: asyncio.Queue[tuple[str, Ending | Exception]] = asyncio.Queue()

    async def one(task_id: str, flow: Flow[Task]) -> None:
        ending: Ending | Exception
        try:
            with driver.board.waiting(task_id):
                ending = await driver.run(flow)
        except Exception as error:
            ending = error
        done.put_nowait((task_id, ending))

    # Not a TaskGroup: its scope must not be left open over a yield.
    running = [asyncio.create_task(one(*item)) for item in flows.items()]
    try:
        for _ in running:
            task_id, ending = await done.get()
            if not isinstance(ending, Task | RunwayError):
                raise ending
            yield task_id, ending
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
