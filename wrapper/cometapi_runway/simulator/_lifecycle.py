"""The states of a task as a function of time.

No background job runs. A task is a plan drawn at its creation, and its state is computed from the
plan on each read. So 100,000 waiting tasks cost no time, and a manual clock shows every state at
exactly the second it is due.
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
"""Runway's documented failure codes (general to specific), each with a message of our own."""

_NOT_REFUNDED: Final = "SAFETY.INPUT."


@frozen
class Ending:
    """How a task ends.

    Attributes:
        status: The final status.
        failure: Why it failed, as a message for people.
        failure_code: Runway's code for the failure; None for a failure without a code.
    """

    status: EndStatus = "SUCCEEDED"
    failure: str | None = None
    failure_code: str | None = None

    @property
    def is_refunded(self) -> bool:
        """Whether the charge is refunded: Runway keeps it only for unsafe inputs."""
        code = self.failure_code or ""
        return self.status != "SUCCEEDED" and not code.startswith(_NOT_REFUNDED)


SUCCESS: Final = Ending()
CANCELLED: Final = Ending("CANCELLED")


def failed(code: str | None = "INTERNAL") -> Ending:
    """Returns an ending in failure with a code, one of `FAILURES` or any other; or without one."""
    return Ending("FAILED", FAILURES.get(code or "INTERNAL", f"The task failed: {code}."), code)


@frozen
class Plan:
    """What will happen to a task, in seconds after its creation.

    Attributes:
        appears: When reads begin to find it.
        queued: When it leaves the queue (PENDING).
        starts: When it starts (RUNNING); between `queued` and `starts` it is THROTTLED.
        ends: When it ends.
        ending: How it ends.
    """

    appears: float
    queued: float
    starts: float
    ends: float
    ending: Ending = SUCCESS

    def cancel(self, age: float) -> Plan:
        """Returns the plan of the task cancelled at an age; unchanged if it has ended by then."""
        if age >= self.ends:
            return self
        return attrs.evolve(self, ends=age, ending=CANCELLED)


@frozen
class View:
    """The state of a task at one moment.

    Attributes:
        is_visible: Whether reads find it.
        status: Its status.
        progress: 0.0 to 1.0: the share of the running time that has passed.
        started: Seconds after creation when it started; None before that.
        ended: Seconds after creation when it ended; None before that.
        ending: How it ended; None before that.
    """

    is_visible: bool
    status: Status
    progress: float
    started: float | None
    ended: float | None
    ending: Ending | None

    @property
    def is_terminal(self) -> bool:
        """Whether the state is final."""
        return self.ending is not None


def observe(plan: Plan, age: float) -> View:
    """Computes the state of a task.

    Args:
        plan: The task's plan.
        age: Seconds since its creation; a negative age counts as zero.

    Returns:
        The state. As the age grows, the status only moves forward and progress never decreases.
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
    """The share done, in hundredths; at most 0.99, because only a success reports 1.0."""
    whole = plan.ends - plan.starts
    part = (age - plan.starts) / whole if whole > 0 else 0.0
    return min(int(max(part, 0.0) * 100), 99) / 100
