"""Records the commands with their options: `python -m tests.unit.cli.command_list` writes the file.

Help screens are made of these words, and so are the settings file and completion. Commands and
options that come from the contract are left out.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import attrs
from cyclopts import App, Parameter

from cometapi_runway.cli._app import build_app
from cometapi_runway.cli._options.request import RequestOptions
from cometapi_runway.resources._client_resources import list_client_resources

RECORD = Path(__file__).with_name("commands.json")
CREATE = "create"


def list_commands() -> dict[str, list[str]]:
    """Each command and each class of options, as lines of text."""
    found: dict[str, list[str]] = {}
    classes: dict[str, type] = {CREATE: RequestOptions}
    for words, app in _walk(build_app(), ()):
        found[" ".join(words)] = [_describe_app(app), *_list_parameters(app, classes)]
    for name, kind in sorted(classes.items()):
        names = vars(sys.modules[kind.__module__])
        hints = get_type_hints(kind, names, include_extras=True)
        found[name] = [_describe_class(kind)] + [
            _describe(one.name, one.default, hints[one.name], "" if one.kw_only else "at a place, ")
            for one in attrs.fields(kind)
        ]
    return found


def _walk(app: App, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], App]]:
    made = {one.command_words[0] for one in list_client_resources()}
    yield words, app
    for name in app:
        if not name.startswith("-") and (words or name not in made):
            yield from _walk(app[name], (*words, name))


def _list_parameters(app: App, classes: dict[str, type]) -> Iterator[str]:
    function = app.default_command
    if function is None:
        return
    hints = get_type_hints(function, include_extras=True)
    for name, one in inspect.signature(function).parameters.items():
        if isinstance(hints[name], type) and attrs.has(hints[name]):
            classes[hints[name].__name__] = hints[name]
            yield f"{name}: {hints[name].__name__}"
        else:
            yield _describe(name, one.default, hints[name], f"{one.kind.description}, ")


def _describe(name: str, default: object, hint: Any, where: str) -> str:
    parameter = Parameter.combine(*getattr(hint, "__metadata__", ()))
    if parameter.parse is False:
        return f"{name}: made by the program"
    values = {
        "flag": parameter.name, "metavar": parameter.metavar,
        "environment": parameter.env_var, "group": _name_groups(parameter.group),
        "hyphen": parameter.allow_leading_hyphen, "show": _find_shown(parameter, default),
        "negative": None if parameter.negative is None else str(parameter.negative),
        "checks": [_describe_check(one) for one in parameter.validator or ()],
        "converter": getattr(parameter.converter, "__name__", None),
    }  # fmt: skip
    more = "".join(f", {key} {value}" for key, value in values.items() if value)
    empty = inspect.Parameter.empty, attrs.NOTHING
    given = "required" if default in empty else repr(default)
    return f"{name}: {where}{given}{more}: {parameter.help}"


def _find_shown(parameter: Parameter, default: object) -> object:
    shown = parameter.show_default
    return shown(default) if callable(shown) else {None: "", True: "", False: "no default"}[shown]


def _describe_check(check: object) -> object:
    limits = {name: getattr(check, name, None) for name in ("gt", "gte", "lt", "lte")}
    return getattr(check, "__name__", None) or {k: v for k, v in limits.items() if v is not None}


def _describe_app(app: App) -> str:
    groups, inside = _name_groups(app.group), _name_groups(app.group_commands)
    help_text = " ".join((app.help or "").split())
    return f"{groups} {help_text}, epilogue {app.help_epilogue!r}, commands {inside}"


def _name_groups(groups: Any) -> list[tuple[str, object]]:
    listed = groups if isinstance(groups, tuple | list) else [groups] if groups else []
    return [(one, None) if isinstance(one, str) else (one.name, one.sort_key) for one in listed]


def _describe_class(kind: type) -> str:
    parameter = Parameter.combine(*kind.__cyclopts__.parameters)  # type: ignore[attr-defined]
    return f"{parameter.name} {_name_groups(parameter.group)}"


def main() -> None:
    """Write the record."""
    text = json.dumps(list_commands(), indent=1, ensure_ascii=False)
    RECORD.write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main()
