"""Submitting a paid task: at most one request that the gateway can have acted on.

The intent is recorded first. If the request's idempotency key has bought a task, that task is the
result; if it would exceed a budget, or the key's outcome is unknown, nothing is sent.

The question about every failure is whether the gateway can have acted on the request. If it cannot
(no connection was made, or the gateway asked for a slower pace) the request is sent again within a
time budget, never two at a time. If the gateway refused, its refusal is raised. Every other failure
leaves the outcome unknown, and a request of unknown outcome is never repeated.
"""

from __future__ import annotations

from random import Random
from typing import Final, TypeGuard

from attrs import define, field, frozen

from cometapi_runway import _settings as settings
from cometapi_runway._core.json_values import Object
from cometapi_runway._core.redaction import strip_payloads
from cometapi_runway._core.submission_failure import (
    InterruptedSubmission,
    SubmissionFailureReason,
)
from cometapi_runway._core.task import PENDING, Route, Task
from cometapi_runway._flows.backoff import Backoff, FlowClock
from cometapi_runway._flows.entries import (
    NO_RESERVATION,
    BudgetExcess,
    Conflict,
    EarlierSubmission,
    IdempotencyKey,
    Reservation,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
)
from cometapi_runway._flows.observation import observable
from cometapi_runway._flows.parse_task import parse_created_id
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.read_response import parse_response
from cometapi_runway._flows.response_layers import ResponseLayers
from cometapi_runway._flows.retry_log import RetryLog, describe_cause
from cometapi_runway._flows.salvage import salvage_task_id
from cometapi_runway._flows.steps import Flow, Record, Send, Sleep, Warn
from cometapi_runway.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    ConfigurationError,
    InsufficientQuotaError,
    InvalidRequestError,
    Issue,
    PermissionDeniedError,
    RateLimitError,
    ResponseDecodeError,
    RunwayError,
    ServerError,
    SubmissionUnknownError,
)

# Subclasses come before their base.
_FAILURE_REASONS: Final[tuple[tuple[type[RunwayError], SubmissionFailureReason], ...]] = (
    (APIConnectionError, SubmissionFailureReason.NOT_SENT),
    (AuthenticationError, SubmissionFailureReason.AUTHENTICATION),
    (PermissionDeniedError, SubmissionFailureReason.PERMISSION),
    (InsufficientQuotaError, SubmissionFailureReason.QUOTA),
    (RateLimitError, SubmissionFailureReason.RATE_LIMIT),
    (BadRequestError, SubmissionFailureReason.BAD_REQUEST),
    (APIStatusError, SubmissionFailureReason.OTHER_STATUS),
    (SubmissionUnknownError, SubmissionFailureReason.UNKNOWN_OUTCOME),
)


@define
class TraceContext:
    """The trace context of a submission, which an observer sets before the flow begins.

    Attributes:
        parent: W3C's ``traceparent``, or None.
    """

    parent: str | None = None


@frozen
class SubmitRequest:
    """A create request and what the journal records about it.

    Attributes:
        call: The HTTP request.
        key: Name of this submission in the journal.
        route: Where its task will be polled.
        seed: The seed in the body, or None.
        timeout: Seconds for one attempt, and to wait for a running process with the same
            idempotency key.
        idempotency_key: The caller's key, under which the request buys one task, or None.
        reservation: What it costs, and the limits that it must stay within.
        label: The caller's label, or None.
        is_seed_drawn: Whether the client chose the seed.
        is_recorded: Whether there is a journal for it.
        trace: The trace context that is recorded with it.
        retry_time: Seconds in which a request that never arrived is retried.
    """

    call: PreparedRequest
    key: str
    route: Route
    seed: int | None
    timeout: float
    idempotency_key: IdempotencyKey | None = None
    reservation: Reservation = NO_RESERVATION
    label: str | None = None
    is_seed_drawn: bool = False
    is_recorded: bool = True
    trace: TraceContext = field(factory=TraceContext, repr=False, eq=False)
    retry_time: float = settings.SUBMIT_BUDGET

    @property
    def description(self) -> str:
        """What the request can be recognised by: its fingerprint and its seed."""
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"request {self.call.fingerprint}{seed}"


@frozen
class Submission:
    """What `submit` returns.

    Attributes:
        task: The accepted task.
        age: Seconds since it was created; above zero if its idempotency key had bought it before.
        is_reused: Whether its idempotency key had bought it before, so that nothing was sent.
    """

    task: Task
    age: float = 0.0
    is_reused: bool = False


@observable
def submit(request: SubmitRequest, *, started: float, rng: Random) -> Flow[Submission]:
    """Submit once, and return the accepted task, or the task that the request's key has bought.

    Raises:
        SubmissionUnknownError: The gateway may have acted, and no usable response arrived, now or
            at an earlier use of the key.
        InvalidRequestError: The idempotency key was used with other arguments.
        BudgetExceededError: The request would exceed the budget, so nothing was sent.
        APIStatusError: The gateway refused the request.
        APIConnectionError: The gateway could not be reached within the retry time.
        ConfigurationError: The journal cannot be written, so nothing was sent.
    """
    clock = FlowClock(started)
    if request.is_recorded:
        earlier = yield from _record_start(request, clock)
        if earlier is not None:
            return earlier
    send = Send(request.call, request.timeout, is_paid=True)
    try:
        task_id, payload = yield from _send_until_decided(request, send, clock, Backoff(rng))
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _record_error(request, send, error)
        raise
    if request.is_recorded:
        yield from _record_accepted(request, task_id)
    task = Task(
        id=task_id,
        status=PENDING,
        route=request.route,
        operation=request.call.operation,
        seed=request.seed,
        raw=payload,
        trace_parent=request.trace.parent,
        model=request.call.model,
    )
    return Submission(task)


def _record_start(request: SubmitRequest, clock: FlowClock) -> Flow[Submission | None]:
    """Record that the request is about to be sent; None if it may be sent.

    While a running process sends a request with the same key, its outcome is waited for.
    """
    deadline = clock.now + request.timeout
    pause = settings.FIRST_KEY_PAUSE
    while True:
        conflict = yield from _write_intent(request, max(deadline - clock.now, 0.0))
        if conflict is None:
            return None
        if isinstance(conflict, BudgetExcess):
            raise _budget_error(conflict)
        if not _is_wait_worthwhile(conflict, deadline - clock.now):
            return _take_earlier(request, conflict)
        why = (
            "" if pause > settings.FIRST_KEY_PAUSE else _explain_key_wait(request, deadline, clock)
        )
        sleep = Sleep(min(pause, deadline - clock.now), why)
        yield sleep
        clock.add_sleep(sleep.seconds, sleep.at)
        pause = min(2 * pause, settings.LONGEST_KEY_PAUSE)


def _write_intent(request: SubmitRequest, timeout: float) -> Flow[Conflict | None]:
    """Write the intent, or return what is in the way."""
    entry = SubmissionStarted(
        request.key,
        request.call,
        request.route,
        request.seed,
        request.idempotency_key,
        request.reservation,
        request.label,
        request.trace.parent,
    )
    record = Record(entry, timeout=timeout)
    try:
        yield record
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _record_failure(request, error, is_open=False)
        raise
    if record.error is not None:
        raise ConfigurationError(
            f"cannot write the journal ({record.error}); nothing was sent, because a paid task "
            "must not start without a record",
            setting="journal",
        ) from record.error
    return record.conflict


def _is_wait_worthwhile(earlier: EarlierSubmission, remaining: float) -> bool:
    return earlier.is_same_request and earlier.is_in_progress and remaining > 0


def _explain_key_wait(request: SubmitRequest, deadline: float, clock: FlowClock) -> str:
    return (
        f"{request.call.operation}: another call is sending the request with this idempotency key; "
        f"waiting for it for up to {deadline - clock.now:.0f} s"
    )


def _take_earlier(request: SubmitRequest, earlier: EarlierSubmission) -> Submission:
    """The task that an idempotency key has bought.

    Raises:
        InvalidRequestError: It was another request.
        SubmissionUnknownError: Its outcome is not known.
    """
    key = "" if request.idempotency_key is None else request.idempotency_key.text
    if not earlier.is_same_request:
        raise _other_request_error(request, earlier, key)
    if earlier.task_id is None or earlier.state in {"INTENDED", "UNKNOWN"}:
        raise _earlier_unknown_error(request, earlier, key)
    task = Task(
        id=earlier.task_id,
        status=PENDING,
        route=request.route,
        operation=request.call.operation,
        seed=earlier.seed,
        trace_parent=earlier.trace_parent,
        model=request.call.model,
    )
    return Submission(task, earlier.age, is_reused=True)


def _other_request_error(
    request: SubmitRequest, earlier: EarlierSubmission, key: str
) -> InvalidRequestError:
    names = ", ".join(_list_differences(request, earlier))
    names = names or " or ".join(_list_unrecorded(request))
    difference = f"it differs in {names}" if names else "it differs"
    message = (
        f"idempotency_key: {key!r} belongs to another request ({difference}); a key buys one task, "
        "so use another key for another request"
    )
    error = InvalidRequestError([Issue("idempotency_key", "idempotency", key, message)])
    error.task_id = earlier.task_id
    return error


def _list_differences(request: SubmitRequest, earlier: EarlierSubmission) -> list[str]:
    """The names of the fields in which two requests differ, as far as the journal can tell."""
    body, other = strip_payloads(request.call.body), earlier.arguments
    if not isinstance(body, dict) or not isinstance(other, dict):
        return []
    ignored = {"seed"} if request.is_seed_drawn else set[str]()
    names = (body.keys() | other.keys()) - ignored
    return sorted(name for name in names if body.get(name) != other.get(name))


def _list_unrecorded(request: SubmitRequest) -> list[str]:
    """Fields whose difference the journal cannot tell: payloads, and whether a seed was drawn."""
    body = request.call.body
    fields = body.items() if isinstance(body, dict) else ()
    names = {name for name, value in fields if strip_payloads(value) != value}
    return sorted(names | ({"seed"} if request.is_seed_drawn else set()))


def _earlier_unknown_error(
    request: SubmitRequest, earlier: EarlierSubmission, key: str
) -> SubmissionUnknownError:
    if earlier.is_in_progress:
        state = f"is still being sent after {request.timeout:g} s"
    elif earlier.state == "LOST":
        state = "was charged, and its task is not known"
    else:
        state = "was sent once, and it is unknown whether it was accepted"
    advice = (
        f"The response named task {earlier.task_id}: wait for it"
        if earlier.task_id is not None
        else "Check the usage log of your CometAPI account"
    )
    error = SubmissionUnknownError(
        f"{request.call.operation}: the request with idempotency key {key!r} {state}. Nothing was "
        f"sent now. {advice}, then settle it: client.journal.settle({key!r}, ...)",
        operation=request.call.operation,
        fingerprint=request.call.fingerprint,
        seed=earlier.seed,
        elapsed=earlier.age,
        key=earlier.key,
        idempotency_key=key,
    )
    error.task_id = earlier.task_id
    return error


def _budget_error(excess: BudgetExcess) -> BudgetExceededError:
    return BudgetExceededError(
        excess.limit, excess.spent, excess.price, unit=excess.unit, scope=excess.scope
    )


def _record_accepted(request: SubmitRequest, task_id: str) -> Flow[None]:
    """Record the task id, also if an interruption arrives meanwhile."""
    try:
        yield from _write_accepted(request, task_id)
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _attach_task_id(request, task_id, error)
        raise


def _write_accepted(request: SubmitRequest, task_id: str) -> Flow[None]:
    record = Record(SubmissionAccepted(request.key, task_id))
    yield record
    if record.error is not None:
        yield Warn(
            f"task {task_id} was accepted, but its id cannot be written to the journal "
            f"({record.error}). Note the id: it is the only record of a paid task"
        )


def _attach_task_id(request: SubmitRequest, task_id: str, error: BaseException) -> Flow[None]:
    """Put the id of the accepted task on an interruption, and record the id again.

    The interruption may have come before the first record was on disk. Recording it twice is
    harmless.
    """
    message = f"interrupted; task {task_id} was accepted and continues at the gateway"
    InterruptedSubmission(message, task_id, may_be_accepted=True).attach_to(error)
    vars(error)["task_id"] = task_id
    try:
        yield from _write_accepted(request, task_id)
    except BaseException:
        # A second interruption: the first one, which carries the id, is the one to raise.
        return


def _record_error(request: SubmitRequest, send: Send, error: BaseException) -> Flow[None]:
    """Record how a submission ended that raised an error."""
    task_id = None if isinstance(error, RunwayError) else _received_task_id(send)
    if task_id is not None:
        yield from _attach_task_id(request, task_id, error)
    else:
        yield from _record_failure(request, error, is_open=not send.unsent)


def _received_task_id(send: Send) -> str | None:
    """The task id in a response that had arrived before an interruption, or None."""
    try:
        return parse_created_id(_read_response(send))
    except RunwayError:
        return _salvaged_id(send)


def _salvaged_id(send: Send) -> str | None:
    """The task id in a response that is no usable answer, or None."""
    partial = send.error.partial_response if send.error is not None else None
    return salvage_task_id(send.response or partial)


def _record_failure(request: SubmitRequest, error: BaseException, *, is_open: bool) -> Flow[None]:
    """Record the end of a submission without an id; an open one may have been accepted."""
    if not isinstance(error, RunwayError):
        what = "the gateway may have accepted the task" if is_open else "nothing was accepted"
        message = (
            f"interrupted while submitting; {what} ({request.description}). It was not sent again."
        )
        InterruptedSubmission(message, may_be_accepted=is_open).attach_to(error)
    reason = _get_failure_reason(error)
    task_id = error.task_id if isinstance(error, RunwayError) else None
    yield Record(SubmissionFailed(request.key, not is_open, reason, task_id))


def _get_failure_reason(error: BaseException) -> SubmissionFailureReason:
    for kind, reason in _FAILURE_REASONS:
        if isinstance(error, kind):
            return reason
    # An interruption (Ctrl-C, a cancelled asyncio task) is a BaseException.
    if isinstance(error, Exception):
        return SubmissionFailureReason.UNEXPECTED_ERROR
    return SubmissionFailureReason.INTERRUPTED


def _send_until_decided(
    request: SubmitRequest, send: Send, clock: FlowClock, backoff: Backoff
) -> Flow[tuple[str, Object]]:
    """Send until the gateway has accepted or refused; return the task id and the response's JSON.

    If this raises, `send.unsent` says whether the gateway cannot have acted.
    """
    deadline = clock.now + request.retry_time
    attempts, log = 0, RetryLog()
    while True:
        sent_at = clock.now
        send.response, send.error, send.unsent = None, None, False
        yield send
        clock.advance_to(send.at)
        attempts += 1
        try:
            response = _read_response(send)
            return parse_created_id(response), response.payload
        except RunwayError as error:
            task_id = _salvaged_id(send)
            if task_id is not None or _is_undecided(error):
                raise _unknown_outcome_error(
                    request, error, clock.now - sent_at, task_id
                ) from error
            send.unsent = True
            if not _can_retry(error):
                raise
            pause = _retry_pause(error, backoff, attempts)
            if clock.now + pause > deadline:
                raise
            why = _explain_retry(log, error, attempts, deadline - clock.now)
        sleep = Sleep(pause, why)
        yield sleep
        clock.add_sleep(pause, sleep.at)


def _can_retry(error: RunwayError) -> TypeGuard[RateLimitError | APIConnectionError]:
    """Whether a refused or unsent request may be sent again."""
    if isinstance(error, APIConnectionError):
        return not error.is_permanent
    return isinstance(error, RateLimitError)


def _explain_retry(
    log: RetryLog, error: RateLimitError | APIConnectionError, attempts: int, remaining: float
) -> str:
    note = "nothing was accepted" if isinstance(error, RateLimitError) else "nothing was sent"
    return log.explain(f"attempt {attempts}", describe_cause(error), remaining, note)


def _read_response(send: Send) -> ResponseLayers:
    if send.error is not None:
        raise send.error
    if send.response is None:
        raise ResponseDecodeError("no response")
    return parse_response(send.response)


def _retry_pause(
    error: RateLimitError | APIConnectionError, backoff: Backoff, attempts: int
) -> float:
    pause = backoff.pause(attempts)
    if isinstance(error, RateLimitError) and error.retry_after is not None:
        # Jitter only adds: a retry before Retry-After would be refused again.
        return error.retry_after + pause / 10
    return pause


def _is_undecided(error: RunwayError) -> bool:
    """Whether the gateway can have acted on a request that failed with this error.

    A 408 may come from a proxy in front of a gateway that has the whole request. A failure inside
    HTTP 200 that is none of the known refusals may come after the provider was called. A status
    outside HTTP's classes says nothing.
    """
    if isinstance(error, APIConnectionError):
        return error.delivery != "not_sent"
    if isinstance(error, ServerError) or not isinstance(error, APIStatusError):
        return True
    is_explained = type(error) is not APIStatusError
    is_refusal = is_explained or 300 <= error.status_code < 500
    return error.status_code == 408 or not is_refusal


def _unknown_outcome_error(
    request: SubmitRequest, cause: RunwayError, elapsed: float, task_id: str | None
) -> SubmissionUnknownError:
    reason = str(cause).rstrip(".")
    advice = (
        "Before you repeat it, check the usage log of your CometAPI account for this moment"
        if task_id is None
        else f"The response names task {task_id}: wait for that task before you repeat the request"
    )
    error = SubmissionUnknownError(
        f"{request.call.operation}: sent once, and it is unknown whether it was accepted: {reason}."
        f" It may have been charged and was not sent again. {advice} ({request.description})",
        operation=request.call.operation,
        fingerprint=request.call.fingerprint,
        seed=request.seed,
        request_id=getattr(cause, "request_id", None),
        elapsed=elapsed,
        key=request.key,
        idempotency_key=None if request.idempotency_key is None else request.idempotency_key.text,
    )
    error.task_id = task_id
    return error
