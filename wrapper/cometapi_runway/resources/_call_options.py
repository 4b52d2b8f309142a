"""Validate callbacks and call options."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway.errors import InvalidRequestError, Issue

C = TypeVar("C", bound=Callable[..., object])


def check_async_callback(name: str, callback: C | None) -> C | None:
    """Return a callback of the asynchronous client, which may be a coroutine function.

    Raises:
        InvalidRequestError: It cannot be called.
    """
    if callback is not None and not callable(callback):
        raise invalid_option(name, "type", f"is {safe_repr(callback)}, not callable", callback)
    return callback


def check_callback(name: str, callback: C | None) -> C | None:
    """Return a callback of the blocking client, which has no event loop to await one in.

    Raises:
        InvalidRequestError: It cannot be called, or is a coroutine function.
    """
    check_async_callback(name, callback)
    # An object's class may define `__call__` as a coroutine function.
    if any(map(inspect.iscoroutinefunction, (callback, type(callback).__call__))):
        raise invalid_option(
            name,
            "type",
            "is a coroutine function, which the blocking client cannot await",
            callback,
        )
    return callback


def invalid_option(name: str, rule: str, problem: str, value: object = None) -> InvalidRequestError:
    """The error for an invalid option of a call: its name, the broken rule, and what is wrong."""
    return InvalidRequestError([Issue(name, rule, value, f"{name}: {problem}")])
