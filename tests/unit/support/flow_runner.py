"""Runs a flow by a script, without httpx, threads, a client or real time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
from attrs import define, field

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.task import PENDING, Task
from cometapi_runway._flows.entries import Conflict, Entry, SubmissionStarted
from cometapi_runway._flows.prepared_request import PreparedRequest
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
from cometapi_runway._flows.submit import SubmitRequest, submit
from cometapi_runway._flows.wait import WaitRequest
from cometapi_runway.errors import APIConnectionError, APITimeoutError

from .both_clients import ID
from .scripted_transport import FOREVER, Event, Failure, Interruption, Reply
from .virtual_time import VirtualClock

T = TypeVar("T")

# Written by hand, from what httpx says of each: provably before the first byte of the request.
NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}) | {
    "UnsupportedProtocol"
}
WALL_CLOCK_START = 1_800_000_000.0
"""Wall-clock time when a flow runner starts: 2027-01-15 08:00:00 UTC."""

CREATE = PreparedRequest(
    "control_a_character", "POST", "/runwayml/v1/character_performance", {}, {"seed": 7}
)
POLL = PreparedRequest("runway_to_get_task_details", "GET", f"/runwayml/v1/tasks/{ID}")
NEW = Task(ID, PENDING)


def submit_request(**changes: Any) -> SubmitRequest:
    return SubmitRequest(
        **{"call": CREATE, "key": "k", "route": "tasks", "seed": 7, "timeout": 60.0, **changes}
    )


def submit_task(request: SubmitRequest, *, started: float, rng: Any) -> Flow[Task]:
    """Submit, and return the task alone."""
    submission = yield from submit(request, started=started, rng=rng)
    return submission.task


def wait_request(**changes: Any) -> WaitRequest:
    return WaitRequest(**{"task": NEW, "poll": POLL, "request_timeout": 60.0, **changes})


@define
class FlowRunner:
    """Where a flow is played.

    Attributes:
        clock: Its time.
        refuses: Kinds of journal entries that cannot be written.
        exists: Whether a finished file is there.
        published: What naming a file brings: nothing, or an error.
        sent: When each request left and how long it might take.
        pauses: Every pause.
        reasons: Why it paused, where the log says so.
        updates: Every task that the caller was notified of.
        written: What the journal got.
        warnings: What was said aloud.
        conflicts: What is in the way of a submission, try by try; None for nothing.
        timeouts: How long the journal might be waited for.
    """

    clock: VirtualClock = field(factory=VirtualClock)
    refuses: tuple[type, ...] = ()
    exists: bool = False
    published: OSError | None = None
    fetches: Iterator[Callable[[Fetch], None]] = field(factory=lambda: iter(()))
    sent: list[tuple[float, float]] = field(factory=list)
    pauses: list[float] = field(factory=list)
    reasons: list[str] = field(factory=list)
    updates: list[Task] = field(factory=list)
    written: list[Entry] = field(factory=list)
    warnings: list[str] = field(factory=list)
    fetched: list[Fetch] = field(factory=list)
    conflicts: Iterator[Conflict | None] = field(factory=lambda: iter(()))
    timeouts: list[float] = field(factory=list)
    _script: Iterator[Event] = field(factory=lambda: iter(()))
    _last: Event | None = None

    def run(self, flow: Flow[T], *events: Event) -> T:
        """Carry a flow to its end; the last event happens again and again."""
        self._script, self._last = iter(events), None
        try:
            step = next(flow)
            while True:
                step = self._go_on(flow, step)
        except StopIteration as end:
            result: T = end.value
            return result

    def abandon(self, flow: Flow[Any], after: int, stop_at: int | None, *events: Event) -> bool:
        """Close a flow after so many steps, of which a Ctrl-C may stop one; False if it ended."""
        self._script, self._last = iter(events), None
        with contextlib.suppress(StopIteration, KeyboardInterrupt):
            step = next(flow)
            for number in range(after):
                if number == stop_at:
                    step = flow.throw(KeyboardInterrupt())
                else:
                    self._do(step)
                    step = next(flow)
            # A flow that takes a further step raises RuntimeError.
            flow.close()
            return True
        return False

    def _go_on(self, flow: Flow[Any], step: Step) -> Step:
        try:
            self._do(step)
        except KeyboardInterrupt as stop:
            return flow.throw(stop)
        return next(flow)

    def _do(self, step: Step) -> None:
        match step:
            case Send():
                self._send(step)
            case Sleep():
                assert step.seconds >= 0
                self.pauses.append(round(step.seconds, 6))
                self.reasons += [step.why] if step.why else []
                self.clock.sleep(step.seconds)
                step.at = self.clock.now()
            case Notify():
                self.updates.append(step.task)
            case Record():
                self.timeouts.append(round(step.timeout, 6))
                if isinstance(step.entry, SubmissionStarted):
                    step.conflict = next(self.conflicts, None)
                if isinstance(step.entry, self.refuses):
                    step.error = OSError(28, "No space left on device")
                else:
                    self.written.append(step.entry)
            case Warn():
                self.warnings.append(step.message)
            case Exists():
                step.found = self.exists
            case Publish():
                step.error = self.published
            case Fetch():
                self.fetched.append(step)
                next(self.fetches)(step)
                step.at = self.clock.now()

    def _send(self, step: Send) -> None:
        self.sent.append((round(self.clock.now(), 6), round(step.timeout, 6)))
        self._last = event = next(self._script, self._last)
        assert event is not None, "the script is empty"
        takes = getattr(event, "takes", 0.0)
        self.clock.sleep(min(takes, step.timeout))
        if takes > step.timeout or takes == FOREVER:
            step.error = APITimeoutError("no answer")
        elif isinstance(event, Reply) and event.breaks is None:
            step.response = self._answer(step.call, event)
        elif isinstance(event, Interruption):
            raise KeyboardInterrupt
        else:
            kind = event.error if isinstance(event, Failure) else event.breaks
            assert kind is not None
            step.error = _failed(kind)
        step.at = self.clock.now()

    def _answer(self, call: PreparedRequest, reply: Reply) -> RawResponse:
        headers = {"content-type": "application/json", **reply.headers}
        received = WALL_CLOCK_START + self.clock.now()
        return RawResponse(call.method, call.url, reply.status, headers, reply.content, received)


def _failed(kind: type[httpx.TransportError]) -> APIConnectionError:
    delivery: Any = "not_sent" if kind.__name__ in NEVER_SENT else "unknown"
    make = APITimeoutError if issubclass(kind, httpx.TimeoutException) else APIConnectionError
    is_permanent = issubclass(kind, httpx.UnsupportedProtocol)
    return make(kind.__name__, delivery=delivery, is_permanent=is_permanent)
