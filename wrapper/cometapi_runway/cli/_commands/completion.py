"""``completion``: a completion script for the shell, generated from the commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from cyclopts import App, Parameter

from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options.shared import RUN_GROUP, DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report

Shell: TypeAlias = Literal["bash", "zsh", "fish", "powershell"]

_BASH_FILES: Final = 'COMPREPLY=( $(compgen -f -- "${cur}") )'
_BASH_REGISTRATION: Final = re.compile(r"^complete -F (\w+) ", re.MULTILINE)
_BASH_JOIN: Final = r"""
# Bash splits words at colons, which ratios contain.
{name}_joined() {{
  local -a joined=()
  local index at=0 count=0 glue=""
  for ((index=0; index<${{#COMP_WORDS[@]}}; index++)); do
    local word="${{COMP_WORDS[index]}}"
    if ((count)) && [[ "$word" == :* || -n "$glue" ]]; then
      joined[count-1]+="$word"
    else
      joined[count]="$word"
      count=$((count+1))
    fi
    glue=""
    [[ "$word" == *: ]] && glue=1
    ((index == COMP_CWORD)) && at=$((count-1))
  done
  local -a COMP_WORDS=("${{joined[@]}}")
  local COMP_CWORD=$at
  {name}
  local current="${{COMP_WORDS[COMP_CWORD]}}"
  local before="${{current%"${{current##*:}}"}}"
  for ((index=0; index<${{#COMPREPLY[@]}}; index++)); do
    COMPREPLY[index]="${{COMPREPLY[index]#"$before"}}"
  done
}}

complete -o bashdefault -o default -F {name}_joined """
_DISPLAY: Final = DisplayOptions()


def completion(
    shell: Annotated[
        Shell,
        Parameter(help="The shell.", group=RUN_GROUP),
    ],
    /,
    *,
    install: Annotated[
        bool,
        Parameter(
            help="Install the script where the shell looks for it, and load it at startup.",
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
    script = make_completion_script(app, shell)
    if not install:
        report.show_result(script.rstrip(), "completion", {"shell": shell, "script": script})
        return ExitCode.SUCCESS
    try:
        files = _install(app, shell, script)
    except OSError as error:
        raise UsageError(
            f"cannot install completion: {error}",
            f"print it with `{format_command('completion', shell)}` and install it by hand",
        ) from error
    names = list(map(str, files))
    report.show_result(
        "\n".join(names),
        "completion",
        {"shell": shell, "file": names[0], "files": [*names]},
    )
    loads = f"; {names[1]} now loads it" if len(names) > 1 else ""
    report.show_note(f"completion works in new shells{loads}")
    return ExitCode.SUCCESS


def make_completion_script(app: App, shell: Shell) -> str:
    """The completion script for a shell."""
    script = app.generate_completion(shell=shell)
    if shell != "bash":
        return script
    # cyclopts' script completes no file where it does not know that a value is one, and splits file
    # names at spaces. Without a match bash's own completion of file names does both right.
    script = script.replace(_BASH_FILES, "COMPREPLY=()")
    return _BASH_REGISTRATION.sub(lambda found: _BASH_JOIN.format(name=found[1]).lstrip(), script)


def _install(app: App, shell: Shell, script: str) -> list[Path]:
    """Install a script, and return every file that was written: the script is the first."""
    startup_files = [Path.home() / ".bashrc", Path.home() / ".zshrc"]
    if shell == "powershell":
        # Imported late: it asks PowerShell where the file is.
        from cyclopts.completion.install import powershell_profile  # noqa: PLC0415

        startup_files.append(powershell_profile())
    before = list(map(_read_if_exists, startup_files))
    file = app.install_completion(shell=shell)
    file.write_text(script)
    after = map(_read_if_exists, startup_files)
    changed = zip(startup_files, before, after, strict=True)
    return [file, *(one for one, old, new in changed if old != new)]


def _read_if_exists(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None
