"""The life of a task as a function of time.

Nothing runs in the background: a task is a plan drawn at its creation, and what it looks like is
computed from the plan when somebody asks. That is why a hundred thousand tasks cost nothing while
they wait, and why a clock moved by hand shows every state exactly when it is due.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs
from attrs import frozen

Status: TypeAlias = Literal["PENDING", "THROTTLED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
EndStatus: TypeAlias = Literal["SUCCEEDED", "FAILED", "CANCELLED"]

TERMINAL: Final[frozenset[Status]] = frozenset(("SUCCEEDED", "FAILED", "CANCELLED"))

FAILURES: Final[dict[str, str]] = {
    "SAFETY.INPUT.TEXT": "The prompt did not pass moderation.",
    "SAFETY.INPUT.IMAGE": "An input image did not pass moderation.",
    "SAFETY.INPUT.VIDEO": "An input video did not pass moderation.",
    "SAFETY.OUTPUT.VIDEO": "The generated video did not pass moderation.",
    "INPUT_PREPROCESSING.SAFETY.TEXT": "The prompt did not pass moderation.",
    "INPUT_PREPROCESSING.INTERNAL": "The input could not be examined.",
    "ASSET.INVALID": "An input file is damaged or of an unsupported kind.",
    "INTERNAL.BAD_OUTPUT.CODE01": "The generated output did not pass the quality check.",
    "THIRD_PARTY.UNAVAILABLE": "A provider needed for this task is unavailable.",
    "INTERNAL": "An internal error occurred.",
}
"""Runway's documented failure codes (general to specific), with words of our own for each."""

_NOT_REFUNDED: Final = "SAFETY.INPUT."


@frozen
class Ending:
    """How a task ends.

    Attributes:
        status: The last status.
        failure: Why it failed, for people.
        failure_code: Why it failed, as Runway codes it; None where Runway gives none.
    """

    status: EndStatus = "SUCCEEDED"
    failure: str | None = None
    failure_code: str | None = None

    @property
    def is_refunded(self) -> bool:
        """Whether the charge is given back: Runway keeps it for unsafe inputs only."""
        code = self.failure_code or ""
        return self.status != "SUCCEEDED" and not code.startswith(_NOT_REFUNDED)


SUCCESS: Final = Ending()
CANCELLED: Final = Ending("CANCELLED")


def failed(code: str | None = "INTERNAL") -> Ending:
    """An ending in failure with one of Runway's codes, or any other; None is a bare failure."""
    return Ending("FAILED", FAILURES.get(code or "INTERNAL", f"The task failed: {code}."), code)


@frozen
class Plan:
    """What will happen to a task, in seconds after its creation.

    Attributes:
        appears: When reads begin to know the task.
        queued: When it leaves the queue (PENDING).
        starts: When it starts (RUNNING); between `queued` and this it is THROTTLED.
        ends: When it ends.
        ending: How it ends.
    """

    appears: float
    queued: float
    starts: float
    ends: float
    ending: Ending = SUCCESS

    def cancelled(self, age: float) -> Plan:
        """The plan as it becomes when the task is cancelled at that age.

        A task that has ended by then is left as it is.
        """
        if age >= self.ends:
            return self
        return attrs.evolve(
            self,
            queued=min(self.queued, age),
            starts=min(self.starts, age),
            ends=age,
            ending=CANCELLED,
        )


@frozen
class View:
    """A task as it looks at one moment.

    Attributes:
        is_visible: Whether reads know it already.
        status: Its status.
        progress: 0.0 to 1.0: the part of the running time that is over.
        started: Seconds after creation when it started, or None while it has not.
        ended: Seconds after creation when it ended, or None while it has not.
        ending: How it ended, or None while it has not.
    """

    is_visible: bool
    status: Status
    progress: float
    started: float | None
    ended: float | None
    ending: Ending | None

    @property
    def is_terminal(self) -> bool:
        """Whether nothing will change any more."""
        return self.ending is not None


def observe(plan: Plan, age: float) -> View:
    """Looks at a task.

    Args:
        plan: The task's plan.
        age: Seconds since its creation; below zero is taken as zero.

    Returns:
        What can be seen. For growing ages the status only ever moves on, and progress only up.
    """
    visible = age >= plan.appears
    if age >= plan.ends:
        started = plan.starts if plan.starts < plan.ends else None
        progress = 1.0 if plan.ending.status == "SUCCEEDED" else _progress(plan, plan.ends)
        return View(visible, plan.ending.status, progress, started, plan.ends, plan.ending)
    if age >= plan.starts:
        return View(visible, "RUNNING", _progress(plan, age), plan.starts, None, None)
    waiting: Status = "THROTTLED" if age >= plan.queued else "PENDING"
    return View(visible, waiting, 0.0, None, None, None)


def _progress(plan: Plan, age: float) -> float:
    """The part done, in hundredths; never quite all of it, since only success is."""
    whole = plan.ends - plan.starts
    part = (age - plan.starts) / whole if whole > 0 else 0.0
    return min(int(max(part, 0.0) * 100), 99) / 100
