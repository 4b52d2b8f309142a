"""Differences between two JSON values: 59 equals 59.0, true does not equal 1."""

from __future__ import annotations

from collections.abc import Iterator

from cometapi_runway.validation._messages import describe_value


def find_differences(expected: object, actual: object, path: str = "") -> Iterator[str]:
    """Each difference with its JSON pointer: ``/seed: expected 3, got 4``."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in {**expected, **actual}:
            inner = f"{path}/{key}"
            if key not in actual:
                yield f"{inner}: expected {describe_value(expected[key])}, missing"
            elif key not in expected:
                yield f"{inner}: unexpected {describe_value(actual[key])}"
            else:
                yield from find_differences(expected[key], actual[key], inner)
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from find_differences(one, other, f"{path}/{index}")
    elif _kind(expected) is not _kind(actual) or expected != actual:
        difference = f"expected {describe_value(expected)}, got {describe_value(actual)}"
        yield f"{path or 'the body'}: {difference}"


def _kind(value: object) -> type:
    return float if type(value) is int else type(value)
