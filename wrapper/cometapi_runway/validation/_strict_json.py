"""Strict JSON (RFC 8259), where Python's reader is lenient.

Python accepts NaN, keeps the last of two equal keys, detects UTF-16 and reads 1e999 as infinity.
Other readers differ on each of these, so each is an issue with the place of the value.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from cometapi_runway.errors import Issue
from cometapi_runway.validation._json_types import is_list, is_object
from cometapi_runway.validation._messages import name_place
from cometapi_runway.validation._references import make_pointer

_Path = tuple[str | int, ...]
_Hook = Callable[[list[tuple[str, object]]], object]


_SURROGATE = re.compile("[\ud800-\udfff]")
# Larger than any request and below Python's own limits. A value beyond them probably contains
# itself.
_MAX_PARTS = 100_000
_MAX_DEPTH = 200
# Python writes integers of up to 4300 digits.
_MAX_BITS = 14_000


class _RepeatedKeyError(Exception):
    pass


@frozen
class _Pairs:
    """An object with all its keys, repeated ones included."""

    pairs: list[tuple[str, object]]


def decode_json(content: bytes) -> tuple[object, tuple[Issue, ...]]:
    """Decode a body.

    Returns:
        The value and no issue, or None and the issues that make the body unreadable.
    """
    try:
        return _load(content, _require_unique_keys)
    except _RepeatedKeyError:
        # Decoding stopped at the repeated key. Decode again, since the rest may be invalid JSON.
        tree, issues = _load(content, _Pairs)
        return None, issues or tuple(_find_repeated_keys(tree, ()))


def _load(content: bytes, hook: _Hook) -> tuple[object, tuple[Issue, ...]]:
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=hook), ()
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (utf-8): byte {error.start} is invalid"
        return None, (_report_body("utf-8", reason),)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return None, (_report_body("json", f"is not JSON (json): {error.msg} at {where}"),)
    except RecursionError:
        return None, (_report_body("json", "is nested too deeply to read (json)"),)
    except ValueError:
        # Python limits the number of digits of an integer.
        return None, (_report_body("json", "has a number that is too long to read (json)"),)


def is_plain_json(value: object) -> bool:
    """Whether a value certainly is JSON: a fast check for the common case.

    False does not mean that it is not; ask `check_json`, which is slower.
    """
    level: list[object] = [value]
    for _ in range(_MAX_DEPTH):
        below: list[object] = []
        for item in level:
            kind = type(item)
            if isinstance(item, str):
                if not item.isascii() and _SURROGATE.search(item):
                    return False
            elif kind is dict and is_object(item):
                if not _has_plain_keys(item):
                    return False
                below.extend(item.values())
            elif kind is list and is_list(item):
                below.extend(item)
            elif kind is float and isinstance(item, float):
                if not math.isfinite(item):
                    return False
            elif kind is int and isinstance(item, int):
                if item.bit_length() > _MAX_BITS:
                    return False
            elif item is not None and kind is not bool:
                return False
        if not below:
            return True
        if len(below) > _MAX_PARTS:
            return False
        level = below
    return False


def _has_plain_keys(item: Mapping[str, object]) -> bool:
    try:
        return "".join(item).isascii()
    except TypeError:
        # A key that is no text, whatever the type says.
        return False


def check_json(value: object) -> tuple[Issue, ...]:
    """Return an issue for each part that JSON cannot represent: NaN, lone surrogates, bytes, dates.

    Args:
        value: Any Python value.
    """
    # A loop instead of recursion, because the value may be nested more deeply than the stack.
    waiting: list[tuple[_Path, object]] = [((), value)]
    found: list[Issue] = []
    parts = 0
    while waiting:
        path, item = waiting.pop()
        parts += 1
        if parts > _MAX_PARTS or len(path) > _MAX_DEPTH:
            return (_report_body("json", "is too large, too deep, or contains itself (json)"),)
        if is_object(item):
            found += [_report_key(path, key) for key in item if not isinstance(key, str)]
            waiting += [((*path, key), child) for key, child in item.items()]
            waiting += [((*path, key), key) for key in item if not _is_ascii(key)]
        elif is_list(item):
            waiting += [((*path, index), child) for index, child in enumerate(item)]
        elif problem := _check_scalar(item):
            rule, shown, reason = problem
            found.append(_make_issue(path, rule, shown, reason))
    return tuple(found)


def _is_ascii(key: object) -> bool:
    return isinstance(key, str) and key.isascii()


def _check_scalar(item: object) -> tuple[str, object, str] | None:
    """Return the rule that a scalar breaks, the value to show, and the reason; None if valid."""
    if isinstance(item, str):
        if not item.isascii() and _SURROGATE.search(item):
            return "unicode", ascii(item)[:80], "contains half a surrogate pair"
    elif isinstance(item, int):
        if item.bit_length() > _MAX_BITS:
            return "json", type(item).__name__, "is an integer that is too long to write"
    elif isinstance(item, float):
        if not math.isfinite(item):
            return "finite", repr(item), "is not a number in JSON"
    elif item is not None:
        return "json", type(item).__name__, "is not a JSON value"
    return None


def to_plain_json(value: object) -> object:
    """Convert string subclasses, mappings and tuples to what they are on the wire."""
    return json.loads(json.dumps(value, default=dict))


def _require_unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    merged = dict(pairs)
    if len(merged) != len(pairs):
        raise _RepeatedKeyError
    return merged


def _find_repeated_keys(value: object, path: _Path) -> Iterator[Issue]:
    if is_list(value):
        for index, item in enumerate(value):
            yield from _find_repeated_keys(item, (*path, index))
    if not isinstance(value, _Pairs):
        return
    seen: set[str] = set()
    for key, item in value.pairs:
        if key in seen:
            yield _make_issue((*path, key), "duplicate-key", item, "is repeated")
        seen.add(key)
        yield from _find_repeated_keys(item, (*path, key))


def _make_issue(path: _Path, rule: str, value: object, reason: str) -> Issue:
    pointer = make_pointer(path)
    shown = value if isinstance(value, str | int | float | None) else type(value).__name__
    message = f"{name_place(pointer)} {reason} ({rule}), got {shown}"
    return Issue(pointer, rule, shown, _escape_surrogates(message))


def _report_key(path: _Path, key: object) -> Issue:
    pointer = make_pointer(path)
    reason = f"has a field whose name is not a string (json), got {key!r:.80}"
    message = _escape_surrogates(f"{name_place(pointer)} {reason}")
    return Issue(pointer, "json", type(key).__name__, message)


def _escape_surrogates(text: str) -> str:
    """The text as it can be printed; a lone surrogate cannot be."""
    return text.encode(errors="backslashreplace").decode()


def _report_body(rule: str, reason: str) -> Issue:
    return Issue("", rule, None, f"the body {reason}")
