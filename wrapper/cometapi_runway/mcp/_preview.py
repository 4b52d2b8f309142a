"""Small pictures of saved outputs, so that an agent sees what it bought."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

PREVIEW_TYPE: Final = "image/jpeg"
_SIDE: Final = 512
"""Pixels of the longer side: about 50 kB, and a few hundred tokens for a model."""


def make_preview(path: Path) -> bytes | None:
    """A small JPEG of a picture; None if the file is no picture that can be read."""
    # Imported late: most tools need no pictures.
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(path) as picture:
            # Decodes a large JPEG at a fraction of its size.
            picture.draft("RGB", (_SIDE, _SIDE))
            picture.thumbnail((_SIDE, _SIDE))
            content = io.BytesIO()
            picture.convert("RGB").save(content, "JPEG", quality=80)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        # What Pillow raises for files that are no picture, damaged, or too large to decode.
        return None
    return content.getvalue()
