"""A picture as rows of palette numbers: drawn once, then written as PNG or as video."""

from __future__ import annotations

from typing import Final, NewType, TypeAlias

from attrs import define, field, frozen

from cometapi_runway.simulator.media import font

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, each 0 to 255."""

Ink = NewType("Ink", int)
"""The place of a colour in a picture's palette."""

_GRID: Final = 2
"""Everything is drawn on even coordinates, so that halving the chroma loses nothing."""


def even(value: int) -> int:
    """Returns the largest even number that is not above ``value``."""
    return value - value % _GRID


@frozen
class Palette:
    """Up to 256 colours; a row of a raster names them by number."""

    colours: tuple[Colour, ...]


@define
class Raster:
    """A picture of palette numbers.

    Equal rows are kept as one object where possible, which is what makes comparing two frames,
    or finding the flat parts of one, cheap.

    Args:
        width: Pixels across; even.
        height: Pixels down; even.
        palette: The colours that the numbers stand for.
        rows: One byte a pixel, top row first; filled with number 0 when not given.
    """

    width: int
    height: int
    palette: Palette
    rows: list[bytes] = field(factory=list[bytes])

    def __attrs_post_init__(self) -> None:
        self.rows = self.rows or [bytes(self.width)] * self.height

    def copy(self) -> Raster:
        """Returns a picture that can be drawn on without changing this one."""
        return Raster(self.width, self.height, self.palette, list(self.rows))

    def fill(self, left: int, top: int, width: int, height: int, ink: Ink) -> None:
        """Paints a rectangle. What lies outside the picture is cut off."""
        right = min(left + width, self.width)
        bar = bytes([ink]) * max(right - left, 0)
        painted: dict[bytes, bytes] = {}
        for y in range(top, min(top + height, self.height)):
            row = self.rows[y]
            if row not in painted:
                painted[row] = row[:left] + bar + row[right:] if bar else row
            self.rows[y] = painted[row]

    def write(self, left: int, top: int, text: str, scale: int, ink: Ink) -> None:
        """Writes one line of text.

        Args:
            left: Left edge of the first glyph, in pixels.
            top: Top edge of the glyphs, in pixels.
            text: What to write.
            scale: Pixels along one side of a dot; even.
            ink: The colour of the glyphs; the ground is left as it is.
        """
        for number, dot_row in enumerate(font.dots(text)):
            y = top + number * scale
            row = bytearray(self.rows[y])
            for column, dot in enumerate(dot_row):
                if dot:
                    x = left + column * scale
                    row[x : x + scale] = bytes([ink]) * scale
            self.rows[y : y + scale] = [bytes(row)] * scale
