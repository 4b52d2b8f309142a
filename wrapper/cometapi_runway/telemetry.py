"""Traces and metrics of paid tasks, for OpenTelemetry (extra ``otel``).

::

    from cometapi_runway import telemetry

    telemetry.instrument()

Every create, wait and download of every client of this process is then one span, however many
requests it takes. Requests themselves are spans of the HTTP instrumentation. A wait or a download
links to the span that created the task, also in another process: the journal keeps the trace
context. Attributes and metrics are listed in `ATTRIBUTES` and `METRICS`. None of them holds a
prompt, an address, a key or a file's name.

Names that begin with ``gen_ai.`` are those of OpenTelemetry's conventions for generative AI. They
have no word for a video operation yet, so a create is ``generate_content``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache, partial
from threading import Lock
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar
from weakref import WeakSet

from attrs import define, field

from cometapi_runway._core.fork import register_fork_aware
from cometapi_runway._core.redaction import name_or_none
from cometapi_runway._core.task import Task
from cometapi_runway._core.version import __version__
from cometapi_runway._extras import requires_extra
from cometapi_runway._flows.download import DownloadRequest
from cometapi_runway._flows.entries import SubmissionAccepted, SubmissionFailed
from cometapi_runway._flows.observation import set_observer
from cometapi_runway._flows.steps import Fetch, Flow, Notify, Record, Send, Step
from cometapi_runway._flows.submit import Submission, SubmitRequest
from cometapi_runway._flows.wait import WaitRequest
from cometapi_runway.errors import BudgetExceededError, SubmissionUnknownError, TaskFailedError

with requires_extra("otel"):
    from opentelemetry import context as otel_context
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, TracerProvider

T = TypeVar("T")
Value: TypeAlias = str | int | float

ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gen_ai.operation.name": "generate_content for a create, fetch_response for a wait",
        "gen_ai.provider.name": "runway",
        "gen_ai.request.model": "the request's model, if it looks like the name of one",
        "gen_ai.request.seed": "the seed that was sent",
        "gen_ai.response.id": "the task's id",
        "cometapi_runway.operation": "the operation's id in the contract",
        "cometapi_runway.outcome": (
            "of a create: accepted, repeated (its idempotency key had bought the task), refused, "
            "unknown or budget"
        ),
        "cometapi_runway.requests": "requests to the gateway, or to a file server",
        "cometapi_runway.price": "US dollars, if the price is known",
        "cometapi_runway.status": "the task's state as last seen",
        "cometapi_runway.failure_code": "Runway's code of a task that failed",
        "cometapi_runway.output.index": "which output of the task, from 0",
        "cometapi_runway.output.bytes": "bytes that were received",
        "error.type": "the class of the error that was raised",
    }
)
"""Every attribute of a span, an event or a metric, and its meaning."""
METRICS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cometapi_runway.submissions": "creates, by operation and outcome",
        "cometapi_runway.cost.reserved": "US dollars of requests that were about to be sent",
        "cometapi_runway.cost.spent": "US dollars of tasks that were accepted",
        "cometapi_runway.task.duration": (
            "seconds from the create to the task's end, by operation, status and failure code"
        ),
        "cometapi_runway.task.polls": "requests of one wait, by operation and status",
    }
)
"""Every metric, and its meaning."""

_SUBMISSIONS: Final = "cometapi_runway.submissions"
_RESERVED: Final = "cometapi_runway.cost.reserved"
_SPENT: Final = "cometapi_runway.cost.spent"
_COUNTERS: Final = {_SUBMISSIONS: "{submission}", _RESERVED: "{USD}", _SPENT: "{USD}"}
_COUNTER_ATTRIBUTES: Final[tuple[str, ...]] = (
    "cometapi_runway.operation",
    "cometapi_runway.outcome",
)
_TRACE_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def instrument(
    *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> None:
    """Trace and measure every client of this process, from its next call on.

    Args:
        tracer_provider: Where spans go; OpenTelemetry's global provider if None.
        meter_provider: Where metrics go; OpenTelemetry's global provider if None.
    """
    tracer = trace.get_tracer("cometapi_runway", __version__, tracer_provider)
    meter_provider = meter_provider or metrics.get_meter_provider()
    meter = metrics.get_meter("cometapi_runway", __version__, meter_provider)
    if meter_provider not in _counting_providers:
        _counting_providers.add(meter_provider)
        _totals.create_counters(meter)
    set_observer(_Observer(tracer, meter))


def uninstrument() -> None:
    """Stop tracing and measuring; spans of calls in progress are still ended."""
    set_observer(None)


class _Totals:
    """What the counters count, in this process.

    A meter asks for the totals when it exports them. To add to an instrument in each call would
    cost as much as the span.
    """

    def __init__(self) -> None:
        self._values: dict[tuple[str, ...], Decimal | int] = {}
        self._lock = Lock()
        register_fork_aware(self)

    def reset_after_fork(self) -> None:
        """Replace the lock, which another thread of the parent may have held."""
        self._lock = Lock()

    def add(self, amount: Decimal | int, name: str, *attributes: str) -> None:
        """Add to a counter.

        Args:
            amount: How much.
            name: The counter's name.
            attributes: Values of the first of `_COUNTER_ATTRIBUTES`.
        """
        key = (name, *attributes)
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount

    def create_counters(self, meter: metrics.Meter) -> None:
        """Create a meter's counters, which begin at zero."""
        with self._lock:
            start = dict(self._values)
        for name, unit in _COUNTERS.items():
            read = partial(self._read, name, start)
            meter.create_observable_counter(name, [read], unit, METRICS[name])

    def _read(
        self,
        counter: str,
        start: Mapping[tuple[str, ...], Decimal | int],
        _options: CallbackOptions,
    ) -> Iterator[Observation]:
        with self._lock:
            values = dict(self._values)
        for key, value in values.items():
            name, *attributes = key
            count = value - start.get(key, 0)
            if name == counter and count:
                shown: dict[str, str] = dict(zip(_COUNTER_ATTRIBUTES, attributes, strict=False))
                yield Observation(count if isinstance(count, int) else float(count), shown)


_totals: Final = _Totals()
_counting_providers: Final = WeakSet[MeterProvider]()
"""The providers whose meters have the counters: no SDK can replace an instrument."""


class _Observer:
    """Watches flows; see `FlowObserver`."""

    def __init__(self, tracer: trace.Tracer, meter: metrics.Meter) -> None:
        def histogram(name: str, unit: str) -> metrics.Histogram:
            return meter.create_histogram(name, unit, METRICS[name])

        self.tracer = tracer
        self.duration = histogram("cometapi_runway.task.duration", "s")
        self.polls = histogram("cometapi_runway.task.polls", "{request}")

    def __call__(self, flow: Flow[T], request: object) -> Flow[T]:
        """The flow, with its span."""
        match request:
            case SubmitRequest():
                watch: _Watch = _CreateWatch(self, request)
            case WaitRequest():
                watch = _WaitWatch(self, request)
            case DownloadRequest():
                watch = _DownloadWatch(self, request)
            case _:
                return flow
        return _run(flow, watch)


def _run(flow: Flow[T], watch: _Watch) -> Flow[T]:
    """Take a flow's steps while its span is open."""
    watch.start()
    try:
        step = next(flow)
        while True:
            watch.before(step)
            try:
                yield step
            except BaseException as interruption:
                step = flow.throw(interruption)
            else:
                watch.after(step)
                step = next(flow)
    except StopIteration as end:
        result: T = end.value
        return watch.finish(result)
    except GeneratorExit:
        # The flow was abandoned: the caller left a group of waits early.
        raise
    except BaseException as error:
        watch.fail(error)
        raise
    finally:
        watch.end()


class _CurrentSpan:
    """Makes a span the current one where a request is sent, which may be another thread.

    The HTTP instrumentation's span is then a child of it.
    """

    __slots__ = ("_span", "_token")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> None:
        self._token = otel_context.attach(trace.set_span_in_context(self._span))

    def __exit__(self, *_error: object) -> None:
        otel_context.detach(self._token)


@define(eq=False)
class _Watch:
    """The span of one flow.

    Attributes:
        observer: The instruments.
        span: The span; not recording before the flow begins.
        current: Makes it the current one; None for a span that nothing records.
        requests: Requests so far.
        attributes: What is known at the end of the span. To set attributes one by one would cost
            as much as the span itself.
    """

    observer: _Observer
    span: Span = field(init=False, default=trace.INVALID_SPAN)
    current: _CurrentSpan | None = field(init=False, default=None)
    requests: int = field(init=False, default=0)
    attributes: dict[str, Value] = field(init=False, factory=dict[str, Value])

    def start_span(self) -> Span:
        """Start a span for the flow."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the span."""
        self.span = self.start_span()
        if self.span.get_span_context().is_valid:
            self.current = _CurrentSpan(self.span)

    def before(self, step: Step) -> None:
        """Note a step that is about to be carried out."""
        if isinstance(step, Send):
            step.scope = self.current

    def after(self, step: Step) -> None:
        """Note a step that was carried out."""
        if isinstance(step, (Send, Fetch)):
            self.requests += 1

    def finish(self, result: T) -> T:
        """Note the flow's result, and return it."""
        return result

    def fail(self, error: BaseException) -> None:
        """Note the error that ended the flow."""
        # Not `record_exception`: its message and traceback may hold what must not be shown.
        self.attributes["error.type"] = type(error).__qualname__
        self.span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """End the span."""
        self.attributes["cometapi_runway.requests"] = self.requests
        self.span.set_attributes(self.attributes)
        self.span.end()


@lru_cache(maxsize=256)
def _describe_create(
    operation: str, model: str | None, price: Decimal | None
) -> tuple[str, Mapping[str, Value]]:
    """The name of a create's span, and the attributes that nearly all creates share."""
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "runway",
        "cometapi_runway.operation": operation,
    }
    model = name_or_none(model)
    if model is not None:
        attributes["gen_ai.request.model"] = model
    if price is not None:
        attributes["cometapi_runway.price"] = float(price)
    return f"generate_content {model}" if model else "generate_content", attributes


@define(eq=False)
class _CreateWatch(_Watch):
    """The span of a create."""

    request: SubmitRequest
    is_sent: bool = field(init=False, default=False)
    outcome: str = field(init=False, default="refused")

    def start_span(self) -> Span:
        request = self.request
        call = request.call
        name, attributes = _describe_create(call.operation, call.model, request.reservation.price)
        # OpenTelemetry's integers have 64 bits.
        if request.seed is not None and abs(request.seed) < 2**63:
            attributes = {**attributes, "gen_ai.request.seed": request.seed}
        span = self.observer.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        # The journal keeps the span's context, so that a wait elsewhere can link to it.
        request.trace.parent = _format_trace_parent(span)
        return span

    def before(self, step: Step) -> None:
        if isinstance(step, Send):
            step.scope = self.current
            if not self.is_sent:
                self.is_sent = True
                self._add_cost(_RESERVED)

    def after(self, step: Step) -> None:
        if isinstance(step, Send):
            self.requests += 1
        elif isinstance(step, Record) and isinstance(step.entry, SubmissionFailed):
            self.outcome = "refused" if step.entry.refused else "unknown"
        elif isinstance(step, Record) and isinstance(step.entry, SubmissionAccepted):
            self.outcome = "accepted"

    def finish(self, result: T) -> T:
        if not isinstance(result, Submission):
            return result
        self.outcome = "accepted" if self.is_sent else "repeated"
        self.attributes["gen_ai.response.id"] = result.task.id
        self._count()
        if not self.is_sent:
            return result
        self._add_cost(_SPENT)
        return result

    def fail(self, error: BaseException) -> None:
        _Watch.fail(self, error)
        if isinstance(error, SubmissionUnknownError):
            self.outcome = "unknown"
        elif isinstance(error, BudgetExceededError):
            self.outcome = "budget"
        self._count()

    def _count(self) -> None:
        self.attributes["cometapi_runway.outcome"] = self.outcome
        _totals.add(1, _SUBMISSIONS, self.request.call.operation, self.outcome)

    def _add_cost(self, counter: str) -> None:
        price = self.request.reservation.price
        if price is not None:
            _totals.add(price, counter, self.request.call.operation)


@define(eq=False)
class _WaitWatch(_Watch):
    """The span of a wait."""

    request: WaitRequest
    status: str | None = field(init=False, default=None)
    last_poll_at: float = field(init=False, default=0.0)

    def start_span(self) -> Span:
        return _start_task_span(
            self.observer.tracer,
            "fetch_response",
            self.request.task,
            {"gen_ai.operation.name": "fetch_response"},
        )

    def before(self, step: Step) -> None:
        _Watch.before(self, step)
        if isinstance(step, Notify) and step.task.status != self.status:
            self.status = step.task.status
            shown = {"cometapi_runway.status": name_or_none(self.status) or "other"}
            self.span.add_event("status", shown)

    def after(self, step: Step) -> None:
        _Watch.after(self, step)
        if isinstance(step, Send):
            self.last_poll_at = step.at

    def finish(self, result: T) -> T:
        if isinstance(result, Task):
            self._measure(result)
        return result

    def fail(self, error: BaseException) -> None:
        _Watch.fail(self, error)
        details = getattr(error, "task_details", None)
        if isinstance(details, Task):
            self._measure(details)
        if isinstance(error, TaskFailedError) and (code := name_or_none(error.failure_code)):
            self.attributes["cometapi_runway.failure_code"] = code

    def _measure(self, task: Task) -> None:
        status = name_or_none(task.status) or "other"
        self.attributes["cometapi_runway.status"] = status
        if not task.is_terminal:
            return
        attributes: dict[str, Value] = {"cometapi_runway.status": status}
        if self.request.task.operation is not None:
            attributes["cometapi_runway.operation"] = self.request.task.operation
        self.observer.polls.record(self.requests, attributes)
        if (code := name_or_none(task.failure_code)) is not None:
            # OpenTelemetry's SDK 1.28 keeps the mapping that was recorded, so it is not changed.
            attributes = {**attributes, "cometapi_runway.failure_code": code}
        # A task that had ended before the wait began has ended at an unknown time.
        if self.request.created is not None and self.requests > 1:
            seconds = max(self.last_poll_at - self.request.created, 0.0)
            self.observer.duration.record(seconds, attributes)


@define(eq=False)
class _DownloadWatch(_Watch):
    """The span of a download."""

    request: DownloadRequest
    received: int = field(init=False, default=0)

    def start_span(self) -> Span:
        index: dict[str, Value] = {"cometapi_runway.output.index": self.request.index}
        return _start_task_span(self.observer.tracer, "download", self.request.task, index)

    def after(self, step: Step) -> None:
        _Watch.after(self, step)
        if isinstance(step, Fetch):
            self.received += step.received
            self.attributes["cometapi_runway.output.bytes"] = self.received


def _start_task_span(
    tracer: trace.Tracer, name: str, task: Task, attributes: Mapping[str, Value]
) -> Span:
    """Start the span of an existing task, linked to the span that created it."""
    all_attributes: dict[str, Value] = {
        "gen_ai.provider.name": "runway",
        "gen_ai.response.id": task.id,
        **attributes,
    }
    if task.operation is not None:
        all_attributes["cometapi_runway.operation"] = task.operation
    created_by = _parse_trace_parent(task.trace_parent)
    return tracer.start_span(
        name,
        kind=SpanKind.CLIENT,
        attributes=all_attributes,
        links=[] if created_by is None else [Link(created_by)],
    )


def _format_trace_parent(span: Span) -> str | None:
    """A span's context as W3C's ``traceparent``, or None for a span that is not recorded."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _parse_trace_parent(text: str | None) -> SpanContext | None:
    match = _TRACE_PARENT.fullmatch(text or "")
    if match is None:
        return None
    context = SpanContext(
        int(match[1], 16),
        int(match[2], 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(match[3], 16)),
    )
    return context if context.is_valid else None
