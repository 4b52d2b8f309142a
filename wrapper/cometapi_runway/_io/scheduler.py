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
from collections.abc import AsyncGenerator, Collection, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeAlias

from attrs import define, field

from cometapi_runway import _settings as settings
from cometapi_runway._core.task import Task
from cometapi_runway._flows.backoff import FlowClock
from cometapi_runway._flows.steps import Flow, Notify, Send, Sleep, Step
from cometapi_runway._io.drivers import AsyncDriver, Driver
from cometapi_runway._io.exception_mapping import pool_timeout
from cometapi_runway._settings import LOCK_WAIT_SLICE
from cometapi_runway.errors import RunwayError

_MOST_NAMED = 20

WaitOutcome: TypeAlias = Task | RunwayError
"""How one wait ended: the task in its terminal state, or why it is not known."""


@define(eq=False)
class _Wait:
    """One flow on its way."""

    id: str
    flow: Flow[Task]
    step: Step | None = None
    due: float = 0.0


@define(eq=False)
class Scheduler:
    """Runs many flows over one driver, in the calling thread and a few workers."""

    driver: Driver
    _watch: FlowClock = field(init=False)
    _waiting: set[str] = field(init=False, factory=set[str])
    _asleep: list[tuple[float, int, _Wait]] = field(init=False, factory=list)
    _done: queue.SimpleQueue[tuple[_Wait, BaseException | None]] = field(
        init=False, factory=queue.SimpleQueue
    )
    _order: itertools.count[int] = field(init=False, factory=itertools.count)
    _busy: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        """Begin to watch the time."""
        self._watch = FlowClock(self.driver.clock.now())

    def run(self, flows: Mapping[str, Flow[Task]]) -> Generator[tuple[str, WaitOutcome]]:
        """Yield each task's id and ending, as they come.

        An interruption is thrown nowhere: the flows are closed, and the tasks go on.
        """
        self._waiting = set(flows)
        with ExitStack() as stack:
            stack.enter_context(_naming(self._waiting))
            for task_id in flows:
                stack.enter_context(self.driver.polls.join(task_id))
            pool = ThreadPoolExecutor(min(len(flows), settings.MAX_IN_FLIGHT) or 1)
            # Not waited for: a worker is at most one request away from its end.
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
            for task_id, flow in flows.items():
                yield from self._go_on(_Wait(task_id, flow), None, pool)
            while self._asleep or self._busy:
                yield from self._turn(pool)

    def _now(self) -> float:
        self._watch.advance_to(self.driver.clock.now())
        return self._watch.now

    def _turn(self, pool: ThreadPoolExecutor) -> Generator[tuple[str, WaitOutcome]]:
        """Wake who is due, then take in one finished step or sleep until somebody is due."""
        while self._asleep and self._asleep[0][0] <= self._now():
            _, _, wait = heapq.heappop(self._asleep)
            if isinstance(wait.step, Sleep):
                wait.step.at = self._now()
            yield from self._go_on(wait, None, pool)
        pause = self._asleep[0][0] - self._now() if self._asleep else None
        if self._busy:
            nap = LOCK_WAIT_SLICE if pause is None else min(max(pause, 0), LOCK_WAIT_SLICE)
            try:
                wait, problem = self._done.get(timeout=nap)
            except queue.Empty:
                self._watch.add_sleep(0.0 if pause is None else nap, self.driver.clock.now())
                return
            self._busy -= 1
            yield from self._go_on(wait, problem, pool)
        elif pause is not None and pause > 0:
            self.driver.clock.sleep(pause)
            self._watch.add_sleep(pause, self.driver.clock.now())

    def _go_on(
        self, wait: _Wait, problem: BaseException | None, pool: ThreadPoolExecutor
    ) -> Generator[tuple[str, WaitOutcome]]:
        """Ask a flow for its next step and start it."""
        try:
            wait.step = next(wait.flow) if problem is None else wait.flow.throw(problem)
            while isinstance(wait.step, Notify):
                # In the caller's thread, as in a single wait.
                self.driver.do(wait.step)
                wait.step = next(wait.flow)
        except StopIteration as end:
            final: Task = end.value
            self._waiting.discard(wait.id)
            yield wait.id, final
        except Exception as error:
            self._waiting.discard(wait.id)
            yield wait.id, _ending(wait.id, error)
        else:
            if isinstance(wait.step, Sleep):
                due = self._now() + wait.step.seconds
                heapq.heappush(self._asleep, (due, next(self._order), wait))
            else:
                self._busy += 1
                if isinstance(wait.step, Send):
                    wait.due = self.driver.clock.now() + wait.step.timeout
                pool.submit(self._work, wait, wait.step)

    def _work(self, wait: _Wait, step: Step) -> None:
        problem: BaseException | None = None
        try:
            if isinstance(step, Send) and not self._is_in_time(wait, step):
                return
            self.driver.do(step)
        except BaseException as error:
            problem = error
        finally:
            self._done.put((wait, problem))

    def _is_in_time(self, wait: _Wait, step: Send) -> bool:
        """Count the time for which a request waited for a worker as its own."""
        step.at = self.driver.clock.now()
        left = wait.due - step.at
        if left <= 0:
            step.error = pool_timeout(step.call, step.timeout)
        else:
            step.timeout = min(step.timeout, left)
        return left > 0


def _ending(task_id: str, error: Exception) -> WaitOutcome:
    """What ended a wait, as the library's error: a defect in one must not end the others."""
    if isinstance(error, RunwayError):
        return error
    told = RunwayError(f"the wait for task {task_id} broke off: {type(error).__name__}: {error}")
    told.task_id, told.__cause__ = task_id, error
    return told


@contextmanager
def _naming(waiting: Collection[str]) -> Generator[None]:
    """Let an interruption say which tasks go on."""
    try:
        yield
    except GeneratorExit:
        raise
    except BaseException as error:
        shown = ", ".join(itertools.islice(sorted(waiting), _MOST_NAMED))
        more = f" and {len(waiting) - _MOST_NAMED} more" if len(waiting) > _MOST_NAMED else ""
        error.add_note(
            f"cometapi-runway: interrupted while waiting; {len(waiting)} tasks go on and can be "
            f"waited for again: {shown}{more}"
        )
        raise


async def run_flows(
    driver: AsyncDriver, flows: Mapping[str, Flow[Task]]
) -> AsyncGenerator[tuple[str, WaitOutcome]]:
    """Yield each task's id and ending, as they come."""
    done: asyncio.Queue[tuple[str, WaitOutcome]] = asyncio.Queue()
    waiting = set(flows)

    async def one(task_id: str, flow: Flow[Task]) -> None:
        ending: WaitOutcome
        try:
            with driver.polls.join(task_id):
                ending = await driver.run(flow)
        except Exception as error:
            ending = _ending(task_id, error)
        done.put_nowait((task_id, ending))

    # Not a TaskGroup: its scope must not be left open over a yield.
    running = [asyncio.create_task(one(*item)) for item in flows.items()]
    try:
        with _naming(waiting):
            for _ in running:
                task_id, ending = await done.get()
                waiting.discard(task_id)
                yield task_id, ending
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
