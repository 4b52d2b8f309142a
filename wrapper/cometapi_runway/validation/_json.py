"""JSON as the standard has it, where Python's own reader is lenient.

Python takes NaN, keeps the last of two equal keys, guesses UTF-16 and turns 1e999 into infinity.
A gateway does none of that the same way, so each is a finding, with the place it was found at.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator

from attrs import frozen

from cometapi_runway.errors import Issue
from cometapi_runway.validation._kinds import is_list, is_object
from cometapi_runway.validation._schemas import body_subject, pointer

_Path = tuple[str | int, ...]
_Hook = Callable[[list[tuple[str, object]]], object]


_SURROGATE = re.compile("[\ud800-\udfff]")
# Far beyond any request, and before Python's own limits: a value with more than that most likely
# contains itself.
_MOST_PARTS = 100_000
_DEEPEST = 200


class _RepeatedKeyError(Exception):
    pass


@frozen
class _Pairs:
    """An object with its keys as they stood, equal ones included."""

    pairs: list[tuple[str, object]]


def decode(content: bytes) -> tuple[object, tuple[Issue, ...]]:
    """Read a body; the value is None when the issues say that there is none to read."""
    try:
        return _load(content, _unique)
    except _RepeatedKeyError:
        # Its reading ended there: what comes behind may be no JSON at all.
        tree, issues = _load(content, _Pairs)
        return None, issues or tuple(_repeated(tree, ()))


def _load(content: bytes, hook: _Hook) -> tuple[object, tuple[Issue, ...]]:
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=hook), ()
    except UnicodeDecodeError as error:
        words = f"is not UTF-8 (utf-8): byte {error.start} is wrong"
        return None, (_whole("utf-8", words),)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return None, (_whole("json", f"is not JSON (json): {error.msg} at {where}"),)
    except RecursionError:
        return None, (_whole("json", "is nested too deeply to be read (json)"),)
    except ValueError:
        # Python reads no integer of more than some thousand digits.
        return None, (_whole("json", "has a number that is too long to be read (json)"),)


def is_regular(value: object) -> bool:
    """Whether a value is what `decode` would return and free of what JSON cannot carry.

    A no says little: `irregular` takes its time to find out.
    """
    level: list[object] = [value]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for item in level:
            kind = type(item)
            if isinstance(item, str):
                if not item.isascii() and _SURROGATE.search(item):
                    return False
            elif kind is dict and is_object(item):
                if not all(isinstance(key, str) for key in item):
                    return False
                below.extend(item)
                below.extend(item.values())
            elif kind is list and is_list(item):
                below.extend(item)
            elif kind is float and isinstance(item, float):
                if not math.isfinite(item):
                    return False
            elif item is not None and kind is not int and kind is not bool:
                return False
        if not below:
            return True
        if len(below) > _MOST_PARTS:
            return False
        level = below
    return False


def irregular(value: object) -> tuple[Issue, ...]:
    """The parts of a value that JSON cannot carry: NaN, half a surrogate pair, bytes, dates."""
    # A loop, not recursion: what is nested too deeply is found out here.
    waiting: list[tuple[_Path, object]] = [((), value)]
    found: list[Issue] = []
    parts = 0
    while waiting:
        path, item = waiting.pop()
        parts += 1
        if parts > _MOST_PARTS or len(path) > _DEEPEST:
            return (_whole("json", "is too large, too deep, or contains itself (json)"),)
        if is_object(item):
            found += [_unnamed(path, key) for key in item if not isinstance(key, str)]
            waiting += [((*path, key), child) for key, child in item.items()]
            waiting += [((*path, key), key) for key in item if not _is_ascii(key)]
        elif is_list(item):
            waiting += [((*path, index), child) for index, child in enumerate(item)]
        elif problem := _problem(item):
            rule, shown, words = problem
            found.append(_finding(path, rule, shown, words))
    return tuple(found)


def _is_ascii(key: object) -> bool:
    return isinstance(key, str) and key.isascii()


def _problem(item: object) -> tuple[str, object, str] | None:
    """The rule that a scalar breaks, what to show of it, and in which words."""
    if isinstance(item, str):
        if not item.isascii() and _SURROGATE.search(item):
            return "unicode", ascii(item)[:80], "has half a surrogate pair in it"
    elif isinstance(item, float):
        if not math.isfinite(item):
            return "finite", repr(item), "is not a number JSON can carry"
    elif item is not None and not isinstance(item, int):
        return "json", type(item).__name__, "is not a JSON value"
    return None


def plain(value: object) -> object:
    """The value with string subclasses, mappings and tuples made what they are on the wire."""
    return json.loads(json.dumps(value, default=dict))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise _RepeatedKeyError
    return read


def _repeated(value: object, path: _Path) -> Iterator[Issue]:
    if is_list(value):
        for index, item in enumerate(value):
            yield from _repeated(item, (*path, index))
    if not isinstance(value, _Pairs):
        return
    seen: set[str] = set()
    for key, item in value.pairs:
        if key in seen:
            yield _finding((*path, key), "duplicate-key", item, "is given more than once")
        seen.add(key)
        yield from _repeated(item, (*path, key))


def _finding(path: _Path, rule: str, value: object, words: str) -> Issue:
    where = pointer(path)
    shown = value if isinstance(value, str | int | float | None) else type(value).__name__
    return Issue(where, rule, shown, f"{body_subject(where)} {words} ({rule}), got {shown}")


def _unnamed(path: _Path, key: object) -> Issue:
    words = f"has a field whose name is no text (json), got {key!r:.80}"
    return Issue(
        pointer(path), "json", type(key).__name__, f"{body_subject(pointer(path))} {words}"
    )


def _whole(rule: str, words: str) -> Issue:
    return Issue("", rule, None, f"the body {words}")
