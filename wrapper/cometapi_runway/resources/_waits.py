"""From the arguments of a ``wait`` to the flow's request for it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping

from attrs import frozen

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.task import Task
from cometapi_runway._flows.wait import WaitRequest
from cometapi_runway._io.drivers import OnUpdate
from cometapi_runway._settings import MAX_SECONDS, Settings
from cometapi_runway.resources._call_options import invalid_option
from cometapi_runway.resources._prepare_request import prepare_poll
from cometapi_runway.resources._tracked_task import TrackedTask

# A zero interval would busy-poll the gateway.
_MIN_INTERVAL = 0.001


@frozen
class WaitOptions:
    """How long to wait and how often to poll, in seconds."""

    timeout: float
    interval: float


def check_wait_options(timeout: float | None, interval: float) -> WaitOptions:
    """Validate the options of a wait; a timeout of None is no limit.

    Raises:
        InvalidRequestError: One of them is not a number of seconds.
    """
    return WaitOptions(
        math.inf if timeout is None else _check_seconds("timeout", timeout),
        min(max(_check_seconds("interval", interval), _MIN_INTERVAL), MAX_SECONDS),
    )


def make_wait_request(task: Task, options: WaitOptions, settings: Settings) -> WaitRequest:
    """The flow's request to wait for one task, with all that is known about it.

    Raises:
        InvalidRequestError: Its id is malformed.
    """
    created, was_shown, plain = None, False, task
    if isinstance(task, TrackedTask):
        created, was_shown, plain = task.accepted_at, task.visibility.seen, task.unbound()
    return WaitRequest(
        task=plain,
        poll=prepare_poll(task, settings),
        request_timeout=settings.timeout,
        timeout=options.timeout,
        interval=options.interval,
        created=created,
        seen=was_shown or (task.raw != {} and created is None),
    )


def make_on_update(
    on_update: OnUpdate | None, bind: Callable[[Task], Task], known: Mapping[str, Task]
) -> OnUpdate:
    """A callback that marks a task as seen and passes it on, bound, to the caller's callback."""

    def notify(task: Task) -> object:
        waited_for = known[task.id]
        if isinstance(waited_for, TrackedTask):
            waited_for.visibility.seen = True
        return None if on_update is None else on_update(bind(task))

    return notify


def _check_seconds(name: str, value: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= math.inf:
        problem = f"must be a number of seconds, at least 0; got {safe_repr(value)}"
        raise invalid_option(name, "minimum", problem, value)
    # An integer may be too large for a float.
    return float(min(value, sys.float_info.max)) if value < math.inf else math.inf
