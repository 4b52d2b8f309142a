"""The command line ``cometapi-runway``; `main` is all that is public.

Each folder uses the ones below it, never the ones above:

- ``_run_command`` runs one command; ``_app`` lists the commands.
- ``_commands``: one module per command.
- ``_actions``: what several commands do: create a client, submit, wait, download.
- ``_options``: what users set on the command line, in the environment or in the settings file.
- ``_output``: what users see: reports, progress bars, exit codes.

No rule about the API lives here: options come from the signatures and the contract, and every
command calls the client as a program would. Modules are imported late, so that ``--version``
costs no more than starting Python.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cometapi_runway._core.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after the program's name. If None, they are read from ``sys.argv``
            and the process exits after the command.

    Returns:
        The exit code; ``cometapi-runway --help`` lists the codes.
    """
    if arguments is not None:
        return _dispatch(list(arguments))
    _reopen_closed_streams()
    code = _dispatch(sys.argv[1:])
    # Skip interpreter shutdown: it takes a tenth of the time of help, and after Ctrl-C it would
    # join threads that still wait for responses. All output was flushed when it was written.
    os._exit(code)


def _reopen_closed_streams() -> None:
    """Replace standard streams that the caller has closed.

    Otherwise the next file to be opened, such as the journal, would get the stream's number and
    receive its output. Each stream is opened for the wrong direction, so that using it fails, as
    it does in other programs.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            flags, mode = (os.O_RDONLY, "w") if number else (os.O_WRONLY, "r")
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


def _dispatch(arguments: list[str]) -> int:
    try:
        if arguments == ["--version"]:
            return _print_version()
        # Imported late: they cost a hundred times what `--version` does.
        from cometapi_runway._extras import requires_extra  # noqa: PLC0415
        from cometapi_runway.errors import MissingExtraError  # noqa: PLC0415

        try:
            with requires_extra("cli"):
                from cometapi_runway.cli._run_command import run_command  # noqa: PLC0415
        except MissingExtraError as error:
            sys.stderr.write(f"{error}\n")
            return 2
    except KeyboardInterrupt:
        # During the import nothing can have been sent.
        sys.stderr.write("stop:  interrupted; nothing was done\nnext:  run it again\n")
        return 130
    return run_command(arguments)


def _print_version() -> int:
    try:
        sys.stdout.write(f"{__version__}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        return 0
    except OSError as error:
        sys.stderr.write(f"error: standard output cannot be written: {error.strerror}\n")
        sys.stderr.write("next:  redirect it to another place\n")
        return 11
    return 0
