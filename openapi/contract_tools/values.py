"""JSON values as Python sees them, and the few ways the tools look into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from contract_tools.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
JsonObject: TypeAlias = "dict[str, Json]"
Path: TypeAlias = "tuple[str | int, ...]"


def as_object(value: Json, where: str) -> JsonObject:
    """Return a value that has to be a JSON object.

    Raises:
        ContractError: it is something else; `where` is named.
    """
    if isinstance(value, dict):
        return value
    raise ContractError(f"{where}: expected an object, found {describe(value)}")


def as_text(value: Json, where: str) -> str:
    """Return a value that has to be a non-empty string.

    Raises:
        ContractError: it is something else; `where` is named.
    """
    if isinstance(value, str) and value.strip():
        return value
    raise ContractError(f"{where}: expected a non-empty string, found {describe(value)}")


def members(value: Json) -> JsonObject:
    """Return an object's members, and none for anything that is not an object."""
    return value if isinstance(value, dict) else {}


def entries(value: Json) -> list[Json]:
    """Return an array's entries, and none for anything that is not an array."""
    return value if isinstance(value, list) else []


def describe(value: Json) -> str:
    """Say what a value is, short enough for an error message."""
    if isinstance(value, dict):
        return f"an object with the keys {', '.join(value) or '(none)'}"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return "nothing (null)" if value is None else repr(value)


def pointer(path: Path) -> str:
    """Write a path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def at_pointer(document: JsonObject, text: str) -> Json:
    """Return what a JSON pointer points at.

    Raises:
        ContractError: nothing is there.
    """
    value: Json = document
    for step in text.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if name not in members(value):
            raise ContractError(f"#{text}: points at nothing; {describe(value)} has no {name!r}")
        value = members(value)[name]
    return value


def resolve(document: JsonObject, value: Json) -> JsonObject:
    """Follow a reference inside the document, if the value is one."""
    seen = 0
    while isinstance(reference := members(value).get("$ref"), str) and seen < 20:
        value, seen = at_pointer(document, reference.removeprefix("#")), seen + 1
    return members(value)


def walk(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yield a value and everything inside it, in document order, each with its path."""
    yield path, value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from walk(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from walk(child, (*path, index))
