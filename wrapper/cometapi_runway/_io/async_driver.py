"""Run flows on an event loop; see `drivers`, which has what both clients do alike."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import ParamSpec, TypeVar

from attrs import field, frozen

from cometapi_runway._core.clock import AsyncClock
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.task import Task
from cometapi_runway._flows.download import identity_of, is_refusal_text, total_size
from cometapi_runway._flows.steps import Fetch, Flow, Notify, Record, Send, Sleep, Step
from cometapi_runway._io.async_poll_coalescer import AsyncPollCoalescer
from cometapi_runway._io.async_transport import AsyncTransport
from cometapi_runway._io.drivers import (
    NO_SCOPE,
    JournalWriter,
    ResponseWatcher,
    do_locally,
    is_new,
    log_response,
    log_sleep,
    log_update_error,
    record_response,
    write_entry,
)
from cometapi_runway._io.fetch import (
    OnProgress,
    add_received,
    log_progress_error,
    range_headers,
    store_response,
)
from cometapi_runway.errors import APIConnectionError

P = ParamSpec("P")
T = TypeVar("T")


@frozen
class AsyncDriver:
    """Runs flows, asynchronously; see `Driver`. Callbacks may return awaitables."""

    transport: AsyncTransport
    clock: AsyncClock
    polls: AsyncPollCoalescer = field(factory=AsyncPollCoalescer)
    journal: JournalWriter | None = None
    watcher: ResponseWatcher | None = None
    on_update: Callable[[Task], object] | None = None
    on_progress: OnProgress | None = None

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        try:
            step = next(flow)
            while True:
                try:
                    if isinstance(step, Sleep):
                        # Here, not in `do`, whose frame every sleeping wait would hold.
                        log_sleep(step, self.transport)
                        await self.clock.sleep(step.seconds)
                        step.at = self.clock.now()
                    else:
                        await self.do(step)
                except BaseException as interruption:
                    step = flow.throw(interruption)
                else:
                    step = next(flow)
        except StopIteration as end:
            result: T = end.value
            return result

    async def do(self, step: Step) -> None:
        """Carry out one step that is not a sleep."""
        match step:
            case Send():
                try:
                    with step.scope or NO_SCOPE:
                        step.response = await self._send(step)
                except APIConnectionError as error:
                    step.error = error
                step.at = self.clock.now()
                log_response(step)
                if self.watcher is not None and is_new(self.watcher, step):
                    # Not awaited: a cancellation here would come between a paid task and its id.
                    loop = asyncio.get_running_loop()
                    loop.run_in_executor(None, record_response, self.watcher, step)
            case Notify():
                await self._notify(step.task)
            case Record():
                if self.journal is not None:
                    await _finish_in_thread(write_entry, self.journal, step)
            case Fetch():
                await self._fetch(step)
                step.at = self.clock.now()
            case _:
                await _finish_in_thread(do_locally, step)

    def _send(self, step: Send) -> Awaitable[RawResponse]:
        if step.task is None:
            return self.transport.send(step)
        send = partial(self.transport.send, step)
        return self.polls.poll(step, self.clock.now(), send)

    async def _notify(self, task: Task) -> None:
        if self.on_update is not None:
            try:
                result = self.on_update(task)
                if inspect.isawaitable(result):
                    await result
            except Exception:
                log_update_error(task)

    async def _fetch(self, step: Fetch) -> None:
        try:
            headers = range_headers(step, await _finish_in_thread(step.part.hold))
            async with self.transport.files.open(step.url, headers, step.timeout) as stream:
                offset = store_response(step, stream.status, stream.headers)
                if offset is not None:
                    await self._write(step, offset, stream.chunks)
                elif is_refusal_text(stream.status, stream.headers):
                    step.body_prefix = await anext(stream.chunks, b"")
        except APIConnectionError as error:
            step.error = error
        except OSError as error:
            step.failed_write = error

    async def _write(self, step: Fetch, offset: int, chunks: AsyncIterator[bytes]) -> None:
        # Disk operations run in threads, so that a slow disk does not block the event loop. Closing
        # the file does not: it is synced by then.
        await _finish_in_thread(step.part.begin, offset, identity_of(step))
        try:
            async for chunk in chunks:
                await asyncio.to_thread(step.part.write, chunk)
                add_received(step, len(chunk))
                await self._report(step)
        finally:
            step.failed_write = await _finish_in_thread(step.part.sync)

    async def _report(self, step: Fetch) -> None:
        if self.on_progress is not None:
            try:
                result = self.on_progress(step.index, step.size, total_size(step))
                if inspect.isawaitable(result):
                    await result
            except Exception:
                log_progress_error()


async def _finish_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a thread and wait for its end, even if cancelled.

    A cancelled write to the journal or a file must not continue after its flow has ended.
    """
    call = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    try:
        return await asyncio.shield(call)
    except asyncio.CancelledError:
        # The cancellation propagates; the function's own exception does not replace it.
        with contextlib.suppress(Exception):
            await call
        raise
