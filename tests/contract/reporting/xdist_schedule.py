"""Assigns tests to workers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class OperationScheduling(LoadScopeScheduling):
    """Keeps the tests of one operation in one worker, and other tests by file.

    Args:
        config: the pytest configuration.
        log: the xdist log.
        operations: the ids of the contract's operations.
    """

    def __init__(self, config: pytest.Config, log: Any, operations: frozenset[str]) -> None:
        super().__init__(config, log)
        self._operations = operations

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid, self._operations)


def scope_of(nodeid: str, operations: frozenset[str]) -> str:
    """The operation that a test is parametrized with, or else its file."""
    file, _, test = nodeid.partition("::")
    parts = re.split(r"[\[\]-]", test)
    return next((one for one in parts if one in operations), file)
