"""An MP4 writer: one video track, the index before the data, and text that players show."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MATRIX: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_NO_LANGUAGE: Final = 0x55C4  # "und", five bits a letter
_UTF8: Final = 1


@frozen
class VideoTrack:
    """What an MP4 file needs to know of its one track.

    Args:
        width: Pixels across, as shown.
        height: Pixels down, as shown.
        frames_per_second: The fixed frame rate.
        sequence_parameters: The H.264 sequence parameter set, a NAL unit.
        picture_parameters: The H.264 picture parameter set, a NAL unit.
        samples: One NAL unit a frame, in order; the first is the only key frame.
    """

    width: int
    height: int
    frames_per_second: int
    sequence_parameters: bytes
    picture_parameters: bytes
    samples: Sequence[bytes]

    @property
    def duration(self) -> int:
        """Length of the track in frames, which is also its time scale's unit."""
        return len(self.samples)


def _box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I", len(data) + 8) + kind + data


def _full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _movie_header(track: VideoTrack) -> bytes:
    times = _u32(0, 0, track.frames_per_second, track.duration)
    rate_and_volume = struct.pack(">IH", 0x10000, 0x100) + bytes(10)
    return _full_box(b"mvhd", times, rate_and_volume, _MATRIX, bytes(24), _u32(2))


def _track_header(track: VideoTrack) -> bytes:
    times = _u32(0, 0, 1, 0, track.duration)
    size = _u32(track.width << 16, track.height << 16)
    # Flags: enabled, in the movie, in its preview.
    return _full_box(b"tkhd", times, bytes(16), _MATRIX, size, flags=7)


def _decoder_configuration(track: VideoTrack) -> bytes:
    sps, pps = track.sequence_parameters, track.picture_parameters
    head = bytes([1, *sps[1:4], 0xFF, 0xE1])  # lengths of four bytes, one parameter set
    return _box(
        b"avcC", head, struct.pack(">H", len(sps)), sps, b"\1", struct.pack(">H", len(pps)), pps
    )


def _sample_description(track: VideoTrack) -> bytes:
    size = struct.pack(">HH", track.width, track.height)
    resolution = _u32(0x480000, 0x480000, 0)
    colour = _box(b"colr", b"nclx", struct.pack(">HHHB", 1, 1, 1, 0))
    entry = _box(
        b"avc1",
        bytes(6) + struct.pack(">H", 1),
        bytes(16),
        size,
        resolution,
        struct.pack(">H", 1),
        bytes(32),
        struct.pack(">Hh", 24, -1),
        _decoder_configuration(track),
        colour,
    )
    return _full_box(b"stsd", _u32(1), entry)


def _sample_table(track: VideoTrack, data_start: int) -> bytes:
    count = len(track.samples)
    sizes = [len(sample) + 4 for sample in track.samples]
    return _box(
        b"stbl",
        _sample_description(track),
        _full_box(b"stts", _u32(1, count, 1)),
        _full_box(b"stss", _u32(1, 1)),
        _full_box(b"stsc", _u32(1, 1, count, 1)),
        _full_box(b"stsz", _u32(0, count, *sizes)),
        _full_box(b"stco", _u32(1, data_start)),
    )


def _media(track: VideoTrack, data_start: int) -> bytes:
    header = _u32(0, 0, track.frames_per_second, track.duration)
    reference = _box(b"dinf", _full_box(b"dref", _u32(1), _full_box(b"url ", flags=1)))
    information = _box(
        b"minf",
        _full_box(b"vmhd", bytes(8), flags=1),
        reference,
        _sample_table(track, data_start),
    )
    return _box(
        b"mdia",
        _full_box(b"mdhd", header, struct.pack(">HH", _NO_LANGUAGE, 0)),
        _full_box(b"hdlr", bytes(4), b"vide", bytes(12), b"video\0"),
        information,
    )


def _tags(texts: Mapping[bytes, str]) -> bytes:
    """Writes text tags where players look for a title or a comment."""
    items = [
        _box(kind, _box(b"data", _u32(_UTF8, 0), value.encode())) for kind, value in texts.items()
    ]
    handler = _full_box(b"hdlr", bytes(4), b"mdir", b"appl", bytes(9))
    return _box(b"udta", _full_box(b"meta", handler, _box(b"ilst", *items)))


def encode(track: VideoTrack, texts: Mapping[bytes, str]) -> bytes:
    r"""Writes a file that plays while it is still being loaded.

    Args:
        track: The coded pictures.
        texts: Tags by their four-byte kind, such as ``{b"\xa9cmt": task_id}``.

    Returns:
        The file's bytes. No time of day goes in: the same for the same arguments.
    """
    kind = _box(b"ftyp", b"isom", _u32(0x200), b"isomiso2avc1mp41")
    data = b"".join(_u32(len(sample)) + sample for sample in track.samples)

    def index(data_start: int) -> bytes:
        media = _media(track, data_start)
        return _box(
            b"moov", _movie_header(track), _box(b"trak", _track_header(track), media), _tags(texts)
        )

    # The index states where the data begins, which its own length decides; the number's width
    # is fixed, so a first draft has the right length.
    data_start = len(kind) + len(index(0)) + 8
    return kind + index(data_start) + _box(b"mdat", data)
