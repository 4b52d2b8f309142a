"""JSON values, and the functions that look into them and change them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

from contract_tools._common.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = "dict[str, Json]"
Path: TypeAlias = "tuple[str | int, ...]"

SHOWN_LENGTH = 60


def as_object(value: Json, where: str) -> JsonObject:
    """Return a value that must be a JSON object.

    Raises:
        ContractError: it is not an object; the message names `where`.
    """
    if isinstance(value, dict):
        return value
    raise ContractError(f"{where}: expected an object, found {describe(value)}")


def as_text(value: Json, where: str) -> str:
    """Return a value that must be a non-empty string.

    Raises:
        ContractError: it is not; the message names `where`.
    """
    if isinstance(value, str) and value.strip():
        return value
    raise ContractError(f"{where}: expected a non-empty string, found {describe(value)}")


def members(value: Json) -> JsonObject:
    """Return an object's members; an empty object for any other value."""
    return value if isinstance(value, dict) else {}


def entries(value: Json) -> list[Json]:
    """Return an array's entries; an empty list for any other value."""
    return value if isinstance(value, list) else []


def describe(value: Json) -> str:
    """Describe a value in a few words, for an error message."""
    if isinstance(value, dict):
        return f"an object with the keys {', '.join(value) or '(none)'}"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return "nothing (null)" if value is None else repr(value)


def shorten(value: Json, length: int = SHOWN_LENGTH) -> str:
    """Write a value as JSON, cut to a length in characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def canonical(value: Json) -> str:
    """Write a value so that equal data gives equal text; `==` takes 1, 1.0 and true for equal."""
    return json.dumps(value, sort_keys=True)


def pointer(path: Path) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def at_pointer(document: JsonObject, text: str) -> Json:
    """Return the value that a JSON pointer points at.

    Raises:
        ContractError: there is none.
    """
    steps = tuple(s.replace("~1", "/").replace("~0", "~") for s in text.split("/")[1:])
    return at_path(document, steps)


def at_path(value: Json, path: Path) -> Json:
    """Return the value at a path; a step into an array is its index.

    Raises:
        ContractError: there is none.
    """
    for step in path:
        if isinstance(value, list) and str(step).isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and str(step) in value:
            value = value[str(step)]
        else:
            message = f"points at nothing; {describe(value)} has no {step!r}"
            raise ContractError(f"#{pointer(path)}: {message}")
    return value


def set_at(document: Json, path: Path, value: Json) -> None:
    """Put a value at a path, in place; objects on the way are created."""
    holder = _holder(document, path)
    if isinstance(holder, list):
        holder[int(path[-1])] = value
    else:
        members(holder)[str(path[-1])] = value


def remove_at(document: Json, path: Path) -> None:
    """Remove the value at a path, in place; nothing happens where an object has none."""
    holder = _holder(document, path)
    if isinstance(holder, list):
        del holder[int(path[-1])]
    else:
        members(holder).pop(str(path[-1]), None)


def _holder(document: Json, path: Path) -> Json:
    for step in path[:-1]:
        if isinstance(document, list):
            document = document[int(step)]
        else:
            document = members(document).setdefault(str(step), {})
    return document


def walk(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yield a value and everything inside it, in document order, each with its path."""
    # Without recursion: each value would pass through a generator for every level above it.
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, dict):
            waiting += [((*path, key), child) for key, child in reversed(value.items())]
        elif isinstance(value, list):
            last = len(value) - 1
            waiting += [((*path, last - i), child) for i, child in enumerate(reversed(value))]
