"""Run many waits at once and yield each result when it is known.

The scheduler holds one generator per task, not one thread: sleeping flows are in a heap, and only
steps that do work occupy a worker. `async_scheduler` runs each flow in an asyncio task. In both,
the transport bounds the number of requests in flight.
"""

from __future__ import annotations

import heapq
import itertools
import queue
from collections.abc import Collection, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeAlias

from attrs import define, field

from cometapi_runway import _settings
from cometapi_runway._core.task import Task
from cometapi_runway._flows.backoff import FlowClock
from cometapi_runway._flows.steps import Flow, Notify, Send, Sleep, Step
from cometapi_runway._io.drivers import Driver, log_sleep
from cometapi_runway._io.exception_mapping import pool_timeout
from cometapi_runway._settings import LOCK_WAIT_SLICE
from cometapi_runway.errors import RunwayError

_MAX_LISTED_IDS = 20

WaitOutcome: TypeAlias = Task | RunwayError
"""How a wait ended: with the task in its terminal state, or with an error."""


@define(eq=False)
class _Wait:
    """One running flow.

    Attributes:
        id: The task's id.
        flow: The wait.
        step: The step in progress.
        send_deadline: When the timeout of a `Send` step ends, by the driver's clock.
    """

    id: str
    flow: Flow[Task]
    step: Step | None = None
    send_deadline: float = 0.0


@define(eq=False)
class _Pools:
    """The workers.

    Records have a worker of their own: a task that has ended must not stand in line behind polls
    that hang.

    Attributes:
        requests: For requests.
        records: For all other steps.
    """

    requests: ThreadPoolExecutor
    records: ThreadPoolExecutor

    def shut_down(self) -> None:
        """Start no further step; each worker ends after its current one at the latest."""
        for pool in (self.requests, self.records):
            pool.shutdown(wait=False, cancel_futures=True)


@define(eq=False)
class Scheduler:
    """Runs many waits over one driver, in the calling thread and a few workers."""

    driver: Driver
    _clock: FlowClock = field(init=False)
    _unfinished: set[str] = field(init=False, factory=set[str])
    _sleeping: list[tuple[float, int, _Wait]] = field(init=False, factory=list)
    _finished_steps: queue.SimpleQueue[tuple[_Wait, BaseException | None]] = field(
        init=False, factory=queue.SimpleQueue
    )
    # Orders waits of equal due time in the heap: a `_Wait` cannot be compared.
    _sequence: itertools.count[int] = field(init=False, factory=itertools.count)
    _steps_in_progress: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        """Start the clock."""
        self._clock = FlowClock(self.driver.clock.now())

    def run(self, flows: Mapping[str, Flow[Task]]) -> Generator[tuple[str, WaitOutcome]]:
        """Yield each task's id and outcome, in the order in which the waits end.

        An interruption is not thrown into the flows; they are closed, and their tasks continue.
        """
        self._unfinished = set(flows)
        with ExitStack() as stack:
            stack.enter_context(list_tasks_on_interrupt(self._unfinished))
            stack.enter_context(self.driver.polls.join(*flows))
            pools = _Pools(
                requests=ThreadPoolExecutor(min(len(flows), _settings.MAX_IN_FLIGHT) or 1),
                records=ThreadPoolExecutor(1),
            )
            stack.callback(pools.shut_down)
            for task_id, flow in flows.items():
                yield from self._advance(_Wait(task_id, flow), None, pools)
            while self._sleeping or self._steps_in_progress:
                yield from self._wake_due_waits(pools)
                yield from self._await_next_event(pools)

    def _now(self) -> float:
        self._clock.advance_to(self.driver.clock.now())
        return self._clock.now

    def _wake_due_waits(self, pools: _Pools) -> Generator[tuple[str, WaitOutcome]]:
        while self._sleeping and self._sleeping[0][0] <= self._now():
            _, _, wait = heapq.heappop(self._sleeping)
            if isinstance(wait.step, Sleep):
                wait.step.at = self._now()
            yield from self._advance(wait, None, pools)

    def _await_next_event(self, pools: _Pools) -> Generator[tuple[str, WaitOutcome]]:
        """Handle one finished step, or sleep until a wait is due."""
        pause = self._sleeping[0][0] - self._now() if self._sleeping else None
        if self._steps_in_progress:
            timeout = LOCK_WAIT_SLICE if pause is None else min(max(pause, 0), LOCK_WAIT_SLICE)
            try:
                wait, error = self._finished_steps.get(timeout=timeout)
            except queue.Empty:
                self._clock.add_sleep(0.0 if pause is None else timeout, self.driver.clock.now())
                return
            self._steps_in_progress -= 1
            yield from self._advance(wait, error, pools)
        elif pause is not None and pause > 0:
            self.driver.clock.sleep(pause)
            self._clock.add_sleep(pause, self.driver.clock.now())

    def _advance(
        self, wait: _Wait, error: BaseException | None, pools: _Pools
    ) -> Generator[tuple[str, WaitOutcome]]:
        """Get a flow's next step and start it, or yield the outcome if the flow has ended."""
        try:
            wait.step = next(wait.flow) if error is None else wait.flow.throw(error)
            while isinstance(wait.step, Notify):
                # Callbacks run in the caller's thread, as in a single wait.
                self.driver.do(wait.step)
                wait.step = next(wait.flow)
        except StopIteration as end:
            task: Task = end.value
            self._unfinished.discard(wait.id)
            yield wait.id, task
        except Exception as failure:
            self._unfinished.discard(wait.id)
            yield wait.id, to_outcome(wait.id, failure)
        else:
            self._start_step(wait, wait.step, pools)

    def _start_step(self, wait: _Wait, step: Step, pools: _Pools) -> None:
        """Put a sleeping wait in the heap; give any other step to a worker."""
        if isinstance(step, Sleep):
            log_sleep(step, self.driver.transport)
            due = self._now() + step.seconds
            heapq.heappush(self._sleeping, (due, next(self._sequence), wait))
        else:
            self._steps_in_progress += 1
            if isinstance(step, Send):
                wait.send_deadline = self.driver.clock.now() + step.timeout
                pools.requests.submit(self._run_step, wait, step)
            else:
                pools.records.submit(self._run_step, wait, step)

    def _run_step(self, wait: _Wait, step: Step) -> None:
        """Carry out a step in a worker and queue its result for the calling thread."""
        failure: BaseException | None = None
        try:
            if isinstance(step, Send) and not self._deduct_queue_time(wait, step):
                return
            self.driver.do(step)
        except BaseException as error:
            failure = error
        finally:
            self._finished_steps.put((wait, failure))

    def _deduct_queue_time(self, wait: _Wait, step: Send) -> bool:
        """Deduct the time spent waiting for a worker from a request's timeout.

        Returns:
            Whether time is left. If not, the step has failed with a pool timeout.
        """
        step.at = self.driver.clock.now()
        remaining = wait.send_deadline - step.at
        if remaining <= 0:
            step.error = pool_timeout(step.call, step.timeout)
        else:
            step.timeout = min(step.timeout, remaining)
        return remaining > 0


def to_outcome(task_id: str, error: Exception) -> WaitOutcome:
    """Convert an exception to a `RunwayError`: a bug in one wait must not end the others."""
    if isinstance(error, RunwayError):
        return error
    outcome = RunwayError(f"the wait for task {task_id} failed: {type(error).__name__}: {error}")
    outcome.task_id, outcome.__cause__ = task_id, error
    return outcome


@contextmanager
def list_tasks_on_interrupt(task_ids: Collection[str]) -> Generator[None]:
    """Add a note with the unfinished tasks to an exception that interrupts all waits."""
    try:
        yield
    except GeneratorExit:
        raise
    except BaseException as error:
        listed = ", ".join(itertools.islice(sorted(task_ids), _MAX_LISTED_IDS))
        unlisted = len(task_ids) - _MAX_LISTED_IDS
        more = f" and {unlisted} more" if unlisted > 0 else ""
        tasks = "1 task goes on" if len(task_ids) == 1 else f"{len(task_ids)} tasks go on"
        error.add_note(
            f"cometapi-runway: interrupted while waiting; {tasks} and can be "
            f"waited for again: {listed}{more}"
        )
        raise
