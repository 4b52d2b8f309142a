"""A failing JSON value made as small as it can be and still fail.

Hypothesis shrinks what it drew itself and would have to find the failure anew; here the failing
value is at hand, so it is cut down where it stands, and every step is one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cometapi_runway.jsonvalue import JSON

_MOST_TRIES = 2000


def shrink(value: JSON, fails: Callable[[JSON], bool]) -> JSON:
    """The smallest value found on a way of single steps that all fail.

    Args:
        value: one that fails.
        fails: whether another does; it must say no to a value that is not allowed.
    """
    tries = 0
    smaller: JSON | None = value
    while smaller is not None:
        value, smaller = smaller, None
        for candidate in _steps(value):
            tries += 1
            if tries > _MOST_TRIES:
                return value
            if fails(candidate):
                smaller = candidate
                break
    return value


def _steps(value: JSON) -> Iterator[JSON]:
    """Values that are one step simpler, the boldest first."""
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
    """Nothing, a quarter, a half, three quarters."""
    yield from sorted({size * part // 4 for part in range(4)} - {size})
