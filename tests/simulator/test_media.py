"""Outputs are real files that say whose they are."""

from __future__ import annotations

import io
import itertools
import struct

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cometapi_runway.simulator.media import (
    FRAMES_PER_SECOND,
    NOTICE,
    Card,
    card,
    font,
    h264,
    render,
)
from cometapi_runway.simulator.media.bits import nal_unit, se, to_bytes, ue
from cometapi_runway.simulator.media.raster import Ink, Palette, Raster

from .pixels import decode, png_chunks, text_at

TASK = "5b91e444-c232-deaf-a4d7-8aef3e57336b"
SIZES = [(1280, 720), (720, 1280), (1104, 832), (960, 960), (1584, 672), (1282, 722), (240, 240)]


def make(width: int = 1280, height: int = 720, **more: int) -> Card:
    return Card(TASK, "character_performance", 4294967295, width, height, **more)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_frame_decodes_to_exactly_what_was_drawn(width: int, height: int) -> None:
    drawn = list(card.frames(make(width, height, seconds=1)))
    frames, _ = decode(render(make(width, height, seconds=1), "video").content)
    tables = h264.Sampler.of(drawn[0].palette).tables
    assert len(frames) == len(drawn) == FRAMES_PER_SECOND
    for shown, meant in zip(frames, drawn, strict=True):
        assert shown == [row.translate(tables[0]) for row in meant.rows]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_task_id_can_be_read_off_the_picture(width: int, height: int) -> None:
    frames, _ = decode(render(make(width, height, seconds=1), "video").content)
    bright = [line for line in card.lines(make(width, height)) if line.ink == card.BRIGHT]
    for frame in (frames[0], frames[-1]):
        seen = [text_at(frame, line.left, line.top, line.scale, len(line.text)) for line in bright]
        assert "".join(seen) == TASK


def test_the_picture_names_operation_seed_size_and_maker() -> None:
    shown = " ".join(line.text for line in card.lines(make()))
    for part in ("character_performance", "4294967295", "1280:720", NOTICE):
        assert part in shown


def test_something_moves_in_every_frame() -> None:
    frames, _ = decode(render(make(), "video").content)
    assert len(frames) == 3 * FRAMES_PER_SECOND
    assert all(a != b for a, b in itertools.pairwise(frames))


def test_metadata_names_the_task() -> None:
    _, tags = decode(render(make(), "video").content)
    assert (tags["comment"], tags["title"], tags["encoder"]) == (
        TASK,
        "character_performance",
        NOTICE,
    )


def test_a_video_is_small_starts_at_once_and_is_always_the_same() -> None:
    content = render(make(seconds=10), "video").content
    assert len(content) < 600_000
    # The index before the data: a player can start before the whole file is there.
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    render.cache_clear()
    assert render(make(seconds=10), "video").content == content


def test_stream_says_what_players_ask_for() -> None:
    with av.open(io.BytesIO(render(make(1282, 722), "video").content)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (1282, 722)
        assert stream.average_rate == FRAMES_PER_SECOND
        assert stream.codec_context.profile == "Constrained Baseline"
        assert stream.duration * stream.time_base == 3


@pytest.mark.parametrize(("blocks", "level"), [((2, 2), 20), ((80, 45), 31), ((120, 68), 40)])
def test_level_follows_the_frame_size(blocks: tuple[int, int], level: int) -> None:
    unit = h264.sequence_parameters(blocks[0] * 16, blocks[1] * 16, 24)
    assert unit[:4] == bytes((0x67, 66, 0b11000000, level))


def test_an_image_carries_the_id_as_text_and_as_picture() -> None:
    content = render(make(720, 720), "image").content
    chunks = png_chunks(content)
    assert chunks[0][1][:10] == struct.pack(">IIBB", 720, 720, 8, 3)
    assert (b"tEXt", b"Comment\0" + TASK.encode()) in chunks
    frames, _ = _gray(content)
    bright = next(line for line in card.lines(make(720, 720)) if line.ink == card.BRIGHT)
    assert text_at(frames, bright.left, bright.top, bright.scale, len(TASK)) == TASK


def _gray(content: bytes) -> tuple[list[bytes], tuple[int, int]]:
    with av.open(io.BytesIO(content)) as container:
        frame = next(container.decode(video=0)).reformat(format="gray")
        plane = bytes(frame.planes[0])
        step = frame.planes[0].line_size
        rows = [plane[y * step : y * step + frame.width] for y in range(frame.height)]
        return rows, (frame.width, frame.height)


def test_two_tasks_never_share_a_file() -> None:
    first, second = (render(Card(name, "x", None, 240, 240, 1), "video") for name in ("a", "b"))
    assert first.content != second.content
    assert first.etag != second.etag


def test_glyphs_can_be_told_apart() -> None:
    assert len(set(font.GLYPHS.values())) == len(font.GLYPHS)
    assert all(row < 1 << font.GLYPH_WIDTH for rows in font.GLYPHS.values() for row in rows)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_drawing_survives_coding(data: st.DataObject) -> None:
    """The encoder is lossless for whatever rectangles are drawn, moved and drawn over."""
    palette = Palette(((0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 255)))
    width, height = (2 * data.draw(st.integers(9, 40)) for _ in range(2))
    frames = [Raster(width, height, palette)]
    for _ in range(data.draw(st.integers(1, 5))):
        frame = frames[-1].copy()
        for _ in range(data.draw(st.integers(0, 3))):
            left, top, wide, high = (2 * data.draw(st.integers(0, 24)) for _ in range(4))
            frame.fill(left, top, wide, high, Ink(data.draw(st.integers(0, 3))))
        frames.append(frame)
    shown = _decode_raw(frames)
    table = h264.Sampler.of(palette).tables[0]
    assert shown == [[row.translate(table) for row in frame.rows] for frame in frames]


def _decode_raw(frames: list[Raster]) -> list[list[bytes]]:
    units = [
        h264.sequence_parameters(frames[0].width, frames[0].height, 24),
        h264.picture_parameters(),
        *h264.encode(frames),
    ]
    stream = b"".join(b"\0\0\0\1" + unit for unit in units)
    codec = av.CodecContext.create("h264", "r")
    packets = [*codec.parse(stream), *codec.parse(b"")]
    found = [frame for packet in packets for frame in codec.decode(packet)]
    found += codec.decode(None)
    return [
        [
            bytes(frame.planes[0])[y * frame.planes[0].line_size :][: frame.width]
            for y in range(frame.height)
        ]
        for frame in found
    ]


@pytest.mark.parametrize(
    ("value", "unsigned", "signed"),
    [(0, "1", "1"), (1, "010", "010"), (2, "011", "00100"), (7, "0001000", "0001110")],
)
def test_exp_golomb_codes_are_those_of_the_standard(value: int, unsigned: str, signed: str) -> None:
    assert ue(value) == unsigned
    assert se(value) == signed
    assert se(-1) == "011"


def test_no_start_code_can_appear_inside_a_unit() -> None:
    payload = bytes((0, 0, 0, 0, 0, 1, 0, 0, 3, 9))
    unit = nal_unit(5, 3, payload)
    assert unit[0] == 0x65
    assert not any(code in unit[1:] for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))
    assert unit[1:].replace(b"\0\0\3", b"\0\0") == payload
    assert to_bytes("1") == b"\x80"


def test_frames_are_numbered_modulo_sixteen() -> None:
    # Decoders forgive a wrong number; players that seek or count lost frames do not.
    numbers = []
    for unit in h264.encode(card.frames(make(240, 240, seconds=1))):
        bits = f"{int.from_bytes(unit[1:4], 'big'):024b}"
        head = next(
            head for head in ("1" + ue(7) + "1", "1" + ue(5) + "1") if bits.startswith(head)
        )
        numbers.append(int(bits[len(head) :][:4], 2))
    assert numbers == [number % 16 for number in range(FRAMES_PER_SECOND)]
