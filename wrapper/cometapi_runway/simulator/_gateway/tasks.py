"""The tasks of a gateway: created, read, cancelled, and settled when they end."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from cometapi_runway._core.json_values import as_object, as_text, parse_json
from cometapi_runway.simulator._gateway.request_log import shorten_data_uris
from cometapi_runway.simulator._lifecycle import Plan, View, observe
from cometapi_runway.simulator._rules.names import name_request

if TYPE_CHECKING:
    from decimal import Decimal

    from cometapi_runway._core.json_values import Object
    from cometapi_runway.simulator._gateway.ledger import Ledger
    from cometapi_runway.simulator._gateway.planner import Planner
    from cometapi_runway.simulator._media.media_file import Kind
    from cometapi_runway.validation import Operation

_PROMPTS = ("promptText", "prompt")


@define
class SimulatedTask:
    """A task as the gateway stores it.

    Attributes:
        id: Its id.
        number: The number of its creation, counted from 1.
        operation: The operation that created it.
        resource: The wrapper's name of it; one operation may serve several resources.
        created: When it was created, in Unix seconds.
        content: The request's body with data URIs shortened.
        plan: What will happen to it.
        price: The charge in US dollars.
        polls: How often it was read.
        last_read: When it was last read, in Unix seconds; None if never.
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
        """The request's body as a JSON object."""
        return as_object(parse_json(self.content)) or {}

    @property
    def prompt(self) -> str:
        """The request's prompt; empty if the operation has none."""
        body = self.body
        return next((found for key in _PROMPTS if (found := as_text(body.get(key)))), "")

    @property
    def kind(self) -> Kind:
        """Whether its output is an image or a video."""
        return "image" if self.resource.endswith("_to_image") else "video"

    @property
    def action(self) -> str:
        """The name of the operation in the gateway's envelope."""
        return self.resource.upper()

    def view(self, now: float) -> View:
        """Computes its state at a moment in Unix seconds."""
        return observe(self.plan, now - self.created)


@frozen
class Callback:
    """A callback that is due because a task with a ``callback_url`` has ended.

    Attributes:
        task_id: The task.
        url: The ``callback_url``.
        at: When the task ended, in Unix seconds.
    """

    task_id: str
    url: str
    at: float


@define
class TaskStore:
    """All tasks, and a heap of their ends.

    The end of a task causes a refund or a callback. Ends that are due are processed whenever the
    store is used (`settle`), not by a background job.

    Attributes:
        planner: Draws new tasks.
        ledger: Records charges.
    """

    planner: Planner
    ledger: Ledger
    _tasks: dict[str, SimulatedTask] = field(factory=dict[str, SimulatedTask])
    _ends: list[tuple[float, str, float]] = field(factory=list[tuple[float, str, float]])
    _callbacks: list[Callback] = field(factory=list[Callback])
    _ended: int = 0

    @property
    def tasks(self) -> Mapping[str, SimulatedTask]:
        """The tasks by id, oldest first."""
        return MappingProxyType(self._tasks)

    @property
    def callbacks(self) -> tuple[Callback, ...]:
        """The callbacks that are due, oldest first."""
        return tuple(self._callbacks)

    def latest(self, limit: int) -> tuple[SimulatedTask, ...]:
        """Returns the newest tasks, newest first."""
        return tuple(islice(reversed(self._tasks.values()), limit))

    @property
    def open(self) -> int:
        """How many tasks had not ended at the last `settle`."""
        return len(self._tasks) - self._ended

    def create(
        self, operation: Operation, resource: str, body: bytes, now: float
    ) -> SimulatedTask | None:
        """Creates and charges a task; returns None if the balance does not cover it."""
        price = self.ledger.price(resource)
        if not self.ledger.covers(price):
            return None
        number = len(self._tasks) + 1
        task_id, plan = self.planner.plan(number, now, name_request(operation, resource))
        content = shorten_data_uris(body)
        task = SimulatedTask(task_id, number, operation, resource, now, content, plan, price)
        self._tasks[task_id] = task
        self.ledger.charge(task_id, operation.id, price, now)
        self._schedule_end(task)
        return task

    def cancel(self, task_id: str, now: float) -> SimulatedTask:
        """Cancels a task unless it has ended.

        Raises:
            KeyError: There is no such task.
        """
        task = self._tasks[task_id]
        plan = task.plan.cancel(max(now - task.created, 0.0))
        if plan != task.plan:
            task.plan = plan
            self._schedule_end(task)
        return task

    def settle(self, now: float) -> None:
        """Processes all ends up to a moment in Unix seconds."""
        while self._ends and self._ends[0][0] <= now:
            due, task_id, age = heapq.heappop(self._ends)
            task = self._tasks[task_id]
            # A cancelled task is in the heap twice; its planned end no longer applies.
            if age == task.plan.ends:
                self._finish(task, due)

    def _schedule_end(self, task: SimulatedTask) -> None:
        age = task.plan.ends
        heapq.heappush(self._ends, (task.created + age, task.id, age))

    def _finish(self, task: SimulatedTask, at: float) -> None:
        self._ended += 1
        if task.plan.ending.is_refunded:
            self.ledger.refund(task.id, task.operation.id, task.price, at)
        url = as_text(task.body.get("callback_url"))
        if url is not None:
            self._callbacks.append(Callback(task.id, url, at))
