"""What callers may write for an asset, and what is refused before anybody pays for it."""

from __future__ import annotations

import base64
import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometapi_runway import inputs
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.inputs import MEGABYTE

BOTH = ("image", "video")
LIMITS = {"picture.png": 5 * MEGABYTE, "clip.mp4": 16 * MEGABYTE}


def refusal(value: Any, allowed: tuple[str, ...] = BOTH) -> Any:
    with pytest.raises(InvalidRequestError) as caught:
        inputs.asset_parts(value, "/character", allowed)
    (issue,) = caught.value.issues
    assert issue.path.startswith("/character")
    assert issue.path in issue.message
    return issue


def sized(folder: Path, name: str, size: int) -> Path:
    path = folder / name
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("https://example.com/a.png", "image"),
        ("https://example.com/a.JPEG?x=1.mp4", "image"),
        ("https://example.com/a%2Ewebp", "image"),
        ("https://example.com/a.b.mov#t", "video"),
        ("data:image/png;base64,AAAA", "image"),
        ("DATA:video/mp4;base64,AAAA", "video"),
    ],
)
def test_the_type_is_told_from_the_name(uri: str, kind: str) -> None:
    assert inputs.asset_parts(uri, "/character", BOTH).type == kind
    assert inputs.asset_parts({"uri": uri}, "/character", BOTH).type == kind


@pytest.mark.parametrize(
    "uri",
    ["https://example.com/a", "https://example.com/a.txt", "data:text/plain,x", "https://[::1/a.png"],
)  # fmt: skip
def test_a_type_that_cannot_be_told_is_asked_for(uri: str) -> None:
    issue = refusal(uri)
    assert (issue.path, issue.rule) == ("/character/type", "required")
    assert inputs.asset_parts({"type": "image", "uri": uri}, "/character", BOTH).type == "image"
    # Where there is only one type, it need not be told.
    assert inputs.asset_parts(uri, "/character", ("video",)).type == "video"


def test_a_signed_address_is_not_shown() -> None:
    assert "secret" not in refusal("https://user:secret@example.com/a?sig=secret").message


@pytest.mark.parametrize("value", [None, 3, b"x", ["https://example.com/a.png"], True])
def test_what_is_no_asset_is_refused(value: Any) -> None:
    assert refusal(value).rule == "type"


def test_an_asset_without_an_address_is_refused() -> None:
    issue = refusal({"type": "image", "url": "https://example.com/a.png"})
    assert (issue.path, issue.rule) == ("/character/uri", "required")
    assert "url" in issue.message


def test_fields_that_nobody_knows_are_kept() -> None:
    parts = inputs.asset_parts({"uri": "https://e.com/a.png", "focus": 1}, "/character", BOTH)
    assert dict(parts.rest) == {"focus": 1}


# --- local files


@pytest.mark.parametrize(
    ("name", "media"),
    [
        ("a.png", "image/png"),
        ("a.JPG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.mp4", "video/mp4"),
        ("a.m4v", "video/mp4"),
        ("a.mov", "video/quicktime"),
        ("a.webm", "video/webm"),
        ("a.mkv", "video/x-matroska"),
    ],
)
def test_a_file_becomes_a_data_uri(name: str, media: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(bytes(range(256)))
    text = inputs.uri_text(path, "/x")
    head, _, payload = text.partition(",")
    assert head == f"data:{media};base64"
    assert base64.b64decode(payload, validate=True) == bytes(range(256))


@pytest.mark.parametrize("name", LIMITS)
def test_the_largest_file_makes_a_data_uri_within_the_limit(name: str, tmp_path: Path) -> None:
    """Runway's limits, read as limits of the text, which is the longer."""
    most = (LIMITS[name] - 64) // 4 * 3
    text = inputs.uri_text(sized(tmp_path, name, most), "/x")
    assert LIMITS[name] - 100 < len(text) <= LIMITS[name]
    issue = refusal(sized(tmp_path, name, most + 1))
    assert (issue.path, issue.rule) == ("/character/uri", "maxBytes")
    assert f"{LIMITS[name] // MEGABYTE} MiB" in issue.message


@pytest.mark.parametrize(("kind", "limit"), [("image/png", 5), ("video/mp4", 16)])
def test_a_data_uri_has_the_same_limit(kind: str, limit: int) -> None:
    head = f"data:{kind};base64,"
    fits = head + "A" * (limit * MEGABYTE - len(head))
    assert inputs.uri_text(fits, "/x") == fits
    issue = refusal(fits + "A")
    assert issue.rule == "maxBytes"
    assert len(issue.message) < 300


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    issue = refusal(tmp_path / "none.png")
    assert (issue.path, issue.rule) == ("/character/uri", "readable")
    assert "none.png" in issue.value


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    assert refusal(tmp_path / "folder.png").rule == "readable"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = sized(tmp_path, "a.png", 1)
    path.chmod(0)
    assert refusal(path).rule == "readable"


@pytest.mark.parametrize("name", ["a.txt", "a", "a.mp3"])
def test_a_file_of_no_known_type(name: str, tmp_path: Path) -> None:
    assert refusal(sized(tmp_path, name, 1)).rule == "type"


def test_a_file_of_a_type_that_does_not_belong_there(tmp_path: Path) -> None:
    issue = refusal(sized(tmp_path, "a.mp4", 1), ("image",))
    assert "no known image type" in issue.message


# --- the rest


@pytest.mark.parametrize(
    ("given_as", "sent"),
    [("1280:720", "1280:720"), ((1280, 720), "1280:720"), ([9, 16], "9:16"), (None, None), (3, 3)],
)
def test_a_ratio(given_as: Any, sent: Any) -> None:
    assert inputs.ratio_text(given_as) == sent


@pytest.mark.parametrize("value", [{}, {"threshold": "auto"}, 3, None, ["auto"]])
def test_a_threshold_that_is_none(value: Any) -> None:
    with pytest.raises(InvalidRequestError, match="/contentModeration"):
        inputs.threshold(value)


def test_a_threshold_keeps_what_is_beside_it() -> None:
    assert inputs.threshold({"publicFigureThreshold": "low", "x": 1}) == ("low", {"x": 1})


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(JSON_LIKE | st.fixed_dictionaries({"uri": JSON_LIKE}, optional={"type": JSON_LIKE}))
def test_whatever_is_written_is_understood_or_refused(value: Any) -> None:
    for read in (
        lambda: inputs.asset_parts(value, "/x", BOTH),
        lambda: inputs.asset_fields(value, "/x"),
        lambda: inputs.threshold(value),
        lambda: inputs.items(value, "/x"),
        lambda: inputs.fields(value, "/x"),
        lambda: inputs.ratio_text(value),
    ):
        with contextlib.suppress(InvalidRequestError):
            read()
