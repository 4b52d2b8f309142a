"""Modules that are imported when they are first used.

The command line's help must be quick, and so must a process that makes one request. Import
statements inside every function would be repeated many times.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class LazyModule:
    """A module that is imported when an attribute of it is first read.

    Use it next to an import under ``TYPE_CHECKING``, so that type checkers know the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            self._module = import_module(self._name)
        return getattr(self._module, attribute)
