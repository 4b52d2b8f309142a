"""Shrinks a failing JSON value, and finds the fields that make it fail.

Hypothesis can shrink only while it draws. Here the failing value exists already, so it is reduced
directly, with one call per step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeAlias

from cometapi_runway._core.json_values import JSON

_Path: TypeAlias = tuple[str | int, ...]

_MAX_TRIES = 2000


def shrink(value: JSON, fails: Callable[[JSON], bool]) -> JSON:
    """Reduce a failing value step by step, as long as it fails.

    Args:
        value: a value that fails.
        fails: whether a value fails; must be false for invalid values.
    """
    tries = 0
    smaller: JSON | None = value
    while smaller is not None:
        value, smaller = smaller, None
        for candidate in _steps(value):
            tries += 1
            if tries > _MAX_TRIES:
                return value
            if fails(candidate):
                smaller = candidate
                break
    return value


def blame_fields(
    value: JSON, others: Iterable[JSON], passes: Callable[[JSON], bool]
) -> Iterator[tuple[str, JSON, JSON]]:
    """The fields of a failing value that would pass with the content of another value.

    Args:
        value: a value that fails; a small one, since each field takes several calls.
        others: values to take content from.
        passes: whether a value is valid and does not fail.

    Yields:
        The JSON pointer, the content that fails, and a content that passes.
    """
    others = list(others)
    for path, leaf in _leaves(value):
        contents = [found[0] for other in others if (found := _find(other, path))]
        different = (one for one in contents if one != leaf)
        good = (one for one in different if passes(_put(value, path, one)))
        for one in islice(good, 1):
            yield "".join(f"/{step}" for step in path), leaf, one


def _leaves(value: JSON, path: _Path = ()) -> Iterator[tuple[_Path, JSON]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _find(value: JSON, path: _Path) -> list[JSON]:
    """The value at a path as a list of one; an empty list if the path does not exist."""
    for step in path:
        known = value if isinstance(value, dict) else range(len(value)) if _is_list(value) else ()
        if step not in known:
            return []
        value = value[step]
    return [value]


def _is_list(value: JSON) -> bool:
    return isinstance(value, list)


def _put(value: JSON, path: _Path, content: JSON) -> JSON:
    if not path:
        return content
    step, *rest = path
    inner = _put(value[step], tuple(rest), content)
    if isinstance(value, dict):
        return {**value, step: inner}
    return [inner if index == step else one for index, one in enumerate(value)]


def _steps(value: JSON) -> Iterator[JSON]:
    """Values that are one step simpler, the largest reductions first."""
    if isinstance(value, dict):
        for key in value:
            yield {other: inner for other, inner in value.items() if other != key}
        for key, inner in value.items():
            yield from ({**value, key: step} for step in _steps(inner))
    elif isinstance(value, list):
        yield from (value[:half] for half in _halves(len(value)))
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
        for index, inner in enumerate(value):
            yield from ([*value[:index], step, *value[index + 1 :]] for step in _steps(inner))
    elif isinstance(value, str):
        yield from _shorter(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from (one for one in (0, 1, int(value) // 2) if abs(one) < abs(value))
        if isinstance(value, float) and value.is_integer():
            yield int(value)


def _shorter(value: str) -> Iterator[str]:
    yield from (value[:half] for half in _halves(len(value)))
    yield from (value[:index] + value[index + 1 :] for index in range(min(len(value), 40)))
    plain = "".join("a" if not one.isascii() or not one.isprintable() else one for one in value)
    if plain != value:
        yield plain


def _halves(size: int) -> Iterator[int]:
    """Zero, a quarter, a half and three quarters of a size."""
    yield from sorted({size * part // 4 for part in range(4)} - {size})
