"""The values that pages and Runway name for a field whose list is open (``x-known-values``).

They restrict nothing, because the gateway passes on models that no page names yet. Users see them
in help, completion and docstrings, and in a warning before an unknown model is paid for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway._core.redaction import name_or_none
from cometapi_runway._core.secret import Secret
from cometapi_runway.resources._client_resources import (
    ClientResource,
    list_client_resources,
    resolve_schema,
)
from cometapi_runway.validation import Contract

logger: Final = logging.getLogger("cometapi_runway.models")
_MODEL: Final = "model"
_MAX_WARNINGS: Final = 1000
"""A service may pass on whatever its users type; memory and log stay bounded."""
_warned: Final[dict[tuple[str, str | None], object]] = {}


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
    parts = [f"Known: {_join_groups(groups)}."] if groups else []
    for name, field in (as_object(schema.get("properties")) or {}).items():
        if groups := read_known_values(resolve_schema(contract, field)):
            parts.append(f"Known {name}: {_join_groups(groups)}.")
    return " ".join(parts)


def warn_of_unknown_model(
    name: str, operation: str, body: Mapping[str, object], api_key: Secret
) -> None:
    """Log a warning if a request's model is not known: once per value and process.

    Args:
        name: The resource's name, such as ``compat.act_one``.
        operation: The operation's id in the contract.
        body: The request's body. Nothing of it is shown but the model, if it looks like a name.
        api_key: The key, which is not shown if it was passed as the model.
    """
    model, groups = body.get(_MODEL), _read_known_models(name, operation)
    if not groups or not isinstance(model, str) or any(model in one.values for one in groups):
        return
    shown = name_or_none(api_key.hide_in_text(model))
    # Atomic without a lock, which a forked child could inherit locked.
    mark = object()
    if len(_warned) >= _MAX_WARNINGS or _warned.setdefault((name, shown), mark) is not mark:
        return
    logger.warning(
        "%s: the model %s is not known; the gateway may not have it. Known: %s",
        name,
        shown or "(not shown: it does not look like a model's name)",
        _join_groups(groups),
    )


@cache
def _read_known_models(name: str, operation: str) -> tuple[KnownValues, ...]:
    """The known models of a resource, or of all of an operation's if none has the name."""
    resources = [one for one in list_client_resources() if one.operation.id == operation]
    own = [one for one in resources if one.name == name]
    return tuple(dict.fromkeys(group for one in own or resources for group in _list_models(one)))


def _list_models(resource: ClientResource) -> tuple[KnownValues, ...]:
    fields = as_object(resource.body_schema.get("properties")) or {}
    return read_known_values(resolve_schema(resource.contract, fields.get(_MODEL)))


def _read_values(entry: Object) -> tuple[str | int, ...]:
    values: JSON = entry["values"]
    listed = values if isinstance(values, list) else []
    return tuple(value for value in listed if isinstance(value, str | int))


def _join_groups(groups: Iterable[KnownValues]) -> str:
    return "; ".join(map(str, groups))
