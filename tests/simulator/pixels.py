"""Reads outputs back: frames by PyAV, text by comparing dots with the font."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import av

from cometapi_runway.simulator.media import font

Rows = list[bytes]
_BY_DOTS = {rows: character for character, rows in font.GLYPHS.items()}


def decode(content: bytes) -> tuple[list[Rows], dict[str, str]]:
    """All frames of a video as luma rows, and its metadata; a decoder's warning is an error."""
    av.logging.set_level(av.logging.WARNING)
    frames: list[Rows] = []
    with av.logging.Capture() as logs, av.open(io.BytesIO(content)) as container:
        for frame in container.decode(video=0):
            assert frame.format.name == "yuv420p"
            frames.append(list(luma(frame)))
        tags = dict(container.metadata)
    assert logs == []
    return frames, tags


def luma(frame: av.VideoFrame) -> Iterator[bytes]:
    plane = frame.planes[0]
    data = bytes(plane)
    for y in range(frame.height):
        yield data[y * plane.line_size : y * plane.line_size + frame.width]


def text_at(rows: Rows, left: int, top: int, scale: int, length: int) -> str:
    """Reads glyphs off a picture: a dot is whatever differs from the picture's first pixel."""
    ground = rows[0][0]

    def glyph(number: int) -> tuple[int, ...]:
        x = left + number * font.ADVANCE * scale
        return tuple(
            sum(
                (rows[top + row * scale][x + column * scale] != ground) << (4 - column)
                for column in range(font.GLYPH_WIDTH)
            )
            for row in range(font.GLYPH_HEIGHT)
        )

    return "".join(_BY_DOTS.get(glyph(number), "?") for number in range(length)).lower()


def png_chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG, each checksum verified."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, []
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        (checksum,) = struct.unpack_from(">I", content, at + 8 + size)
        assert checksum == zlib.crc32(kind + data)
        chunks.append((kind, data))
        at += 12 + size
    return chunks
