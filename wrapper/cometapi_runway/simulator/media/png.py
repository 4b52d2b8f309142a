"""A PNG writer for palette pictures, with text chunks."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cometapi_runway.simulator.media.raster import Raster

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_COLOUR = 3


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _text(keyword: str, value: str) -> bytes:
    return _chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + value.encode("latin-1", "replace"))


def encode(picture: Raster, texts: Mapping[str, str]) -> bytes:
    """Writes a picture as PNG.

    Args:
        picture: What to write.
        texts: Text chunks by keyword, such as ``{"Comment": task_id}``.

    Returns:
        The file's bytes: the same for the same arguments.
    """
    head = struct.pack(">IIBBBBB", picture.width, picture.height, 8, _PALETTE_COLOUR, 0, 0, 0)
    colours = b"".join(bytes(colour) for colour in picture.palette.colours)
    pixels = b"".join(b"\0" + row for row in picture.rows)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", head),
            *(_text(keyword, value) for keyword, value in texts.items()),
            _chunk(b"PLTE", colours),
            _chunk(b"IDAT", zlib.compress(pixels, 6)),
            _chunk(b"IEND", b""),
        )
    )
