"""Waiting for a task: until it ends or the deadline comes, whatever the network does.

Polls are reads, so every failure that can pass is survived. Only what cannot heal ends a wait
early: a key that is not accepted, an id that is malformed, or a task that stays unknown after
its grace.
"""

from __future__ import annotations

import math
from random import Random

from attrs import field, frozen

from cometapi_runway import _settings as settings
from cometapi_runway._core import task
from cometapi_runway._core.task import Task
from cometapi_runway._flows import read_response
from cometapi_runway._flows.backoff import TRANSIENT_STATUSES, FlowClock
from cometapi_runway._flows.parse_task import parse_task
from cometapi_runway._flows.read_response import parse_response
from cometapi_runway._flows.steps import (
    Flow,
    Notify,
    PreparedRequest,
    Record,
    Send,
    Sleep,
    TaskEnded,
    Warn,
)
from cometapi_runway._settings import FINAL_POLL_TIMEOUT
from cometapi_runway.errors import (
    APIStatusError,
    NotFoundError,
    RunwayError,
    TaskCancelledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
)


@frozen
class WaitRequest:
    """A task to wait for, and how.

    Attributes:
        task: The task as far as known; its status is believed only if it is terminal.
        poll: The request that asks for its state.
        request_timeout: Seconds for one poll.
        timeout: Seconds for the whole wait; infinite for no limit.
        interval: Least seconds between two polls.
        grace: Seconds after `created` (else after the start) in which the task may be unknown.
        created: When it was accepted, on the clock of this process, if that was here.
        seen: Whether the gateway has shown it before.
    """

    task: Task
    poll: PreparedRequest
    request_timeout: float
    timeout: float = settings.WAIT_TIMEOUT
    interval: float = settings.POLL_INTERVAL
    grace: float = settings.NOT_FOUND_GRACE
    created: float | None = None
    seen: bool = False


@frozen
class _PollFailure:
    """A poll that brought no state, and why."""

    error: RunwayError
    missing: bool = False
    pause: float = field(default=0.0)


def retrieve(poll: PreparedRequest, known: Task, *, timeout: float) -> Flow[Task]:
    """Ask once how a task stands.

    Raises:
        TaskNotFoundError: The gateway does not know it, or not yet.
        APIError: The question was not answered.
        ResponseDecodeError: The answer is of no known shape.
    """
    send = Send(poll, timeout)
    yield send
    try:
        seen = _state(send, known)
    except NotFoundError as error:
        raise TaskNotFoundError(
            known.id,
            None,
            f"task {known.id} is not known to the gateway ({error}). A new task can stay unknown "
            f"for a while; `wait` allows for that{_elsewhere(known)}",
        ) from error
    except RunwayError as error:
        error.task_id = known.id
        raise
    if seen.is_terminal:
        yield from _note_end(seen)
    return seen


def wait(watch: WaitRequest, *, started: float, rng: Random) -> Flow[Task]:
    """Poll until the task has ended, and return it with its output.

    Raises:
        TaskFailedError: It failed.
        TaskCancelledError: It was cancelled.
        TaskTimeoutError: The time is over; the task goes on.
        TaskNotFoundError: It was never seen, and its grace is over.
        APIStatusError: The gateway refuses to tell.
    """
    try:
        final = yield from until_terminal(watch, started=started, rng=rng)
    except RunwayError as error:
        error.task_id = watch.task.id
        raise
    except BaseException as error:
        error.add_note(
            f"cometapi-runway: interrupted while waiting; task {watch.task.id} goes on and can "
            f"be waited for again: {_again(watch.task)}"
        )
        raise
    return succeed(final)


def until_terminal(watch: WaitRequest, *, started: float, rng: Random) -> Flow[Task]:
    """Poll until the task has ended, well or badly."""
    if watch.task.is_terminal:
        return watch.task
    clock = FlowClock(started)
    deadline = started + watch.timeout
    patience = (started if watch.created is None else watch.created) + watch.grace
    known, seen, last, polls = watch.task, watch.seen, None, 0
    trouble: _PollFailure | None = None
    if watch.created is not None and not seen:
        yield from _rest(clock, min(watch.created + watch.interval, deadline))
    while True:
        began = clock.now
        allowed = _allowance(watch, deadline - began)
        send = Send(watch.poll, allowed, task=watch.task.id, max_age=watch.interval)
        yield send
        clock.advance_to(send.at)
        polls += 1
        outcome = _look(send, known)
        if isinstance(outcome, Task):
            trouble, seen = None, True
            if outcome != last:
                last = known = outcome
                yield Notify(outcome)
            if outcome.is_terminal:
                yield from _note_end(outcome)
                return outcome
        else:
            trouble = outcome
            if outcome.missing and not seen and clock.now >= patience:
                raise TaskNotFoundError(
                    known.id, None, _not_found(known, clock.now - started, polls)
                ) from outcome.error
        if clock.now >= deadline:
            raise _timed_out(watch, last, trouble, clock.now - started, polls)
        yield from _rest(clock, min(_due(watch, began, clock.now, trouble, rng), deadline))


def succeed(final: Task) -> Task:
    """The task itself if it succeeded.

    Raises:
        TaskFailedError: It failed.
        TaskCancelledError: It was cancelled.
    """
    if final.status == task.CANCELLED:
        raise TaskCancelledError(final.id, final, f"task {final.id} was cancelled")
    if final.status == task.FAILED:
        raise TaskFailedError(final.id, final)
    return final


def _rest(clock: FlowClock, until: float) -> Flow[None]:
    pause = until - clock.now
    if pause > 0:
        nap = Sleep(pause)
        yield nap
        clock.add_sleep(pause, nap.at)


def _allowance(watch: WaitRequest, remaining: float) -> float:
    """Seconds that a poll may take: what remains, but enough for a last look."""
    return min(watch.request_timeout, max(remaining, FINAL_POLL_TIMEOUT))


def _due(
    watch: WaitRequest, began: float, now: float, trouble: _PollFailure | None, rng: Random
) -> float:
    """When to ask again: after the interval, or when the gateway said."""
    interval = watch.interval * (1 + rng.uniform(0, settings.POLL_JITTER))
    return max(began + interval, now + (trouble.pause if trouble else 0.0))


def _look(send: Send, known: Task) -> Task | _PollFailure:
    """What a poll brought.

    Raises:
        APIStatusError: A refusal that cannot heal.
    """
    try:
        return _state(send, known)
    except NotFoundError as error:
        return _PollFailure(error, missing=True)
    except APIStatusError as error:
        if not _can_pass(error):
            raise
        return _PollFailure(error, pause=error.retry_after or 0.0)
    except RunwayError as error:
        return _PollFailure(error)


def _can_pass(error: APIStatusError) -> bool:
    """Whether a later poll can fare better.

    A failure inside HTTP 200, a redirect, or trouble between gateway and provider says nothing
    about the task.
    """
    status = error.status_code
    if error.code == read_response.FETCH_FAILED:
        return True
    return status < 400 or status >= 500 or status in TRANSIENT_STATUSES


def _state(send: Send, known: Task) -> Task:
    if send.error is not None:
        raise send.error
    if send.response is None:
        raise RunwayError("the poll was not carried out")
    payload = parse_response(send.response)
    return parse_task(payload, known)


def _note_end(final: Task) -> Flow[None]:
    record = Record(TaskEnded(final))
    yield record
    if record.error is not None:
        yield Warn(f"task {final.id} ended, but the journal cannot be written ({record.error})")


def _not_found(known: Task, elapsed: float, polls: int) -> str:
    return (
        f"task {known.id} is not known to the gateway: asked {polls} times in {elapsed:.0f} s, "
        "longer than a new task stays invisible. Check the id, and that the key is of the "
        f"account that made it{_elsewhere(known)}"
    )


def _again(known: Task) -> str:
    holder = "client.compat.tasks" if known.route == "feed" else "client.tasks"
    return f"{holder}.wait({known.id!r})"


def _elsewhere(known: Task) -> str:
    """Where else an id may be known: each of the two families has a route of its own."""
    if known.route == "feed" or known.operation is not None:
        return ""
    return ". A task of a compat operation is found through client.compat.tasks"


def _timed_out(
    watch: WaitRequest, last: Task | None, trouble: _PollFailure | None, elapsed: float, polls: int
) -> TaskTimeoutError:
    state = last.status if last else "never seen"
    limit = f" of {watch.timeout:g} s" if math.isfinite(watch.timeout) else ""
    error = TaskTimeoutError(
        watch.task.id,
        last,
        f"task {watch.task.id} had not ended after {elapsed:.1f} s{limit} ({polls} polls, last "
        f"state {state}). It goes on: {_again(watch.task)} takes up the wait",
    )
    if trouble is not None:
        error.add_note(f"The last poll brought no state: {trouble.error}")
        error.__cause__ = trouble.error
    return error
