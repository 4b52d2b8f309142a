"""From a response, whatever its shape, to a `Task`.

Documented or seen, and all understood here: Runway's own task; the gateway's wrapped envelope
with its own status words and a percent string; the flat feed; the older feed with digits in
strings; lower-case words; callback bodies.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway._core.task import CANCELLED, FAILED, PENDING, RUNNING, SUCCEEDED, UNKNOWN, Task
from cometapi_runway._flows.response_layers import STATUS_ORDER, ResponseLayers, status_word
from cometapi_runway.errors import ResponseDecodeError

# In order of trust: Runway's own list is complete, the others hold one file, often a copy of it.
_OUTPUT_FIELDS = ("output", "result_url", "video_url")
_REASON_FIELDS = ("failure", "fail_reason", "error")
_TIME_FIELDS = ("createdAt", "created_at", "submit_time", "create_time")
_WEB = ("https://", "http://")
_MIN_MILLISECONDS = 1e11


def parse_task(response: ResponseLayers, known: Task | None = None) -> Task:
    """Parse the task out of a response of any known shape.

    Args:
        response: The response's JSON object, split into layers.
        known: The task that was asked for: its id, route, operation and seed are kept. Without
            it the id is the response's own.

    Raises:
        ResponseDecodeError: The response describes no task.
    """
    task_id = known.id if known is not None else response.task_id
    status = _latest_status(response)
    if status is None and response.is_bare_record:
        status = UNKNOWN
    if task_id is None or status is None:
        missing = "no task id" if task_id is None else "no status"
        raise ResponseDecodeError(
            f"the response has {missing}; its fields are {response.field_names}", status_code=200
        )
    # Not before: a traceback with local variables would show the response's content.
    layers = response.layers
    output = _parse_output(layers)
    status = _reconcile_status(status, response, output)
    succeeded = status == SUCCEEDED
    return Task(
        id=task_id,
        status=status,
        progress=_parse_progress(layers),
        output=output,
        failure=None if succeeded else _parse_failure(layers),
        failure_code=None if succeeded else _first_text(layers, ("failureCode", "failure_code")),
        created_at=_parse_created_at(layers),
        route=known.route if known is not None else "tasks",
        operation=known.operation if known is not None else None,
        seed=known.seed if known is not None else None,
        trace_parent=known.trace_parent if known is not None else None,
        model=known.model if known is not None else None,
        raw=response.payload,
    )


def parse_created_id(response: ResponseLayers) -> str:
    """Parse the task id of a create response: ``{"id"}`` or ``{"code", "data": {"task_id"}}``.

    The gateway's open-source relative also sends ``{"code": "success", "data": "<id>"}``.

    Raises:
        ResponseDecodeError: There is no id.
    """
    task_id = response.task_id or as_text(response.payload.get("data"))
    if task_id is None:
        raise ResponseDecodeError(
            f"the response has no task id; its fields are {response.field_names}"
        )
    return task_id


def _first_text(layers: tuple[Object, ...], names: tuple[str, ...]) -> str | None:
    """The first text under any of the names: by name first, then the outermost layer."""
    texts = (as_text(layer.get(name)) for name in names for layer in layers)
    return next((text for text in texts if text is not None), None)


def _latest_status(response: ResponseLayers) -> str | None:
    """The status that is furthest along; an unknown word only if there is no known one."""
    words = response.statuses
    known = [word for word in words if word in STATUS_ORDER]
    if known:
        return max(known, key=STATUS_ORDER.index)
    return next((word for word in words if word is not None), None)


def _reconcile_status(status: str, response: ResponseLayers, output: tuple[str, ...]) -> str:
    """Reconcile the status with the output: SUCCEEDED without an output is reported as RUNNING."""
    if status in {"0", "1", "2", "3"}:
        return _digit_status(status, response.layers, output)
    if status == SUCCEEDED and not output:
        words = response.statuses
        return next((word for word in (FAILED, CANCELLED) if word in words), RUNNING)
    return status


def _digit_status(status: str, layers: tuple[Object, ...], output: tuple[str, ...]) -> str:
    """Read the older feed's digits, whose documentation contradicts itself.

    Its samples and a client of the same backend have 3 as finished and 2 as failed, its prose
    the opposite. An output URL settles it. Without one, 2 is failed, as in the samples, and so is
    3 with a reason or a refund. A 3 with neither may still get its URL.
    """
    if output:
        return SUCCEEDED
    if status in {"0", "1"}:
        return RUNNING if status == "1" else PENDING
    is_refunded = any(str(layer.get("refund")) == "1" for layer in layers)
    return FAILED if status == "2" or is_refunded or _parse_failure(layers) else RUNNING


def _parse_output(layers: tuple[Object, ...]) -> tuple[str, ...]:
    """The output URLs, from the field that is trusted most; the other fields hold copies."""
    for name in _OUTPUT_FIELDS:
        for layer in layers:
            urls = _web_urls(layer.get(name))
            if urls:
                return urls
    # The gateway's open-source relative writes the URL of a finished video into fail_reason.
    succeeded = (layer for layer in layers if status_word(layer.get("status")) == SUCCEEDED)
    return next((urls for layer in succeeded if (urls := _web_urls(layer.get("fail_reason")))), ())


def _web_urls(value: JSON) -> tuple[str, ...]:
    """The web URLs in a value, a text or a list of texts, without repetitions."""
    texts = map(as_text, value if isinstance(value, list) else [value])
    stripped = (text.strip() for text in texts if text is not None)
    return tuple(dict.fromkeys(t for t in stripped if t.lower().startswith(_WEB)))


def _parse_progress(layers: Iterable[Object]) -> float | None:
    fractions = (_parse_fraction(layer.get("progress")) for layer in layers)
    return max((fraction for fraction in fractions if fraction is not None), default=None)


def _parse_fraction(value: JSON) -> float | None:
    """Parse a fraction: ``"55%"``, ``55`` and ``0.55`` are all 0.55."""
    is_percent = isinstance(value, str) and value.strip().endswith("%")
    if isinstance(value, str):
        try:
            fraction = float(value.strip().removesuffix("%"))
        except ValueError:
            return None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        fraction = float(value) if -1e9 < value < 1e9 else math.nan
    else:
        return None
    # A bare number above 1 is a percentage: the shared video routes count to 100.
    fraction = fraction / 100 if is_percent or fraction > 1 else fraction
    return fraction if 0 <= fraction <= 1 else None


def _parse_failure(layers: tuple[Object, ...]) -> str | None:
    """The failure's reason: a documented field, the blog's ``error``, or the older ``msg``."""
    reason = _first_text(layers, _REASON_FIELDS)
    if reason is not None:
        return reason
    for layer in layers:
        error = as_object(layer.get("error"))
        reason = as_text(error.get("message")) if error else None
        # `msg` next to `code` is the envelope's "success"; next to `status` it is the task's own.
        if reason is None and "status" in layer and "code" not in layer:
            reason = as_text(layer.get("msg"))
        if reason is not None:
            return reason
    return None


def _parse_created_at(layers: Iterable[Object]) -> datetime | None:
    times = (_parse_time(layer.get(name)) for layer in layers for name in _TIME_FIELDS)
    return next((time for time in times if time is not None), None)


def _parse_time(value: JSON) -> datetime | None:
    """Parse ISO 8601 text with an offset or ``Z``, or Unix seconds as a number or as digits."""
    try:
        if isinstance(value, str) and not value.strip().isdecimal():
            time = datetime.fromisoformat(value.strip())
            return time if time.tzinfo else time.replace(tzinfo=UTC)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            seconds = float(value)
            # No page gives the unit of the flat feed's times; no task is of the year 5138.
            seconds = seconds / 1000 if seconds > _MIN_MILLISECONDS else seconds
            return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
    return None
