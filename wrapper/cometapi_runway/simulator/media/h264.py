"""A lossless H.264 encoder for flat pictures (constrained baseline profile).

It knows three ways to code a macroblock, each of which gives back exactly what was drawn: copy
the column above or the row to the left (intra 16x16 prediction without residual), keep what the
frame before had (skip), or send the samples as they are (I_PCM). Text costs 384 bytes for each
macroblock that it touches; everything else costs a few bits. The loop filter is switched off:
it would smooth the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from attrs import frozen

from cometapi_runway.simulator.media.bits import BitWriter, nal_unit, se, u, ue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cometapi_runway.simulator.media.raster import Palette, Raster

MB: Final = 16
"""Side of a macroblock in luma samples."""

_CHROMA_MB: Final = MB // 2

_IDR, _NON_IDR, _SPS, _PPS = 5, 1, 7, 8
_P_SLICE, _I_SLICE = 5, 7
_PCM_TYPE: Final = 25

Direction: TypeAlias = Literal["above", "left"]
# Prediction from above has number 0 for luma but 2 for chroma; from the left both have 1.
_PREDICTION: Final[dict[Direction, tuple[int, int]]] = {"above": (0, 2), "left": (1, 1)}

# Table A-1, by the largest frame in macroblocks; at 24 frames a second none of these exceeds
# its level's macroblock rate.
_LEVELS: Final = ((396, 20), (1620, 30), (3600, 31), (5120, 32), (8192, 40), (22080, 50))
_LARGEST_LEVEL: Final = 51


@frozen
class Planes:
    """One frame as luma and half-size chroma rows, padded to whole macroblocks."""

    y: tuple[bytes, ...]
    cb: tuple[bytes, ...]
    cr: tuple[bytes, ...]

    @property
    def columns(self) -> int:
        """Macroblocks across."""
        return len(self.y[0]) // MB

    @property
    def bands(self) -> int:
        """Rows of macroblocks."""
        return len(self.y) // MB

    @property
    def sides(self) -> tuple[tuple[tuple[bytes, ...], int], ...]:
        """Each plane with the side of its share of a macroblock."""
        return (self.y, MB), (self.cb, _CHROMA_MB), (self.cr, _CHROMA_MB)


def _clip(value: float) -> int:
    return max(16, min(240, round(value)))


def _ycc(palette: Palette) -> tuple[bytes, bytes, bytes]:
    """Translates a palette to BT.709 limited range."""
    y, cb, cr = bytearray(256), bytearray(256), bytearray(256)
    for number, (red, green, blue) in enumerate(palette.colours):
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        y[number] = _clip(16 + luma * 219 / 255)
        cb[number] = _clip(128 + (blue - luma) / 1.8556 * 224 / 255)
        cr[number] = _clip(128 + (red - luma) / 1.5748 * 224 / 255)
    return bytes(y), bytes(cb), bytes(cr)


@frozen
class Sampler:
    """Turns rasters of one palette into planes, remembering rows that it has seen."""

    tables: tuple[bytes, bytes, bytes]
    seen: dict[bytes, tuple[bytes, bytes, bytes]]

    @classmethod
    def of(cls, palette: Palette) -> Sampler:
        """Makes a sampler for pictures of this palette."""
        return cls(_ycc(palette), {})

    def planes(self, picture: Raster) -> Planes:
        """Returns a picture's planes."""
        rows = picture.rows + [picture.rows[-1]] * (-picture.height % MB)
        sampled = [self._row(row) for row in rows]
        halved = sampled[::2]
        return Planes(
            tuple(row[0] for row in sampled),
            tuple(row[1] for row in halved),
            tuple(row[2] for row in halved),
        )

    def _row(self, row: bytes) -> tuple[bytes, bytes, bytes]:
        if row not in self.seen:
            padded = row + row[-1:] * (-len(row) % MB)
            y, cb, cr = self.tables
            half = padded[::2]
            self.seen[row] = padded.translate(y), half.translate(cb), half.translate(cr)
        return self.seen[row]


@frozen
class _Part:
    """One plane of one row of macroblocks.

    Flat parts of a picture repeat one row; the questions asked here need each row only once.
    """

    rows: tuple[bytes, ...]
    side: int
    above: bytes | None
    distinct: frozenset[bytes]
    changes: frozenset[tuple[bytes, bytes]] | None

    @classmethod
    def cut(
        cls, rows: tuple[bytes, ...], before: tuple[bytes, ...] | None, top: int, side: int
    ) -> _Part:
        own = rows[top : top + side]
        changes = frozenset(zip(own, before[top : top + side], strict=True)) if before else None
        return cls(own, side, rows[top - 1] if top else None, frozenset(own), changes)

    @property
    def repeats_above(self) -> bool:
        """Whether all of it looks like the last row of samples over it."""
        return self.above is not None and self.distinct == frozenset((self.above,))

    def is_kept(self, column: int) -> bool:
        """Whether a macroblock looks as it did in the frame before."""
        part = self._part(column)
        changes = self.changes
        return changes is not None and all(new[part] == old[part] for new, old in changes)

    def copies_above(self, column: int) -> bool:
        part = self._part(column)
        above = self.above
        return above is not None and all(row[part] == above[part] for row in self.distinct)

    def copies_left(self, column: int) -> bool:
        part = self._part(column)
        x = part.start
        return x > 0 and all(row[part] == row[x - 1 : x] * self.side for row in self.distinct)

    def samples(self, column: int) -> bytes:
        part = self._part(column)
        return b"".join([row[part] for row in self.rows])

    def _part(self, column: int) -> slice[int, int, None]:
        return slice(column * self.side, (column + 1) * self.side)


@frozen
class _Slice:
    """Codes one frame as one slice."""

    frame: Planes
    before: Planes | None
    out: BitWriter

    def code(self) -> None:
        """Writes all macroblocks of the frame."""
        skipped = 0
        pcm_above: frozenset[int] = frozenset()
        for band in range(self.frame.bands):
            if self._is_kept(band):
                skipped += self.frame.columns
                pcm_above = frozenset()
            else:
                skipped, pcm_above = self._band(self._parts(band), skipped, pcm_above)
        if skipped:
            self.out.write(ue(skipped))

    def _is_kept(self, band: int) -> bool:
        """Whether a row of macroblocks looks as it did in the frame before."""
        old = self.before
        return old is not None and all(
            rows[band * side : (band + 1) * side] == was[band * side : (band + 1) * side]
            for (rows, side), (was, _) in zip(self.frame.sides, old.sides, strict=True)
        )

    def _parts(self, band: int) -> tuple[_Part, ...]:
        old = self.before.sides if self.before else ((None, 0),) * 3
        return tuple(
            _Part.cut(rows, was, band * side, side)
            for (rows, side), (was, _) in zip(self.frame.sides, old, strict=True)
        )

    def _band(
        self, parts: tuple[_Part, ...], skipped: int, above: frozenset[int]
    ) -> tuple[int, frozenset[int]]:
        """Codes one row of macroblocks; returns the open run of skips and the I_PCM columns."""
        pcm: set[int] = set()
        repeated = all(part.repeats_above for part in parts)
        for column in range(self.frame.columns):
            if all(part.is_kept(column) for part in parts):
                skipped += 1
                continue
            if self.before:
                self.out.write(ue(skipped))
                skipped = 0
            direction = "above" if repeated else _direction(parts, column)
            if direction is None:
                self._pcm(parts, column)
                pcm.add(column)
            else:
                self._predicted(direction, column in above or column - 1 in pcm)
        return skipped, frozenset(pcm)

    def _pcm(self, parts: tuple[_Part, ...], column: int) -> None:
        self.out.write(self._intra_type(_PCM_TYPE))
        self.out.write_aligned(b"".join(part.samples(column) for part in parts))

    def _predicted(self, direction: Direction, beside_pcm: bool) -> None:
        """Writes an intra 16x16 macroblock without residual.

        Even so the (empty) block of luma DC coefficients is coded. Its code depends on how many
        coefficients the neighbours have: sixteen each for I_PCM, none for all others here.
        """
        luma, chroma = _PREDICTION[direction]
        no_coefficients = u(0b000011, 6) if beside_pcm else "1"
        self.out.write(self._intra_type(1 + luma) + ue(chroma) + se(0) + no_coefficients)

    def _intra_type(self, number: int) -> str:
        # In a P slice the intra macroblock types follow the five inter ones.
        return ue(number + 5 if self.before else number)


def _direction(parts: tuple[_Part, ...], column: int) -> Direction | None:
    if all(part.copies_above(column) for part in parts):
        return "above"
    if all(part.copies_left(column) for part in parts):
        return "left"
    return None


def _slice_nal(number: int, frame: Planes, before: Planes | None) -> bytes:
    out = BitWriter()
    head = ue(0) + ue(_P_SLICE if before else _I_SLICE) + ue(0) + u(number % 16, 4)
    if before:
        # One reference, its list unchanged, old pictures leave by the sliding window.
        head += u(0, 1) + u(0, 1) + u(0, 1)
    else:
        # idr_pic_id, then: output earlier pictures, no long-term reference.
        head += ue(0) + u(0, 1) + u(0, 1)
    out.write(head + se(0) + ue(1))
    _Slice(frame, before, out).code()
    return nal_unit(_NON_IDR if before else _IDR, 3, out.finish())


def _video_usability(frames_per_second: int) -> str:
    """Square samples, BT.709, a fixed rate, and no picture is held back by the decoder."""
    shape = u(1, 1) + u(1, 8) + u(0, 1)
    colour = u(1, 1) + u(5, 3) + u(0, 1) + u(1, 1) + u(1, 8) * 3 + u(0, 1)
    timing = u(1, 1) + u(1, 32) + u(2 * frames_per_second, 32) + u(1, 1)
    buffering = u(1, 1) + u(1, 1) + ue(0) + ue(0) + ue(10) + ue(10) + ue(0) + ue(1)
    return shape + colour + timing + u(0, 3) + buffering


def sequence_parameters(width: int, height: int, frames_per_second: int) -> bytes:
    """Returns the sequence parameter set for frames of this size, as a NAL unit."""
    columns, bands = -(-width // MB), -(-height // MB)
    level = next((name for size, name in _LEVELS if columns * bands <= size), _LARGEST_LEVEL)
    right, bottom = (columns * MB - width) // 2, (bands * MB - height) // 2
    cropping = u(1, 1) + ue(0) + ue(right) + ue(0) + ue(bottom) if right or bottom else u(0, 1)
    out = BitWriter()
    # Profile 66 that also keeps the rules of 77: "constrained baseline", which browsers play.
    out.write(u(66, 8) + u(0b11000000, 8) + u(level, 8) + ue(0))
    # Output order is coding order (type 2), and one reference frame is kept.
    out.write(ue(0) + ue(2) + ue(1) + u(0, 1) + ue(columns - 1) + ue(bands - 1))
    out.write(u(1, 1) + u(1, 1) + cropping + u(1, 1) + _video_usability(frames_per_second))
    return nal_unit(_SPS, 3, out.finish())


def picture_parameters() -> bytes:
    """Returns the picture parameter set, as a NAL unit: CAVLC, loop filter under control."""
    out = BitWriter()
    out.write(ue(0) + ue(0) + u(0, 2) + ue(0) * 3 + u(0, 3) + se(0) * 3 + u(0b100, 3))
    return nal_unit(_PPS, 3, out.finish())


def encode(frames: Iterable[Raster]) -> Iterator[bytes]:
    """Codes pictures of one size and palette, one NAL unit each; the first is a key frame."""
    before: Planes | None = None
    sampler: Sampler | None = None
    for number, picture in enumerate(frames):
        sampler = sampler or Sampler.of(picture.palette)
        frame = sampler.planes(picture)
        yield _slice_nal(number, frame, before)
        before = frame
