"""A bitmap font of five by seven dots, enough to write task ids, names and numbers.

Letters have one case: a task id is hexadecimal, so nothing is lost by drawing it in capitals.
"""

from __future__ import annotations

from typing import Final

GLYPH_WIDTH: Final = 5
"""Dots across one glyph, without the gap that follows it."""

GLYPH_HEIGHT: Final = 7
"""Dots from the top of a glyph to its bottom."""

ADVANCE: Final = GLYPH_WIDTH + 1
"""Dots from the left edge of one glyph to the left edge of the next."""

# One glyph a line: seven rows from the top, each the five dots as a hexadecimal number whose
# highest bit is the leftmost dot.
_ROWS: Final = """
0 0E 11 13 15 19 11 0E
1 04 0C 14 04 04 04 1F
2 0E 11 01 06 08 10 1F
3 1F 01 02 06 01 11 0E
4 11 11 11 1F 01 01 01
5 1F 10 1E 01 01 11 0E
6 0E 10 10 1E 11 11 0E
7 1F 01 02 04 04 04 04
8 0E 11 11 0E 11 11 0E
9 0E 11 11 0F 01 01 0E
A 04 0A 11 11 1F 11 11
B 1E 11 11 1E 11 11 1E
C 0F 10 10 10 10 10 0F
D 1E 11 11 11 11 11 1E
E 1F 10 10 1E 10 10 1F
F 1F 10 10 1E 10 10 10
G 0F 10 10 13 11 11 0F
H 11 11 11 1F 11 11 11
I 1F 04 04 04 04 04 1F
J 01 01 01 01 01 11 0E
K 11 12 14 18 14 12 11
L 10 10 10 10 10 10 1F
M 11 1B 15 11 11 11 11
N 11 19 15 13 11 11 11
O 0E 11 11 11 11 11 0E
P 1E 11 11 1E 10 10 10
Q 0E 11 11 11 15 12 0D
R 1E 11 11 1E 14 12 11
S 0F 10 10 0E 01 01 1E
T 1F 04 04 04 04 04 04
U 11 11 11 11 11 11 0E
V 11 11 11 11 11 0A 04
W 11 11 11 11 15 1B 11
X 11 11 0A 04 0A 11 11
Y 11 11 0A 04 04 04 04
Z 1F 01 02 04 08 10 1F
- 00 00 00 1F 00 00 00
_ 00 00 00 00 00 00 1F
. 00 00 00 00 00 0C 0C
: 00 0C 0C 00 0C 0C 00
/ 01 01 02 04 08 10 10
"""


def _read(line: str) -> tuple[str, tuple[int, ...]]:
    character, *rows = line.split()
    return character, tuple(int(row, 16) for row in rows)


_BLANK: Final = (0,) * GLYPH_HEIGHT

GLYPHS: Final = dict(_read(line) for line in _ROWS.strip().splitlines()) | {" ": _BLANK}
"""The rows of every glyph, top first; bit 4 of a row is its leftmost dot."""


def dots(text: str) -> tuple[tuple[bool, ...], ...]:
    """Draws one line of text.

    Args:
        text: What to write. A character without a glyph is left blank.

    Returns:
        Seven rows of dots, top first, each ``6 * len(text)`` wide.
    """
    glyphs = [GLYPHS.get(character, _BLANK) for character in text.upper()]
    return tuple(
        tuple(
            bool(glyph[row] >> (ADVANCE - 2 - column) & 1) if column < GLYPH_WIDTH else False
            for glyph in glyphs
            for column in range(ADVANCE)
        )
        for row in range(GLYPH_HEIGHT)
    )
