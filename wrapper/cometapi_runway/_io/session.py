"""What the resources of one client share: settings, driver, randomness, recorded tasks.

Resources are typed against `Session`, not against the client, so that no import leads back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from attrs import define

from cometapi_runway._core.task import Task
from cometapi_runway._flows.steps import NO_RESERVATION, PastDuration, Reservation
from cometapi_runway._io.drivers import AsyncDriver, Driver
from cometapi_runway._settings import Settings


class TaskLookup(Protocol):
    """Finds recorded tasks."""

    @property
    def is_kept(self) -> bool:
        """Whether tasks are recorded at all."""
        ...

    def recall(self, task_id: str) -> Task | None:
        """The task as recorded, or None; an unreadable record counts as None."""
        ...

    def recall_durations(self, operation: str, model: str | None) -> Sequence[PastDuration]:
        """How long tasks of a kind took, the newest first; none if the record is unreadable."""
        ...


def _reserve_nothing(resource: str, operation: str) -> Reservation:
    """The reservation of a client without journal and budget."""
    return NO_RESERVATION


@define(eq=False, repr=False)
class Session:
    """What the resources of one blocking client share.

    Attributes:
        settings: The client's settings.
        driver: Runs flows.
        journal: Finds recorded tasks.
        rng: Source of the jitter in retries and polls.
        reserve: What a task of a resource costs and must stay within, from the resource's name and
            the operation's id.
    """

    settings: Settings
    driver: Driver
    journal: TaskLookup
    rng: Random
    reserve: Callable[[str, str], Reservation] = _reserve_nothing


@define(eq=False, repr=False)
class AsyncSession:
    """What the resources of one asynchronous client share; see `Session`."""

    settings: Settings
    driver: AsyncDriver
    journal: TaskLookup
    rng: Random
    reserve: Callable[[str, str], Reservation] = _reserve_nothing
