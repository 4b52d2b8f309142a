"""What a caller may write, what leaves for it, and what is refused by its name."""

from __future__ import annotations

import base64
import contextlib
import datetime
import decimal
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from cometapi_runway import ConfigurationError, InvalidRequestError, RunwayError
from cometapi_runway.errors import Issue
from cometapi_runway.resources import _inputs as inputs
from cometapi_runway_api.models import CharacterAsset, ContentModeration, ReferenceAsset

from .faults import ACCEPTED
from .twin import ASSETS, CHARACTER, Twin

PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
DATA_URI = "data:image/png;base64,iVBORw0KGgo="


def sent(twin: Twin, **arguments: Any) -> dict[str, Any]:
    """The body that leaves for arguments."""
    twin.plays(ACCEPTED)
    twin.create(**arguments)
    body: dict[str, Any] = twin.wire.sent[-1].json
    return body


def refused(twin: Twin, **arguments: Any) -> tuple[Issue, ...]:
    """What is wrong with arguments; nothing leaves for them."""
    with pytest.raises(InvalidRequestError) as caught:
        twin.create(**arguments)
    assert twin.wire.sent == []
    for issue in caught.value.issues:
        assert issue.message in str(caught.value)
    return caught.value.issues


class TestAssets:
    @pytest.mark.parametrize(
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
    def test_forms(self, character: Any, expected: dict[str, Any], twin: Twin) -> None:
        body = sent(twin, character=character)
        uri = character if isinstance(character, str) else None
        if isinstance(character, Mapping):
            uri = character["uri"]
        assert body["character"] == {"uri": uri or "https://a.example/x", **expected}

    def test_a_type_that_can_only_be_one_needs_no_telling(self, twin: Twin) -> None:
        body = sent(twin, reference="https://a.example/no-extension")
        assert body["reference"] == {"type": "video", "uri": "https://a.example/no-extension"}
        body = sent(twin, reference=ReferenceAsset("video", "https://a.example/x"))
        assert body["reference"] == {"type": "video", "uri": "https://a.example/x"}

    @pytest.mark.parametrize(
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
    def test_refused(self, character: Any, path: str, rule: str, twin: Twin) -> None:
        issues = refused(twin, character=character)
        assert [(issue.path, issue.rule) for issue in issues] == [(path, rule)]

    @pytest.mark.parametrize("end", [".png", ".JPG", ".webp?sig=1"])
    def test_a_picture_where_only_a_video_will_do(self, end: str, twin: Twin) -> None:
        """An address that shows what it is must not be sent, and paid for, as something else."""
        (issue,) = refused(twin, reference=f"https://your-video-host/b{end}")
        assert (issue.path, issue.rule, issue.value) == ("/reference/type", "enum", "image")

    def test_a_message_names_field_and_way_out(self, twin: Twin) -> None:
        (issue,) = refused(twin, character="https://a.example/face?token=secret")
        assert issue.message.startswith("/character/type: cannot be told from 'https://a.example/")
        assert "{'type': 'image' or 'video', 'uri': …}" in issue.message
        assert "secret" not in issue.message


class TestFiles:
    def test_a_local_file_goes_as_a_data_uri(self, twin: Twin, tmp_path: Path) -> None:
        file = tmp_path / "face.png"
        # Every letter of the alphabet comes up, those too that a URL would have otherwise.
        content = PNG + bytes(range(256)) * 3
        file.write_bytes(content)
        body = sent(twin, character=file)
        assert body["character"]["type"] == "image"
        head, _, payload = body["character"]["uri"].partition(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(payload, validate=True) == content

    @pytest.mark.parametrize(
        ("name", "kind"),
        [("a.webp", "image/webp"), ("a.MP4", "video/mp4"), ("a.mkv", "video/x-matroska")],
    )
    def test_its_type_is_told_from_its_name(
        self, name: str, kind: str, twin: Twin, tmp_path: Path
    ) -> None:
        file = tmp_path / name
        file.write_bytes(PNG)
        body = sent(twin, character={"uri": file})
        assert body["character"]["uri"].startswith(f"data:{kind};base64,")
        assert body["character"]["type"] == kind.partition("/")[0]

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
        assert limit - head <= len(inputs.uri_text(file, "/x")) <= limit
        file.write_bytes(bytes(largest + 1))
        with pytest.raises(InvalidRequestError, match="https address") as caught:
            inputs.uri_text(file, "/x")
        assert caught.value.issues[0].rule == "maxBytes"
        assert str(file) in str(caught.value)

    def test_a_data_uri_is_held_to_the_same_limit(self, twin: Twin) -> None:
        whole = "data:image/png;base64," + "A" * (5 * 1024 * 1024)
        (issue,) = refused(twin, character=whole)
        assert (issue.path, issue.rule) == ("/character/uri", "maxBytes")
        assert len(str(issue)) < 1000

    def test_an_empty_one_is_called_so(self, tmp_path: Path) -> None:
        file = tmp_path / "face.png"
        file.touch()
        with pytest.raises(InvalidRequestError, match=r"/character: .*face.png is empty$") as found:
            inputs.uri_text(file, "/character")
        assert found.value.issues[0].rule == "minBytes"

    @pytest.mark.parametrize("name", ["none.png", "folder.png"])
    def test_what_cannot_be_read_says_why(self, name: str, twin: Twin, tmp_path: Path) -> None:
        (tmp_path / "folder.png").mkdir()
        (issue,) = refused(twin, character=tmp_path / name)
        assert (issue.path, issue.rule) == ("/character/uri", "readable")
        assert name in issue.message

    @pytest.mark.parametrize("name", ["face.txt", "face", "face.wav", "clip.png"])
    def test_a_file_of_no_use_there(self, name: str, twin: Twin, tmp_path: Path) -> None:
        (tmp_path / name).write_bytes(PNG)
        (issue,) = refused(twin, reference=tmp_path / name)
        assert (issue.path, issue.rule) == ("/reference/uri", "type")


class TestValues:
    @pytest.mark.parametrize(
        ("ratio", "text"), [("720:1280", "720:1280"), ((960, 960), "960:960"), ([1, 2], "1:2")]
    )
    def test_ratio(self, ratio: Any, text: str, twin: Twin) -> None:
        assert sent(twin, ratio=ratio)["ratio"] == text

    @pytest.mark.parametrize(
        "ratio", ["1280x720", "16-9", "", "0:720", (1, 2, 3), (1,), 1.78, None]
    )
    def test_no_ratio(self, ratio: Any, twin: Twin) -> None:
        assert {issue.path for issue in refused(twin, ratio=ratio)} == {"/ratio"}

    @pytest.mark.parametrize(
        "moderation",
        [
            "low",
            {"publicFigureThreshold": "low"},
            {"public_figure_threshold": "low"},
            ContentModeration("low"),
        ],
    )
    def test_moderation(self, moderation: Any, twin: Twin) -> None:
        body = sent(twin, content_moderation=moderation)
        assert body["contentModeration"] == {"publicFigureThreshold": "low"}

    @pytest.mark.parametrize("moderation", ["high", {}, None, 3, {"threshold": "low"}])
    def test_no_moderation(self, moderation: Any, twin: Twin) -> None:
        (issue,) = refused(twin, content_moderation=moderation)
        assert issue.path.startswith("/contentModeration")

    @pytest.mark.parametrize(
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
    def test_out_of_bounds(self, name: str, value: Any, path: str, rule: str, twin: Twin) -> None:
        (issue,) = refused(twin, **{name: value})
        assert (issue.path, issue.rule, issue.value) == (path, rule, value)
        assert path in issue.message
        assert str(value).strip('"') in issue.message

    def test_all_that_is_wrong_is_told_at_once(self, twin: Twin) -> None:
        issues = refused(twin, seed=-1, model="gen4", expression_intensity=9)
        assert {issue.path for issue in issues} == {"/seed", "/model", "/expressionIntensity"}

    @pytest.mark.parametrize("seed", [0, 2**32 - 1])
    def test_a_seed_at_its_bounds(self, seed: int, twin: Twin) -> None:
        twin.plays(ACCEPTED)
        task = twin.create(seed=seed)
        assert twin.wire.sent[0].json["seed"] == seed
        assert task.seed == seed


class TestNames:
    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ("charactr", "character"),
            ("bodyControl", "body_control"),
            ("expresion_intensity", "expression_intensity"),
            ("extra_header", "extra_headers"),
            ("runwayversion", "runway_version"),
        ],
    )
    def test_a_typo_is_told_what_was_meant(self, wrong: str, right: str, twin: Twin) -> None:
        (issue,) = refused(twin, **{wrong: "x"})
        assert (issue.path, issue.rule) == (wrong, "unknown")
        assert f"did you mean {right!r}?" in issue.message

    def test_a_name_like_none_is_told_all(self, twin: Twin) -> None:
        (issue,) = refused(twin, zzz=1)
        assert "use one of: character, reference, model" in issue.message

    def test_what_is_missing_is_named(self, twin: Twin) -> None:
        with pytest.raises(InvalidRequestError) as caught:
            twin.run(twin.client.character_performance.create(seed=1))
        missing = [(issue.path, issue.rule) for issue in caught.value.issues]
        assert missing == [("character", "required"), ("reference", "required")]

    def test_an_argument_without_a_name_is_not_dropped(self, twin: Twin) -> None:
        with pytest.raises(InvalidRequestError, match="by name"):
            twin.run(twin.client.character_performance.create(CHARACTER, **ASSETS))


class TestOptions:
    def test_a_version_for_one_call(self, twin: Twin) -> None:
        sent(twin, runway_version="2025-02-03")
        sent(twin)
        sent(twin, runway_version=None)
        versions = [one.headers["x-runway-version"] for one in twin.wire.sent]
        assert versions == ["2025-02-03", "2024-11-06", "2024-11-06"]

    def test_a_timeout_for_one_call(self, twin: Twin) -> None:
        import httpx

        seen: list[float] = []

        def network(request: httpx.Request) -> Any:
            seen.append(request.extensions["timeout"]["read"])
            return ACCEPTED

        twin.wire.by(network)
        twin.create(timeout=7)
        twin.create()
        twin.create(timeout=None)
        assert seen == [7.0, 60.0, 60.0]

    @pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "7", True, 10**400])
    def test_no_timeout(self, timeout: Any, twin: Twin) -> None:
        with pytest.raises(ConfigurationError, match="timeout"):
            twin.create(timeout=timeout)
        assert twin.wire.sent == []

    def test_headers_are_added_and_replaced(self, twin: Twin) -> None:
        sent(twin, extra_headers={"X-Trace": "t-1", "x-runway-version": "2026-01-01"})
        headers = twin.wire.sent[0].headers
        assert headers["x-trace"] == "t-1"
        assert headers.get_list("x-runway-version") == ["2026-01-01"]

    @pytest.mark.parametrize(
        "name",
        ["Authorization", "authorization", "HOST", "Content-Length", "content-type"],
    )
    def test_the_clients_own_headers_stay_its_own(self, name: str, twin: Twin) -> None:
        (issue,) = refused(twin, extra_headers={name: "sk-other"})
        assert (issue.path, issue.rule, issue.value) == (name, "reserved", None)
        assert "sk-other" not in str(issue)

    @pytest.mark.parametrize(
        ("name", "value", "rule"),
        [
            ("X Trace", "1", "header name"),
            ("X:Trace", "1", "header name"),
            ("", "1", "header name"),
            ("X-Träce", "1", "header name"),
            ("X-Trace\r\nX-Evil", "1", "header name"),
            (7, "1", "header name"),
            ("X-Trace", "a\r\nX-Evil: 1", "header value"),
            ("X-Trace", "a\nb", "header value"),
            ("X-Trace", " a", "header value"),
            ("X-Trace", "a\0", "header value"),
            ("X-Trace", "é", "header value"),
            ("X-Trace", "", "header value"),
            ("X-Trace", 7, "header value"),
            ("X-Trace", None, "header value"),
            ("X-Trace", b"a", "header value"),
        ],
    )
    def test_no_header(self, name: Any, value: Any, rule: str, twin: Twin) -> None:
        (issue,) = refused(twin, extra_headers={name: value})
        assert issue.rule == rule

    @pytest.mark.parametrize("version", ["", "2024\r\nX: 1", " ", "é", 20241106])
    def test_no_version(self, version: Any, twin: Twin) -> None:
        (issue,) = refused(twin, runway_version=version)
        assert (issue.path, issue.rule) == ("X-Runway-Version", "header value")

    def test_fields_that_are_newer_than_the_contract(self, twin: Twin) -> None:
        body = sent(twin, extra_body={"newField": [1, {"a": None}], "ratio": "1:1"})
        assert (body["newField"], body["ratio"]) == ([1, {"a": None}], "1:1")

    def test_they_are_held_to_the_contract_where_it_knows_them(self, twin: Twin) -> None:
        (issue,) = refused(twin, extra_body={"ratio": "wide"})
        assert issue.path == "/ratio"

    def test_the_way_out_for_one_call_and_for_a_client(self, twin: Twin) -> None:
        newer = {"model": "act_three", "expression_intensity": 11, "extra_body": {"ratio": "wide"}}
        body = sent(twin, validate=False, **newer)
        assert (body["model"], body["expressionIntensity"]) == ("act_three", 11)
        assert body["ratio"] == "wide"
        free = twin.new(validate=False)
        twin.run(free.character_performance.create(**ASSETS, **newer))
        assert len(twin.wire.sent) == 2
        with pytest.raises(InvalidRequestError):
            twin.run(free.character_performance.create(**ASSETS, **newer, validate=True))
        assert len(twin.wire.sent) == 2

    @pytest.mark.parametrize("option", ["extra_headers", "extra_body"])
    @pytest.mark.parametrize("value", [5, [("a", "b")], "a: b", b"a", ("a", "b"), {1, 2}])
    def test_what_is_no_mapping(self, option: str, value: Any, twin: Twin) -> None:
        (issue,) = refused(twin, **{option: value})
        assert (issue.path, issue.rule) == (option, "type")

    @pytest.mark.parametrize("validate", [True, False])
    @pytest.mark.parametrize("body", [{1: "a"}, {None: 1}, {"a": {2: 3}}, {"a": [{b"b": 1}]}])
    def test_names_that_are_no_text(self, body: dict[Any, Any], validate: bool, twin: Twin) -> None:
        """`json` would quietly make text of some of them, and the contract judge other names."""
        issues = refused(twin, extra_body=body, validate=validate)
        assert {issue.rule for issue in issues} <= {"json", "type"}

    @pytest.mark.parametrize("given", ["yes", 0, 1, "", []])
    def test_a_check_that_is_neither_on_nor_off(self, given: Any, twin: Twin) -> None:
        (issue,) = refused(twin, validate=given)
        assert (issue.path, issue.rule) == ("validate", "type")

    def test_nothing_given_is_nothing(self, twin: Twin) -> None:
        options = dict.fromkeys(("runway_version", "timeout", "extra_headers", "extra_body"))
        assert sent(twin, **options, validate=None, seed=1) == sent(twin, seed=1)


def _itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def _deep() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(3000):
        value = {"d": value}
    return value


STRANGE: dict[str, Any] = {
    "None": None,
    "bool": True,
    "nan": float("nan"),
    "infinity": float("inf"),
    "huge": 10**400,
    "bytes": b"x",
    "object": object(),
    "set": {1, 2},
    "surrogate": "\ud800",
    "surrogate inside": {"x": ["\ud800"]},
    "surrogate as a key": {"\ud800": 1},
    "keys of two kinds": {"a": 1, 2: 3},
    "an object inside": {"a": object()},
    "nan inside": [{"x": float("nan")}],
    "date": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "decimal": decimal.Decimal(1),
    "pattern": re.compile("x"),
    "function": _deep,
    "itself": _itself(),
    "range": range(3),
    "null byte": "a\0",
}


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("name", STRANGE)
def test_nothing_that_is_said_leads_out_of_the_tree(name: str, validate: bool, twin: Twin) -> None:
    """Every argument and option in turn is something that no request can hold, or can."""
    value = STRANGE[name]
    arguments = {*ASSETS, "model", "ratio", "seed", "body_control", "content_moderation"}
    options = {"runway_version", "timeout", "extra_headers", "extra_body"}
    twin.plays(ACCEPTED)
    for argument in arguments | options:
        with contextlib.suppress(RunwayError):
            twin.create(**{argument: value, "validate": validate})
    for one in twin.wire.sent:
        assert isinstance(one.json, dict)


@pytest.mark.parametrize("validate", [True, False])
def test_nesting_without_end_is_refused(validate: bool, twin: Twin) -> None:
    for argument in ("model", "ratio", "seed", "extra_body"):
        issues = refused(twin, **{argument: _deep(), "validate": validate})
        assert {issue.rule for issue in issues} == {"json"}
