"""What the resources of one client share: settings, driver, randomness, recorded tasks.

Resources are typed against `Session`, not against the client, so that no import leads back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Protocol, TypeAlias

from attrs import define, field

from cometapi_runway._core.task import Task
from cometapi_runway._io.drivers import Driver
from cometapi_runway._settings import Settings

if TYPE_CHECKING:
    from cometapi_runway._flows.entries import PastDuration, Reservation
    from cometapi_runway._io.async_driver import AsyncDriver


Plans: TypeAlias = dict[tuple[str, str | None, float], tuple[float, tuple[float, ...]]]
"""When a plan of polls was made, on the client's clock, and the plan; for each operation, model and
interval."""


class TaskLookup(Protocol):
    """Finds recorded tasks."""

    def recall(self, task_id: str) -> Task | None:
        """The task as recorded, or None; an unreadable record counts as None."""
        ...

    def recall_durations(self, operation: str, model: str | None) -> Sequence[PastDuration]:
        """How long tasks of a kind took, the newest first; none if the record is unreadable."""
        ...


@define(eq=False, repr=False)
class Session:
    """What the resources of one blocking client share.

    Attributes:
        settings: The client's settings.
        driver: Runs flows.
        journal: Finds recorded tasks, or None.
        rng: Source of the jitter in retries and polls.
        reserve: What a task of a resource costs and must stay within, from the resource's name and
            the operation's id.
        plans: The plans of polls that waits have made lately.
    """

    settings: Settings
    driver: Driver
    journal: TaskLookup | None
    rng: Random
    reserve: Callable[[str, str], Reservation]
    plans: Plans = field(factory=dict)


@define(eq=False, repr=False)
class AsyncSession:
    """What the resources of one asynchronous client share; see `Session`."""

    settings: Settings
    driver: AsyncDriver
    journal: TaskLookup | None
    rng: Random
    reserve: Callable[[str, str], Reservation]
    plans: Plans = field(factory=dict)
