"""What an output of the simulator shows: which task it is, and that it is not a real one."""

from __future__ import annotations

import colorsys
import hashlib
from typing import TYPE_CHECKING, Final

from attrs import frozen

from cometapi_runway.simulator.media import font
from cometapi_runway.simulator.media.raster import Colour, Ink, Palette, Raster, even

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAMES_PER_SECOND: Final = 24
"""The frame rate that Runway's models deliver."""

NOTICE: Final = "cometapi-runway simulator"
"""Stands on every output, so that nobody takes one for a real result."""

GROUND, TRACK, PLAIN, BRIGHT = Ink(0), Ink(1), Ink(2), Ink(3)

_BAR: Final = 16
_LARGEST_SCALE: Final = 4


@frozen
class Card:
    """The facts that an output shows, and its form.

    Args:
        task_id: The task whose output this is; drawn large.
        operation: The operation's name, such as ``character_performance``.
        seed: The seed of the request, where it had one.
        width: Pixels across; even.
        height: Pixels down; even.
        seconds: Length of a video.
    """

    task_id: str
    operation: str
    seed: int | None
    width: int
    height: int
    seconds: int = 3


@frozen
class Line:
    """One line of text and its place in the picture."""

    text: str
    left: int
    top: int
    scale: int
    ink: Ink


def palette(task_id: str) -> Palette:
    """Returns the colours of a task: every task has a hue of its own."""
    hue = hashlib.sha256(task_id.encode()).digest()[0] / 256
    shades = ((0.55, 0.16), (0.45, 0.30), (0.12, 0.80), (0.20, 1.00))
    return Palette(tuple(_colour(hue, *shade) for shade in shades))


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _broken(text: str, scale: int, width: int) -> list[str]:
    """Breaks text into pieces that fit."""
    fits = max(width // (font.ADVANCE * scale), 1)
    return [text[start : start + fits] for start in range(0, len(text), fits)]


def lines(card: Card) -> tuple[Line, ...]:
    """Returns the text of a card in reading order; the task id is its bright part.

    An id that is too wide for the picture goes on in the next line.
    """
    margin = even(card.width // 20)
    room = card.width - 2 * margin
    large = even(room // (font.ADVANCE * max(len(card.task_id), 1)))
    large = max(2, min(_LARGEST_SCALE, large))
    seed = "" if card.seed is None else f"seed {card.seed}"
    texts = (
        (card.operation, 2, PLAIN),
        (card.task_id, large, BRIGHT),
        (f"{card.width}:{card.height} {seed}", 2, PLAIN),
        (NOTICE, 2, PLAIN),
    )
    placed: list[Line] = []
    # Text that begins on a macroblock's edge touches fewer of them.
    top = card.height // 5 // 16 * 16 + 16
    for text, scale, ink in texts:
        for piece in _broken(text, scale, room):
            if top + font.GLYPH_HEIGHT * scale > card.height - 2 * _BAR:
                return tuple(placed)
            placed.append(Line(piece, margin, top, scale, ink))
            top += 16 * -(-font.GLYPH_HEIGHT * scale // 16) + 16
    return tuple(placed)


def picture(card: Card) -> Raster:
    """Draws a card."""
    drawn = Raster(card.width, card.height, palette(card.task_id))
    for line in lines(card):
        drawn.write(line.left, line.top, line.text, line.scale, line.ink)
    return drawn


def frames(card: Card) -> Iterator[Raster]:
    """Draws the frames of a video: the card, and a bar that fills from the left."""
    ground = picture(card)
    top = (card.height - 2 * _BAR) // 16 * 16
    ground.fill(0, top, card.width, _BAR, TRACK)
    count = card.seconds * FRAMES_PER_SECOND
    for number in range(count):
        frame = ground.copy()
        frame.fill(0, top, even(card.width * (number + 1) // count), _BAR, BRIGHT)
        yield frame
