"""Names in the spelling of Python and in the spelling of a command line."""

from __future__ import annotations

import re
from typing import Final

_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")


def snake_case(name: str) -> str:
    """``expressionIntensity`` and ``expression-intensity`` as ``expression_intensity``."""
    return _WORD_BREAK.sub("_", name).strip("_").lower()


def kebab_case(name: str) -> str:
    """``expressionIntensity`` and ``expression_intensity`` as ``expression-intensity``."""
    return snake_case(name).replace("_", "-")
