"""A task with what this process knows about it: when it was accepted, and whether it is visible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from operator import attrgetter
from typing import Any, Self

from attrs import define, evolve, field, fields, frozen

from cometapi_runway._core.task import Task
from cometapi_runway.errors import RunwayError

_TASK_FIELDS = tuple(attribute.name for attribute in fields(Task))
_get_task_fields = attrgetter(*_TASK_FIELDS)


@define(eq=False)
class Visibility:
    """Whether the gateway has shown a task; shared by all waits, because it stays visible."""

    seen: bool = False


@frozen(kw_only=True, repr=False)
class TrackedTask(Task):
    """A task with what this process knows about it.

    Attributes:
        accepted_at: When it was accepted, on its client's clock; None if that was elsewhere.
        is_reused: Whether an earlier use of its idempotency key created it, so that its ``create``
            sent nothing.
        error: Why a wait among many ended without its output, or None.
        visibility: Whether the gateway has shown it in any wait.
    """

    accepted_at: float | None = field(default=None, repr=False, eq=False)
    is_reused: bool = field(default=False, repr=False, eq=False)
    error: RunwayError | None = field(default=None, eq=False)
    visibility: Visibility = field(factory=Visibility, repr=False, eq=False)

    def result(self) -> Self:
        """The task itself, after a wait among many, if it succeeded.

        Raises:
            RunwayError: Its `error`, if it has one.
        """
        if self.error is not None:
            raise self.error
        return self

    def unbound(self) -> Task:
        """The task without its client, so that an error that holds it can be pickled."""
        return Task(**task_fields(self))

    def __copy__(self) -> Self:
        return evolve(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # A client cannot be copied: its connections and its key belong to this process.
        return evolve(self, raw=deepcopy(self.raw, memo))

    def __reduce__(self) -> tuple[Callable[[Mapping[str, Any]], TrackedTask], tuple[object, ...]]:
        """Supports pickling, without the client, whose key must stay in this process."""
        return _restore, ({**task_fields(self), **get_history(self)},)


def _restore(values: Mapping[str, Any]) -> TrackedTask:
    return TrackedTask(**values)


def get_history(task: Task) -> dict[str, Any]:
    """What is known of a task's create and of its wait, in every process."""
    if not isinstance(task, TrackedTask):
        return {}
    return {"is_reused": task.is_reused, "error": task.error}


def task_fields(task: Task) -> dict[str, Any]:
    """The fields of the plain `Task` in a task of any class."""
    return dict(zip(_TASK_FIELDS, _get_task_fields(task), strict=True))
