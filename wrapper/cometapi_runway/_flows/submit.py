"""Submitting a paid task: at most one request that the gateway can have acted on.

The question about every failure is whether the gateway can have acted. Where it cannot (no
connection was made, or the request was refused with a pace) the request is sent again, one try
at a time, within a budget of time. Where it said no, the no is raised. Everything else has an
unknown outcome, and a request of unknown outcome is never repeated.
"""

from __future__ import annotations

from random import Random
from typing import Final

from attrs import frozen

from cometapi_runway import _settings as settings
from cometapi_runway._core import task
from cometapi_runway._core.json_values import Object
from cometapi_runway._core.submission_failure import (
    InterruptedSubmission,
    SubmissionFailureReason,
)
from cometapi_runway._core.task import Route, Task
from cometapi_runway._flows.backoff import Backoff, FlowClock
from cometapi_runway._flows.parse_task import parse_created_id
from cometapi_runway._flows.read_response import parse_response
from cometapi_runway._flows.response_layers import ResponseLayers
from cometapi_runway._flows.steps import (
    Flow,
    PreparedRequest,
    Record,
    Send,
    Sleep,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    Warn,
)
from cometapi_runway.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InsufficientQuotaError,
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


@frozen
class SubmitRequest:
    """A create call and what is to be remembered about it.

    Attributes:
        call: The request.
        key: Name of this submission in the journal.
        route: Where its task will be polled.
        seed: The seed in the body, or None.
        timeout: Seconds for one try.
        budget: Seconds in which a request that never arrived is tried again.
    """

    call: PreparedRequest
    key: str
    route: Route
    seed: int | None
    timeout: float
    budget: float = settings.SUBMIT_BUDGET

    @property
    def traits(self) -> str:
        """What the request can be recognised by."""
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"request {self.call.fingerprint}{seed}"


def submit(order: SubmitRequest, *, started: float, rng: Random) -> Flow[Task]:
    """Submit once, and return the accepted task.

    Raises:
        SubmissionUnknownError: The gateway may have acted, and its answer did not arrive.
        APIStatusError: It refused.
        APIConnectionError: It was never reached within the budget.
        ConfigurationError: The journal cannot be written, so nothing was sent.
    """
    yield from _intend(order)
    send = Send(order.call, order.timeout, queues=True)
    try:
        accepted, payload = yield from _deliver(order, send, FlowClock(started), Backoff(rng))
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _close(order, send, error)
        raise
    yield from _keep(order, accepted)
    return Task(
        id=accepted,
        status=task.PENDING,
        route=order.route,
        operation=order.call.operation,
        seed=order.seed,
        raw=payload,
    )


def _intend(order: SubmitRequest) -> Flow[None]:
    record = Record(SubmissionStarted(order.key, order.call, order.route, order.seed))
    try:
        yield record
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _end(order, error, is_open=False)
        raise
    if record.error is not None:
        raise ConfigurationError(
            f"the journal cannot be written ({record.error}); nothing was sent, since a paid "
            "task must not start without a record",
            setting="journal",
        ) from record.error


def _keep(order: SubmitRequest, accepted: str) -> Flow[None]:
    """Put an id on record, whatever comes between."""
    try:
        yield from _write(order, accepted)
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from _hold(order, accepted, error)
        raise


def _write(order: SubmitRequest, accepted: str) -> Flow[None]:
    record = Record(SubmissionAccepted(order.key, accepted))
    yield record
    if record.error is not None:
        yield Warn(
            f"task {accepted} was accepted but could not be written to the journal "
            f"({record.error}); keep this id, it is the only trace of a paid task"
        )


def _hold(order: SubmitRequest, accepted: str, error: BaseException) -> Flow[None]:
    """Let an interruption carry the id of the task it did not prevent, and write it down again.

    The first try may have been interrupted before it was on the disk, and a second does no harm.
    """
    message = f"interrupted; task {accepted} was accepted and continues at the gateway"
    InterruptedSubmission(message, accepted, may_be_accepted=True).attach_to(error)
    vars(error)["task_id"] = accepted
    try:
        yield from _write(order, accepted)
    except GeneratorExit:
        raise
    except BaseException:
        # Interrupted once more: what is raised has to be the error that tells the id.
        return


def _close(order: SubmitRequest, send: Send, error: BaseException) -> Flow[None]:
    """Note how a submission ended that brought no task."""
    accepted = None if isinstance(error, RunwayError) else _arrived(send)
    if accepted is not None:
        yield from _hold(order, accepted, error)
    else:
        yield from _end(order, error, is_open=not send.unsent)


def _arrived(send: Send) -> str | None:
    """The id in an answer that had come when somebody interrupted."""
    try:
        return parse_created_id(_read_response(send))
    except RunwayError:
        return None


def _end(order: SubmitRequest, error: BaseException, *, is_open: bool) -> Flow[None]:
    """Note the end of a submission without an id; one that is open may have been acted on."""
    if not isinstance(error, RunwayError):
        what = "the gateway may have accepted the task" if is_open else "nothing was accepted"
        message = f"interrupted while submitting; {what} ({order.traits}). It was not sent again."
        InterruptedSubmission(message, may_be_accepted=is_open).attach_to(error)
    reason = _get_failure_reason(error)
    yield Record(SubmissionFailed(order.key, refused=not is_open, reason=reason))


def _get_failure_reason(error: BaseException) -> SubmissionFailureReason:
    for kind, reason in _FAILURE_REASONS:
        if isinstance(error, kind):
            return reason
    # An interruption (Ctrl-C, a cancelled asyncio task) is a BaseException.
    if isinstance(error, Exception):
        return SubmissionFailureReason.UNEXPECTED_ERROR
    return SubmissionFailureReason.INTERRUPTED


def _deliver(
    order: SubmitRequest, send: Send, watch: FlowClock, backoff: Backoff
) -> Flow[tuple[str, Object]]:
    """Send until the gateway has the request; return the task's id and the whole answer.

    When that ends badly, `send.unsent` tells whether the gateway can have acted.
    """
    deadline = watch.now + order.budget
    tries = 0
    while True:
        sent_at = watch.now
        send.response, send.error, send.unsent = None, None, False
        yield send
        watch.advance_to(send.at)
        tries += 1
        try:
            response = _read_response(send)
            return parse_created_id(response), response.payload
        except RunwayError as error:
            if _is_undecided(error):
                raise _unknown(order, error, watch.now - sent_at) from error
            send.unsent = True
            if not isinstance(error, RateLimitError | APIConnectionError):
                raise
            pause = _pause(error, backoff, tries)
            if watch.now + pause > deadline:
                raise
            why = _reason(error, pause)
        nap = Sleep(pause, why)
        yield nap
        watch.add_sleep(pause, nap.at)


def _reason(error: RateLimitError | APIConnectionError, pause: float) -> str:
    if isinstance(error, RateLimitError):
        slower = "the gateway asks for a slower pace, trying again"
        return f"{slower} in {pause:.0f} s (nothing was accepted)"
    return "the gateway is not reachable, trying again (nothing was sent)"


def _read_response(send: Send) -> ResponseLayers:
    if send.error is not None:
        raise send.error
    if send.response is None:
        raise ResponseDecodeError("no answer")
    return parse_response(send.response)


def _pause(error: RateLimitError | APIConnectionError, backoff: Backoff, tries: int) -> float:
    pause = backoff.pause(tries)
    if isinstance(error, RateLimitError) and error.retry_after is not None:
        # Jitter only upward: earlier than asked is another refusal.
        return error.retry_after + pause / 10
    return pause


def _is_undecided(error: RunwayError) -> bool:
    """Whether the gateway can have acted on a request that failed like this.

    A request timeout (408) is told by whoever waited for the rest of the request, which may be
    a proxy in front of a gateway that has it all. A failure inside HTTP 200 that none of the
    known refusals explains may have come after the provider was asked; a status of no class
    that HTTP knows says nothing at all.
    """
    if isinstance(error, APIConnectionError):
        return error.delivery != "not_sent"
    if isinstance(error, ServerError) or not isinstance(error, APIStatusError):
        return True
    explained = type(error) is not APIStatusError
    is_refusal = explained or 300 <= error.status_code < 500
    return error.status_code == 408 or not is_refusal


def _unknown(order: SubmitRequest, cause: RunwayError, elapsed: float) -> SubmissionUnknownError:
    words = str(cause).rstrip(".")
    return SubmissionUnknownError(
        f"{order.call.operation}: sent once, and whether it was accepted is unknown: {words}. "
        "It may have been charged and was not sent again. Before you repeat it, look into the "
        f"usage log of your CometAPI account for this moment ({order.traits})",
        operation=order.call.operation,
        fingerprint=order.call.fingerprint,
        seed=order.seed,
        request_id=getattr(cause, "request_id", None),
        elapsed=elapsed,
    )
