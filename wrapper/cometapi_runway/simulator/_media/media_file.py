"""Makes the output file of a task: a drawn clip or picture with the task's id in its metadata.

Two tasks never get the same bytes, and the same task always gets the same bytes. Nothing in here
encodes or decodes pixels.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
import zlib
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal, TypeAlias

from attrs import frozen

Kind: TypeAlias = Literal["image", "video"]
Size: TypeAlias = tuple[int, int]

SIZES: Final[tuple[Size, ...]] = (
    (1280, 720),
    (720, 1280),
    (1104, 832),
    (832, 1104),
    (960, 960),
    (1584, 672),
)
"""Width and height of the drawn files in pixels; the first is the default."""

SUFFIXES: Final[dict[Kind, str]] = {"image": ".png", "video": ".mp4"}
"""The file name suffix of each kind."""

_CONTENT_TYPES: Final[dict[Kind, str]] = {"image": "image/png", "video": "video/mp4"}
_RATIO: Final = re.compile(r"([0-9]{1,5}):([0-9]{1,5})")
# The last chunk of every PNG; it is always empty.
_PNG_END: Final = b"\0\0\0\0IEND\xaeB`\x82"


@frozen
class MediaFile:
    """An output file.

    Attributes:
        content: The bytes.
        content_type: The media type.
        etag: A strong ETag, with its quotes.
    """

    content: bytes
    content_type: str
    etag: str


@lru_cache(maxsize=64)
def make_file(task_id: str, kind: Kind, ratio: str | None = None) -> MediaFile:
    """Makes the output file of a task.

    Args:
        task_id: The task's id, written into the metadata as a comment.
        kind: A video (H.264 in MP4, two seconds) or an image (PNG).
        ratio: The request's ratio, such as ``1280:720`` or ``16:9``.

    Returns:
        The file. The latest files are cached, because a download requests ranges.
    """
    template = _read_template(kind, find_nearest_size(ratio))
    stamp = _stamp_video if kind == "video" else _stamp_image
    content = stamp(template, task_id)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return MediaFile(content, _CONTENT_TYPES[kind], etag)


def find_nearest_size(ratio: str | None) -> Size:
    """Returns the size in `SIZES` whose shape is nearest to a ratio.

    Args:
        ratio: A size such as ``1280:720`` or a shape such as ``16:9``. None, and text that is
            neither, give the first size.
    """
    match = _RATIO.fullmatch(ratio or "")
    width, height = map(int, match.groups()) if match else SIZES[0]
    if not width or not height:
        return SIZES[0]
    # By logarithms, 2:1 and 1:2 are equally far from 1:1.
    shape = math.log(width / height)
    return min(SIZES, key=lambda size: abs(math.log(size[0] / size[1]) - shape))


@lru_cache
def _read_template(kind: Kind, size: Size) -> bytes:
    name = f"{size[0]}x{size[1]}{SUFFIXES[kind]}"
    return files(__package__ or "").joinpath(name).read_bytes()


def _stamp_image(png: bytes, comment: str) -> bytes:
    text = b"tEXt" + b"Comment\0" + comment.encode("latin-1")
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return png.removesuffix(_PNG_END) + chunk + _PNG_END


def _stamp_video(mp4: bytes, comment: str) -> bytes:
    # At the end of the file, because the index holds the offsets of the frames.
    value = _box(b"data", struct.pack(">II", 1, 0) + comment.encode())
    tags = _box(b"ilst", _box(b"\xa9cmt", value))
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    return mp4 + _box(b"meta", bytes(4) + handler + tags)


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", 8 + len(payload)) + kind + payload
