"""Run many waits at once on an event loop; see `scheduler`.

A sleeping wait has no asyncio task: one alarm wakes all of them, and a few workers send the polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections import deque
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from attrs import define, field

from cometapi_runway import _settings
from cometapi_runway._core.task import Task
from cometapi_runway._flows.steps import Flow, Notify, Send, Sleep
from cometapi_runway._flows.wait_queue import Wait, WaitOutcome, WaitQueue, list_tasks_on_interrupt
from cometapi_runway._io.async_driver import AsyncDriver
from cometapi_runway._io.drivers import log_sleep
from cometapi_runway._io.poll_coalescer import JoinedPolls
from cometapi_runway._io.scheduler import deduct_queue_time


@define(eq=False)
class AsyncScheduler:
    """Runs many waits over one driver, in a few asyncio tasks."""

    driver: AsyncDriver
    _queue: WaitQueue = field(init=False)
    _ended: asyncio.Queue[tuple[str, WaitOutcome] | BaseException] = field(
        init=False, factory=asyncio.Queue
    )
    _ready_to_send: deque[Wait] = field(init=False, factory=deque[Wait])
    _workers: int = field(init=False, default=0)
    _alarm: asyncio.Task[None] | None = field(init=False, default=None)
    _alarm_for: Wait | None = field(init=False, default=None)
    _running: set[asyncio.Task[None]] = field(init=False, factory=set[asyncio.Task[None]])
    # The caller's. Otherwise a callback would see what the callback of another wait has set.
    _context: contextvars.Context = field(init=False, factory=contextvars.copy_context)

    async def run(self, flows: dict[str, Flow[Task]]) -> AsyncGenerator[tuple[str, WaitOutcome]]:
        """Yield each task's id and outcome, in the order in which the waits end.

        An interruption is not thrown into the flows; they are closed, and their tasks continue.
        """
        self._queue = WaitQueue(flows, self.driver.clock.now())
        with (
            list_tasks_on_interrupt(flows),
            JoinedPolls(self.driver.polls, flows),
            contextlib.closing(self._queue),
        ):
            try:
                for wait in self._queue.begin():
                    self._advance(wait)
                self._start_due_work()
                while flows or not self._ended.empty():
                    outcome = await self._ended.get()
                    if isinstance(outcome, BaseException):
                        raise outcome
                    yield outcome
            finally:
                # Repeated, because the wait of a callback that survives its cancellation goes on.
                while self._running:
                    for task in self._running:
                        task.cancel()
                    # Not `gather`: since Python 3.12 it does not let the event loop run if all have
                    # ended, and they would never leave the set.
                    await asyncio.wait(self._running)

    def _advance(self, wait: Wait, error: Exception | None = None) -> None:
        """Get a flow's next step and see to it, or report the outcome if the flow has ended."""
        outcome = self._queue.advance(wait, self.driver.clock.now(), error)
        while isinstance(wait.step, Notify) and outcome is None and self.driver.on_update is None:
            outcome = self._queue.advance(wait, self.driver.clock.now())
        if outcome is not None:
            self.driver.polls.remove_waits((wait.id,))
            self._ended.put_nowait((wait.id, outcome))
        elif isinstance(wait.step, Sleep):
            log_sleep(wait.step, self.driver.transport)
        elif isinstance(wait.step, Send):
            self._ready_to_send.append(wait)
        else:
            # Not in a worker: a slow callback or journal must not delay polls.
            self._start(self._run_step(wait))

    def _start_due_work(self) -> None:
        """Start workers for the polls that are ready, and an alarm for the next sleeping wait."""
        while self._ready_to_send and self._workers < _settings.MAX_IN_FLIGHT:
            self._workers += 1
            self._start(self._send_polls())
        earliest = self._queue.earliest
        if earliest is not None and earliest is not self._alarm_for:
            if self._alarm is not None:
                self._alarm.remove_done_callback(self._handle_end)
                self._alarm.add_done_callback(self._running.discard)
                self._alarm.cancel()
            self._alarm_for = earliest
            self._alarm = self._start(self._wake_sleeping_waits(earliest.due))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, context=self._context.copy())
        self._running.add(task)
        task.add_done_callback(self._handle_end)
        return task

    def _handle_end(self, task: asyncio.Task[None]) -> None:
        """Pass on what interrupted a task, to be raised where the waits are awaited."""
        self._running.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            self._ended.put_nowait(error)

    async def _send_polls(self) -> None:
        """Send polls as long as one is ready."""
        while self._ready_to_send:
            await self._run_step(self._ready_to_send.popleft())
        self._workers -= 1

    async def _run_step(self, wait: Wait) -> None:
        """Carry out a step, and see to the flow's next one."""
        failure: Exception | None = None
        try:
            if wait.step is not None and deduct_queue_time(wait, self.driver.clock.now()):
                await self.driver.do(wait.step)
        except Exception as error:
            failure = error
        self._advance(wait, failure)
        self._start_due_work()

    async def _wake_sleeping_waits(self, due: float) -> None:
        """Sleep until a time, and start the next step of each wait that is due."""
        clock = self.driver.clock
        pause = self._queue.seconds_until(due, clock.now())
        if pause > 0:
            await clock.sleep(pause)
        self._queue.advance_to(due)
        self._alarm = self._alarm_for = None
        while (wait := self._queue.pop_due(clock.now())) is not None:
            self._advance(wait)
        self._start_due_work()
