"""Which tests go to the same worker."""

from __future__ import annotations

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class OperationScheduling(LoadScopeScheduling):
    """Keeps the tests of an operation together, and of the others those of a file.

    Args:
        config: pytest's.
        log: xdist's.
        operations: the ids of the contract's operations.
    """

    def __init__(self, config: pytest.Config, log: Any, operations: frozenset[str]) -> None:
        super().__init__(config, log)
        self._operations = operations

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid, self._operations)


def scope_of(nodeid: str, operations: frozenset[str]) -> str:
    """The operation that a test is about, or the file that it is in."""
    file, _, test = nodeid.partition("::")
    named = re.split(r"[\[\]-]", test)
    return next((one for one in named if one in operations), file)
