"""File extensions of media types, and the length of quoted response texts."""

from __future__ import annotations

import pytest
from tests.cases import each_case

from cometapi_runway._core.redaction import HIDDEN
from cometapi_runway._flows import media_types
from cometapi_runway._flows.media_types import extension_from_url, quote_body

# The usual extension of each type, as the registry of media types and the browsers' makers list
# them; the standard library's own list lacks most of these before Python 3.13.
USUAL = {
    "application/mp4": ".mp4", "application/ogg": ".ogg", "audio/vnd.wave": ".wav",
    "audio/wave": ".wav", "audio/x-m4a": ".m4a", "audio/x-wav": ".wav", "video/x-m4v": ".m4v",
    "audio/flac": ".flac", "audio/mp4": ".m4a", "audio/mpeg": ".mp3", "audio/ogg": ".ogg",
    "audio/wav": ".wav", "audio/webm": ".weba", "audio/aac": ".aac", "image/avif": ".avif",
    "image/bmp": ".bmp", "image/gif": ".gif", "image/jpeg": ".jpg", "image/png": ".png",
    "image/tiff": ".tiff", "image/webp": ".webp", "video/mp4": ".mp4", "video/mpeg": ".mpg",
    "video/ogg": ".ogv", "video/quicktime": ".mov", "video/webm": ".webm",
    "video/x-matroska": ".mkv", "video/x-msvideo": ".avi",
}  # fmt: skip


@each_case(("kind", "extension"), USUAL.items())
def test_a_file_is_called_as_its_kind_usually_is(kind: str, extension: str) -> None:
    assert (
        media_types.extension_for({"content-type": f"{kind.upper()}; charset=binary"}) == extension
    )
    assert extension_from_url(f"https://cdn.example/a/b{extension.upper()}?sig=1") == extension


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "video/unheard-of"])
def test_an_unknown_type_gets_the_extension_bin(kind: str) -> None:
    assert media_types.extension_for({"content-type": kind}) == ".bin"


@pytest.mark.parametrize("length", [1, 199, 200])
def test_what_is_short_is_quoted_whole(length: int) -> None:
    said = ("no " * 100)[: length - 1] + "!"
    assert quote_body(said.encode()) == said


def test_what_is_long_is_cut() -> None:
    quoted = quote_body(b"no " * 100)
    assert quoted.endswith("…")
    assert quoted[:-1] == ("no " * 100)[:200]


@each_case("extension", [".jpeg", ".mpeg", ".oga", ".opus", ".tif"])
def test_an_address_may_use_another_extension_of_its_kind(extension: str) -> None:
    assert extension_from_url(f"https://cdn.example/b{extension}") == extension


@each_case("url", ["", "https://cdn.example/a.html", "https://[::1/a.mp4"])
def test_an_address_may_have_no_extension_of_a_medium(url: str) -> None:
    assert extension_from_url(url) == ""


@each_case(
    ("word", "is_hidden"),
    [("a" * 39, False), ("a" * 40, True), ("1" + "a" * 14, False), ("a" * 15 + "1", True)],
)
def test_what_may_be_a_token_is_not_quoted(word: str, is_hidden: bool) -> None:
    assert quote_body(f"no {word} here".encode()) == f"no {HIDDEN if is_hidden else word} here"


def test_no_more_than_the_beginning_is_read() -> None:
    assert quote_body(b" " * 4095 + b"ab") == "a"
