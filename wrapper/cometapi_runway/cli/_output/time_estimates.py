"""How much longer tasks take: by their own progress, or by how long others took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from cometapi_runway._core.task import PENDING, SUCCEEDED, THROTTLED
from cometapi_runway._flows.polling import MIN_PAST, estimate_duration

if TYPE_CHECKING:
    from cometapi_runway._core.task import Task
    from cometapi_runway._flows.entries import PastDuration

_MIN_SAMPLES: Final = 3
_MIN_PROGRESS: Final = 0.05
"""Progress in which a task's speed is measured, at least: the rounding of less distorts it."""


@frozen
class TrackedTask:
    """A task whose progress is shown.

    Attributes:
        id: The task.
        submitted_at: When it was submitted, on the report's clock; may lie before this process.
        past: How long earlier tasks of its kind took.
    """

    id: str
    submitted_at: float
    past: Sequence[PastDuration] = ()


@define
class _Course:
    """What was seen of one task; times are in seconds of one clock.

    Attributes:
        operation: The operation that created it, if known.
        is_waiting: Whether it was last seen before its start.
        seen_at: When its latest status was seen.
        started: When it was first seen running, if it had been seen before its start.
        first: When its progress was first seen, and the progress.
        latest: When its progress was last seen to grow, and the progress.
    """

    operation: str | None = None
    is_waiting: bool = False
    seen_at: float | None = None
    started: float | None = None
    first: tuple[float, float] | None = None
    latest: tuple[float, float] | None = None

    def add(self, status: str, progress: float | None, now: float) -> None:
        """Add a status of a task that has not ended."""
        self.seen_at = now
        if status in {PENDING, THROTTLED}:
            # A task that waits again begins again.
            self.is_waiting, self.started, self.first, self.latest = True, None, None, None
            return
        if self.is_waiting:
            self.is_waiting, self.started = False, now
        if progress is not None:
            self._add_progress(progress, now)

    def _add_progress(self, progress: float, now: float) -> None:
        last = self.latest or self.first
        if last is None or progress < last[1] or progress == 0:
            self.first, self.latest = (now, progress), None
        elif progress > last[1]:
            self.latest = (now, progress)

    @property
    def has_progress(self) -> bool:
        """Whether it reports how far it is; a progress of zero says nothing."""
        last = self.latest or self.first
        return last is not None and last[1] > 0

    def estimate_end(self) -> float | None:
        """When the task ends at the speed of its progress; None where that is unknown."""
        if self.first is None or self.latest is None:
            return None
        (first_time, first_part), (time, part) = self.first, self.latest
        if part - first_part < _MIN_PROGRESS:
            return None
        return time + (1 - part) * (time - first_time) / (part - first_part)


@define
class TimeEstimates:
    """The remaining times of the tasks of one command.

    A task's own progress is the source. A task that reports none is expected to take as long as
    the journal's latest tasks of its kind that were not seen to take less. Without these, it is
    expected to run as long as others of its operation ran whose start and end this command has
    seen. An estimate of which the time has passed is refuted, and no other takes its place until
    the task is seen again.
    """

    _courses: dict[str, _Course] = field(factory=dict[str, _Course])
    _ended: set[str] = field(factory=set[str])
    _run_times: defaultdict[str | None, list[float]] = field(
        factory=lambda: defaultdict[str | None, list[float]](list)
    )

    def add(self, task: Task, now: float) -> None:
        """Add a status of a task, seen at `now` on the command's clock."""
        course = self._courses.setdefault(task.id, _Course())
        if not task.is_terminal:
            self._ended.discard(task.id)
            course.operation = task.operation
            course.add(task.status, task.progress, now)
            return
        del self._courses[task.id]
        self._ended.add(task.id)
        if task.status == SUCCEEDED and task.operation is not None and course.started is not None:
            self._run_times[task.operation].append(now - course.started)

    def estimate_remaining(
        self, task_id: str, now: float, tracked: TrackedTask | None = None
    ) -> float | None:
        """Estimated seconds to a task's end; None where unknown or already overdue.

        Args:
            task_id: The task.
            now: The time on the command's clock.
            tracked: When the task was submitted and how long earlier ones took, if known.
        """
        if task_id in self._ended:
            return None
        course = self._courses.get(task_id, _Course())
        end = self._estimate_end(course, tracked)
        return end - now if end is not None and end > now else None

    def _estimate_end(self, course: _Course, tracked: TrackedTask | None) -> float | None:
        if course.has_progress:
            return course.estimate_end()
        if tracked is not None and len(tracked.past) >= MIN_PAST:
            # It has not ended by the time at which it was last seen.
            seen_at = tracked.submitted_at if course.seen_at is None else course.seen_at
            duration = estimate_duration(tracked.past, seen_at - tracked.submitted_at)
            return None if duration is None else tracked.submitted_at + duration
        if course.first is not None:
            return None
        run_times = self._run_times[course.operation]
        if course.started is None or len(run_times) < _MIN_SAMPLES:
            return None
        return course.started + median(run_times)
