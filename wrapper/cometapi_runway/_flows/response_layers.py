"""A JSON response as a stack of layers, split once and then classified and parsed.

The layers are, outermost first: the envelope, its ``data`` (and ``result``), and the provider's
task in that. The documented shapes differ in which layer holds a field, so each field is looked up
in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway._core.task import (
    CANCELLED,
    FAILED,
    PENDING,
    RUNNING,
    SUCCEEDED,
    TASK_NOT_EXIST,
    THROTTLED,
)

_MAX_DEPTH = 4
STATUS_ORDER = (PENDING, THROTTLED, RUNNING, CANCELLED, FAILED, SUCCEEDED)
"""How far along a status is: of two layers that disagree, the one that is further along counts."""
_STATUS_WORDS = {
    **{word: word for word in STATUS_ORDER},
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


@frozen
class ResponseLayers:
    """A JSON object and its layers.

    Attributes:
        payload: The object as received.
        layers: The object itself and what is nested in its ``data`` and ``result``.
    """

    payload: Object = field(repr=False)
    layers: tuple[Object, ...] = field(repr=False)

    @classmethod
    def split(cls, payload: Object) -> ResponseLayers:
        """Split a response's JSON object into its layers."""
        return cls(payload, tuple(_split(payload)))

    @property
    def task_id(self) -> str | None:
        """The task id of the outermost layer that has one, or None."""
        return _find_id(self.layers)

    @property
    def polled_id(self) -> str | None:
        """The id of the task that a poll's response is about, or None if it does not say.

        Only the object itself and its ``data`` or ``result`` name it. Further in stands the
        provider's task, whose id may be another one.
        """
        nested = (as_object(self.payload.get(name)) for name in ("data", "result"))
        outer = (layer for layer in nested if layer is not None)
        return _find_id((self.payload,)) or _find_id(outer)

    @property
    def statuses(self) -> list[str | None]:
        """Each layer's status, in this package's words where they are known."""
        return [status_word(layer.get("status")) for layer in self.layers]

    @property
    def has_task_state(self) -> bool:
        """Whether the response describes the state of a task, whatever else is in it."""
        words = {word for word in self.statuses if word is not None}
        if self.task_id is not None:
            return any(word.lower() != TASK_NOT_EXIST for word in words)
        # The blog's responses have no task id. A lone "error" comes from a broken gateway.
        is_error = str(self.payload.get("status")).lower() == "error"
        return not words.isdisjoint(STATUS_ORDER) and not is_error

    @property
    def is_bare_record(self) -> bool:
        """Whether the response is a task of the flat feed without a status.

        The feed's page requires ``task_id`` only, and its example has nothing else.
        """
        is_envelope = "code" in self.payload or "error" in self.payload
        is_stated = any("status" in layer for layer in self.layers)
        has_id = as_text(self.payload.get("task_id")) is not None
        return has_id and not is_envelope and not is_stated

    @property
    def field_names(self) -> str:
        """The names of the outermost fields, shortened, for error messages."""
        names = ((as_text(name) or "''")[:40] for name in list(self.payload)[:12])
        return ", ".join(names) or "none"


def _find_id(layers: Iterable[Object]) -> str | None:
    for layer in layers:
        for name in ("task_id", "id"):
            value = layer.get(name)
            # No page documents a number, but an id that was paid for is never discarded.
            is_number = isinstance(value, int) and not isinstance(value, bool)
            found = str(value) if is_number else as_text(value)
            if found is not None:
                return found.strip()
    return None


def status_word(value: JSON) -> str | None:
    """A status in this package's words if it is known, else as received; None if it is no text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = as_text(value)
    if text is None:
        return None
    return _STATUS_WORDS.get(text.strip().upper(), text)


def _split(payload: Object) -> Iterator[Object]:
    layer: Object | None = payload
    for _ in range(_MAX_DEPTH):
        if layer is None:
            return
        yield layer
        result = as_object(layer.get("result"))
        if result is not None:
            yield result
        layer = as_object(layer.get("data"))
