"""What a wait is made of: which tasks, how long, and who is told."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import TYPE_CHECKING

from attrs import frozen

from cometapi_runway import operations, redaction, settings
from cometapi_runway.bound import AsyncBoundTask, Bound, BoundTask, facts
from cometapi_runway.drivers import OnUpdate
from cometapi_runway.errors import InvalidRequestError, RunwayError, TaskError
from cometapi_runway.flows import Flow, Watch, wait
from cometapi_runway.many import Ending
from cometapi_runway.settings import Settings
from cometapi_runway.task import PENDING, Route, Task
from cometapi_runway.told import refusal

if TYPE_CHECKING:
    from cometapi_runway.history import AsyncHistory, History

# Asked for at once, an answer would be asked for again before the gateway has drawn breath.
_SHORTEST_INTERVAL = 0.001


@frozen
class Pace:
    """How long to wait, and how often to ask, in seconds."""

    timeout: float
    interval: float


def id_of(item: str | Task) -> str:
    """The id of a task given either way."""
    return item.id if isinstance(item, Task) else item


def listed(ids: Iterable[str | Task]) -> list[str | Task]:
    """What was given, several times iterable.

    Raises:
        InvalidRequestError: It is no list, or one task; a text would be taken letter by letter.
    """
    if isinstance(ids, str | Task):
        raise refusal("ids", "type", "is one task; give a list of them")
    if not isinstance(ids, Iterable):
        raise refusal("ids", "type", f"is {redaction.shown(ids)}; give a list of tasks or ids")
    return list(ids)


def by_id(ids: Iterable[str | Task], take: Callable[[str | Task], Bound]) -> dict[str, Bound]:
    """Each task once, under its id."""
    return {task.id: task for task in map(take, listed(ids))}


def recalled(given: str | Task, route: Route, journal: History | AsyncHistory) -> Task:
    """A task with all that is known of it here: on record, or nothing but its id.

    Raises:
        InvalidRequestError: It is neither a task nor text.
    """
    if isinstance(given, Task):
        return given
    if not isinstance(given, str):
        raise refusal("task_id", "type", f"is {redaction.shown(given)}; a task id is text")
    return journal.recall(given) or Task(given, PENDING, route=route)


def begun(
    known: Mapping[str, Bound], now: float, pace: Pace, chosen: Settings, rng: Random
) -> dict[str, Flow[Task]]:
    """A wait for each task, all with one deadline."""

    def start(task: Bound) -> Flow[Task]:
        try:
            return wait(watch_of(task, pace, chosen), started=now, rng=rng)
        except InvalidRequestError as error:
            return _refused(error)

    return {task_id: start(task) for task_id, task in known.items()}


def _refused(error: InvalidRequestError) -> Flow[Task]:
    """The wait for what is no id: it has ended, and disturbs no other."""
    yield from ()
    raise error


def ending_of(known: Task, ending: Ending) -> tuple[Task, RunwayError | None]:
    """A task's last state, and what kept its output away."""
    if isinstance(ending, Task):
        return ending, None
    seen = ending.task_details if isinstance(ending, TaskError) else None
    return seen or known, ending


def accepted_at(state: Task, known: Bound) -> float | None:
    """When a task was made, until the gateway has shown it; its grace is of no use after that."""
    return known.accepted if state is known else None


def telling(
    on_update: OnUpdate | None, bind: Callable[[Task], Task], known: Mapping[str, Bound]
) -> OnUpdate:
    """What a wait tells of: the caller's callback is told of bound tasks."""

    def tell(seen: Task) -> object:
        known[seen.id].sight.seen = True
        return None if on_update is None else on_update(bind(seen))

    return tell


def pace_of(timeout: float | None, interval: float) -> Pace:
    """What the caller asked for; None is no limit.

    Raises:
        InvalidRequestError: One of them is no number of seconds.
    """
    return Pace(
        math.inf if timeout is None else _number("timeout", timeout),
        min(max(_number("interval", interval), _SHORTEST_INTERVAL), settings.LONGEST),
    )


def watch_of(task: BoundTask | AsyncBoundTask, pace: Pace, chosen: Settings) -> Watch:
    """The wait for one task, with all that is known of it.

    Raises:
        InvalidRequestError: Its id is malformed.
    """
    return Watch(
        # Errors carry it, and travel further than a client can.
        task=Task(**facts(task)),
        poll=operations.poll(task, chosen),
        request_timeout=chosen.timeout,
        timeout=pace.timeout,
        interval=pace.interval,
        created=task.accepted,
        seen=task.sight.seen or (task.raw != {} and task.accepted is None),
    )


def _number(name: str, value: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= math.inf:
        words = f"must be a number of seconds, at least 0; got {redaction.shown(value)}"
        raise refusal(name, "minimum", words, value)
    # An integer may be too large for a float; nobody waits to see the difference.
    return float(min(value, sys.float_info.max)) if value < math.inf else math.inf
