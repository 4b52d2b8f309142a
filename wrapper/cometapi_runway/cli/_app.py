"""The application: its commands, and the text of its own help."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cyclopts import App, Group, Parameter

from cometapi_runway._core.json_values import JSON, as_object, as_text
from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.version import DISTRIBUTION, __version__
from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._output.exit_codes import EXIT_CODE_MEANINGS
from cometapi_runway.resources._client_resources import list_client_resources
from cometapi_runway.validation import contract

if TYPE_CHECKING:
    from cyclopts.argument import ArgumentCollection

    from cometapi_runway.cli._options import settings_file
else:
    settings_file = LazyModule("cometapi_runway.cli._options.settings_file")

_COMMANDS_PACKAGE: Final = "cometapi_runway.cli._commands"
_CREATE_GROUP: Final = Group("Create a task", sort_key=1)
_TASKS_GROUP: Final = Group("Tasks", sort_key=2)
_SETUP_GROUP: Final = Group("Set up and try out", sort_key=3)
_OTHER_GROUP: Final = Group("Other", sort_key=4)

# name, module:attribute, summary, group. A module is imported when its command is run; names and
# summaries are enough for --help.
_COMMANDS: Final = (
    ("tasks", "tasks:app", "Show tasks, wait for them, download their files.", _TASKS_GROUP),
    (
        "batch",
        "batch:app",
        "Run many tasks from one manifest; resume, watch, retry, report.",
        _TASKS_GROUP,
    ),
    ("demo", "demo:demo", "Create a video with a local gateway; needs no key.", _SETUP_GROUP),
    ("simulate", "simulate:simulate", "Run a local gateway to try things out.", _SETUP_GROUP),
    ("mcp", "mcp:mcp", "Serve tools to an AI agent (Model Context Protocol).", _SETUP_GROUP),
    (
        "doctor",
        "doctor:doctor",
        "Check key, gateway, journal and folder; compare the gateway to the contract.",
        _SETUP_GROUP,
    ),
    (
        "validate",
        "validate:validate",
        "Check a request body against the contract, offline.",
        _SETUP_GROUP,
    ),
    (
        "contract",
        "contract:app",
        "Show the contract in use and where it comes from; compare captured responses.",
        _SETUP_GROUP,
    ),
    (
        "completion",
        "completion:completion",
        "Print or install completion for your shell.",
        _SETUP_GROUP,
    ),
)


def build_app() -> App:
    """Make the application; only the contract is read for it."""
    app = App(
        name=DISTRIBUTION,
        help="Runway's video and image models behind the CometAPI gateway.\n\n"
        f"The key is read from {KEY_VARIABLE}. Each command has its own --help.",
        help_format="plaintext",
        help_epilogue=_format_exit_codes(),
        version=__version__,
        config=_apply_settings_file,
        default_parameter=Parameter(negative_iterable=()),
        group_commands=_OTHER_GROUP,
    )
    _add_create_commands(app)
    for name, target, summary, group in _COMMANDS:
        # A command of its own App sets its epilogue there.
        more = {} if target.endswith(":app") else {"help_epilogue": ""}
        app.command(f"{_COMMANDS_PACKAGE}.{target}", name=name, help=summary, group=group, **more)
    for flag in ("--help", "--version"):
        app[flag].group = _OTHER_GROUP
    return app


def describe_settings_file() -> str:
    """Where the settings file is, and what takes precedence over it."""
    file = paths.get_settings_file_path()
    with contextlib.suppress(ValueError, RuntimeError):
        file = Path("~") / file.relative_to(Path.home())
    return f"Settings file: {file}; options override the environment, which overrides this file."


def _add_create_commands(app: App) -> None:
    """Add one command for each resource of the contract."""
    for resource in list_client_resources():
        parent = app
        for group in resource.groups:
            if group not in parent:
                help_text = _get_tag_description(group)
                parent.command(
                    App(name=group, help=help_text, group=_CREATE_GROUP, help_epilogue="")
                )
            parent = parent[group]
        parent.command(
            f"{_COMMANDS_PACKAGE}.create:{resource.python_name}",
            name=resource.command_words[-1],
            help=resource.description,
            group=_CREATE_GROUP,
        )


def _get_tag_description(tag: str) -> str | None:
    """The contract's description of a tag, if it has one."""
    tags: JSON = contract().document.get("tags")
    for value in tags if isinstance(tags, list) else []:
        fields = as_object(value)
        if fields and fields.get("name") == tag:
            return as_text(fields.get("description"))
    return None


def _apply_settings_file(
    app: App, commands: tuple[str, ...], arguments: ArgumentCollection
) -> None:
    # Imported late: help does not need the settings file.
    settings_file.apply_settings_file(app, commands, arguments)


def _format_exit_codes() -> str:
    lines = (f"  {code.value:>3}  {meaning}" for code, meaning in EXIT_CODE_MEANINGS.items())
    return "Exit codes:\n" + "\n".join(lines) + "\n"
