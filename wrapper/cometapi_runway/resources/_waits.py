"""From the arguments of a ``wait`` to the flow's request for it."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias, get_args

from attrs import frozen

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.task import Task
from cometapi_runway._flows.polling import Polling, plan_polls
from cometapi_runway._flows.wait import WaitRequest
from cometapi_runway._io.drivers import OnUpdate
from cometapi_runway._io.session import AsyncSession, Session
from cometapi_runway._settings import MAX_SECONDS, Settings
from cometapi_runway.resources._call_options import invalid_option
from cometapi_runway.resources._prepare_request import prepare_poll
from cometapi_runway.resources._tracked_task import TrackedTask

# A zero interval would busy-poll the gateway.
_MIN_INTERVAL = 0.001

# Rows of a batch begin one by one. A plan needs no duration that is newer than this, in seconds.
_PLAN_LIFETIME = 10.0

Kind: TypeAlias = tuple[str, str | None]
"""An operation's id and a model."""


@frozen
class WaitOptions:
    """How long to wait and how often to poll.

    Attributes:
        timeout: Seconds.
        interval: Seconds between two polls, at least.
        polling: Whether past durations say when to poll.
    """

    timeout: float
    interval: float
    polling: Polling = "learned"


def check_wait_options(
    timeout: float | None, interval: float, polling: Polling = "learned"
) -> WaitOptions:
    """Validate the options of a wait; a timeout of None is no limit.

    Raises:
        InvalidRequestError: One of the times is not a number of seconds, or `polling` is neither
            ``learned`` nor ``fixed``.
    """
    if polling not in get_args(Polling):
        problem = f"must be 'learned' or 'fixed'; got {safe_repr(polling)}"
        raise invalid_option("polling", "enum", problem, polling)
    return WaitOptions(
        math.inf if timeout is None else _check_seconds("timeout", timeout),
        min(max(_check_seconds("interval", interval), _MIN_INTERVAL), MAX_SECONDS),
        polling,
    )


def make_plans(
    tasks: Iterable[Task], options: WaitOptions, session: Session | AsyncSession
) -> dict[Kind, tuple[float, ...]]:
    """The plan of polls for each kind of task, from what the journal records of such tasks.

    Waits that begin within `_PLAN_LIFETIME` share a plan. A new one reads the journal and computes
    for some milliseconds.
    """
    journal = session.journal
    if journal is None or options.polling == "fixed":
        return {}
    plans: dict[Kind, tuple[float, ...]] = {}
    for kind in _list_kinds(tasks):
        plan = _find_plan(kind, options, session)
        if plan is None:
            plan = plan_polls(journal.recall_durations(*kind), options.interval)
            session.plans[*kind, options.interval] = (session.driver.clock.now(), plan)
        plans[kind] = plan
    return plans


async def make_plans_async(
    tasks: Iterable[Task], options: WaitOptions, session: AsyncSession
) -> dict[Kind, tuple[float, ...]]:
    """See `make_plans`; a thread makes new plans, so that the event loop goes on."""
    if session.journal is None or options.polling == "fixed":
        return {}
    items = list(tasks)
    found = {kind: _find_plan(kind, options, session) for kind in _list_kinds(items)}
    plans = {kind: plan for kind, plan in found.items() if plan is not None}
    if len(plans) == len(found):
        return plans
    # Late: a blocking client's waits do without asyncio.
    import asyncio  # noqa: PLC0415

    return await asyncio.to_thread(make_plans, items, options, session)


def _list_kinds(tasks: Iterable[Task]) -> set[Kind]:
    return {kind_of(task) for task in tasks if not task.is_terminal and task.operation}


def _find_plan(
    kind: Kind, options: WaitOptions, session: Session | AsyncSession
) -> tuple[float, ...] | None:
    """The plan that another wait has made lately, or None."""
    made = session.plans.get((*kind, options.interval))
    if made is None or session.driver.clock.now() - made[0] > _PLAN_LIFETIME:
        return None
    return made[1]


def kind_of(task: Task) -> Kind:
    """The operation and the model: what durations are learned for."""
    return task.operation or "", task.model


def make_wait_request(
    task: Task,
    options: WaitOptions,
    settings: Settings,
    *,
    now: float,
    plans: Mapping[Kind, tuple[float, ...]],
) -> WaitRequest:
    """The flow's request to wait for one task, with all that is known about it.

    Args:
        task: The task.
        options: How to wait.
        settings: The client's settings.
        now: The client's clock.
        plans: The plans of polls; see `make_plans`.

    Raises:
        InvalidRequestError: Its id is malformed.
    """
    tracked = task if isinstance(task, TrackedTask) else None
    created = None if tracked is None else tracked.accepted_at
    was_shown = tracked is not None and tracked.visibility.seen
    return WaitRequest(
        task=task if tracked is None else tracked.unbound(),
        poll=prepare_poll(task, settings),
        request_timeout=settings.timeout,
        timeout=options.timeout,
        interval=options.interval,
        created=created,
        seen=was_shown or (task.raw != {} and created is None),
        submitted=_find_submitted(task, created, now),
        plan=plans.get(kind_of(task), ()),
    )


def _find_submitted(task: Task, accepted_at: float | None, now: float) -> float | None:
    """When a task was submitted, on the client's clock; None if that is not known."""
    if accepted_at is not None:
        return accepted_at
    if task.created_at is None or task.raw != {}:
        # A gateway's time is that of another clock.
        return None
    return now - max(time.time() - task.created_at.timestamp(), 0.0)


def make_on_update(
    on_update: OnUpdate | None, bind: Callable[[Task], Task], known: Mapping[str, Task]
) -> OnUpdate | None:
    """A callback that marks a task as seen and passes it on, bound, to the caller's callback.

    None if it would do neither.
    """
    if on_update is None and not any(isinstance(task, TrackedTask) for task in known.values()):
        return None

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
