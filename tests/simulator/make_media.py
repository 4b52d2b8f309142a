"""Draws the clips and pictures that the simulator serves: hills at dusk, one per frame shape.

Run it with ``make media``. The same version of PyAV writes the same bytes.

Everything in a frame is a vertical gradient, so a frame is drawn in columns: each is a few slices
of precomputed gradients. The columns are the rows of an image that is transposed afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import av
from attrs import frozen
from av.filter import Graph

from cometapi_runway.simulator import _media
from cometapi_runway.simulator._media.media_file import SIZES

FOLDER = Path(_media.__file__).parent
FRAME_RATE = 24
SECONDS = 2

Colour: TypeAlias = tuple[float, ...]


@frozen
class Palette:
    """The colours of a scene, in hexadecimal."""

    zenith: str
    horizon: str
    sun: str
    far: str
    near: str


PALETTES = (
    Palette("3b3a78", "ffb08a", "fff1c9", "b06a86", "1b1838"),
    Palette("123c69", "ffc8a2", "fffbe6", "6f93a8", "0c1f33"),
    Palette("5a2a6b", "ff9a76", "ffe3b3", "a04a78", "210f33"),
    Palette("0f4c5c", "f6d6a8", "fff6df", "6da39a", "08262c"),
    Palette("2b2d5b", "f7a1b0", "ffe9d6", "8f6a9f", "15142e"),
    Palette("40306b", "ffa36b", "fff0bf", "b5607a", "1a1231"),
)
# Radius in shorter sides, and the share of the sun's colour: two halos, and the sun.
DISCS = ((0.28, 0.1), (0.19, 0.24), (0.11, 1.0))
# Pixels a frame, far to near. Whole or half pixels cost H.264 little.
SPEEDS = (0, 0.5, 1, 1.5, 2)
# Share, frequency and phase of the sines that make up a ridge.
WAVES = ((0.55, 4.1, 0.0), (0.3, 9.7, 1.3), (0.15, 19.3, 0.4))
# Few levels of partial cover look smooth enough, and PNG compresses them twice as well.
COVER_LEVELS = 3


def parse_colour(code: str) -> Colour:
    return tuple(bytes.fromhex(code))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    return tuple(a + (b - a) * share for a, b in zip(first, second, strict=True))


def quantize(colour: Colour) -> bytes:
    # Even values look the same, and PNG compresses them better.
    return bytes(min(2 * round(part / 2), 254) for part in colour)


def make_gradient(height: int, *stops: tuple[float, Colour]) -> bytes:
    """A column of pixels; each stop is a distance from the top in pixels, and a colour."""
    pixels = []
    for y in range(height):
        shade = stops[0][1]
        for (start, first), (stop, second) in pairwise(stops):
            if y >= start:
                shade = mix(first, second, min((y - start) / (stop - start), 1))
        pixels.append(quantize(shade))
    return b"".join(pixels)


class Column:
    """A column of pixels that gradients are painted over."""

    def __init__(self, pixels: bytes) -> None:
        self.pixels = bytearray(pixels)

    def fill(self, gradient: bytes, top: int, bottom: int) -> None:
        place = slice(3 * max(top, 0), 3 * max(bottom, 0))
        self.pixels[place] = gradient[place]

    def blend(self, gradient: bytes, y: int, cover: float) -> None:
        """Paints a pixel that is partly covered."""
        share = round(COVER_LEVELS * min(max(cover, 0), 1)) / COVER_LEVELS
        place = slice(3 * y, 3 * y + 3)
        if 0 <= place.start < len(self.pixels):
            self.pixels[place] = quantize(mix(self.pixels[place], gradient[place], share))


class Scene:
    """Hills at dusk in one frame shape.

    Args:
        width: Pixels across.
        height: Pixels down.
        palette: The colours.
    """

    def __init__(self, width: int, height: int, palette: Palette) -> None:
        self.width, self.height = width, height
        # Hills and sun have the same proportions in every shape.
        self.unit = min(width, height)
        self.skyline = 0.54 * height
        zenith, horizon = parse_colour(palette.zenith), parse_colour(palette.horizon)
        far, near = parse_colour(palette.far), parse_colour(palette.near)
        middle = (0.6 * self.skyline, mix(zenith, horizon, 0.62))
        self.sky = make_gradient(height, (0, zenith), middle, (1.05 * self.skyline, horizon))
        glow = parse_colour(palette.sun) * height
        self.discs = [
            (size * self.unit, quantize(mix(self.sky, glow, part))) for size, part in DISCS
        ]
        self.hills = [
            self._make_hill(i / (len(SPEEDS) - 1), far, near, horizon) for i in range(len(SPEEDS))
        ]

    def draw(self, number: int) -> av.VideoFrame:
        """The frame of this number, transposed."""
        frame = av.VideoFrame(self.height, self.width, "rgb24")
        plane = frame.planes[0]
        padding = bytes(plane.line_size - 3 * self.height)
        plane.update(b"".join(self._draw_column(x, number) + padding for x in range(self.width)))
        return frame

    def _draw_column(self, x: int, number: int) -> bytes:
        column = Column(self.sky)
        for radius, gradient in self.discs:
            self._draw_disc(column, x, radius, gradient)
        for layer, gradient in enumerate(self.hills):
            top = self._ridge(layer, x + SPEEDS[layer] * number)
            column.blend(gradient, math.floor(top), 1 - top % 1)
            column.fill(gradient, math.floor(top) + 1, self.height)
        return bytes(column.pixels)

    def _draw_disc(self, column: Column, x: int, radius: float, gradient: bytes) -> None:
        across = x - 0.64 * self.width
        centre = self.skyline - 0.2 * self.unit
        reach = math.sqrt(max((radius + 0.5) ** 2 - across**2, 0))
        whole = math.sqrt(max((radius - 0.5) ** 2 - across**2, 0))
        first, last = math.floor(centre - reach), math.ceil(centre + reach)
        top, bottom = math.ceil(centre - whole), math.floor(centre + whole)
        column.fill(gradient, top, bottom)
        for y in (*range(first, min(top, last)), *range(max(bottom, top), last)):
            distance = math.hypot(across, y + 0.5 - centre)
            column.blend(gradient, y, radius + 0.5 - distance)

    def _base(self, depth: float) -> float:
        return self.skyline + (0.95 * self.height - self.skyline) * depth**1.15

    def _make_hill(self, depth: float, far: Colour, near: Colour, mist: Colour) -> bytes:
        ridge = mix(far, near, depth**0.8)
        foot = mix(ridge, mist, 0.34 * (1 - depth))
        base = self._base(depth)
        stops = ((base - 0.1 * self.unit, ridge), (base + 0.2 * self.unit, foot))
        return make_gradient(self.height, *stops)

    def _ridge(self, layer: int, x: float) -> float:
        """The distance of a ridge from the top, in pixels."""
        depth = layer / (len(SPEEDS) - 1)
        swell = sum(
            share * math.sin(frequency * (x / self.unit + 1.7 * layer) + 2.1 * layer + phase)
            for share, frequency, phase in WAVES
        )
        return self._base(depth) - (0.075 + 0.02 * depth) * self.unit * swell


def draw_frames(scene: Scene, count: int, pixel_format: str) -> Iterator[av.VideoFrame]:
    """The scene's first frames, upright."""
    time_base = Fraction(1, FRAME_RATE)
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=scene.height, height=scene.width, format="rgb24", time_base=time_base
        ),
        graph.add("transpose", "cclock_flip"),
        graph.add("scale", "out_color_matrix=bt709:flags=accurate_rnd+full_chroma_int"),
        graph.add("format", pixel_format),
        graph.add("buffersink"),
    ).configure()
    for number in range(count):
        frame = scene.draw(number)
        frame.pts, frame.time_base = number, time_base
        graph.push(frame)
        yield graph.pull()


def write_clip(scene: Scene, path: Path) -> None:
    """Writes H.264 in MP4, the index before the frames."""
    # Made for flat areas: adaptive quantization and psychovisual tuning would add noise to them.
    x264 = "aq-mode=0:psy-rd=0,0:rc-lookahead=60:ref=4"
    options = {"crf": "29", "preset": "veryslow", "threads": "1", "x264-params": x264}
    flags = {"movflags": "faststart", "fflags": "bitexact"}
    with av.open(str(path), "w", options=flags) as container:
        stream = container.add_stream("libx264", FRAME_RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        for frame in draw_frames(scene, SECONDS * FRAME_RATE, "yuv420p"):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_picture(scene: Scene, path: Path) -> None:
    """Writes the first frame as PNG."""
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt = scene.width, scene.height, "rgb24"
    codec.time_base = Fraction(1, FRAME_RATE)
    codec.options = {"pred": "sub", "compression_level": "9"}
    (frame,) = draw_frames(scene, 1, "rgb24")
    packets = (*codec.encode(frame), *codec.encode(None))
    path.write_bytes(b"".join(map(bytes, packets)))


def main() -> None:
    for (width, height), palette in zip(SIZES, PALETTES, strict=True):
        scene = Scene(width, height, palette)
        for suffix, write in ((".png", write_picture), (".mp4", write_clip)):
            path = FOLDER / f"{width}x{height}{suffix}"
            write(scene, path)
            print(f"{path.stat().st_size:>8,} bytes  {path.name}")


if __name__ == "__main__":
    main()
