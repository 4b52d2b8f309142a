"""Type checks for JSON values: predicates for any value, requirements for a contract's parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON, Object


class ContractError(ValueError):
    """The document is not a contract that this library can check requests against."""


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether JSON writers turn the value into an object."""
    # A dictionary first: a check with an abstract class is slow.
    return type(value) is dict or isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Whether JSON writers turn the value into a list; they do so with tuples."""
    return isinstance(value, list | tuple)


def require_object(value: JSON) -> Object:
    """Return the value if it is an object.

    Raises:
        ContractError: It is not.
    """
    if not isinstance(value, Mapping):
        raise ContractError(f"expected an object, found {type(value).__name__}")
    return value


def require_list(value: JSON) -> Sequence[JSON]:
    """Return the value if it is a list.

    Raises:
        ContractError: It is not.
    """
    if not isinstance(value, list):
        raise ContractError(f"expected a list, found {type(value).__name__}")
    return value


def require_text(value: JSON) -> str:
    """Return the value if it is a string.

    Raises:
        ContractError: It is not.
    """
    if not isinstance(value, str):
        raise ContractError(f"expected a string, found {type(value).__name__}")
    return value
