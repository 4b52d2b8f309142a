"""The settings file: options that need not be typed each time.

A TOML file with one table, ``[cometapi-runway]``, whose keys are the names of shared options::

    [cometapi-runway]
    output = "~/Videos/runway"
    timeout = 1200

The command line takes precedence over the environment, the environment over this file. A key is
refused in the file: such files are copied, backed up and shared.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal, get_args, get_origin, get_type_hints

from cyclopts.config import Dict

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway._core.naming import kebab_case
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.shared import (
    ConnectionOptions,
    DisplayOptions,
    SavingOptions,
    WaitingOptions,
)

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import ArgumentCollection

_TYPE_HINTS: Final = {
    kebab_case(name): hint
    for group in (ConnectionOptions, WaitingOptions, SavingOptions, DisplayOptions)
    for name, hint in get_type_hints(group).items()
}
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
    if table:
        values = {name.replace("-", "_"): value for name, value in table.items()}
        source = str(paths.get_settings_file_path())
        Dict(values, source=source, use_commands_as_keys=False, allow_unknown=True)(
            app, commands, arguments
        )


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
        raise UsageError(message, f"write it as {name} = {example}")
    return option


def _find_type_mismatch(hint: object, value: JSON) -> tuple[str, str]:
    """The expected type and an example; both empty where the value fits.

    The options' own converters are not used: they accept text only, and convert other values to
    text.
    """
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        quoted = [f'"{choice}"' for choice in choices]
        return ("", "") if value in choices else (" or ".join(quoted), quoted[0])
    if hint is bool:
        return ("", "") if isinstance(value, bool) else ("true or false", "true")
    if hint is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return ("", "") if is_number else ("a number", "1.5")
    return ("", "") if isinstance(value, str) else ("text", '"…"')


def _name_type(value: object) -> str:
    """A value's type in TOML's terms; an unquoted date has its own type."""
    return _TYPE_NAMES.get(type(value), "a date or a time")


def _find_secret(names: Iterable[str]) -> str | None:
    """The first name that suggests a secret."""
    return next((n for n in names if any(word in n.lower() for word in _WORDS_OF_SECRETS)), None)


def _advise_to_remove_key() -> str:
    return f"remove it from the file and set the environment variable {KEY_VARIABLE} instead"
