"""Keep the key out of exceptions: out of their text and out of their tracebacks' variables.

httpcore and h11 hold the header lines and the bytes of a request in local variables, which a
traceback with locals shows. h11 quotes the malformed lines of a server, which may repeat the key.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import TypeGuard

from cometapi_runway._core.secret import Secret

# Not the frames of callers, nor of this package's flows: clearing ends a suspended generator.
_CLEARED_PACKAGES = (
    "httpx",
    "httpcore",
    "h11",
    "anyio",
    "cometapi_runway._io.async_transport",
    "cometapi_runway._io.deadlines",
    "cometapi_runway._io.transport",
)


@contextlib.contextmanager
def hide_key_in_errors(key: Secret) -> Generator[None]:
    """Hide the key in every exception that leaves this block, and in their causes."""
    try:
        yield
    except BaseException as error:
        hide_key_in(error, key)
        raise


def hide_key_in(error: BaseException, key: Secret) -> None:
    """Hide the key in an exception and in its causes."""
    for each in _iterate_chain(error):
        _clear_library_frames(each.__traceback__)
        _hide_in_arguments(each, key)


def _iterate_chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception with its causes, contexts and members, each once."""
    pending, seen = [error], set[int]()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        pending += [one for one in (each.__cause__, each.__context__) if one is not None]
        if _is_group(each):
            pending += each.exceptions


def _is_group(error: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    # `isinstance` alone leaves the type of the members unknown.
    return isinstance(error, BaseExceptionGroup)


def _clear_library_frames(trace: TracebackType | None) -> None:
    """Clear the local variables of frames that have ended; file and line stay."""
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if any(name == package or name.startswith(f"{package}.") for package in _CLEARED_PACKAGES):
            # RuntimeError: the frame is still running.
            with contextlib.suppress(RuntimeError):
                trace.tb_frame.clear()
        trace = trace.tb_next


def _hide_in_arguments(error: BaseException, key: Secret) -> None:
    arguments = tuple(
        key.hide_in_text(each) if isinstance(each, str) else each for each in error.args
    )
    if arguments != error.args:
        error.args = arguments
    if isinstance(error, OSError) and isinstance(error.strerror, str):
        # Its text is made of this attribute, not of `args`.
        error.strerror = key.hide_in_text(error.strerror)
