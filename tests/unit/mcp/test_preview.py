"""A preview is a small JPEG of any picture that can be read, and nothing of any other file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, JpegImagePlugin
from tests.cases import each_case

from cometapi_runway.mcp._preview import make_preview


@each_case("mode", ["RGB", "RGBA", "L", "P"])
@each_case(
    ("size", "small"), [((1024, 512), (512, 256)), ((3, 2048), (1, 512)), ((20, 10), (20, 10))]
)
def test_a_picture_is_made_small(
    tmp_path: Path, mode: str, size: tuple[int, int], small: tuple[int, int]
) -> None:
    path = tmp_path / "a.png"
    Image.new(mode, size).save(path)
    content = make_preview(path)
    assert content is not None
    quality = io.BytesIO()
    Image.new("RGB", (8, 8)).save(quality, "JPEG", quality=80)
    with Image.open(io.BytesIO(content)) as found, Image.open(quality) as wanted:
        assert (found.format, found.mode, found.size) == ("JPEG", "RGB", small)
        assert isinstance(found, JpegImagePlugin.JpegImageFile)
        assert isinstance(wanted, JpegImagePlugin.JpegImageFile)
        assert found.quantization == wanted.quantization


def test_a_large_jpeg_is_decoded_at_a_fraction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    draft = JpegImagePlugin.JpegImageFile.draft

    def record(self: JpegImagePlugin.JpegImageFile, *values: object) -> object:
        asked.append(values)
        return draft(self, *values)  # type: ignore[arg-type]

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", record)
    path = tmp_path / "a.jpg"
    Image.new("RGB", (4096, 64)).save(path)
    assert make_preview(path)
    assert asked[0] == ("RGB", (512, 512))


@each_case("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_a_file_that_is_no_picture_has_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    assert make_preview(path) is None
    path.write_bytes(content)
    assert make_preview(path) is None


@each_case("error", [OSError, ValueError, SyntaxError, Image.DecompressionBombError])
def test_whatever_pillow_raises_is_no_preview(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (2, 2)).save(path)
    assert make_preview(path)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Image.Image, "thumbnail", fail)
    assert make_preview(path) is None
