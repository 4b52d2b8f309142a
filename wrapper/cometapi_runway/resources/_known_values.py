"""The values that pages and Runway name for a field whose list is open (``x-known-values``).

They restrict nothing, because the gateway passes on models that no page names yet. Users see them
in help, completion and docstrings, and in a warning before an unknown model is paid for.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway.resources._resolved_schema import resolve_schema
from cometapi_runway.validation import Contract


@frozen
class KnownValues:
    """Some known values of a field.

    Attributes:
        values: Text or whole numbers, as in the request.
        confidence: ``documented``, ``observed``, ``upstream`` or ``inferred``.
        source: Who names them.
    """

    values: tuple[str | int, ...]
    confidence: str
    source: str

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.values))} ({self.confidence}: {self.source})"


def read_known_values(schema: Object) -> tuple[KnownValues, ...]:
    """The known values of a field; empty if the contract names none.

    Args:
        schema: The field's schema, references resolved.
    """
    listed = schema.get("x-known-values")
    entries = [as_object(entry) or {} for entry in listed] if isinstance(listed, list) else []
    return tuple(
        KnownValues(_read_values(entry), str(entry["confidence"]), str(entry["source"]))
        for entry in entries
    )


def describe_known_values(contract: Contract, schema: Object) -> str:
    """The known values of a field, and of the fields of an object, as text; empty without any."""
    groups = read_known_values(schema)
    parts = [f"Known: {join_groups(groups)}."] if groups else []
    for name, field in (as_object(schema.get("properties")) or {}).items():
        if groups := read_known_values(resolve_schema(contract, field)):
            parts.append(f"Known {name}: {join_groups(groups)}.")
    return " ".join(parts)


def _read_values(entry: Object) -> tuple[str | int, ...]:
    values: JSON = entry["values"]
    listed = values if isinstance(values, list) else []
    return tuple(value for value in listed if isinstance(value, str | int))


def join_groups(groups: Iterable[KnownValues]) -> str:
    """Known values as text, with their confidence and source."""
    return "; ".join(map(str, groups))
