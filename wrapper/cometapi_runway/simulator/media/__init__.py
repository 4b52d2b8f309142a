"""Output files of the simulator: real video and real pictures, made with the standard library.

A file shows the id of the task that it belongs to, drawn into the picture and written into the
metadata, and has the size that the request asked for. The same task always gives the same bytes.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from attrs import frozen

from cometapi_runway.simulator.media import card as cards
from cometapi_runway.simulator.media import h264, mp4, png
from cometapi_runway.simulator.media.card import FRAMES_PER_SECOND, NOTICE, Card

__all__ = ["FRAMES_PER_SECOND", "NOTICE", "Card", "Kind", "MediaFile", "render"]

Kind: TypeAlias = Literal["image", "video"]

_TYPES: Final[dict[Kind, str]] = {"image": "image/png", "video": "video/mp4"}
SUFFIXES: Final[dict[Kind, str]] = {"image": ".png", "video": ".mp4"}
"""How the name of a file of each kind ends."""


@frozen
class MediaFile:
    """A finished file.

    Args:
        content: The bytes.
        content_type: Its media type.
        etag: A strong validator, with its quotes.
    """

    content: bytes
    content_type: str
    etag: str


def _video(card: Card) -> bytes:
    track = mp4.VideoTrack(
        width=card.width,
        height=card.height,
        frames_per_second=FRAMES_PER_SECOND,
        sequence_parameters=h264.sequence_parameters(card.width, card.height, FRAMES_PER_SECOND),
        picture_parameters=h264.picture_parameters(),
        samples=tuple(h264.encode(cards.frames(card))),
    )
    return mp4.encode(
        track,
        {b"\xa9nam": card.operation, b"\xa9cmt": card.task_id, b"\xa9too": NOTICE},
    )


def _image(card: Card) -> bytes:
    texts = {"Title": card.operation, "Comment": card.task_id, "Software": NOTICE}
    return png.encode(cards.picture(card), texts)


@lru_cache(maxsize=64)
def render(card: Card, kind: Kind) -> MediaFile:
    """Makes the output file of a task.

    Args:
        card: What to show.
        kind: A video (H.264 in MP4, 24 frames a second) or an image (PNG).

    Returns:
        The file. The last few are remembered, since a download asks in pieces.
    """
    content = _video(card) if kind == "video" else _image(card)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return MediaFile(content, _TYPES[kind], etag)
