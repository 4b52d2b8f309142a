"""Replaces functions of a running process with their mutated code.

Functions are found by their file and line, wherever they are referenced. Statements of modules and
classes cannot be replaced in this way; `plan` returns None for them.
"""

from __future__ import annotations

import functools
import gc
import os
import types
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from . import package_copy

Place = tuple[str, int]
"""A function by its qualified name and its first line."""


@frozen
class Plan:
    """The changed functions with their new code."""

    file: str
    codes: dict[Place, types.CodeType]


def plan(file: str, before: str, after: str) -> Plan | None:
    """The functions to swap; None if something outside functions has changed."""
    pair = [compile(text, file, "exec") for text in (before, after)]
    codes: dict[Place, types.CodeType] = {}
    is_inside = _compare(pair[0], pair[1], codes)
    return Plan(file, codes) if is_inside and codes else None


def _compare(old: types.CodeType, new: types.CodeType, codes: dict[Place, types.CodeType]) -> bool:
    """Collect changed functions; False if something else has changed."""
    inner_old, inner_new = _nested(old), _nested(new)
    if [one.co_name for one in inner_old] != [one.co_name for one in inner_new]:
        return _changed(old, new, codes)
    baselines = len(codes)
    if not all(_compare(*pair, codes) for pair in zip(inner_old, inner_new, strict=True)):
        return False
    if _own(old) != _own(new) or (_is_function(old) and len(codes) > baselines):
        # A function contains the code of its nested functions, so it changes with them.
        return _changed(old, new, codes)
    return True


def _changed(old: types.CodeType, new: types.CodeType, codes: dict[Place, types.CodeType]) -> bool:
    codes[old.co_qualname, old.co_firstlineno] = new
    return _is_function(old) and old.co_freevars == new.co_freevars


def _is_function(code: types.CodeType) -> bool:
    # Functions have the CO_NEWLOCALS flag; module and class bodies do not.
    return bool(code.co_flags & 0x02)


def _nested(code: types.CodeType) -> list[types.CodeType]:
    return [one for one in code.co_consts if isinstance(one, types.CodeType)]


def _own(code: types.CodeType) -> tuple[object, ...]:
    consts = tuple((type(one), one) for one in code.co_consts
                   if not isinstance(one, types.CodeType))  # fmt: skip
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    return code.co_code, consts, names, code.co_exceptiontable, code.co_argcount, code.co_flags


def apply(change: Plan) -> int:
    """Swap the code of every matching function; returns how many were changed."""
    count = 0
    for function in _functions():
        code = function.__code__
        new = change.codes.get((code.co_qualname, code.co_firstlineno))
        if new is not None and code.co_filename == change.file:
            function.__code__ = new
            count += 1
    return count


def clear_caches() -> None:
    """Clear every cache, because it may hold results of the old code."""
    for one in find_caches():
        one.cache_clear()


def find_caches() -> list[functools._lru_cache_wrapper[Any]]:
    """Every cache of a function of the repository that is loaded."""
    return [
        one
        for one in _objects()
        if isinstance(one, functools._lru_cache_wrapper) and _is_ours(one.__wrapped__)
    ]


def _is_ours(function: object) -> bool:
    code = getattr(function, "__code__", None)
    folders = tuple(
        str(package_copy.ROOT / folder) + os.sep for folder in (*package_copy.FOLDERS, "tests")
    )
    return isinstance(code, types.CodeType) and code.co_filename.startswith(folders)


def _functions() -> Iterator[types.FunctionType]:
    return (one for one in _objects() if isinstance(one, types.FunctionType))


def _objects() -> list[object]:
    # `get_objects` leaves out what is frozen: all that a forked process inherits, for one.
    gc.unfreeze()
    found = gc.get_objects()
    gc.freeze()
    return found
