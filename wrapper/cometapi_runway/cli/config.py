"""The settings file: options that would otherwise be typed each time.

A TOML file with one table, ``[cometapi-runway]``, whose keys are the names of shared options::

    [cometapi-runway]
    output = "~/Videos/runway"
    timeout = 1200

The command line comes before the environment, the environment before this file. A key is refused
here: files are copied, backed up and shown around.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal, get_args, get_origin, get_type_hints

from cyclopts.config import Dict

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli import NAME, places
from cometapi_runway.cli.endings import UsageError
from cometapi_runway.cli.options import Connection, Display, Saving, Waiting
from cometapi_runway.cli.words import kebab

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import ArgumentCollection

_HINTS: Final = {
    kebab(name): hint
    for group in (Connection, Waiting, Saving, Display)
    for name, hint in get_type_hints(group).items()
}
NAMES: Final = tuple(_HINTS)
"""What the table may hold."""
_KINDS: Final[dict[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
}

_SECRETS: Final = ("key", "token", "secret", "password", "authorization", "bearer")


def apply(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill the options that neither the command line nor the environment gave.

    Raises:
        UsageError: The file cannot be read, or holds what it should not.
    """
    found = load()
    if found:
        values = {name.replace("-", "_"): value for name, value in found.items()}
        source = str(places.config())
        Dict(values, source=source, use_commands_as_keys=False, allow_unknown=True)(
            app, commands, arguments
        )


def load() -> dict[str, JSON]:
    """The table of the settings file, names as on the command line; empty without a file.

    Raises:
        UsageError: The file cannot be read, or holds what it should not.
    """
    file = places.config()
    try:
        with file.open("rb") as content:
            document: Object = tomllib.load(content)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read {file}: {error}", "correct the file or move it away"
        ) from error
    strange = document.keys() - {NAME}
    if strange:
        raise UsageError(
            f"{file}: {_secret(strange) or sorted(strange)[0]} is outside the table",
            _drop_key() if _secret(strange) else f"put settings under [{NAME}]",
        )
    table = as_object(document.get(NAME, {}))
    if table is None:
        raise UsageError(f"{file}: {NAME} is no table", f"begin the file with [{NAME}]")
    return {_checked(name, value, str(file)): value for name, value in table.items()}


def _checked(name: str, value: JSON, file: str) -> str:
    if _secret([name]):
        raise UsageError(f"{file} holds {name!r}; a key must not be kept there", _drop_key())
    plain = name.replace("_", "-")
    if plain not in NAMES:
        close = difflib.get_close_matches(plain, NAMES, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(NAMES)}"
        raise UsageError(f"{file}: there is no setting {name!r}", advice)
    wanted, example = _wanted(_HINTS[plain], value)
    if wanted:
        # The value is not shown: what is no setting may be a secret.
        words = f"{file}: {name} must be {wanted}, got {_kind(value)}"
        raise UsageError(words, f"write it as {name} = {example}")
    return plain


def _wanted(hint: object, value: JSON) -> tuple[str, str]:
    """What a value should be instead, with an example; empty where it is of the option's type.

    An option's own reader is not asked: it takes any text, and turns other things into text.
    """
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        shown = [f'"{choice}"' for choice in choices]
        return ("", "") if value in choices else (" or ".join(shown), shown[0])
    if hint is bool:
        return ("", "") if isinstance(value, bool) else ("true or false", "true")
    if hint is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return ("", "") if is_number else ("a number", "1.5")
    return ("", "") if isinstance(value, str) else ("text", '"…"')


def _kind(value: object) -> str:
    """What a value is, in TOML's terms; a date is one without quotes."""
    return _KINDS.get(type(value), "a date or a time")


def _secret(names: Iterable[str]) -> str | None:
    """The first name that is a key's."""
    return next((n for n in names if any(word in n.lower() for word in _SECRETS)), None)


def _drop_key() -> str:
    return f"remove it from the file and set the environment variable {KEY_VARIABLE} instead"
