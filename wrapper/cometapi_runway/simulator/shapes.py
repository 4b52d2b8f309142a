"""How an answer about a task is written down.

CometAPI's pages document two shapes for one route and three for the other, and its blog reads a
further one. All of them are here, so that a client can be tried against each:

============  ================================================================================
``raw``       the task itself (newer page of ``/runwayml/v1/tasks/{id}``)
``wrapped``   the task inside the gateway's envelope, with words and a percentage of its own
              (older pages of both read routes)
``flat``      that envelope's inside alone (newer page of ``/runway/feed``)
``digits``    numbers as strings (2024, ``/runway/feed`` and callbacks)
``blog``      the task with a lower-case status and ``error`` (CometAPI's blog)
``mixed``     alternately the route's newer and older shape, from one poll to the next
``by_state``  the older shape until the task has ended, then the newer
============  ================================================================================
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from cometapi_runway._core.json_values import JSON
    from cometapi_runway.simulator.lifecycle import Status, View

Form: TypeAlias = Literal["raw", "wrapped", "flat", "digits", "blog"]
TaskForm: TypeAlias = Literal["raw", "wrapped", "blog", "mixed", "by_state"]
FeedForm: TypeAlias = Literal["flat", "wrapped", "digits", "mixed", "by_state"]
CreatedForm: TypeAlias = Literal["new", "old"]
ShapeName: TypeAlias = Literal["raw", "wrapped", "mixed", "by_state", "legacy", "blog"]

_WORDS: Final[dict[Status, str]] = {
    "PENDING": "QUEUED",
    "THROTTLED": "SUBMITTED",
    "RUNNING": "IN_PROGRESS",
    "SUCCEEDED": "SUCCESS",
    "FAILED": "FAILURE",
    "CANCELLED": "FAILURE",
}
_DIGITS: Final[dict[Status, str]] = {
    "PENDING": "0",
    "THROTTLED": "0",
    "RUNNING": "1",
    "SUCCEEDED": "3",
    "FAILED": "2",
    "CANCELLED": "2",
}
# The older sample's timestamp is Chinese time, though its clock beside it counts Unix seconds.
_OLDER_ZONE: Final = timezone(timedelta(hours=8))
_POINTS_PER_USD: Final = 1000


@frozen
class Answers:
    """Which shape each kind of answer has.

    Attributes:
        task: Answers of the official read route.
        feed: Answers of the compatibility read route.
        created: Answers to compatibility creates: ``"new"`` or ``"old"`` era.
    """

    task: TaskForm = "raw"
    feed: FeedForm = "flat"
    created: CreatedForm = "new"

    @classmethod
    def named(cls, name: ShapeName) -> Answers:
        """The answers that go together under one name.

        Raises:
            ValueError: There is no such name.
        """
        if name not in _NAMED:
            raise ValueError(f"shape must be one of {', '.join(_NAMED)}, got {name!r}")
        return _NAMED[name]


_NAMED: Final[dict[ShapeName, Answers]] = {
    "raw": Answers(),
    "wrapped": Answers("wrapped", "wrapped", "old"),
    "mixed": Answers("mixed", "mixed"),
    "by_state": Answers("by_state", "by_state"),
    "legacy": Answers("wrapped", "digits", "old"),
    "blog": Answers("blog", "flat"),
}


@frozen
class Facts:
    """All that an answer can tell of a task.

    Attributes:
        id: The task's id.
        action: What it does, in the envelope's capitals (``IMAGE_TO_VIDEO``).
        created: When it was accepted, in Unix seconds.
        view: What it looks like now.
        now: The present, in Unix seconds.
        output: Addresses of its files; empty until it has succeeded.
        prompt: The request's prompt.
        cost: What it was charged, in US dollars.
        is_compat: Whether it was made on a compatibility route, whose provider data is another.
    """

    id: str
    action: str
    created: float
    view: View
    now: float
    output: tuple[str, ...] = ()
    prompt: str = ""
    cost: float = 0.0
    is_compat: bool = False

    @property
    def failure(self) -> str:
        """The gateway's words for how it failed; empty while it has not."""
        ending = self.view.ending
        if ending is None or ending.status == "SUCCEEDED":
            return ""
        return ending.failure or "task cancelled"

    def moment(self, age: float | None) -> int:
        """A moment of the task's life in Unix seconds; 0 for one that has not come."""
        return 0 if age is None else int(self.created + age)


def settle(form: TaskForm | FeedForm, newer: Form, poll: int, is_terminal: bool) -> Form:
    """Decides for one answer between the shapes of a form that varies.

    Args:
        form: The form asked for.
        newer: The route's newer shape; the older one is ``wrapped`` on both.
        poll: The number of this poll of the task.
        is_terminal: Whether the task has ended.
    """
    if form == "mixed":
        return newer if poll % 2 else "wrapped"
    if form == "by_state":
        return newer if is_terminal else "wrapped"
    return form


def render(form: Form, facts: Facts) -> JSON:
    """Writes an answer about a task."""
    return _RENDERERS[form](facts)


def created(form: CreatedForm | None, task_id: str) -> JSON:
    """Writes the answer to a create.

    Args:
        form: The era of a compatibility route's answer; None for the official routes.
        task_id: The new task.
    """
    if form is None:
        return {"id": task_id}
    if form == "old":
        return {"code": 200, "msg": "成功", "data": {"task_id": task_id}, "exec_time": 0.042}
    return {"code": 200, "message": "", "msg": "success", "data": {"task_id": task_id}}


def timestamp(seconds: float) -> str:
    """A moment as the newer pages write it: UTC, milliseconds, ``Z``."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _raw(facts: Facts) -> dict[str, JSON]:
    view = facts.view
    task: dict[str, JSON] = {
        "id": facts.id,
        "status": view.status,
        "createdAt": timestamp(facts.created),
    }
    if view.status == "RUNNING":
        task["progress"] = view.progress
    if facts.output:
        task["output"] = list(facts.output)
    if view.status == "FAILED" and view.ending:
        task["failure"] = view.ending.failure
        if view.ending.failure_code is not None:
            task["failureCode"] = view.ending.failure_code
    return task


def _flat(facts: Facts) -> dict[str, JSON]:
    view = facts.view
    return {
        "task_id": facts.id,
        "action": facts.action,
        "status": _WORDS[view.status],
        "fail_reason": facts.failure,
        "submit_time": facts.moment(0.0),
        "start_time": facts.moment(view.started),
        "finish_time": facts.moment(view.ended),
        "progress": f"{100 if view.is_terminal else round(view.progress * 100)}%",
        "data": _provider_data(facts),
    }


def _provider_data(facts: Facts) -> JSON:
    """What the envelope holds of the provider: Runway's task, or where the media are."""
    older = datetime.fromtimestamp(int(facts.created), _OLDER_ZONE)
    data = _raw(facts) | {"createdAt": older.isoformat()}
    if facts.is_compat and facts.output:
        del data["output"]
        data["video_url"] = facts.output[0]
    return data


def _wrapped(facts: Facts) -> JSON:
    return {"code": "success", "message": "", "data": _flat(facts)}


def _flat_with_result(facts: Facts) -> JSON:
    # The newer feed page documents the result's address beside the task, not only within it.
    return _flat(facts) | {"result_url": facts.output[0] if facts.output else ""}


def digits(facts: Facts) -> dict[str, JSON]:
    """The task as the 2024 pages write it, in answers and in callbacks."""
    ending = facts.view.ending
    points = round(facts.cost * _POINTS_PER_USD)
    return {
        "task_id": facts.id,
        "status": _DIGITS[facts.view.status],
        "prompt": facts.prompt,
        "prompt_en": facts.prompt,
        "video_url": facts.output[0] if facts.output else "",
        "poster": "",
        "last_frame": "",
        "msg": facts.failure or None,
        "point": str(points),
        "refund": "1" if ending and ending.is_refunded else "0",
        "create_time": str(facts.moment(0.0)),
        "update_time": str(facts.moment(facts.view.ended) or int(facts.now)),
    }


def _digits(facts: Facts) -> JSON:
    return {
        "code": 200,
        "msg": "成功",
        "data": digits(facts),
        "exec_time": 0.042,
        "ip": "127.0.0.1",
    }


def _blog(facts: Facts) -> JSON:
    task = _raw(facts) | {"status": facts.view.status.lower()}
    return task | {"error": facts.failure} if facts.failure else task


_RENDERERS: Final[dict[Form, Callable[[Facts], JSON]]] = {
    "raw": _raw,
    "wrapped": _wrapped,
    "flat": _flat_with_result,
    "digits": _digits,
    "blog": _blog,
}
