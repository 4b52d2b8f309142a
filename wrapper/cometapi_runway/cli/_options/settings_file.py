"""The settings file: options that need not be typed each time.

A TOML file with one table, ``[cometapi-runway]``, whose keys are the names of shared options::

    [cometapi-runway]
    output = "~/Videos/runway"
    timeout = 1200

    [cometapi-runway.prices]
    text_to_image = 0.32

The command line takes precedence over the environment, the environment over this file. A key is
refused in the file, and a journal's password: such files are copied, backed up and shared.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from types import UnionType
from typing import TYPE_CHECKING, Final, Literal, get_args, get_origin, get_type_hints

from cyclopts.config import Dict

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway._core.naming import kebab_case
from cometapi_runway._core.redaction import redact_database_url
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.budget import BudgetOptions
from cometapi_runway.cli._options.shared import (
    FILE_GROUP,
    ConnectionOptions,
    DisplayOptions,
    SavingOptions,
    WaitingOptions,
)

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import ArgumentCollection

_PRICES: Final = "prices"
_TYPE_HINTS: Final = {
    kebab_case(name): hint
    for group in (ConnectionOptions, WaitingOptions, SavingOptions, BudgetOptions, DisplayOptions)
    for name, hint in get_type_hints(group).items()
} | {_PRICES: dict}
SETTING_NAMES: Final = tuple(_TYPE_HINTS)
"""The keys that the table may hold."""
_TYPE_NAMES: Final[dict[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
}

_WORDS_OF_SECRETS: Final = ("key", "token", "secret", "password", "authorization", "bearer")


def apply_settings_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill in options that neither the command line nor the environment set.

    Raises:
        UsageError: The file cannot be read, or holds an unknown or malformed setting.
    """
    table = load_settings_file()
    values = {
        name.replace("-", "_"): value
        for name, value in table.items()
        # The option `--prices` names a file.
        if name != _PRICES
    }
    if values:
        source = str(paths.get_settings_file_path())
        own = [id(argument) for argument in arguments.filter_by(group=FILE_GROUP)]
        shared = copy.copy(arguments)
        shared[:] = [argument for argument in arguments if id(argument) not in own]
        Dict(values, source=source, use_commands_as_keys=False, allow_unknown=True)(
            app, commands, shared
        )


def load_price_table() -> Object:
    """The file's prices, which are not checked yet; empty without any.

    Raises:
        UsageError: As for `load_settings_file`.
    """
    return as_object(load_settings_file().get(_PRICES)) or {}


def load_settings_file() -> dict[str, JSON]:
    """The file's table, with the options' names as keys; empty without a file.

    Raises:
        UsageError: The file cannot be read, or holds an unknown or malformed setting.
    """
    file = paths.get_settings_file_path()
    try:
        with file.open("rb") as content:
            document: Object = tomllib.load(content)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read {file}: {error}", "correct the file or move it away"
        ) from error
    outside = document.keys() - {DISTRIBUTION}
    if outside:
        secret = _find_secret(outside)
        raise UsageError(
            f"{file}: {secret or min(outside)} is outside the table",
            _advise_to_remove_key() if secret else f"put settings under [{DISTRIBUTION}]",
        )
    table = as_object(document.get(DISTRIBUTION, {}))
    if table is None:
        raise UsageError(
            f"{file}: {DISTRIBUTION} is not a table", f"begin the file with [{DISTRIBUTION}]"
        )
    return {_check_setting(name, value, str(file)): value for name, value in table.items()}


def _check_setting(name: str, value: JSON, file: str) -> str:
    """The option's name of a setting.

    Raises:
        UsageError: There is no such setting, or the value has the wrong type.
    """
    if _find_secret([name]):
        raise UsageError(
            f"{file} holds {name!r}; do not store a key there", _advise_to_remove_key()
        )
    # Not kebab_case: settings in camelCase are refused.
    option = name.replace("_", "-")
    if option not in SETTING_NAMES:
        advice = suggest_name(option, SETTING_NAMES)
        raise UsageError(f"{file}: there is no setting {name!r}", advice)
    expected, example = _find_type_mismatch(_TYPE_HINTS[option], value)
    if expected:
        # The value is not shown: a misplaced one may be a secret.
        message = f"{file}: {name} must be {expected}, got {_name_type(value)}"
        raise UsageError(message, f"write it as {example.format(name=name)}")
    if option == "journal" and _has_password(str(value)):
        raise UsageError(
            f"{file}: {name} holds a password; do not store one there",
            "remove it from the URL, and set the environment variable PGPASSWORD or write it into "
            "~/.pgpass",
        )
    return option


def _find_type_mismatch(hint: object, value: JSON) -> tuple[str, str]:
    """The expected type and an example with the setting's ``{name}``; empty if the value fits.

    The options' own converters are not used: they accept text only, and convert other values to
    text.
    """
    hint = _strip_none(hint)
    if get_origin(hint) is Literal:
        choices: tuple[str, ...] = get_args(hint)
        quoted = [f'"{choice}"' for choice in choices]
        is_fit, expected, example = value in choices, " or ".join(quoted), quoted[0]
    elif hint is bool:
        is_fit, expected, example = isinstance(value, bool), "true or false", "true"
    elif hint is dict:
        is_fit, expected, example = isinstance(value, dict), "a table", ""
    elif hint is int or hint is float or hint is Decimal:
        types = int if hint is int else int | float
        is_fit = isinstance(value, types) and not isinstance(value, bool)
        expected, example = ("a whole number", "9") if hint is int else ("a number", "1.5")
    else:
        is_fit, expected, example = isinstance(value, str), "text", '"…"'
    if is_fit:
        return "", ""
    return expected, f"{{name}} = {example}" if example else f"[{DISTRIBUTION}.{{name}}]"


def _strip_none(hint: object) -> object:
    """The type in an optional one."""
    if not isinstance(hint, UnionType):
        return hint
    types = [one for one in get_args(hint) if one is not type(None)]
    return types[0] if len(types) == 1 else hint


def _has_password(journal: str) -> bool:
    """Whether a journal's URL has a password, or may have one."""
    is_url = journal.lower().startswith(("postgres://", "postgresql://"))
    return is_url and redact_database_url(journal) != journal


def _name_type(value: object) -> str:
    """A value's type in TOML's terms; an unquoted date has its own type."""
    return _TYPE_NAMES.get(type(value), "a date or a time")


def _find_secret(names: Iterable[str]) -> str | None:
    """The first name that suggests a secret."""
    return next((n for n in names if any(word in n.lower() for word in _WORDS_OF_SECRETS)), None)


def _advise_to_remove_key() -> str:
    return f"remove it from the file and set the environment variable {KEY_VARIABLE} instead"
