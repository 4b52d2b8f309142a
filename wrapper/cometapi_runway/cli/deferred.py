"""Modules that are imported when they are first used.

Help must be quick, and the modules that do the work bring httpx along. A plain import inside
every function would say the same many times over.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Deferred:
    """Stands for a module until something of it is asked for.

    Use it beside an import under ``TYPE_CHECKING``, so that types are known.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)
