"""Callbacks of a caller, and options of a call that are none."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

from cometapi_runway import redaction
from cometapi_runway.errors import InvalidRequestError, Issue

C = TypeVar("C", bound=Callable[..., object])


def awaited(name: str, given: C | None) -> C | None:
    """A callback of the asynchronous client, which may be a coroutine function.

    Raises:
        InvalidRequestError: It cannot be called.
    """
    if given is not None and not callable(given):
        raise refusal(name, "type", f"is {redaction.shown(given)}, not callable", given)
    return given


def plain(name: str, given: C | None) -> C | None:
    """A callback of the blocking client, which has no event loop to await one in.

    Raises:
        InvalidRequestError: It cannot be called, or is a coroutine function.
    """
    # An object may be called by a coroutine function of its class.
    if any(map(inspect.iscoroutinefunction, (awaited(name, given), type(given).__call__))):
        raise refusal(name, "type", "is a coroutine function, and nobody would await it", given)
    return given


def refusal(name: str, rule: str, words: str, value: object = None) -> InvalidRequestError:
    """What is wrong with an option of a call."""
    return InvalidRequestError([Issue(name, rule, value, f"{name}: {words}")])
