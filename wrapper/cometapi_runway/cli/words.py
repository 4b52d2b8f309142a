"""Names as they are typed."""

from __future__ import annotations

import re
from typing import Final

# All but tab and line feed; beyond ASCII, a terminal may take those of Latin-1 for the same.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def kebab(name: str) -> str:
    """``expressionIntensity`` and ``expression_intensity`` as ``expression-intensity``."""
    parts = (f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
    return "".join(parts).replace("_", "-")


def plain(text: str) -> str:
    """A text without what a terminal would obey: it may come from a gateway, or name a file.

    Control characters become escapes; line ends and tabs stay.
    """
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)
