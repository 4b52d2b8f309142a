"""The command line ``cometapi-runway``.

It holds no decision of its own: options are derived from the signatures and the contract, and
every command calls the client that a program would. ``main`` is all that is imported at first,
so that ``--version`` costs no more than Python itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cometapi_runway._version import __version__

NAME = "cometapi-runway"

_INTERRUPTED = 130
_EXTRA = frozenset({"cyclopts", "platformdirs", "rich"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: What follows the program's name; from ``sys.argv`` if None, and then the
            process is ours to end.

    Returns:
        The exit code, one of `endings.Exit`.
    """
    code = _run(list(sys.argv[1:] if arguments is None else arguments))
    if arguments is None and code == _INTERRUPTED:
        # Python would wait for the threads, and they for answers that nobody wants any more.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _run(given: list[str]) -> int:
    if given == ["--version"]:
        sys.stdout.write(f"{__version__}\n")
        return 0
    try:
        # Only now: it costs a hundred times what `--version` does.
        from cometapi_runway.cli.app import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(f"{NAME} needs its extra: pip install '{NAME}[cli]'\n")
        return 2
    return run(given)
