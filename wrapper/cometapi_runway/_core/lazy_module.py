"""Modules that are imported when they are first used.

The command line's help must be quick, and so must a process that makes one request. Import
statements inside every function would be repeated many times.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class LazyModule:
    """A module that is imported when an attribute of it is first read.

    Use it next to an import under ``TYPE_CHECKING``, so that type checkers know the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
