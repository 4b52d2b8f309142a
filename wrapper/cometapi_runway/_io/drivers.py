"""Run flows: one short loop for each client, without decisions.

A driver carries out each step and stores the result in the step. An exception that interrupts a
step is thrown into the flow, which may yield more steps (a journal entry) before the exception
propagates.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from typing import ParamSpec, Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from cometapi_runway._core.clock import AsyncClock, Clock
from cometapi_runway._core.partial_file import has_file, remove_second_name
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.task import Task
from cometapi_runway._flows.download import identity_of, is_refusal_text, total_size, write_offset
from cometapi_runway._flows.steps import (
    Conflict,
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

P = ParamSpec("P")
T = TypeVar("T")
OnUpdate: TypeAlias = Callable[[Task], object]
OnProgress: TypeAlias = Callable[[int, int, int | None], object]
"""Called with the output's index (from 0), the bytes on disk, and the total size or None."""

_retry_logger = logging.getLogger("cometapi_runway.retry")
_http_logger = logging.getLogger("cometapi_runway.http")
_journal_logger = logging.getLogger("cometapi_runway.journal")
_callback_logger = logging.getLogger("cometapi_runway.callbacks")
_NO_SCOPE = contextlib.nullcontext()


class JournalWriter(Protocol):
    """Stores journal entries."""

    def write(self, entry: Entry, timeout: float) -> Conflict | None:
        """Store an entry durably, within so many seconds.

        Returns:
            Why a `SubmissionStarted` is not stored, or None.

        Raises:
            Exception: It is not stored, or not yet.
        """
        ...


class ResponseWatcher(Protocol):
    """Is shown every response that arrives; it raises nothing."""

    def is_new(self, operation: str, response: RawResponse) -> bool:
        """Whether the response differs from all before; quick, called for each of them."""
        ...

    def record(self, operation: str, response: RawResponse) -> None:
        """Keep a new response; may wait for the disk."""
        ...


@frozen
class Driver:
    """Runs flows, blocking.

    Attributes:
        transport: Sends requests and opens files.
        clock: Source of time and sleep.
        polls: Shares polls between waits on the same task.
        journal: Stores the entries of `Record` steps; None drops them.
        watcher: Is shown every response, or None.
        on_update: Called with a task whose state changed; its exceptions are logged.
        on_progress: Called after each chunk of a download; its exceptions are logged.
    """

    transport: Transport
    clock: Clock
    polls: PollCoalescer = field(factory=PollCoalescer)
    journal: JournalWriter | None = None
    watcher: ResponseWatcher | None = None
    on_update: Callable[[Task], object] | None = None
    on_progress: OnProgress | None = None

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
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
                    with step.scope or _NO_SCOPE:
                        step.response = self._send(step)
                except APIConnectionError as error:
                    step.error = error
                step.at = self.clock.now()
                _log_response(step)
                if self.watcher is not None and _is_new(self.watcher, step):
                    _record_response(self.watcher, step)
            case Sleep():
                log_sleep(step, self.transport)
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
                _log_update_error(task)

    def _fetch(self, step: Fetch) -> None:
        try:
            headers = _range_headers(step, step.part.hold())
            with self.transport.files.open(step.url, headers, step.timeout) as stream:
                offset = _store_response(step, stream.status, stream.headers)
                if offset is not None:
                    self._write(step, offset, stream.chunks)
                elif is_refusal_text(stream.status, stream.headers):
                    step.body_prefix = next(stream.chunks, b"")
        except APIConnectionError as error:
            step.error = error
        except OSError as error:
            step.failed_write = error

    def _write(self, step: Fetch, offset: int, chunks: Iterator[bytes]) -> None:
        step.part.begin(offset, identity_of(step))
        try:
            for chunk in chunks:
                step.part.write(chunk)
                _add_received(step, len(chunk))
                self._report(step)
        finally:
            step.failed_write = step.part.sync()

    def _report(self, step: Fetch) -> None:
        if self.on_progress is not None:
            try:
                self.on_progress(step.index, step.size, total_size(step))
            except Exception:
                _log_progress_error()


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
                    with step.scope or _NO_SCOPE:
                        step.response = await self._send(step)
                except APIConnectionError as error:
                    step.error = error
                step.at = self.clock.now()
                _log_response(step)
                if self.watcher is not None and _is_new(self.watcher, step):
                    # Not awaited: a cancellation here would come between a paid task and its id.
                    loop = asyncio.get_running_loop()
                    loop.run_in_executor(None, _record_response, self.watcher, step)
            case Sleep():
                log_sleep(step, self.transport)
                await self.clock.sleep(step.seconds)
                step.at = self.clock.now()
            case Notify():
                await self._notify(step.task)
            case Record():
                if self.journal is not None:
                    await _finish_in_thread(_record, self.journal, step)
            case Fetch():
                await self._fetch(step)
                step.at = self.clock.now()
            case _:
                await _finish_in_thread(_do_locally, step)

    async def _send(self, step: Send) -> RawResponse:
        if step.task is None:
            return await self.transport.send(step)
        send = partial(self.transport.send, step)
        return await self.polls.poll(step, self.clock.now(), send)

    async def _notify(self, task: Task) -> None:
        if self.on_update is not None:
            try:
                result = self.on_update(task)
                if inspect.isawaitable(result):
                    await result
            except Exception:
                _log_update_error(task)

    async def _fetch(self, step: Fetch) -> None:
        try:
            headers = _range_headers(step, await _finish_in_thread(step.part.hold))
            async with self.transport.files.open(step.url, headers, step.timeout) as stream:
                offset = _store_response(step, stream.status, stream.headers)
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
                _add_received(step, len(chunk))
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
                _log_progress_error()


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


def _do_locally(step: Step) -> None:
    """Carry out a step that needs no network and no waiting."""
    match step:
        case Exists():
            _look_for_file(step)
        case Publish():
            try:
                step.part.publish(step.final, overwrite=step.overwrite)
            except OSError as error:
                step.error = error
        case Warn():
            _journal_logger.warning("%s", step.message)
        case _:
            raise TypeError(f"drivers cannot carry out {type(step).__name__}")


def _look_for_file(step: Exists) -> None:
    try:
        if not has_file(step.path):
            return
    except OSError as error:
        step.error = error
        return
    with contextlib.suppress(OSError):
        step.size = step.path.stat().st_size
        step.found = True
        remove_second_name(step.partial, step.path)


def _record(journal: JournalWriter | None, step: Record) -> None:
    if journal is not None:
        try:
            step.conflict = journal.write(step.entry, step.timeout)
        except Exception as error:
            step.error = error


def _is_new(watcher: ResponseWatcher, step: Send) -> bool:
    response = step.response
    return response is not None and watcher.is_new(step.call.operation, response)


def _record_response(watcher: ResponseWatcher, step: Send) -> None:
    if step.response is not None:
        watcher.record(step.call.operation, step.response)


def _range_headers(step: Fetch, bytes_on_disk: int) -> dict[str, str]:
    """The headers that request the missing bytes; sets `step.size` to where they begin."""
    step.size = bytes_on_disk if step.resume else 0
    if not step.size:
        return {}
    headers = {"Range": f"bytes={step.size}-"}
    origin = step.part.origin
    if origin is not None and origin.etag:
        # If the file has changed since, the server sends all of it.
        headers["If-Range"] = origin.etag
    return headers


def _store_response(step: Fetch, status: int, headers: Mapping[str, str]) -> int | None:
    """Store status and headers in the step; return the offset to write the body at, or None."""
    step.status = status
    step.headers = headers
    step.offset = write_offset(step)
    if step.offset is not None:
        step.size = step.offset
    return step.offset


def _add_received(step: Fetch, size: int) -> None:
    step.received += size
    step.size += size


def _log_progress_error() -> None:
    _callback_logger.exception("on_progress failed; the download continues")


def _log_update_error(task: Task) -> None:
    _callback_logger.exception(
        "on_update failed for task %s (%s); the wait continues", task.id, task.status
    )


def log_sleep(step: Sleep, transport: Transport | AsyncTransport) -> None:
    """Log why a flow sleeps, if it says so, and the host that it is about."""
    if step.why:
        _retry_logger.info("%s: %s", step.host or transport.settings.host, step.why)


def _log_response(step: Send) -> None:
    if _http_logger.isEnabledFor(logging.DEBUG):
        outcome = f"HTTP {step.response.status}" if step.response else f"{step.error}"
        _http_logger.debug("%s %s: %s", step.call.method, step.call.url, outcome)
