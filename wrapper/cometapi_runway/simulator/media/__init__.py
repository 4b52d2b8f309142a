"""Output files of the simulator: short clips and pictures, each stamped with a task's id.

The package holds one clip and one picture for each common frame shape; ``make media`` draws them.
A file is served with the id of its task in the metadata, so two tasks never share the same bytes,
and the same task always gives the same bytes. Nothing here encodes or decodes pixels.
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

__all__ = ["SIZES", "SUFFIXES", "Kind", "MediaFile", "make_file", "nearest_size"]

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
"""Width and height of the files in the package, in pixels; the first is the default."""

SUFFIXES: Final[dict[Kind, str]] = {"image": ".png", "video": ".mp4"}
"""How the name of a file of each kind ends."""

_CONTENT_TYPES: Final[dict[Kind, str]] = {"image": "image/png", "video": "video/mp4"}
_RATIO: Final = re.compile(r"([0-9]{1,5}):([0-9]{1,5})")
# A PNG ends with this chunk, which is always empty.
_PNG_END: Final = b"\0\0\0\0IEND\xaeB`\x82"


@frozen
class MediaFile:
    """An output file.

    Args:
        content: The bytes.
        content_type: Its media type.
        etag: A strong validator, with its quotes.
    """

    content: bytes
    content_type: str
    etag: str


@lru_cache(maxsize=64)
def make_file(task_id: str, kind: Kind, ratio: str | None = None) -> MediaFile:
    """Makes the output file of a task.

    Args:
        task_id: The task's id; written into the file's metadata as its comment.
        kind: A video (H.264 in MP4, two seconds) or an image (PNG).
        ratio: The request's ratio, such as ``1280:720`` or ``16:9``.

    Returns:
        The file. The last few are cached, since a download asks in pieces.
    """
    template = _read_template(kind, nearest_size(ratio))
    stamp = _stamp_video if kind == "video" else _stamp_image
    content = stamp(template, task_id)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return MediaFile(content, _CONTENT_TYPES[kind], etag)


def nearest_size(ratio: str | None) -> Size:
    """Returns the size in `SIZES` whose shape is nearest to a ratio.

    Args:
        ratio: A size such as ``1280:720`` or a shape such as ``16:9``. None, and text that is
            neither, give the first size.
    """
    match = _RATIO.fullmatch(ratio or "")
    width, height = map(int, match.groups()) if match else SIZES[0]
    if not width or not height:
        return SIZES[0]
    # The logarithm makes 2:1 as far from 1:1 as 1:2 is.
    shape = math.log(width / height)
    return min(SIZES, key=lambda size: abs(math.log(size[0] / size[1]) - shape))


@lru_cache
def _read_template(kind: Kind, size: Size) -> bytes:
    name = f"{size[0]}x{size[1]}{SUFFIXES[kind]}"
    return files(__name__).joinpath(name).read_bytes()


def _stamp_image(png: bytes, comment: str) -> bytes:
    text = b"tEXt" + b"Comment\0" + comment.encode("latin-1", "replace")
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return png.removesuffix(_PNG_END) + chunk + _PNG_END


def _stamp_video(mp4: bytes, comment: str) -> bytes:
    # Boxes before the frames would move them, and the index holds their offsets; so it goes last.
    value = _box(b"data", struct.pack(">II", 1, 0) + comment.encode())
    tags = _box(b"ilst", _box(b"\xa9cmt", value))
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    return mp4 + _box(b"meta", bytes(4) + handler + tags)


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", 8 + len(payload)) + kind + payload
