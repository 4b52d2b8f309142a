"""Carry flows out: two short loops, and no decision.

Each step is done as it says, and what happened is written into it. An exception that interrupts
a step is thrown into the flow, which may take further steps (a note in the journal) before it
lets the exception go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from cometapi_runway._core.clock import AsyncClock, Clock
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.task import Task
from cometapi_runway._flows.download import identity_of, is_refusal_text, total_size, write_offset
from cometapi_runway._flows.steps import (
    Entry,
    Exists,
    Fetch,
    Flow,
    Notify,
    Publish,
    Record,
    Send,
    Sleep,
    Step,
    Warn,
)
from cometapi_runway._io.poll_coalescer import AsyncPollCoalescer, PollCoalescer
from cometapi_runway._io.transport import AsyncTransport, Transport
from cometapi_runway.errors import APIConnectionError

T = TypeVar("T")
OnUpdate: TypeAlias = Callable[[Task], object]
OnProgress: TypeAlias = Callable[[int, int, int | None], object]
"""Called with which output (from 0), the bytes there so far, and the size if known."""

logger = logging.getLogger("cometapi_runway")


class JournalWriter(Protocol):
    """Where entries are kept."""

    def write(self, entry: Entry) -> None:
        """Write an entry durably.

        Raises:
            Exception: It could not be written.
        """
        ...


@frozen
class Driver:
    """Does what flows ask for, blocking."""

    transport: Transport
    clock: Clock
    polls: PollCoalescer = field(factory=PollCoalescer)
    journal: JournalWriter | None = None
    on_update: Callable[[Task], object] | None = None
    on_progress: OnProgress | None = None

    def run(self, flow: Flow[T]) -> T:
        """Carry a flow to its end and return its result."""
        try:
            step = next(flow)
            while True:
                try:
                    self.do(step)
                except BaseException as interruption:
                    step = flow.throw(interruption)
                else:
                    step = next(flow)
        except StopIteration as end:
            result: T = end.value
            return result

    def do(self, step: Step) -> None:
        """Carry out one step."""
        match step:
            case Send():
                try:
                    step.response = self._send(step)
                except APIConnectionError as error:
                    step.error = error
                step.at = self.clock.now()
                _trace(step)
            case Sleep():
                _explain(step)
                self.clock.sleep(step.seconds)
                step.at = self.clock.now()
            case Notify():
                self._notify(step.task)
            case Record():
                _record(self.journal, step)
            case Fetch():
                self._fetch(step)
                step.at = self.clock.now()
            case _:
                _do_locally(step)

    def _send(self, step: Send) -> RawResponse:
        if step.task is None:
            return self.transport.send(step)
        send = partial(self.transport.send, step)
        return self.polls.poll(step, self.clock.now(), send)

    def _notify(self, task: Task) -> None:
        if self.on_update is not None:
            try:
                self.on_update(task)
            except Exception:
                log_update_error(task)

    def _fetch(self, step: Fetch) -> None:
        try:
            asked = _asking(step, step.part.hold())
            with self.transport.files.open(step.url, asked, step.timeout) as stream:
                place = _answered(step, stream.status, stream.headers)
                if place is not None:
                    self._write(step, place, stream.chunks)
                elif is_refusal_text(stream.status, stream.headers):
                    step.body_prefix = next(stream.chunks, b"")
        except APIConnectionError as error:
            step.error = error
        except OSError as error:
            step.failed_write = error

    def _write(self, step: Fetch, place: int, chunks: Iterator[bytes]) -> None:
        step.part.begin(place, identity_of(step))
        try:
            for chunk in chunks:
                step.part.write(chunk)
                _count(step, len(chunk))
                self._report(step)
        finally:
            step.failed_write = step.part.sync()

    def _report(self, step: Fetch) -> None:
        if self.on_progress is not None:
            try:
                self.on_progress(step.index, step.size, total_size(step))
            except Exception:
                log_progress_error()


@frozen
class AsyncDriver:
    """Does what flows ask for, awaiting."""

    transport: AsyncTransport
    clock: AsyncClock
    polls: AsyncPollCoalescer = field(factory=AsyncPollCoalescer)
    journal: JournalWriter | None = None
    on_update: Callable[[Task], object] | None = None
    on_progress: OnProgress | None = None

    async def run(self, flow: Flow[T]) -> T:
        """Carry a flow to its end and return its result."""
        try:
            step = next(flow)
            while True:
                try:
                    await self.do(step)
                except BaseException as interruption:
                    step = flow.throw(interruption)
                else:
                    step = next(flow)
        except StopIteration as end:
            result: T = end.value
            return result

    async def do(self, step: Step) -> None:
        """Carry out one step."""
        match step:
            case Send():
                try:
                    step.response = await self._send(step)
                except APIConnectionError as error:
                    step.error = error
                step.at = self.clock.now()
                _trace(step)
            case Sleep():
                _explain(step)
                await self.clock.sleep(step.seconds)
                step.at = self.clock.now()
            case Notify():
                await self._notify(step.task)
            case Record():
                if self.journal is not None:
                    await _finish(asyncio.to_thread(_record, self.journal, step))
            case Fetch():
                await self._fetch(step)
                step.at = self.clock.now()
            case _:
                await _finish(asyncio.to_thread(_do_locally, step))

    async def _send(self, step: Send) -> RawResponse:
        if step.task is None:
            return await self.transport.send(step)
        send = partial(self.transport.send, step)
        return await self.polls.poll(step, self.clock.now(), send)

    async def _notify(self, task: Task) -> None:
        if self.on_update is not None:
            try:
                told = self.on_update(task)
                if inspect.isawaitable(told):
                    await told
            except Exception:
                log_update_error(task)

    async def _fetch(self, step: Fetch) -> None:
        try:
            asked = _asking(step, await _finish(asyncio.to_thread(step.part.hold)))
            async with self.transport.files.open(step.url, asked, step.timeout) as stream:
                place = _answered(step, stream.status, stream.headers)
                if place is not None:
                    await self._write(step, place, stream.chunks)
                elif is_refusal_text(stream.status, stream.headers):
                    step.body_prefix = await anext(stream.chunks, b"")
        except APIConnectionError as error:
            step.error = error
        except OSError as error:
            step.failed_write = error

    async def _write(self, step: Fetch, place: int, chunks: AsyncIterator[bytes]) -> None:
        # Whatever may wait for the disk does so in a thread, closing apart: by then all is synced.
        await _finish(asyncio.to_thread(step.part.begin, place, identity_of(step)))
        try:
            async for chunk in chunks:
                await asyncio.to_thread(step.part.write, chunk)
                _count(step, len(chunk))
                await self._report(step)
        finally:
            step.failed_write = await _finish(asyncio.to_thread(step.part.sync))

    async def _report(self, step: Fetch) -> None:
        if self.on_progress is not None:
            try:
                told = self.on_progress(step.index, step.size, total_size(step))
                if inspect.isawaitable(told):
                    await told
            except Exception:
                log_progress_error()


async def _finish(work: Awaitable[T]) -> T:
    """Await work in a thread to its end, cancelled or not: a record must not be left half-done."""
    inner = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(inner)
    except asyncio.CancelledError:
        # Whoever cancels waits for that, and no more for how the work went.
        with contextlib.suppress(Exception):
            await inner
        raise


def _do_locally(step: Step) -> None:
    match step:
        case Exists():
            step.found = step.path.exists()
        case Publish():
            try:
                step.part.publish(step.final, overwrite=step.overwrite)
            except OSError as error:
                step.error = error
        case Warn():
            logger.warning("%s", step.message)
        case _:
            raise TypeError(f"no driver carries out {type(step).__name__}")


def _record(journal: JournalWriter | None, step: Record) -> None:
    if journal is not None:
        try:
            journal.write(step.entry)
        except Exception as error:
            step.error = error


def _asking(step: Fetch, there: int) -> dict[str, str]:
    """The header fields that ask for what is missing."""
    step.size = there if step.resume else 0
    if not step.size:
        return {}
    asked = {"Range": f"bytes={step.size}-"}
    origin = step.part.origin
    if origin is not None and origin.etag:
        # Whose file is another one by now then sends all of it.
        asked["If-Range"] = origin.etag
    return asked


def _answered(step: Fetch, status: int, headers: Mapping[str, str]) -> int | None:
    step.status = status
    step.headers = headers
    step.offset = write_offset(step)
    if step.offset is not None:
        step.size = step.offset
    return step.offset


def _count(step: Fetch, size: int) -> None:
    step.received += size
    step.size += size


def log_progress_error() -> None:
    """A caller's callback failed: the download goes on, and the failure is seen."""
    logger.exception("on_progress failed; the download goes on")


def log_update_error(task: Task) -> None:
    """A caller's callback failed: the wait goes on, and the failure is seen."""
    logger.exception("on_update failed for task %s (%s); the wait goes on", task.id, task.status)


def _explain(step: Sleep) -> None:
    if step.why:
        logger.info("%s", step.why)


def _trace(step: Send) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        outcome = f"HTTP {step.response.status}" if step.response else f"{step.error}"
        logger.debug("%s %s: %s", step.call.method, step.call.url, outcome)
