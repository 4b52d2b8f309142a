"""What a resource needs of its client: settings, a driver, randomness, and what is on record.

Resources type against this and not against the client, which stands above them.
"""

from __future__ import annotations

from random import Random
from typing import Protocol

from attrs import define

from cometapi_runway._core.task import Task
from cometapi_runway._io.drivers import AsyncDriver, Driver
from cometapi_runway._settings import Settings


class TaskLookup(Protocol):
    """Finds tasks on record."""

    def recall(self, task_id: str) -> Task | None:
        """The task as far as it is on record, or None. Never raises for an unreadable record."""
        ...


@define(eq=False, repr=False)
class Session:
    """What the resources of one blocking client share.

    Attributes:
        settings: The client's settings.
        driver: Runs flows.
        journal: Looks up tasks by id.
        rng: Source of the jitter in retries and polls.
    """

    settings: Settings
    driver: Driver
    journal: TaskLookup
    rng: Random


@define(eq=False, repr=False)
class AsyncSession:
    """What the resources of one asynchronous client share; see `Session`."""

    settings: Settings
    driver: AsyncDriver
    journal: TaskLookup
    rng: Random
