"""File names that every system accepts."""

from __future__ import annotations

import hashlib
import re

_MAX_STEM = 100


def make_stem(text: str) -> str:
    """A file name without extension from any text, free of path separators.

    Two texts never share a name, or one's file would be taken for the other's: where the name
    differs from the text, a digest of the text is added.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", text)[:_MAX_STEM]
    return stem if stem == text else f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
