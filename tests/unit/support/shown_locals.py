"""Everything that tools show of an exception or an object: messages, locals, fields."""

from __future__ import annotations

import io
import pprint
import traceback
from typing import Any

import attrs
import rich
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback


def show_error(error: BaseException) -> str:
    """An exception as rich and the standard library show it, with local variables."""
    texts = []
    # A suppressed context is not printed, but debuggers and error trackers follow it.
    for one in _chain(error):
        texts += [repr(one), repr(one.args), pretty_repr(vars(one))]
        plain = traceback.TracebackException(
            type(one), one, one.__traceback__, capture_locals=True, compact=True
        )
        texts += [str(plain), *(f"{frame.locals}" for frame in plain.stack)]
        # What rich prints of it; printing itself takes a second for the colours of the code.
        shown = Traceback.extract(
            type(one),
            one,
            one.__traceback__,
            show_locals=True,
            locals_max_length=None,
            locals_max_string=None,  # type: ignore[arg-type] # as rich's own pretty printer does
        )
        for stack in shown.stacks:
            texts.append(stack.exc_value)
            for frame in stack.frames:
                texts += [
                    f"{name} = {node.render(max_width=10_000)}"
                    for name, node in (frame.locals or {}).items()
                ]
    return "\n".join(texts)


def _chain(error: BaseException) -> list[BaseException]:
    pending: list[BaseException | None] = [error]
    found: list[BaseException] = []
    while pending:
        one = pending.pop()
        if one is not None and one not in found:
            found.append(one)
            pending += [one.__cause__, one.__context__]
            pending += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
    return found


def show_object(value: Any) -> str:
    """An object as rich, pprint, attrs and `rich.inspect` show it."""
    console = Console(file=io.StringIO(), width=1000, force_terminal=False)
    console.print(value)
    rich.inspect(value, console=console, all=True)
    assert isinstance(console.file, io.StringIO)
    texts = [repr(value), str(value), pretty_repr(value), pprint.pformat(value)]
    if attrs.has(type(value)):
        texts += [repr(attrs.asdict(value, recurse=depth)) for depth in (False, True)]
        texts += [
            pretty_repr({one.name: getattr(value, one.name) for one in attrs.fields(type(value))})
        ]
    if hasattr(value, "__dict__"):
        texts.append(pretty_repr(vars(value)))
    return "\n".join([console.file.getvalue(), *texts])
