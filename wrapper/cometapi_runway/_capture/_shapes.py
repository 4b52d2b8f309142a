"""The shape of a response: everything but its values, apart from status words."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from typing import TypeAlias

from cometapi_runway._core.json_values import JSON, parse_json
from cometapi_runway._core.raw_response import RawResponse

Shape: TypeAlias = tuple[Hashable, ...]


def read_shape(operation: str, response: RawResponse) -> Shape:
    """The shape of a response to an operation; equal shapes have equal differences."""
    try:
        body = _read_value(parse_json(response.body))
    except (ValueError, RecursionError):
        body = bool(response.body.strip())
    content_type = response.headers.get("content-type", "")
    return operation, response.status, content_type, body


def make_digest(shape: Shape) -> str:
    """A name for a shape, the same in every process."""
    return hashlib.sha256(repr(shape).encode()).hexdigest()[:12]


def get_media_type(content_type: str) -> str:
    """The media type of a ``Content-Type``, without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def _read_value(value: JSON) -> Hashable:
    if isinstance(value, Mapping):
        items = [
            _read_value(item) if item.__class__ in _CONTAINERS else item.__class__.__name__
            for item in value.values()
        ]
        word, other = value.get("status"), value.get("state")
        return (
            *value,
            *items,
            word if word.__class__ is str else None,
            other if other.__class__ is str else None,
        )
    if isinstance(value, list):
        # Sorted, because the order of a set is another one in each process.
        return "list", *sorted({_read_value(item) for item in value}, key=repr)
    return value.__class__.__name__


_CONTAINERS = frozenset({dict, list})
