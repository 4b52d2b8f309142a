"""Decodes outputs: frames and metadata with PyAV, PNG chunks with struct."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import av

Rows = list[bytes]


def decode(content: bytes) -> tuple[list[Rows], dict[str, str]]:
    """Returns all frames as luma rows, and the metadata; a decoder warning is an error."""
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


def decode_picture(content: bytes) -> Rows:
    """Returns the rows of a picture, three bytes per pixel."""
    with av.open(io.BytesIO(content)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == "rgb24"
    plane = frame.planes[0]
    data = bytes(plane)
    starts = range(0, frame.height * plane.line_size, plane.line_size)
    return [data[start : start + 3 * frame.width] for start in starts]


def png_chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Returns the chunks of a PNG and verifies their checksums."""
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
