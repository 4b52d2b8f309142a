"""The tasks of a simulated gateway: made, looked at, settled when they end."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from cometapi_runway._core.json_values import as_object, as_text, parse_json
from cometapi_runway.simulator import media
from cometapi_runway.simulator.lifecycle import Plan, View, observe
from cometapi_runway.simulator.requests import shortened

if TYPE_CHECKING:
    from decimal import Decimal

    from cometapi_runway._core.json_values import Object
    from cometapi_runway.simulator.ledger import Ledger
    from cometapi_runway.simulator.planning import Planner
    from cometapi_runway.validation import Operation

_PROMPTS = ("promptText", "prompt")


def names_of(operation: Operation, resource: str) -> frozenset[str]:
    """What rules may call a request."""
    return frozenset((operation.id, resource, operation.tag))


@define
class SimulatedTask:
    """A task as the gateway keeps it.

    Attributes:
        id: Its id.
        number: Which creation it was, counted from 1.
        operation: What was asked for.
        resource: What the wrapper calls it; one operation may serve several resources.
        created: When, in Unix seconds.
        content: The request's body, data URIs shortened.
        plan: What will become of it.
        price: What was charged for it, in US dollars.
        polls: How often it was read.
        last_read: When it was last read, in Unix seconds.
    """

    id: str
    number: int
    operation: Operation = field(repr=False)
    resource: str
    created: float
    content: bytes = field(repr=False)
    plan: Plan = field(repr=False)
    price: Decimal
    polls: int = 0
    last_read: float | None = None

    @property
    def body(self) -> Object:
        """The request's body."""
        return as_object(parse_json(self.content)) or {}

    @property
    def prompt(self) -> str:
        """The request's prompt; empty where the operation has none."""
        body = self.body
        return next((found for key in _PROMPTS if (found := as_text(body.get(key)))), "")

    @property
    def kind(self) -> media.Kind:
        """Whether its output is an image or a video."""
        return "image" if self.resource.endswith("_to_image") else "video"

    @property
    def action(self) -> str:
        """What the gateway's envelope calls the operation."""
        return self.resource.upper()

    def view(self, now: float) -> View:
        """What it looks like at a moment, in Unix seconds."""
        return observe(self.plan, now - self.created)


@frozen
class Callback:
    """A callback that a finished task of a compatibility route asks for.

    Attributes:
        task_id: The task.
        url: Where it goes.
        at: When it is due, in Unix seconds: the end of the task.
    """

    task_id: str
    url: str
    at: float


@define
class TaskStore:
    """All tasks, and an agenda of their ends.

    A task needs attention twice: when it is made, and when its end is due, for the refund and
    the callback. The agenda is worked off whenever somebody looks, not by a process.

    Attributes:
        planner: Draws new tasks.
        ledger: Where charges go.
    """

    planner: Planner
    ledger: Ledger
    _tasks: dict[str, SimulatedTask] = field(factory=dict[str, SimulatedTask])
    _agenda: list[tuple[float, str, float]] = field(factory=list[tuple[float, str, float]])
    _callbacks: list[Callback] = field(factory=list[Callback])
    _ended: int = 0

    @property
    def tasks(self) -> Mapping[str, SimulatedTask]:
        """The tasks by id, oldest first."""
        return MappingProxyType(self._tasks)

    @property
    def callbacks(self) -> tuple[Callback, ...]:
        """The callbacks that have come due, oldest first."""
        return tuple(self._callbacks)

    def latest(self, limit: int) -> tuple[SimulatedTask, ...]:
        """The newest tasks, newest first."""
        return tuple(islice(reversed(self._tasks.values()), limit))

    @property
    def open(self) -> int:
        """How many tasks have not ended, as of the last time the agenda was worked off."""
        return len(self._tasks) - self._ended

    def create(
        self, operation: Operation, resource: str, body: bytes, now: float
    ) -> SimulatedTask | None:
        """Makes a task and charges for it; None if the balance does not cover it."""
        price = self.ledger.price(resource)
        if not self.ledger.covers(price):
            return None
        number = len(self._tasks) + 1
        task_id, plan = self.planner.plan(number, now, names_of(operation, resource))
        content = shortened(body)
        task = SimulatedTask(task_id, number, operation, resource, now, content, plan, price)
        self._tasks[task_id] = task
        self.ledger.charge(task_id, operation.id, price, now)
        self._await_end(task)
        return task

    def cancel(self, task_id: str, now: float) -> SimulatedTask:
        """Cancels a task, unless it has ended.

        Raises:
            KeyError: There is no such task.
        """
        task = self._tasks[task_id]
        plan = task.plan.cancelled(max(now - task.created, 0.0))
        if plan != task.plan:
            task.plan = plan
            self._await_end(task)
            self.settle(now)
        return task

    def settle(self, now: float) -> None:
        """Works off the agenda up to a moment."""
        while self._agenda and self._agenda[0][0] <= now:
            due, task_id, age = heapq.heappop(self._agenda)
            task = self._tasks[task_id]
            # A task that was cancelled stands on the agenda twice; its first end is void.
            if age == task.plan.ends:
                self._finish(task, due)

    def _await_end(self, task: SimulatedTask) -> None:
        age = task.plan.ends
        heapq.heappush(self._agenda, (task.created + age, task.id, age))

    def _finish(self, task: SimulatedTask, at: float) -> None:
        self._ended += 1
        if task.plan.ending.is_refunded:
            self.ledger.refund(task.id, task.operation.id, task.price, at)
        url = as_text(task.body.get("callback_url"))
        if url is not None:
            self._callbacks.append(Callback(task.id, url, at))
