"""Run many waits at once and yield each result when it is known.

The scheduler holds one generator per task, not one thread: sleeping flows are in a heap, and only
steps that do work occupy a worker. `async_scheduler` does the same in asyncio tasks. In both, the
transport bounds the number of requests in flight.
"""

from __future__ import annotations

import queue
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from attrs import define, field

from cometapi_runway import _settings
from cometapi_runway._core.task import Task
from cometapi_runway._flows.steps import Flow, Notify, Send, Sleep
from cometapi_runway._flows.wait_queue import Wait, WaitOutcome, WaitQueue, list_tasks_on_interrupt
from cometapi_runway._io.drivers import Driver, log_sleep
from cometapi_runway._io.exception_mapping import pool_timeout
from cometapi_runway._io.poll_coalescer import JoinedPolls
from cometapi_runway._settings import LOCK_WAIT_SLICE


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
    _queue: WaitQueue = field(init=False)
    _finished_steps: queue.SimpleQueue[tuple[Wait, BaseException | None]] = field(
        init=False, factory=queue.SimpleQueue
    )
    _steps_in_progress: int = field(init=False, default=0)

    def run(self, flows: dict[str, Flow[Task]]) -> Generator[tuple[str, WaitOutcome]]:
        """Yield each task's id and outcome, in the order in which the waits end.

        An interruption is not thrown into the flows; they are closed, and their tasks continue.
        """
        self._queue = WaitQueue(flows, self.driver.clock.now())
        with ExitStack() as stack:
            stack.enter_context(list_tasks_on_interrupt(flows))
            stack.enter_context(JoinedPolls(self.driver.polls, flows))
            stack.callback(self._queue.close)
            pools = _Pools(
                requests=ThreadPoolExecutor(min(len(flows), _settings.MAX_IN_FLIGHT) or 1),
                records=ThreadPoolExecutor(1),
            )
            stack.callback(pools.shut_down)
            for wait in self._queue.begin():
                yield from self._advance(wait, None, pools)
            while flows:
                while (due := self._queue.pop_due(self.driver.clock.now())) is not None:
                    yield from self._advance(due, None, pools)
                yield from self._await_next_event(pools)

    def _await_next_event(self, pools: _Pools) -> Generator[tuple[str, WaitOutcome]]:
        """Handle one finished step, or sleep until a wait is due."""
        clock, earliest = self.driver.clock, self._queue.earliest
        pause = None if earliest is None else self._queue.seconds_until(earliest.due, clock.now())
        if self._steps_in_progress:
            timeout = LOCK_WAIT_SLICE if pause is None else min(max(pause, 0), LOCK_WAIT_SLICE)
            try:
                wait, error = self._finished_steps.get(timeout=timeout)
            except queue.Empty:
                if earliest is not None and pause is not None:
                    self._queue.advance_to(earliest.due - pause + timeout)
                return
            self._steps_in_progress -= 1
            yield from self._advance(wait, error, pools)
        elif earliest is not None and pause is not None and pause > 0:
            clock.sleep(pause)
            self._queue.advance_to(earliest.due)

    def _advance(
        self, wait: Wait, error: BaseException | None, pools: _Pools
    ) -> Generator[tuple[str, WaitOutcome]]:
        """Get a flow's next step and start it, or yield the outcome if the flow has ended."""
        outcome = self._queue.advance(wait, self.driver.clock.now(), error)
        while outcome is None and isinstance(wait.step, Notify):
            # Callbacks run in the caller's thread, as in a single wait.
            self.driver.do(wait.step)
            outcome = self._queue.advance(wait, self.driver.clock.now())
        if outcome is not None:
            self.driver.polls.remove_waits((wait.id,))
            yield wait.id, outcome
        elif isinstance(wait.step, Sleep):
            log_sleep(wait.step, self.driver.transport)
        else:
            self._steps_in_progress += 1
            pool = pools.requests if isinstance(wait.step, Send) else pools.records
            pool.submit(self._run_step, wait)

    def _run_step(self, wait: Wait) -> None:
        """Carry out a step in a worker and queue its result for the calling thread."""
        failure: BaseException | None = None
        try:
            if wait.step is not None and deduct_queue_time(wait, self.driver.clock.now()):
                self.driver.do(wait.step)
        except BaseException as error:
            failure = error
        finally:
            self._finished_steps.put((wait, failure))


def deduct_queue_time(wait: Wait, at: float) -> bool:
    """Deduct the time that a request waited for a worker from its timeout.

    Returns:
        Whether time is left. If not, the step has failed with a pool timeout.
    """
    step = wait.step
    if not isinstance(step, Send):
        return True
    step.at, remaining = at, wait.due - at
    if remaining <= 0:
        step.error = pool_timeout(step.call, step.timeout)
    else:
        step.timeout = min(step.timeout, remaining)
    return remaining > 0
