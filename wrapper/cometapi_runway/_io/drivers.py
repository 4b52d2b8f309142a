"""Run flows: one short loop for each client, without decisions.

A driver carries out each step and stores the result in the step. An exception that interrupts a
step is thrown into the flow, which may yield more steps (a journal entry) before the exception
propagates.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from cometapi_runway._core.clock import Clock
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.task import Task
from cometapi_runway._flows.steps import (
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
from cometapi_runway._io.poll_coalescer import PollCoalescer
from cometapi_runway._io.transport import Transport
from cometapi_runway.errors import APIConnectionError

if TYPE_CHECKING:
    from cometapi_runway._flows.entries import Conflict, Entry
    from cometapi_runway._io.async_transport import AsyncTransport
    from cometapi_runway._io.fetch import OnProgress

T = TypeVar("T")
OnUpdate: TypeAlias = Callable[[Task], object]

_retry_logger = logging.getLogger("cometapi_runway.retry")
_http_logger = logging.getLogger("cometapi_runway.http")
_journal_logger = logging.getLogger("cometapi_runway.journal")
_callback_logger = logging.getLogger("cometapi_runway.callbacks")
NO_SCOPE = contextlib.nullcontext()


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
                    with step.scope or NO_SCOPE:
                        step.response = self._send(step)
                except APIConnectionError as error:
                    step.error = error
                step.at = self.clock.now()
                log_response(step)
                if self.watcher is not None and is_new(self.watcher, step):
                    record_response(self.watcher, step)
            case Sleep():
                log_sleep(step, self.transport)
                self.clock.sleep(step.seconds)
                step.at = self.clock.now()
            case Notify():
                self._notify(step.task)
            case Record():
                write_entry(self.journal, step)
            case Fetch():
                # Late, as everything that only downloads need.
                from cometapi_runway._io.fetch import fetch  # noqa: PLC0415

                fetch(step, self.transport.files, self.on_progress)
                step.at = self.clock.now()
            case _:
                do_locally(step)

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


def do_locally(step: Step) -> None:
    """Carry out a step that needs no network and no waiting."""
    match step:
        case Exists():
            from cometapi_runway._io.fetch import look_for_file  # noqa: PLC0415 - late, as above

            look_for_file(step)
        case Publish():
            try:
                step.part.publish(step.final, overwrite=step.overwrite)
            except OSError as error:
                step.error = error
        case Warn():
            _journal_logger.warning("%s", step.message)
        case _:
            raise TypeError(f"drivers cannot carry out {type(step).__name__}")


def write_entry(journal: JournalWriter | None, step: Record) -> None:
    """Write a step's entry to the journal, if there is one."""
    if journal is not None:
        try:
            step.conflict = journal.write(step.entry, step.timeout)
        except Exception as error:
            step.error = error


def is_new(watcher: ResponseWatcher, step: Send) -> bool:
    """Whether a step has a response that the watcher has not seen."""
    response = step.response
    return response is not None and watcher.is_new(step.call.operation, response)


def record_response(watcher: ResponseWatcher, step: Send) -> None:
    """Have a step's response kept."""
    if step.response is not None:
        watcher.record(step.call.operation, step.response)


def log_update_error(task: Task) -> None:
    """Log the exception of an `on_update`; to be called where it is handled."""
    _callback_logger.exception(
        "on_update failed for task %s (%s); the wait continues", task.id, task.status
    )


def log_sleep(step: Sleep, transport: Transport | AsyncTransport) -> None:
    """Log why a flow sleeps, if it says so, and the host that it is about."""
    if step.why:
        _retry_logger.info("%s: %s", step.host or transport.settings.host, step.why)


def log_response(step: Send) -> None:
    """Log how a request ended, for those who ask for it."""
    if _http_logger.isEnabledFor(logging.DEBUG):
        outcome = f"HTTP {step.response.status}" if step.response else f"{step.error}"
        _http_logger.debug("%s %s: %s", step.call.method, step.call.url, outcome)
