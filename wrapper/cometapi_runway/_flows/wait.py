"""Waiting for a task until it ends or the deadline passes.

Polls are reads, so transient failures are retried until the deadline. Only a permanent failure
ends a wait early: a key that is not accepted, a malformed id, or a task that the gateway still
does not know after its grace.
"""

from __future__ import annotations

import math
from random import Random

from attrs import define, frozen

from cometapi_runway import _settings as settings
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.task import CANCELLED, FAILED, SUCCEEDED, Task
from cometapi_runway._flows.backoff import TRANSIENT_STATUSES, FlowClock
from cometapi_runway._flows.entries import PastDuration, TaskEnded
from cometapi_runway._flows.observation import observable
from cometapi_runway._flows.parse_task import parse_task
from cometapi_runway._flows.polling import MAX_GAP, next_poll
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.read_response import FETCH_FAILED, parse_response
from cometapi_runway._flows.response_layers import ResponseLayers
from cometapi_runway._flows.retry_log import RetryLog, describe_cause
from cometapi_runway._flows.steps import Flow, Notify, Record, Send, Sleep, Warn
from cometapi_runway._settings import FINAL_POLL_TIMEOUT
from cometapi_runway.errors import (
    APIConnectionError,
    APIStatusError,
    NotFoundError,
    ResponseDecodeError,
    RunwayError,
    TaskCancelledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
)

_MISSING_POLLS = 2
"""Polls without the task before the log says so, for an id that may be mistyped."""
_MISSING_POLLS_AFTER_CREATE = 6
"""The same, for a task that this process created."""


@frozen(weakref_slot=False)
class WaitRequest:
    """A task to wait for, and how.

    Attributes:
        task: The task as last known; it is not polled if its status is terminal.
        poll: The request that asks for its state.
        request_timeout: Seconds for one poll.
        timeout: Seconds for the whole wait; infinite for no limit.
        interval: Seconds between two polls, at least.
        grace: Seconds after `created` (else after the start) in which the gateway may not know
            the task.
        created: When it was accepted, on this process's clock; None if it was accepted elsewhere.
        seen: Whether the gateway has shown it before.
        submitted: When it was submitted, on this process's clock, wherever that was; None if that
            is not known.
        plan: When to poll it, in seconds after `submitted`, see `plan_polls`; empty for the fixed
            interval.
    """

    task: Task
    poll: PreparedRequest
    request_timeout: float
    timeout: float = settings.WAIT_TIMEOUT
    interval: float = settings.POLL_INTERVAL
    grace: float = settings.NOT_FOUND_GRACE
    created: float | None = None
    seen: bool = False
    submitted: float | None = None
    plan: tuple[float, ...] = ()


@frozen
class _PollFailure:
    """A poll that returned no state.

    Attributes:
        error: Why.
        missing: Whether the gateway does not know the task.
        pause: Seconds that the gateway asks to wait.
    """

    error: RunwayError
    missing: bool = False
    pause: float = 0.0


@define(weakref_slot=False)
class _WaitProgress(FlowClock):
    """The time, and how far a wait has come.

    Attributes:
        request: What is waited for, and how.
        started: When the wait started.
        known: The task as last seen, or as given.
        is_visible: Whether the gateway has shown the task at any time.
        last: The task as last seen, or None.
        polls: Polls so far.
        missing: Polls that the gateway answered without knowing the task.
        failure: The last poll's failure, or None.
        log: What the log says about failed polls, since the last poll that returned a state.
        not_ended_at: When the task was last known not to have ended, or None.
    """

    request: WaitRequest
    started: float
    known: Task
    is_visible: bool
    last: Task | None = None
    polls: int = 0
    missing: int = 0
    failure: _PollFailure | None = None
    log: RetryLog | None = None
    not_ended_at: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.now - self.started

    # Computed, because thousands of waits would each hold two more numbers.
    @property
    def deadline(self) -> float:
        """When the wait ends."""
        return self.started + self.request.timeout

    @property
    def grace_end(self) -> float:
        """Until when the gateway may not know the task."""
        request = self.request
        return (self.started if request.created is None else request.created) + request.grace


def retrieve(poll: PreparedRequest, known: Task, *, timeout: float) -> Flow[Task]:
    """Poll a task once.

    Raises:
        TaskNotFoundError: The gateway does not know the task, or not yet.
        APIError: The request brought no usable response.
        ResponseDecodeError: The response has no known shape.
    """
    send = Send(poll, timeout)
    yield send
    try:
        seen = _read_task(send, known)
    except NotFoundError as error:
        raise TaskNotFoundError(
            known.id,
            None,
            f"the gateway does not know task {known.id} ({error}). It may not know a new task for "
            f"a while; `wait` allows for that{_suggest_compat(known)}",
        ) from error
    except RunwayError as error:
        error.task_id = known.id
        raise
    if seen.is_terminal:
        yield from _record_end(seen, timeout)
    return seen


@observable
def wait(request: WaitRequest, *, started: float, rng: Random) -> Flow[Task]:
    """Poll until the task has ended, and return it with its output.

    Raises:
        TaskFailedError: The task failed.
        TaskCancelledError: The task was cancelled.
        TaskTimeoutError: The deadline has passed; the task continues.
        TaskNotFoundError: The gateway never showed the task, and its grace is over.
        APIStatusError: The gateway refuses to answer.
        APIConnectionError: The gateway was never reached, and cannot be: an invalid certificate,
            or a proxy that refuses.
    """
    # One generator for all sleeps: a sleeping wait holds the frame of each generator that it is in.
    progress = _WaitProgress(started, request, started, request.task, request.seen)
    try:
        if request.task.is_terminal:
            return succeed(request.task)
        sleep = _sleep_until_first_poll(progress, rng)
        while True:
            if sleep.seconds > 0:
                yield sleep
                progress.add_sleep(sleep.seconds, sleep.at)
            polled_at = progress.now
            outcome = yield from _poll(progress)
            if isinstance(outcome, Task) and outcome.is_terminal:
                remaining = progress.deadline - progress.now
                yield from _record_end(outcome, remaining, _measure_duration(progress, outcome))
                return succeed(outcome)
            if isinstance(outcome, Task):
                progress.not_ended_at = polled_at
            _check_limits(progress)
            sleep = _sleep_until_next_poll(progress, polled_at, rng)
    except RunwayError as error:
        error.task_id = request.task.id
        raise
    except BaseException as error:
        error.add_note(
            f"cometapi-runway: interrupted while waiting; task {request.task.id} continues. "
            f"{_resume_call(request.task)} waits for it again"
        )
        raise


def _check_limits(progress: _WaitProgress) -> None:
    """Check that the wait may go on after its last poll.

    Raises:
        TaskNotFoundError: The gateway never showed the task, and its grace is over.
        APIConnectionError: The gateway was never reached, and cannot be.
        TaskTimeoutError: The deadline has passed.
    """
    failure = progress.failure
    if failure is not None:
        if failure.missing and not progress.is_visible and progress.now >= progress.grace_end:
            raise _not_found_error(progress) from failure.error
        if _is_hopeless(progress, failure):
            raise failure.error
    if progress.now >= progress.deadline:
        raise _timeout_error(progress)


def succeed(final: Task) -> Task:
    """The task itself if it succeeded.

    Raises:
        TaskFailedError: The task failed.
        TaskCancelledError: The task was cancelled.
    """
    if final.status == CANCELLED:
        raise TaskCancelledError(final.id, final, f"task {final.id} was cancelled")
    if final.status == FAILED:
        raise TaskFailedError(final.id, final)
    return final


def _sleep_until_first_poll(progress: _WaitProgress, rng: Random) -> Sleep:
    """The sleep before the first poll: only of a new task, which would not have ended yet."""
    request = progress.request
    if request.created is None or request.seen:
        return Sleep(0.0)
    first = _first_poll(request, request.created, rng)
    if progress.now < first:
        # A poll before that would have been too early: the task is watched from its start.
        progress.not_ended_at = request.created
    return Sleep(min(first, progress.deadline) - progress.now)


def _sleep_until_next_poll(progress: _WaitProgress, polled_at: float, rng: Random) -> Sleep:
    """The sleep after a poll that was sent at `polled_at`, with a reason for the log."""
    due = _next_poll(progress, polled_at, rng)
    why = _explain_missing(progress) or _explain_failure(progress)
    return Sleep(min(due, progress.deadline) - progress.now, why)


def _poll(progress: _WaitProgress) -> Flow[Task | _PollFailure]:
    """Poll once, notify the caller of a changed state, and note the result in `progress`."""
    request = progress.request
    send = Send(
        request.poll, _poll_timeout(progress), task=request.task.id, max_age=request.interval
    )
    yield send
    progress.advance_to(send.at)
    progress.polls += 1
    outcome = _read_poll(send, progress.known)
    if isinstance(outcome, _PollFailure):
        progress.failure = outcome
        progress.missing += outcome.missing
        return outcome
    progress.failure, progress.is_visible = None, True
    if outcome != progress.last:
        progress.last = progress.known = outcome
        yield Notify(outcome)
    return outcome


def _is_hopeless(progress: _WaitProgress, failure: _PollFailure) -> bool:
    """Whether no poll can succeed: the gateway was never reached, and the reason is permanent."""
    was_reached = progress.is_visible or progress.request.created is not None
    is_permanent = isinstance(failure.error, APIConnectionError) and failure.error.is_permanent
    return is_permanent and not was_reached


def _explain_missing(progress: _WaitProgress) -> str:
    """Why the wait goes on for a task that the gateway does not know; empty if it was said before.

    A task that this process created is usually unknown for a moment, any other id may be mistyped.
    """
    request, failure = progress.request, progress.failure
    expected = _MISSING_POLLS if request.created is None else _MISSING_POLLS_AFTER_CREATE
    is_missing = failure is not None and failure.missing and not progress.is_visible
    if failure is None or not is_missing or progress.missing != expected:
        return ""
    until = min(progress.grace_end, progress.deadline)
    return (
        f"the gateway does not know task {request.task.id} yet ({failure.error}). A new task can "
        f"be unknown for a while; the wait ends in {max(until - progress.now, 0):.0f} s if "
        "it stays unknown"
    )


def _explain_failure(progress: _WaitProgress) -> str:
    """Why the next poll is one that repeats a failed one; empty if it was said before."""
    failure = progress.failure
    if failure is None:
        progress.log = None
    if failure is None or failure.missing:
        return ""
    progress.log = progress.log or RetryLog()
    what = f"poll {progress.polls} of task {progress.request.task.id}"
    remaining = progress.deadline - progress.now
    return progress.log.explain(what, describe_cause(failure.error), remaining)


def _poll_timeout(progress: _WaitProgress) -> float:
    """Seconds for a poll: the remaining time, but enough for a final poll."""
    remaining = progress.deadline - progress.now
    return min(progress.request.request_timeout, max(remaining, FINAL_POLL_TIMEOUT))


def _next_poll(progress: _WaitProgress, polled_at: float, rng: Random) -> float:
    """When to poll again: as planned, after the interval, or when the gateway asks for it."""
    request = progress.request
    jitter = request.interval * rng.uniform(0, settings.POLL_JITTER)
    due = polled_at + request.interval
    pause = 0.0
    if progress.failure is not None:
        # A plan supposes that the task was seen; the interval repeats a failed poll sooner.
        pause = progress.failure.pause
    elif request.submitted is not None:
        elapsed = polled_at - request.submitted
        due = request.submitted + next_poll(request.plan, elapsed, request.interval)
    return max(due + jitter, progress.now + pause)


def _first_poll(request: WaitRequest, created: float, rng: Random) -> float:
    """When to poll a new task for the first time."""
    if not request.plan:
        return created + request.interval
    # Many tasks that were created at once have one plan.
    jitter = request.interval * rng.uniform(0, settings.POLL_JITTER)
    # At the interval, as without a plan, where that is as early as planned.
    if request.plan[0] <= request.interval:
        return created + request.interval
    return created + request.plan[0] + jitter


def _measure_duration(progress: _WaitProgress, final: Task) -> PastDuration | None:
    """How long a task took that succeeded; None if its end was not watched closely enough.

    The first poll of a new task may be a long time after its creation. That gap counts as watched,
    since otherwise a plan whose first poll is too late would never be mended.
    """
    submitted, not_ended_at = progress.request.submitted, progress.not_ended_at
    if final.status != SUCCEEDED or submitted is None or not_ended_at is None:
        return None
    gap = progress.now - max(not_ended_at, submitted)
    if gap > MAX_GAP and progress.polls > 1:
        return None
    return PastDuration(progress.now - submitted, gap)


def _read_poll(send: Send, known: Task) -> Task | _PollFailure:
    """The task in a poll's response, or why there is none.

    Raises:
        APIStatusError: A refusal that a later poll would meet again.
    """
    try:
        return _read_task(send, known)
    except NotFoundError as error:
        return _PollFailure(error, missing=True)
    except APIStatusError as error:
        if not _is_transient(error):
            raise
        return _PollFailure(error, pause=error.retry_after or 0.0)
    except RunwayError as error:
        return _PollFailure(error)


def _is_transient(error: APIStatusError) -> bool:
    """Whether a later poll may succeed.

    A failure inside HTTP 200, a redirect, or a failure between gateway and provider says nothing
    about the task.
    """
    status = error.status_code
    if error.code == FETCH_FAILED:
        return True
    return status < 400 or status >= 500 or status in TRANSIENT_STATUSES


def _read_task(send: Send, known: Task) -> Task:
    if send.error is not None:
        raise send.error
    if send.response is None:
        raise RunwayError("the poll was not carried out")
    response = parse_response(send.response)
    _check_task_id(response, known)
    return parse_task(response, known)


def _check_task_id(response: ResponseLayers, known: Task) -> None:
    """Refuse the state of another task, such as a response that a proxy or a connection mixed up.

    Raises:
        ResponseDecodeError: The response names another task.
    """
    task_id = response.polled_id
    if task_id is not None and task_id.casefold() != known.id.strip().casefold():
        raise ResponseDecodeError(
            f"the response to the poll of task {known.id} is about task {safe_repr(task_id)}",
            status_code=200,
        )


def _record_end(final: Task, remaining: float, duration: PastDuration | None = None) -> Flow[None]:
    """Record the end; a locked journal does not delay it beyond the deadline."""
    timeout = min(settings.JOURNAL_TIMEOUT, max(remaining, 0.0))
    record = Record(TaskEnded(final, duration), timeout=timeout)
    yield record
    if record.error is not None:
        yield Warn(f"task {final.id} ended, but the journal cannot be written ({record.error})")


def _not_found_error(progress: _WaitProgress) -> TaskNotFoundError:
    known = progress.known
    return TaskNotFoundError(
        known.id,
        None,
        f"the gateway does not know task {known.id}: {count_noun(progress.polls, 'poll')} in "
        f"{progress.elapsed:.0f} s, longer than a new task stays unknown. Check the id, and that "
        f"the key belongs to the account that created it{_suggest_compat(known)}",
    )


def _resume_call(known: Task) -> str:
    tasks = "client.compat.tasks" if known.route == "feed" else "client.tasks"
    return f"{tasks}.wait({known.id!r})"


def _suggest_compat(known: Task) -> str:
    """A hint at the feed, if nothing is known of the task: each route knows its own tasks only."""
    if known.route == "feed" or known.operation is not None:
        return ""
    return ". If a compat operation created it, use client.compat.tasks"


def _timeout_error(progress: _WaitProgress) -> TaskTimeoutError:
    request = progress.request
    state = progress.last.status if progress.last else "never seen"
    limit = f" of {request.timeout:g} s" if math.isfinite(request.timeout) else ""
    error = TaskTimeoutError(
        request.task.id,
        progress.last,
        f"task {request.task.id} had not ended after {progress.elapsed:.1f} s{limit} "
        f"({count_noun(progress.polls, 'poll')}, last state {state}). It continues: "
        f"{_resume_call(request.task)} waits for it again",
    )
    if progress.failure is not None:
        error.add_note(f"The last poll returned no state: {progress.failure.error}")
        error.__cause__ = progress.failure.error
    return error
