"""One task, whatever shape the gateway tells it in.

Documented or seen, and all understood here: Runway's own task; the gateway's wrapped envelope
with its own status words and a percent string; the flat feed; the older feed with digits in
strings; lower-case words; callback bodies. A shape is a stack of layers, outermost first (the
envelope, its ``data``, the provider's task in that), and every fact is looked for in each layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from attrs import field, frozen

from cometapi_runway import redaction
from cometapi_runway.errors import ResponseDecodeError
from cometapi_runway.jsonvalue import JSON, Object, as_object, as_text

Route: TypeAlias = Literal["tasks", "feed"]
"""Where a task is polled: ``GET /runwayml/v1/tasks/{id}`` or ``POST /runway/feed``."""

NOT_EXIST = "task_not_exist"
"""The gateway's word for a task that it does not know, or not yet. CometAPI's blog reads it as a
status; it is none."""

PENDING = "PENDING"
THROTTLED = "THROTTLED"
RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"
TERMINAL = frozenset({SUCCEEDED, FAILED, CANCELLED})

_WORDS = {
    "NOT_START": PENDING,
    "SUBMITTED": PENDING,
    "QUEUED": PENDING,
    "IN_PROGRESS": RUNNING,
    "SUCCESS": SUCCEEDED,
    "COMPLETED": SUCCEEDED,
    "FAILURE": FAILED,
    "ERROR": FAILED,
    "CANCELED": CANCELLED,
}
# How far along a status is; a layer that lags behind another is not believed.
_RANK = {PENDING: 1, THROTTLED: 2, RUNNING: 3, CANCELLED: 4, FAILED: 5, SUCCEEDED: 6}
# In order of trust: Runway's own list is complete, the others name one file, often a copy of it.
_OUTPUTS = ("output", "result_url", "video_url")
_REASONS = ("failure", "fail_reason", "error")
_MOMENTS = ("createdAt", "created_at", "submit_time", "create_time")
_WEB = ("https://", "http://")
_DEEPEST = 4
_MILLISECONDS = 1e11


def _shown_urls(urls: tuple[str, ...]) -> str:
    return repr(tuple(redaction.url(url) for url in urls))


def _nothing() -> Object:
    return {}


@frozen
class Task:
    """A task as the gateway described it at one moment.

    Attributes:
        id: The task's id, the thing not to lose.
        status: ``PENDING THROTTLED RUNNING SUCCEEDED FAILED CANCELLED``, or the server's own
            word where it is none of these.
        progress: Part done, 0.0 to 1.0, or None where the answer does not say.
        output: Addresses of the finished files; they expire.
        failure: Why it failed, in the server's words.
        failure_code: Runway's dotted code, such as ``SAFETY.INPUT.TEXT``.
        created_at: When the gateway accepted it, with a time zone.
        route: Which route tells its state.
        operation: The operation that made it, as its id in the contract, where known.
        seed: The seed that was sent, so that the result can be repeated, where known.
        raw: The JSON as received.
    """

    id: str
    status: str
    progress: float | None = None
    output: tuple[str, ...] = field(default=(), repr=_shown_urls)
    failure: str | None = field(default=None, repr=redaction.shown)
    failure_code: str | None = None
    created_at: datetime | None = None
    route: Route = "tasks"
    operation: str | None = None
    seed: int | None = None
    raw: Object = field(factory=_nothing, repr=False, eq=False)

    @property
    def is_terminal(self) -> bool:
        """Whether the task has ended, well or badly."""
        return self.status in TERMINAL


def from_answer(payload: Object, known: Task | None = None) -> Task:
    """Read a task out of an answer of any known shape.

    Args:
        payload: The answer's JSON object.
        known: The task that was asked for: its id, route, operation and seed are kept. Without
            it the id is the answer's own.

    Raises:
        ResponseDecodeError: No task can be seen in it.
    """
    layers = tuple(_layers(payload))
    found = known.id if known is not None else _id(layers)
    status = _status(layers)
    if found is None or status is None:
        missing = "no task id" if found is None else "no status"
        raise ResponseDecodeError(
            f"the answer holds {missing}; its fields are {_names(payload)}", status_code=200
        )
    output = _output(layers)
    status = _settle(status, layers, output)
    succeeded = status == SUCCEEDED
    return Task(
        id=found,
        status=status,
        progress=_progress(layers),
        output=output,
        failure=None if succeeded else _failure(layers),
        failure_code=None if succeeded else _first(layers, ("failureCode", "failure_code")),
        created_at=_created_at(layers),
        route=known.route if known is not None else "tasks",
        operation=known.operation if known is not None else None,
        seed=known.seed if known is not None else None,
        raw=payload,
    )


def id_of_creation(payload: Object) -> str:
    """The id in the answer to a create call: ``{"id"}`` or ``{"code", "data": {"task_id"}}``.

    The gateway's open-source relative also answers ``{"code": "success", "data": "<id>"}``.

    Raises:
        ResponseDecodeError: There is none.
    """
    found = _id(tuple(_layers(payload))) or as_text(payload.get("data"))
    if found is None:
        raise ResponseDecodeError(f"the answer holds no task id; its fields are {_names(payload)}")
    return found


def _layers(payload: Object) -> Iterator[Object]:
    layer: Object | None = payload
    for _ in range(_DEEPEST):
        if layer is None:
            return
        yield layer
        result = as_object(layer.get("result"))
        if result is not None:
            yield result
        layer = as_object(layer.get("data"))


def carries_state(payload: Object) -> bool:
    """Whether an answer tells the state of a task, whatever else is in it."""
    layers = tuple(_layers(payload))
    words = {word for layer in layers if (word := _word(layer.get("status"))) is not None}
    if _id(layers) is not None:
        return any(word.lower() != NOT_EXIST for word in words)
    # The blog's answers name no task. A lone "error" is a broken gateway's word, not a task's.
    return not words.isdisjoint(_RANK) and str(payload.get("status")).lower() != "error"


def names_task(payload: Object) -> bool:
    """Whether the id of a task is in an answer."""
    return _id(tuple(_layers(payload))) is not None


def _names(payload: Object) -> str:
    return ", ".join((as_text(name) or "''")[:40] for name in list(payload)[:12]) or "none"


def _id(layers: Iterable[Object]) -> str | None:
    for layer in layers:
        for name in ("task_id", "id"):
            value = layer.get(name)
            # A number is documented nowhere; but an id that was paid for is not thrown away.
            is_number = isinstance(value, int) and not isinstance(value, bool)
            found = str(value) if is_number else as_text(value)
            if found is not None:
                return found.strip()
    return None


def _first(layers: Iterable[Object], names: tuple[str, ...]) -> str | None:
    """The first text under any of the names, outermost layer first, the first name before all."""
    layers = tuple(layers)
    found = (as_text(layer.get(name)) for name in names for layer in layers)
    return next((text for text in found if text is not None), None)


def _status(layers: Iterable[Object]) -> str | None:
    """The status that is furthest along; a word nobody knows only where there is no other."""
    words = [_word(layer.get("status")) for layer in layers]
    known = [word for word in words if word in _RANK]
    if known:
        return max(known, key=_RANK.__getitem__)
    return next((word for word in words if word is not None), None)


def _word(value: JSON) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = as_text(value)
    if text is None:
        return None
    upper = text.strip().upper()
    return _WORDS.get(upper, upper if upper in _RANK else text)


def _settle(status: str, layers: tuple[Object, ...], output: tuple[str, ...]) -> str:
    """Hold the status against the output: a success without a file is none, or none yet."""
    if status in {"0", "1", "2", "3"}:
        return _digit(status, layers, output)
    if status == SUCCEEDED and not output:
        words = [_word(layer.get("status")) for layer in layers]
        return next((word for word in (FAILED, CANCELLED) if word in words), RUNNING)
    return status


def _digit(status: str, layers: tuple[Object, ...], output: tuple[str, ...]) -> str:
    """The older feed's digits, whose documentation contradicts itself.

    Its samples and a client of the same backend have 3 as finished and 2 as failed, its prose
    the opposite. An output address settles it; without one, 2 is failed by the samples' reading,
    and so is 3 where a reason or a refund is given. A 3 with neither may still bring its address.
    """
    if output:
        return SUCCEEDED
    if status in {"0", "1"}:
        return RUNNING if status == "1" else PENDING
    refunded = any(str(layer.get("refund")) == "1" for layer in layers)
    return FAILED if status == "2" or refunded or _failure(layers) else RUNNING


def _output(layers: tuple[Object, ...]) -> tuple[str, ...]:
    """The files, from the name that is trusted most; the others repeat them under copies."""
    for name in _OUTPUTS:
        for layer in layers:
            found = _addresses(layer.get(name))
            if found:
                return found
    # The gateway's open-source relative writes the address of a finished video into fail_reason.
    claims = (layer for layer in layers if _word(layer.get("status")) == SUCCEEDED)
    return next((found for layer in claims if (found := _addresses(layer.get("fail_reason")))), ())


def _addresses(value: JSON) -> tuple[str, ...]:
    """The web addresses in a value, a text or a list of texts, each once."""
    texts = map(as_text, value if isinstance(value, list) else [value])
    stripped = (text.strip() for text in texts if text is not None)
    return tuple(dict.fromkeys(t for t in stripped if t.lower().startswith(_WEB)))


def _progress(layers: Iterable[Object]) -> float | None:
    return max(
        (p for layer in layers if (p := _part(layer.get("progress"))) is not None), default=None
    )


def _part(value: JSON) -> float | None:
    """``"55%"``, ``55`` and ``0.55`` are all 0.55."""
    is_percent = isinstance(value, str) and value.strip().endswith("%")
    if isinstance(value, str):
        try:
            part = float(value.strip().removesuffix("%"))
        except ValueError:
            return None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        part = float(value) if -1e9 < value < 1e9 else math.nan
    else:
        return None
    # A bare number above 1 is a percentage: the shared video routes count to 100.
    part = part / 100 if is_percent or part > 1 else part
    return part if 0 <= part <= 1 else None


def _failure(layers: tuple[Object, ...]) -> str | None:
    """The reason, under its documented names; the blog's ``error`` and the old ``msg`` too."""
    found = _first(layers, _REASONS)
    if found is not None:
        return found
    for layer in layers:
        nested = as_object(layer.get("error"))
        reason = as_text(nested.get("message")) if nested else None
        # `msg` beside `code` is the transport's "success"; beside `status` it is the task's own.
        if reason is None and "status" in layer and "code" not in layer:
            reason = as_text(layer.get("msg"))
        if reason is not None:
            return reason
    return None


def _created_at(layers: Iterable[Object]) -> datetime | None:
    for layer in layers:
        for name in _MOMENTS:
            moment = _moment(layer.get(name))
            if moment is not None:
                return moment
    return None


def _moment(value: JSON) -> datetime | None:
    """An ISO 8601 text with an offset or ``Z``, or Unix seconds as a number or as digits."""
    try:
        if isinstance(value, str) and not value.strip().isdecimal():
            moment = datetime.fromisoformat(value.strip())
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            seconds = float(value)
            # No page gives the unit of the flat feed's moments; nothing here is of the year 5138.
            seconds = seconds / 1000 if seconds > _MILLISECONDS else seconds
            return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
    return None
