"""The command line ``cometapi-runway``.

It holds no decision of its own: options are derived from the signatures and the contract, and
every command calls the client that a program would. ``main`` is all that is imported at first,
so that ``--version`` costs no more than Python itself.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from cometapi_runway._core.version import __version__

NAME = "cometapi-runway"

_EXTRA = frozenset({"cyclopts", "platformdirs", "rich"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: What follows the program's name; from ``sys.argv`` if None, and then the
            process is ours to end.

    Returns:
        The exit code, one of `endings.Exit`.
    """
    if arguments is not None:
        return _run(list(arguments))
    _open_streams()
    code = _run(sys.argv[1:])
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    # All is done. Python would take itself apart, which is a tenth of what help takes, and after
    # Ctrl-C wait for threads, and they for answers that nobody wants any more.
    os._exit(code)


def _open_streams() -> None:
    """Stand in for standard streams that the caller has closed.

    Else the next file to be opened, such as the journal, would get their number and their words.
    Opened the wrong way round, so that using one fails as it does for every other program.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            way, mode = (os.O_RDONLY, "w") if number else (os.O_WRONLY, "r")
            setattr(sys, name, os.fdopen(os.open(os.devnull, way), mode))


def _run(given: list[str]) -> int:
    try:
        if given == ["--version"]:
            return _version()
        # Only now: it costs a hundred times what `--version` does.
        from cometapi_runway.cli.app import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(f"{NAME} needs its extra: pip install '{NAME}[cli]'\n")
        return 2
    except KeyboardInterrupt:
        # So early that nothing can have been sent.
        sys.stderr.write("stop:  interrupted; nothing was done\nnext:  run it again\n")
        return 130
    return run(given)


def _version() -> int:
    try:
        sys.stdout.write(f"{__version__}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        return 0
    except OSError as error:
        sys.stderr.write(f"error: standard output cannot be written: {error.strerror}\n")
        sys.stderr.write("next:  send it somewhere else\n")
        return 11
    return 0
