"""Text for a terminal: durations, sizes, and control characters made harmless."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

# All but tab and line feed. Some terminals also obey those of Latin-1, beyond ASCII.
_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MEGABYTE: Final = 1_000_000


def escape_control_characters(text: str) -> str:
    """Escape what a terminal would obey: the text may come from a gateway or be a file's name.

    Line feeds and tabs are kept.
    """
    return _CONTROL_CHARACTERS.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def format_duration(seconds: float) -> str:
    """``72.4`` as ``1:12``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def describe_price(price: Decimal | None) -> str:
    """A price as ``the price is 0.4 USD``."""
    return "price unknown" if price is None else f"the price is {price} USD"


def format_size(count: int) -> str:
    """A number of bytes as ``1.2 MB`` or ``87.5 kB``."""
    return f"{count / _MEGABYTE:.1f} MB" if count >= _MEGABYTE / 10 else f"{count / 1000:.1f} kB"
