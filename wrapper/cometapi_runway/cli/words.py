"""Names as they are typed."""

from __future__ import annotations


def kebab(name: str) -> str:
    """``expressionIntensity`` and ``expression_intensity`` as ``expression-intensity``."""
    parts = (f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return "".join(parts).replace("_", "-")
