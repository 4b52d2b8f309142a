"""The generated models, imported at first use.

Their package loads httpx, which takes longer than the whole of the command line's `--help`, and a
signature is readable without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cometapi_runway_api import models
else:

    class _Models:
        def __getattr__(self, name: str) -> object:
            value: object = getattr(import_module("cometapi_runway_api.models"), name)
            setattr(self, name, value)
            return value

    models = _Models()

__all__ = ["models"]
