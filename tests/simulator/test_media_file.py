"""Outputs are valid media files with the id of their task."""

from __future__ import annotations

import io
import itertools
import operator
import struct
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.simulator import _media
from cometapi_runway.simulator._media.media_file import (
    SIZES,
    SUFFIXES,
    Kind,
    find_nearest_size,
    make_file,
)

from . import make_media
from .decoding import Rows, decode, decode_picture, luma, png_chunks

TASK = "5b91e444-c232-deaf-a4d7-8aef3e57336b"
Clip: TypeAlias = tuple[list[Rows], dict[str, str]]

# Not named after the values: a mutant of these would rename the tests, and none would be found.
each_kind = pytest.mark.parametrize("kind", SUFFIXES, ids=lambda _: "kind")


@pytest.fixture(scope="module", params=SIZES, ids=lambda _: "size")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Of the module, so that what takes long is decoded and drawn once for each size."""
    return request.param


@pytest.fixture(scope="module")
def clip(size: tuple[int, int]) -> Clip:
    """The frames and the metadata of a clip."""
    return decode(make("video", size))


@pytest.fixture(scope="module")
def scene(size: tuple[int, int]) -> make_media.Scene:
    """What the script draws; of all frames it has the first one."""
    drawn = make_media.Scene(*size, make_media.PALETTES[SIZES.index(size)])
    drawn.draw = {0: drawn.draw(0)}.__getitem__
    return drawn


def make(kind: Kind, size: tuple[int, int] = SIZES[0], task_id: str = TASK) -> bytes:
    return make_file(task_id, kind, f"{size[0]}:{size[1]}").content


def test_a_clip_decodes_in_the_requested_size(clip: Clip, size: tuple[int, int]) -> None:
    frames, _ = clip
    assert len(frames) == make_media.SECONDS * make_media.FRAME_RATE
    assert {(len(frame[0]), len(frame)) for frame in frames} == {size}


def test_something_moves_in_every_frame(clip: Clip) -> None:
    frames, _ = clip
    assert all(a != b for a, b in itertools.pairwise(frames))


def test_a_picture_decodes_in_the_requested_size(size: tuple[int, int]) -> None:
    content = make("image", size)
    assert png_chunks(content)[0] == (b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    rows = decode_picture(content)
    assert (len(rows[0]) // 3, len(rows)) == size


def test_the_stream_has_codec_frame_rate_and_duration(size: tuple[int, int]) -> None:
    with av.open(io.BytesIO(make("video", size))) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == size
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == make_media.FRAME_RATE
        assert stream.duration * stream.time_base == make_media.SECONDS


def test_a_clip_names_its_task_in_the_metadata(clip: Clip) -> None:
    _, tags = clip
    assert tags["comment"] == TASK


def test_a_picture_names_its_task_in_a_text_chunk(size: tuple[int, int]) -> None:
    chunks = png_chunks(make("image", size))
    assert chunks.count((b"tEXt", b"Comment\0" + TASK.encode())) == 1
    assert chunks[-1] == (b"IEND", b"")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=80))
def test_any_id_can_be_read_back_from_a_clip(task_id: str) -> None:
    with av.open(io.BytesIO(make("video", task_id=task_id))) as container:
        assert container.metadata["comment"] == task_id


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_any_id_can_be_read_back_from_a_picture(task_id: str) -> None:
    chunks = png_chunks(make("image", task_id=task_id))
    assert (b"tEXt", b"Comment\0" + task_id.encode()) in chunks


def test_a_clip_starts_before_the_whole_file_is_there(size: tuple[int, int]) -> None:
    content = make("video", size)
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    # A stamp before the frames would make the offsets in the index wrong.
    assert content.startswith(files(_media).joinpath(f"{size[0]}x{size[1]}.mp4").read_bytes())


@each_kind
def test_a_file_is_always_the_same(kind: Kind) -> None:
    first = make_file(TASK, kind, "16:9")
    make_file.cache_clear()
    assert make_file(TASK, kind, "16:9") == first


@each_kind
def test_two_tasks_never_share_a_file(kind: Kind) -> None:
    first, second = (make_file(task_id, kind) for task_id in ("a", "b"))
    assert first.content != second.content
    assert first.etag != second.etag


@each_kind
def test_shapes_differ_in_more_than_their_size(kind: Kind) -> None:
    assert len({make(kind, size) for size in SIZES}) == len(SIZES)


@each_case(
    ("ratio", "size"),
    [
        ("1280:720", (1280, 720)), ("720:1280", (720, 1280)), ("1584:672", (1584, 672)),
        ("1104:832", (1104, 832)), ("832:1104", (832, 1104)), ("960:960", (960, 960)),
        ("16:9", (1280, 720)), ("9:16", (720, 1280)), ("1:1", (960, 960)), ("21:9", (1584, 672)),
        ("4:3", (1104, 832)), ("3:4", (832, 1104)), ("1280:768", (1280, 720)),
        ("768:1280", (720, 1280)), ("1920:1080", (1280, 720)), ("1024:1024", (960, 960)),
        ("4096:2160", (1280, 720)), ("1281:721", (1280, 720)), ("99999:1", (1584, 672)),
        ("1:99999", (720, 1280)), ("0:9", (1280, 720)), ("9:0", (1280, 720)),
        ("00:00", (1280, 720)), ("nonsense", (1280, 720)), ("", (1280, 720)), (None, (1280, 720)),
    ],
)  # fmt: skip
def test_the_nearest_shape_is_served(ratio: str | None, size: tuple[int, int]) -> None:
    assert find_nearest_size(ratio) == size


@given(st.integers(1, 99999), st.integers(1, 99999), st.integers(1, 9))
def test_only_the_shape_of_a_ratio_counts(width: int, height: int, scale: int) -> None:
    size = find_nearest_size(f"{width}:{height}")
    assert size in SIZES
    if max(width, height) * scale <= 99999:
        assert find_nearest_size(f"{width * scale}:{height * scale}") == size


def test_the_package_holds_one_small_file_per_kind_and_size() -> None:
    folder = Path(_media.__file__).parent
    drawn = {path.name: path.stat().st_size for path in folder.iterdir() if path.suffix in _DRAWN}
    assert drawn.keys() == {f"{w}x{h}{end}" for w, h in SIZES for end in SUFFIXES.values()}
    assert sum(drawn.values()) < 250_000


_DRAWN = frozenset(SUFFIXES.values())


def test_a_picture_is_what_the_script_draws(
    scene: make_media.Scene, size: tuple[int, int], tmp_path: Path
) -> None:
    # Pixels, not bytes, because another version of PyAV may compress them differently.
    make_media.write_picture(scene, tmp_path / "drawn.png")
    drawn = decode_picture((tmp_path / "drawn.png").read_bytes())
    assert decode_picture(make("image", size)) == drawn


def test_a_clip_shows_what_the_script_draws(
    clip: Clip, scene: make_media.Scene, size: tuple[int, int]
) -> None:
    frames, _ = clip
    drawn = list(luma(next(make_media.draw_frames(scene, 1, "yuv420p"))))
    assert [*map(len, frames[0])] == [*map(len, drawn)]
    # Written as a loop, this takes longer than all decoding.
    error = sum(map(abs, map(operator.sub, b"".join(frames[0]), b"".join(drawn))))
    assert error / (size[0] * size[1]) < 1.5, "the mean error of a pixel, of 255"
