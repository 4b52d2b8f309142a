"""Many waits at once: what each does next, and when it is due. Does no I/O.

A waiting task is one generator and one entry of a heap. The schedulers of both clients carry out
the steps.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import TypeAlias

from attrs import define, field

from cometapi_runway._core.task import Task
from cometapi_runway._flows.backoff import FlowClock
from cometapi_runway._flows.steps import Flow, Send, Sleep, Step
from cometapi_runway.errors import RunwayError

_MAX_LISTED_IDS = 20

WaitOutcome: TypeAlias = Task | RunwayError
"""How a wait ended: with the task in its terminal state, or with an error."""


@define(eq=False, weakref_slot=False)
class Wait:
    """One of many waits.

    Attributes:
        id: The task's id.
        flow: The wait.
        step: The step in progress.
        due: When a sleep ends, or the timeout of a request.
    """

    id: str
    flow: Flow[Task]
    step: Step | None = None
    due: float = 0.0

    def __lt__(self, other: Wait) -> bool:
        return self.due < other.due


@define(eq=False)
class WaitQueue:
    """The waits that have not ended, and which of them sleep.

    An argument `at` is what the driver's clock shows.

    Attributes:
        flows: The waits that have not ended, by the task's id.
    """

    flows: dict[str, Flow[Task]]
    _clock: FlowClock = field(converter=FlowClock)
    _sleeping: list[Wait] = field(init=False, factory=list[Wait])

    @property
    def earliest(self) -> Wait | None:
        """The sleeping wait that is due next, or None."""
        return self._sleeping[0] if self._sleeping else None

    def begin(self) -> list[Wait]:
        """Every wait, before its first step."""
        return list(itertools.starmap(Wait, self.flows.items()))

    def advance(
        self, wait: Wait, at: float, error: BaseException | None = None
    ) -> WaitOutcome | None:
        """Get a wait's next step; if that is to sleep, put the wait to sleep.

        Args:
            wait: The wait, whose last step was carried out.
            at: The time.
            error: What interrupted the step, or None.

        Returns:
            The outcome if the wait has ended, else None.
        """
        outcome: WaitOutcome
        try:
            step = next(wait.flow) if error is None else wait.flow.throw(error)
        except StopIteration as end:
            outcome = end.value
        except Exception as failure:
            outcome = _to_outcome(wait.id, failure)
        else:
            wait.step = step
            if isinstance(step, Sleep):
                self._clock.advance_to(at)
                wait.due = self._clock.now + step.seconds
                heapq.heappush(self._sleeping, wait)
            elif isinstance(step, Send):
                wait.due = at + step.timeout
            return None
        del self.flows[wait.id]
        return outcome

    def pop_due(self, at: float) -> Wait | None:
        """Remove a wait whose sleep has ended, if there is one."""
        earliest = self.earliest
        if earliest is None or self.seconds_until(earliest.due, at) > 0:
            return None
        if isinstance(earliest.step, Sleep):
            earliest.step.at = self._clock.now
        return heapq.heappop(self._sleeping)

    def seconds_until(self, due: float, at: float) -> float:
        """Seconds until a time; 0 or less if it has passed."""
        self._clock.advance_to(at)
        return due - self._clock.now

    def advance_to(self, due: float) -> None:
        """Count a sleep until a time, even if the clock did not advance."""
        self._clock.advance_to(due)

    def close(self) -> None:
        """Close the waits that have not ended; their tasks continue."""
        for flow in self.flows.values():
            flow.close()


def _to_outcome(task_id: str, error: Exception) -> WaitOutcome:
    """Convert an exception to a `RunwayError`: a bug in one wait must not end the others."""
    if isinstance(error, RunwayError):
        return error
    outcome = RunwayError(f"the wait for task {task_id} failed: {type(error).__name__}: {error}")
    outcome.task_id, outcome.__cause__ = task_id, error
    return outcome


@contextmanager
def list_tasks_on_interrupt(task_ids: Collection[str]) -> Generator[None]:
    """Add a note with the unfinished tasks to an exception that interrupts all waits."""
    try:
        yield
    except BaseException as error:
        listed = ", ".join(itertools.islice(sorted(task_ids), _MAX_LISTED_IDS))
        unlisted = len(task_ids) - _MAX_LISTED_IDS
        more = f" and {unlisted} more" if unlisted > 0 else ""
        tasks = "1 task goes on" if len(task_ids) == 1 else f"{len(task_ids)} tasks go on"
        error.add_note(
            f"cometapi-runway: interrupted while waiting; {tasks} and can be "
            f"waited for again: {listed}{more}"
        )
        raise
