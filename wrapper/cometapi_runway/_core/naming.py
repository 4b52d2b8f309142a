"""Names in the spelling of Python and of a command line, and nouns after a number."""

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


def fold_name(name: str) -> str:
    """A name without the differences between Python's spelling and the API's."""
    return "".join(re.findall("[a-z0-9]", name.lower()))


def count_noun(count: int, noun: str) -> str:
    """``1 file`` and ``2 files``, for nouns whose plural ends in s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
