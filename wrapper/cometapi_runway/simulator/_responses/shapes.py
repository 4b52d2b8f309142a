"""The documented JSON shapes of a task.

CometAPI's pages document two shapes for one read route and three for the other, and its blog
reads one more. The simulator serves all of them, so that a client can be tested against each:

============  ================================================================================
``raw``       the task itself (newer page of ``/runwayml/v1/tasks/{id}``)
``wrapped``   the task inside the gateway's envelope, with other status words and a percentage
              (older pages of both read routes)
``flat``      the content of that envelope (newer page of ``/runway/feed``)
``digits``    numbers as strings (2024, ``/runway/feed`` and callbacks)
``blog``      the task with a lower-case status and ``error`` (CometAPI's blog)
``mixed``     the route's newer and older shape in turn, changing with each poll
``by_state``  the older shape until the task has ended, then the newer one
============  ================================================================================
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from cometapi_runway._core.json_values import JSON
    from cometapi_runway.simulator._lifecycle import Status, View

Form: TypeAlias = Literal["raw", "wrapped", "flat", "digits", "blog"]
TaskForm: TypeAlias = Literal["raw", "wrapped", "blog", "mixed", "by_state"]
FeedForm: TypeAlias = Literal["flat", "wrapped", "digits", "mixed", "by_state"]
CreatedForm: TypeAlias = Literal["new", "old"]
ShapeName: TypeAlias = Literal["raw", "wrapped", "mixed", "by_state", "legacy", "blog"]

_ENVELOPE_STATUS: Final[dict[Status, str]] = {
    "PENDING": "QUEUED",
    "THROTTLED": "SUBMITTED",
    "RUNNING": "IN_PROGRESS",
    "SUCCEEDED": "SUCCESS",
    "FAILED": "FAILURE",
    "CANCELLED": "FAILURE",
}
_DIGIT_STATUS: Final[dict[Status, str]] = {
    "PENDING": "0",
    "THROTTLED": "0",
    "RUNNING": "1",
    "SUCCEEDED": "3",
    "FAILED": "2",
    "CANCELLED": "2",
}
# The older sample shows this timestamp in Chinese time, and all others in Unix seconds.
_OLDER_ZONE: Final = timezone(timedelta(hours=8))
_POINTS_PER_USD: Final = 1000


@frozen
class ResponseShapes:
    """The shape of each kind of response.

    Attributes:
        task: Responses of the official read route.
        feed: Responses of the compatibility read route.
        created: Responses of the compatibility create routes: their newer or older form.
    """

    task: TaskForm = "raw"
    feed: FeedForm = "flat"
    created: CreatedForm = "new"

    @classmethod
    def from_name(cls, name: ShapeName) -> ResponseShapes:
        """Returns the set of shapes that a name stands for.

        Raises:
            ValueError: The name is unknown.
        """
        if name not in _SETS:
            raise ValueError(f"shape must be one of {', '.join(_SETS)}, got {name!r}")
        return _SETS[name]


_SETS: Final[dict[ShapeName, ResponseShapes]] = {
    "raw": ResponseShapes(),
    "wrapped": ResponseShapes("wrapped", "wrapped", "old"),
    "mixed": ResponseShapes("mixed", "mixed"),
    "by_state": ResponseShapes("by_state", "by_state"),
    "legacy": ResponseShapes("wrapped", "digits", "old"),
    "blog": ResponseShapes("blog", "flat"),
}


@frozen
class TaskSnapshot:
    """Everything that a response can contain about a task at one moment.

    Attributes:
        id: The task's id.
        action: The envelope's name of the operation (``IMAGE_TO_VIDEO``).
        created: When it was created, in Unix seconds.
        view: Its state.
        now: The moment, in Unix seconds.
        output: URLs of its files; empty until it has succeeded.
        prompt: The request's prompt.
        cost: The charge in US dollars.
        is_compat: Whether a compatibility route created it; its provider data differs.
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
        """The gateway's message for the failure; empty if it has not failed."""
        ending = self.view.ending
        if ending is None or ending.status == "SUCCEEDED":
            return ""
        return ending.failure or "task cancelled"

    def timestamp(self, age: float | None) -> int:
        """Converts seconds after creation to Unix seconds; None, for the future, becomes 0."""
        return 0 if age is None else int(self.created + age)


def choose_form(form: TaskForm | FeedForm, newer: Form, poll: int, is_terminal: bool) -> Form:
    """Chooses the shape of one response, where the setting varies it.

    Args:
        form: The setting.
        newer: The route's newer shape; the older one is ``wrapped`` on both routes.
        poll: The number of this poll of the task.
        is_terminal: Whether the task has ended.
    """
    if form == "mixed":
        return newer if poll % 2 else "wrapped"
    if form == "by_state":
        return newer if is_terminal else "wrapped"
    return form


def write_task(form: Form, snapshot: TaskSnapshot) -> JSON:
    """Writes a task in one of the shapes."""
    return _WRITERS[form](snapshot)


def write_created(form: CreatedForm | None, task_id: str) -> JSON:
    """Writes the response to a create.

    Args:
        form: The form on a compatibility route; None for the official routes.
        task_id: The id of the new task.
    """
    if form is None:
        return {"id": task_id}
    if form == "old":
        return {"code": 200, "msg": "成功", "data": {"task_id": task_id}, "exec_time": 0.042}
    return {"code": 200, "message": "", "msg": "success", "data": {"task_id": task_id}}


def format_timestamp(seconds: float) -> str:
    """Formats a moment in Unix seconds as the newer pages do: UTC, milliseconds, ``Z``."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _write_raw(snapshot: TaskSnapshot) -> dict[str, JSON]:
    view = snapshot.view
    task: dict[str, JSON] = {
        "id": snapshot.id,
        "status": view.status,
        "createdAt": format_timestamp(snapshot.created),
    }
    if view.status == "RUNNING":
        task["progress"] = view.progress
    if snapshot.output:
        task["output"] = list(snapshot.output)
    if view.status == "FAILED" and view.ending:
        task["failure"] = view.ending.failure
        if view.ending.failure_code is not None:
            task["failureCode"] = view.ending.failure_code
    return task


def _write_flat(snapshot: TaskSnapshot) -> dict[str, JSON]:
    view = snapshot.view
    return {
        "task_id": snapshot.id,
        "action": snapshot.action,
        "status": _ENVELOPE_STATUS[view.status],
        "fail_reason": snapshot.failure,
        "submit_time": snapshot.timestamp(0.0),
        "start_time": snapshot.timestamp(view.started),
        "finish_time": snapshot.timestamp(view.ended),
        "progress": f"{100 if view.is_terminal else round(view.progress * 100)}%",
        "data": _provider_data(snapshot),
    }


def _provider_data(snapshot: TaskSnapshot) -> JSON:
    """The envelope's field ``data``: Runway's task, or the URL of the video."""
    older = datetime.fromtimestamp(int(snapshot.created), _OLDER_ZONE)
    data = _write_raw(snapshot) | {"createdAt": older.isoformat()}
    if snapshot.is_compat and snapshot.output:
        del data["output"]
        data["video_url"] = snapshot.output[0]
    return data


def _write_wrapped(snapshot: TaskSnapshot) -> JSON:
    return {"code": "success", "message": "", "data": _write_flat(snapshot)}


def _write_flat_with_result(snapshot: TaskSnapshot) -> JSON:
    # The newer feed page documents the output URL next to the task too, not only within it.
    return _write_flat(snapshot) | {"result_url": snapshot.output[0] if snapshot.output else ""}


def write_digits(snapshot: TaskSnapshot) -> dict[str, JSON]:
    """Writes a task as the 2024 pages do, in responses and in callbacks."""
    ending = snapshot.view.ending
    points = round(snapshot.cost * _POINTS_PER_USD)
    return {
        "task_id": snapshot.id,
        "status": _DIGIT_STATUS[snapshot.view.status],
        "prompt": snapshot.prompt,
        "prompt_en": snapshot.prompt,
        "video_url": snapshot.output[0] if snapshot.output else "",
        "poster": "",
        "last_frame": "",
        "msg": snapshot.failure or None,
        "point": str(points),
        "refund": "1" if ending and ending.is_refunded else "0",
        "create_time": str(snapshot.timestamp(0.0)),
        "update_time": str(snapshot.timestamp(snapshot.view.ended) or int(snapshot.now)),
    }


def _write_digits_envelope(snapshot: TaskSnapshot) -> JSON:
    return {
        "code": 200,
        "msg": "成功",
        "data": write_digits(snapshot),
        "exec_time": 0.042,
        "ip": "127.0.0.1",
    }


def _write_blog(snapshot: TaskSnapshot) -> JSON:
    task = _write_raw(snapshot) | {"status": snapshot.view.status.lower()}
    return task | {"error": snapshot.failure} if snapshot.failure else task


_WRITERS: Final[dict[Form, Callable[[TaskSnapshot], JSON]]] = {
    "raw": _write_raw,
    "wrapped": _write_wrapped,
    "flat": _write_flat_with_result,
    "digits": _write_digits_envelope,
    "blog": _write_blog,
}
