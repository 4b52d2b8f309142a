"""JSON pointers (RFC 6901) and the ``$ref`` keywords that use them.

The schema engine has a resolver as well. It is not used here because loading the engine takes tens
of milliseconds, and the command line reads the contract for every ``--help``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cometapi_runway.validation._json_types import ContractError, require_object

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON, Object


def make_pointer(path: Iterable[str | int]) -> str:
    """Write a path of keys and indexes as a JSON pointer, such as ``/tags/0``."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def follow_pointer(document: JSON, pointer: str) -> JSON:
    """Return the value at a JSON pointer.

    Args:
        document: Where to start.
        pointer: The pointer; empty for the document itself. List indexes are not supported:
            references between schemas go through objects only.

    Raises:
        KeyError: The pointer leads nowhere.
    """
    found = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping):
            raise KeyError(pointer)
        found = found[key]
    return found


def resolve_reference(document: Object, value: JSON) -> Object:
    """Return the object that a value stands for: itself, or the target of its ``$ref``.

    Raises:
        ContractError: The value is not an object, or the reference leaves the document, leads
            nowhere or refers to itself.
    """
    seen: list[str] = []
    current = require_object(value)
    while isinstance(reference := current.get("$ref"), str):
        if reference in seen:
            raise ContractError(f"{reference} refers to itself")
        seen.append(reference)
        if not reference.startswith("#/"):
            raise ContractError(f"{reference} points outside the document")
        try:
            current = require_object(follow_pointer(document, reference[1:]))
        except KeyError:
            raise ContractError(f"{reference} leads nowhere") from None
    return current
