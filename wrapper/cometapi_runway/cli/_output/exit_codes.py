"""The exit codes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class ExitCode(IntEnum):
    """Exit codes. Scripts rely on them: a number never changes its meaning."""

    SUCCESS = 0
    BUG = 1
    USAGE = 2
    REFUSED = 3
    KEY = 4
    QUOTA = 5
    TASK = 6
    TIMEOUT = 7
    UNKNOWN = 8
    GATEWAY = 9
    DOWNLOAD = 10
    OUTPUT = 11
    BUDGET = 12
    INTERRUPTED = 130


EXIT_CODE_MEANINGS: Final[Mapping[ExitCode, str]] = MappingProxyType(
    {
        ExitCode.SUCCESS: "done",
        ExitCode.BUG: "an error of this program",
        ExitCode.USAGE: "wrong usage or settings; nothing was sent",
        ExitCode.REFUSED: "refused by the contract; nothing was sent",
        ExitCode.KEY: "the key is not accepted, or lacks the permission",
        ExitCode.QUOTA: "the balance or the key's quota does not cover it",
        ExitCode.TASK: "the task failed or was cancelled; in a batch, any row",
        ExitCode.TIMEOUT: "the wait timed out; the task continues",
        ExitCode.UNKNOWN: "unknown whether it was accepted; it may be charged",
        ExitCode.GATEWAY: "the gateway is not reachable, or gave another error",
        ExitCode.DOWNLOAD: "an output could not be saved; it can be tried again",
        ExitCode.OUTPUT: "standard output cannot be written; tasks continue",
        ExitCode.BUDGET: "it would exceed the budget; nothing was sent",
        ExitCode.INTERRUPTED: "interrupted with Ctrl-C; tasks continue",
    }
)
