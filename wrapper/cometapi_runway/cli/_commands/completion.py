"""``completion``: a completion script for the shell, generated from the commands."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options.shared import RUN_GROUP, DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report

_DISPLAY: Final = DisplayOptions()


def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "powershell"],
        Parameter(help="The shell.", group=RUN_GROUP),
    ],
    /,
    *,
    install: Annotated[
        bool,
        Parameter(
            help="Install the script where the shell looks for it.",
            negative="",
            show_default=False,
            group=RUN_GROUP,
        ),
    ] = False,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
    app: Annotated[App, Parameter(parse=False)],
) -> ExitCode:
    """Print or install completion for a shell."""
    if not install:
        script = app.generate_completion(shell=shell)
        report.show_result(script.rstrip("\n"), "completion", {"shell": shell, "script": script})
        return ExitCode.SUCCESS
    try:
        file = app.install_completion(shell=shell)
    except OSError as error:
        raise UsageError(
            f"cannot install completion: {error}",
            f"print it with `{format_command('completion', shell)}` and install it by hand",
        ) from error
    report.show_result(str(file), "completion", {"shell": shell, "file": str(file)})
    report.show_note("completion works in new shells")
    return ExitCode.SUCCESS
