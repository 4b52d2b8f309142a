"""The commands that messages advise: each exists, with its options."""

from __future__ import annotations

import re
import shlex
from functools import cache

from cyclopts import App

from cometapi_runway.cli._app import build_app

_NAMED = re.compile(
    r"`cometapi-runway(?P<quoted> [^`]+)`"
    r"|(?:next:|see)\s+cometapi-runway(?P<line> [^\"\n]+)"
)


def check_named_commands(text: str) -> None:
    """Each command in a text can be run as it is written, but for its placeholders.

    Raises:
        AssertionError: There is no such command, or it has no such option.
    """
    for found in _NAMED.finditer(text):
        command = found["quoted"] or found["line"]
        problem = find_problem(command)
        assert problem is None, f"cometapi-runway{command}: {problem}"


@cache
def find_problem(command: str) -> str | None:
    """What is wrong with the words of a command, or None."""
    words = [word for word in shlex.split(command) if word != "--help"]
    path, apps, rest = _make_app().parse_commands(words)
    if apps[-1].default_command is None:
        return f"no command {rest[0]}" if rest else None
    options = [word.partition("=")[0] for word in rest if word.startswith("-")]
    unknown = [option for option in options if option not in _list_options(path)]
    return f"no option {unknown[0]}" if unknown else None


@cache
def _make_app() -> App:
    return build_app()


@cache
def _list_options(path: tuple[str, ...]) -> frozenset[str]:
    (*_, app) = _make_app().parse_commands(path)[1]
    return frozenset(name for one in app.assemble_argument_collection() for name in one.names)
