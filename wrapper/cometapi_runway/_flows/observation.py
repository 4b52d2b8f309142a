"""Where telemetry watches flows: each new one passes through the observer, if there is one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from cometapi_runway._flows.steps import Flow

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class FlowObserver(Protocol):
    """Watches flows; what it returns must take the same steps and have the same result."""

    def __call__(self, flow: Flow[T], request: object) -> Flow[T]:
        """Return a flow that is watched.

        Args:
            flow: The flow; it has not begun.
            request: Its first argument: a `SubmitRequest`, `WaitRequest` or `DownloadRequest`.
        """
        ...


_observers: list[FlowObserver] = []
"""At most one."""


def set_observer(observer: FlowObserver | None) -> None:
    """Have an observer watch every flow that begins from now on; None for no observer."""
    _observers[:] = [] if observer is None else [observer]


def observable(
    start: Callable[Concatenate[R, P], Flow[T]],
) -> Callable[Concatenate[R, P], Flow[T]]:
    """Decorate a function that returns a flow: the observer watches it."""

    @wraps(start)
    def start_observed(request: R, /, *args: P.args, **options: P.kwargs) -> Flow[T]:
        flow = start(request, *args, **options)
        return _observers[0](flow, request) if _observers else flow

    return start_observed
