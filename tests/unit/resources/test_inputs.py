"""Assets, local files and values that a caller may pass."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError
from cometapi_runway.resources import _inputs as inputs
from cometapi_runway.resources._argument_fields import parse_asset
from cometapi_runway_api.models import CharacterAsset, ContentModeration, ReferenceAsset

from ..support.both_clients import CHARACTER, ClientHarness
from ..support.fault_table import ACCEPTED
from ..support.inputs import refused, sent

PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
DATA_URI = "data:image/png;base64,iVBORw0KGgo="


class TestAssets:
    @each_case(
        ("character", "expected"),
        [
            ("https://a.example/face.png", {"type": "image"}),
            ("https://a.example/face.JPEG?size=2#x.mp4", {"type": "image"}),
            ("https://a.example/a%2Eb/face.webp", {"type": "image"}),
            ("https://a.example/clip.mov", {"type": "video"}),
            ("https://a.example/clip.mp4?sig=1", {"type": "video"}),
            (DATA_URI, {"type": "image", "uri": DATA_URI}),
            ("data:video/mp4;base64,AAAA", {"type": "video"}),
            ({"uri": "https://a.example/face.png"}, {"type": "image"}),
            ({"type": "video", "uri": "https://a.example/x"}, {"type": "video"}),
            # A type that is given is believed, whatever the name says.
            ({"type": "image", "uri": "https://a.example/x.mp4"}, {"type": "image"}),
            (MappingProxyType({"uri": "https://a.example/face.png"}), {"type": "image"}),
            (CharacterAsset("video", "https://a.example/x"), {"type": "video"}),
            ({"uri": "https://a.example/a.png", "crop": "face"}, {"type": "image", "crop": "face"}),
        ],
    )
    def test_forms(self, character: Any, expected: dict[str, Any], harness: ClientHarness) -> None:
        body = sent(harness, character=character)
        uri = character if isinstance(character, str) else None
        if isinstance(character, Mapping):
            uri = character["uri"]
        assert body["character"] == {"uri": uri or "https://a.example/x", **expected}

    def test_a_type_that_can_only_be_one_needs_no_telling(self, harness: ClientHarness) -> None:
        body = sent(harness, reference="https://a.example/no-extension")
        assert body["reference"] == {"type": "video", "uri": "https://a.example/no-extension"}
        body = sent(harness, reference=ReferenceAsset("video", "https://a.example/x"))
        assert body["reference"] == {"type": "video", "uri": "https://a.example/x"}

    @each_case(
        ("character", "path", "rule"),
        [
            ("https://a.example/face", "/character/type", "required"),
            ("https://a.example/face.doc", "/character/type", "required"),
            ("https://a.example/mp4", "/character/type", "required"),
            ("https://a.example/.mp4", "/character/type", "required"),
            ("https://a.mp4", "/character/type", "required"),
            ("data:audio/wav;base64,AAAA", "/character/type", "required"),
            ("", "/character/type", "required"),
            ("https://[", "/character/type", "required"),
            ({"type": "image"}, "/character/uri", "required"),
            ({}, "/character/uri", "required"),
            (None, "/character", "type"),
            (7, "/character", "type"),
            (b"https://a.example/a.png", "/character", "type"),
            ([CHARACTER], "/character", "type"),
            ("http://a.example/face.png", "/character/uri", "pattern"),
            ("ftp://a.example/face.png", "/character/uri", "pattern"),
            ("file:///etc/passwd.png", "/character/uri", "pattern"),
            ("face.png", "/character/uri", "pattern"),
            ("data:image/png;base64,not base64", "/character/uri", "pattern"),
            ({"type": "audio", "uri": "https://a.example/x"}, "/character/type", "enum"),
            ({"type": "image", "uri": 7}, "/character/uri", "type"),
        ],
    )
    def test_refused(self, character: Any, path: str, rule: str, harness: ClientHarness) -> None:
        issues = refused(harness, character=character)
        assert [(issue.path, issue.rule) for issue in issues] == [(path, rule)]

    @each_case("end", [".png", ".JPG", ".webp?sig=1"])
    def test_a_picture_where_only_a_video_will_do(self, end: str, harness: ClientHarness) -> None:
        """An address that shows what it is must not be sent, and paid for, as something else."""
        (issue,) = refused(harness, reference=f"https://your-video-host/b{end}")
        assert (issue.path, issue.rule, issue.value) == ("/reference/type", "enum", "image")

    def test_a_message_names_the_field_and_the_remedy(self, harness: ClientHarness) -> None:
        (issue,) = refused(harness, character="https://a.example/face?token=secret")
        assert issue.message.startswith(
            "/character/type: cannot be inferred from 'https://a.example/"
        )
        assert "{'type': 'image' or 'video', 'uri': …}" in issue.message
        assert "secret" not in issue.message


class TestFiles:
    def test_a_local_file_goes_as_a_data_uri(self, harness: ClientHarness, tmp_path: Path) -> None:
        file = tmp_path / "face.png"
        # Every letter of the alphabet comes up, those too that a URL would have otherwise.
        content = PNG + bytes(range(256)) * 3
        file.write_bytes(content)
        body = sent(harness, character=file)
        assert body["character"]["type"] == "image"
        head, _, payload = body["character"]["uri"].partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(payload, validate=True) == content

    @each_case(
        ("name", "kind"),
        [("a.webp", "image/webp"), ("a.MP4", "video/mp4"), ("a.mkv", "video/x-matroska")],
    )
    def test_its_type_is_guessed_from_its_name(
        self, name: str, kind: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        file = tmp_path / name
        file.write_bytes(PNG)
        body = sent(harness, character={"uri": file})
        assert body["character"]["uri"].startswith(f"data:{kind};base64,")
        assert body["character"]["type"] == kind.partition("/")[0]

    def test_every_extension_has_its_type(self) -> None:
        kinds = {
            "image": ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif"),
            "video": ("mp4", "m4v", "mov", "webm", "mkv", "avi", "ogv", "mpg", "mpeg"),
        }
        for kind, extensions in kinds.items():
            for one in extensions:
                assert inputs._type_from_uri(f"https://a.example/x.{one}") == kind, one
                assert inputs._type_from_uri(f"https://a.example/x%2E{one}") == kind, one

    @pytest.mark.parametrize("guess", [None, "video/x-own"])
    def test_the_system_may_know_a_type(
        self, guess: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inputs.mimetypes, "guess_type", lambda _: (guess, None))
        (tmp_path / "a.mpeg").write_bytes(b"x")
        uri = inputs.to_uri(tmp_path / "a.mpeg", "/x")
        assert uri.startswith(f"data:{guess or 'video/mpeg'};base64,")

    def test_a_text_that_can_be_no_file_name_is_refused_as_any_other(self) -> None:
        for text in ("x" * 5000, "a\0b"):
            inputs._refuse_file_name(text, "/a", "advice")

    def test_an_address_is_one_even_where_a_file_has_its_name(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Windows has no such files.
        monkeypatch.setattr(Path, "is_file", lambda _: True)
        for text in ("x://y", "data:,x", "DATA:,x"):
            inputs._refuse_file_name(text, "/a", "advice")
        with pytest.raises(InvalidRequestError, match="local file"):
            inputs._refuse_file_name("data", "/a", "advice")

    @pytest.mark.parametrize(("name", "mebibytes"), [("a.png", 5), ("a.mp4", 16)])
    def test_the_largest_that_fits_and_one_byte_more(
        self, name: str, mebibytes: int, tmp_path: Path
    ) -> None:
        """The limit is on the data URI, which is a third longer than the file."""
        limit = mebibytes * 1024 * 1024
        head = 64
        largest = (limit - head) // 4 * 3
        file = tmp_path / name
        file.write_bytes(bytes(largest))
        assert limit - head <= len(inputs.to_uri(file, "/x")) <= limit
        file.write_bytes(bytes(largest + 1))
        with pytest.raises(InvalidRequestError, match="https URL") as caught:
            inputs.to_uri(file, "/x")
        assert caught.value.issues[0].rule == "maxBytes"
        assert str(file) in str(caught.value)

    def test_a_data_uri_is_held_to_the_same_limit(self, harness: ClientHarness) -> None:
        whole = "data:image/png;base64," + "A" * (5 * 1024 * 1024)
        (issue,) = refused(harness, character=whole)
        assert (issue.path, issue.rule) == ("/character/uri", "maxBytes")
        assert len(str(issue)) < 1000
        for text, kind, limit in (("image/png", "image", 5), ("video/mp4", "video", 16)):
            fits = f"data:{text};base64,".ljust(limit * 1024 * 1024, "A")
            assert inputs.to_uri(fits, "/x", (kind,)) is fits
            with pytest.raises(InvalidRequestError, match=f"{limit * 1024 * 1024 + 1} characters"):
                inputs.to_uri(fits + "A", "/x", (kind,))

    def test_an_empty_one_is_called_so(self, tmp_path: Path) -> None:
        file = tmp_path / "face.png"
        file.touch()
        with pytest.raises(InvalidRequestError, match=r"/character: .*face.png is empty$") as found:
            inputs.to_uri(file, "/character")
        assert found.value.issues[0].rule == "minBytes"

    @each_case("name", ["none.png", "folder.png"])
    def test_what_cannot_be_read_says_why(
        self, name: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / "folder.png").mkdir()
        (issue,) = refused(harness, character=tmp_path / name)
        assert (issue.path, issue.rule) == ("/character/uri", "readable")
        assert name in issue.message

    @each_case("name", ["face.txt", "face", "face.wav", "clip.png"])
    def test_a_file_of_no_use_there(
        self, name: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / name).write_bytes(PNG)
        (issue,) = refused(harness, reference=tmp_path / name)
        assert (issue.path, issue.rule) == ("/reference/uri", "type")


class TestValues:
    @each_case(
        ("ratio", "text"), [("720:1280", "720:1280"), ((960, 960), "960:960"), ([1, 2], "1:2")]
    )
    def test_ratio(self, ratio: Any, text: str, harness: ClientHarness) -> None:
        assert sent(harness, ratio=ratio)["ratio"] == text

    @each_case("ratio", ["1280x720", "16-9", "", "0:720", (1, 2, 3), (1,), 1.78, None])
    def test_no_ratio(self, ratio: Any, harness: ClientHarness) -> None:
        assert {issue.path for issue in refused(harness, ratio=ratio)} == {"/ratio"}

    @each_case(
        "moderation",
        [
            "low",
            {"publicFigureThreshold": "low"},
            {"public_figure_threshold": "low"},
            ContentModeration("low"),
        ],
    )
    def test_moderation(self, moderation: Any, harness: ClientHarness) -> None:
        body = sent(harness, content_moderation=moderation)
        assert body["contentModeration"] == {"publicFigureThreshold": "low"}

    @each_case("moderation", ["high", {}, None, 3, {"threshold": "low"}])
    def test_no_moderation(self, moderation: Any, harness: ClientHarness) -> None:
        (issue,) = refused(harness, content_moderation=moderation)
        assert issue.path.startswith("/contentModeration")

    @each_case(
        ("name", "value", "path", "rule"),
        [
            ("expression_intensity", 0, "/expressionIntensity", "minimum"),
            ("expression_intensity", 6, "/expressionIntensity", "maximum"),
            ("expression_intensity", 3.5, "/expressionIntensity", "type"),
            ("expression_intensity", "3", "/expressionIntensity", "type"),
            ("seed", -1, "/seed", "minimum"),
            ("seed", 2**32, "/seed", "maximum"),
            ("body_control", "yes", "/bodyControl", "type"),
            ("model", "gen4", "/model", "enum"),
        ],
    )
    def test_out_of_bounds(
        self, name: str, value: Any, path: str, rule: str, harness: ClientHarness
    ) -> None:
        (issue,) = refused(harness, **{name: value})
        assert (issue.path, issue.rule, issue.value) == (path, rule, value)
        assert path in issue.message
        assert str(value).strip('"') in issue.message

    def test_all_issues_are_reported_at_once(self, harness: ClientHarness) -> None:
        issues = refused(harness, seed=-1, model="gen4", expression_intensity=9)
        assert {issue.path for issue in issues} == {"/seed", "/model", "/expressionIntensity"}

    @each_case("seed", [0, 2**32 - 1])
    def test_a_seed_at_its_bounds(self, seed: int, harness: ClientHarness) -> None:
        harness.respond_with(ACCEPTED)
        task = harness.create(seed=seed)
        assert harness.network.sent[0].json["seed"] == seed
        assert task.seed == seed


def test_an_asset_of_a_command_line_is_an_address_or_a_file() -> None:
    for text in (CHARACTER, "DATA:image/png;base64,AA"):
        assert parse_asset(text) == text
    assert parse_asset("a.png") == Path("a.png")
    assert parse_asset("~/a.png") == Path.home() / "a.png"
    with pytest.raises(ValueError, match=r"the home folder of ~nobody-at-all/a\.png is unknown"):
        parse_asset("~nobody-at-all/a.png")
