"""``completion``: what the shell completes, made from the commands themselves."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from cyclopts import Parameter

from cometapi_runway.cli.endings import Exit, UsageError, command
from cometapi_runway.cli.options import RUN, Display
from cometapi_runway.cli.report import Report

_DISPLAY: Final = Display()


def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "powershell"], Parameter(help="The shell.", group=RUN)
    ],
    /,
    *,
    install: Annotated[
        bool,
        Parameter(
            help="Put it where the shell looks for it.", negative="", show_default=False, group=RUN
        ),
    ] = False,
    display: Display = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> Exit:
    """Print completion for a shell, or install it."""
    # Not at the top: `app` names this module.
    from cometapi_runway.cli.app import build  # noqa: PLC0415

    app = build()
    if not install:
        script = app.generate_completion(shell=shell)
        report.result(script.rstrip("\n"), "completion", {"shell": shell, "script": script})
        return Exit.SUCCESS
    try:
        file = app.install_completion(shell=shell)
    except OSError as error:
        raise UsageError(
            f"cannot install completion: {error}",
            f"print it with `{command('completion', shell)}` and put it in place yourself",
        ) from error
    report.result(str(file), "completion", {"shell": shell, "file": str(file)})
    report.note("it works in new shells")
    return Exit.SUCCESS
