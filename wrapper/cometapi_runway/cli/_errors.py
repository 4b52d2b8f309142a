"""The command line's own exceptions, and commands as users type them."""

from __future__ import annotations

import shlex

from cometapi_runway._core.version import DISTRIBUTION


def format_command(*words: str) -> str:
    """A command of this program, quoted for pasting into a shell."""
    return shlex.join((DISTRIBUTION, *words))


class UsageError(Exception):
    """The command cannot be run with these options or settings.

    Attributes:
        advice: What to do instead.
    """

    def __init__(self, message: str, advice: str = f"see {DISTRIBUTION} --help") -> None:
        self.advice = advice
        super().__init__(message)


class OutputError(Exception):
    """A result cannot be written: the disk is full, or standard output is closed.

    Args:
        error: The error of the write.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {error.strerror}")


class CommandInterrupted(KeyboardInterrupt):
    """Ctrl-C while tasks were submitted, waited for or downloaded.

    Attributes:
        message: What was interrupted.
        advice: The command that continues it.
    """

    def __init__(self, message: str, advice: str) -> None:
        self.message = message
        self.advice = advice
        super().__init__(message)
