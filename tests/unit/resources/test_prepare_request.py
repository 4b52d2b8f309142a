"""Convenient forms of arguments: local files, ratios, thresholds and completed options."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.resources._prepare_request import _digest

from ..support.both_clients import ASSETS, ClientHarness
from ..support.fault_table import ACCEPTED
from ..support.operation_cases import CASES, IMAGE, STILL, OperationCase, body, make

compat = pytest.mark.parametrize(
    "case", [s for s in CASES if s.route == "feed"], ids=lambda case: case.resource
)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG")
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.MP4"
    path.write_bytes(b"mp4")
    return path


PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
CLIP = "data:video/mp4;base64," + base64.b64encode(b"mp4").decode()


def test_a_local_file_stands_wherever_a_data_uri_may(
    picture: Path, clip: Path, harness: ClientHarness
) -> None:
    sent = body(harness, "character_performance", character=picture, reference=clip)
    assert sent["character"] == {"type": "image", "uri": PICTURE}
    assert sent["reference"] == {"type": "video", "uri": CLIP}
    assert body(harness, "image_to_video", prompt_image=picture)["promptImage"] == PICTURE
    placed = [{"uri": picture, "position": "last"}]
    assert body(harness, "image_to_video", prompt_image=placed)["promptImage"] == [
        {"uri": PICTURE, "position": "last"}
    ]
    tagged = [picture, {"uri": picture, "tag": "cat"}]
    assert body(harness, "text_to_image", reference_images=tagged)["referenceImages"] == [
        {"uri": PICTURE},
        {"uri": PICTURE, "tag": "cat"},
    ]
    sent = body(harness, "video_to_video", video_uri=clip, references=(picture, IMAGE))
    assert sent["videoUri"] == CLIP
    assert sent["references"] == [
        {"type": "image", "uri": PICTURE},
        {"type": "image", "uri": IMAGE},
    ]
    assert body(harness, "video_upscale", video_uri=clip)["videoUri"] == CLIP


@pytest.mark.parametrize(
    ("resource", "argument", "pointer"),
    [
        ("character_performance", "reference", "/reference/uri"),
        ("image_to_video", "prompt_image", "/promptImage"),
        ("video_to_video", "video_uri", "/videoUri"),
        ("video_upscale", "video_uri", "/videoUri"),
    ],
)
def test_a_file_of_the_wrong_kind_is_refused(
    resource: str, argument: str, pointer: str, picture: Path, clip: Path, harness: ClientHarness
) -> None:
    wrong = clip if argument == "prompt_image" else picture
    with pytest.raises(InvalidRequestError, match=rf"{pointer}: .* has an extension") as no:
        body(harness, resource, **{argument: wrong})
    assert no.value.issues[0].path == pointer
    assert harness.network.sent == []


@each_case("name", ["\0.png", "\ud800.png", "no\0where/a.png"])
def test_a_file_whose_name_no_system_has_is_refused(name: str, harness: ClientHarness) -> None:
    with pytest.raises(InvalidRequestError, match=r"/promptImage: .* cannot be read") as no:
        body(harness, "image_to_video", prompt_image=Path(name))
    assert str(no.value).encode()
    assert harness.network.sent == []


@compat
def test_a_route_that_takes_addresses_only_says_so(
    case: OperationCase, picture: Path, harness: ClientHarness
) -> None:
    known = case.on(harness.client).signature.parameters.keys()
    for name in known & {"video", "image", "last_image", "callback_url"}:
        with pytest.raises(InvalidRequestError, match=f"/{name}: is a local file"):
            make(harness, case, **{name: picture})
        with pytest.raises(InvalidRequestError, match=rf"/{name} does not fit \(pattern\)"):
            make(harness, case, **{name: PICTURE})
    assert harness.network.sent == []


def test_a_picture_is_one_or_a_list_of_places(harness: ClientHarness) -> None:
    alone = body(harness, "image_to_video", prompt_image=[{"uri": IMAGE}])
    assert alone["promptImage"] == [{"uri": IMAGE, "position": "first"}]
    two = [{"uri": IMAGE, "position": "first"}, {"uri": IMAGE, "position": "last"}]
    assert body(harness, "image_to_video", prompt_image=two)["promptImage"] == two
    with pytest.raises(InvalidRequestError, match="/promptImage/1/position"):
        body(harness, "image_to_video", prompt_image=[two[0], {"uri": IMAGE}])


@each_case("resource", [s.resource for s in CASES if "ratio" in s.body])
def test_a_ratio_may_be_a_pair(resource: str, harness: ClientHarness) -> None:
    assert body(harness, resource, ratio=(720, 1280))["ratio"] == "720:1280"


@each_case("resource", ["text_to_image", "video_to_video", "character_performance"])
@each_case("given", ["low", {"public_figure_threshold": "low"}, {"publicFigureThreshold": "low"}])
def test_a_threshold_may_be_spelt_in_three_ways(
    resource: str, given: Any, harness: ClientHarness
) -> None:
    sent = body(harness, resource, content_moderation=given)
    assert sent["contentModeration"] == {"publicFigureThreshold": "low"}


def test_a_moderation_without_a_threshold_is_refused(harness: ClientHarness) -> None:
    with pytest.raises(InvalidRequestError) as no:
        body(harness, "text_to_image", content_moderation={"b": 1, "a": 2})
    (issue,) = no.value.issues
    path = "/contentModeration/publicFigureThreshold"
    assert (issue.path, issue.rule) == (path, "required")
    assert issue.message == f"{path}: is required, got only ['a', 'b']"


def test_the_journal_knows_a_request_by_a_random_key(
    harness: ClientHarness, tmp_path: Path
) -> None:
    client = harness.new(journal=tmp_path / "journal")
    harness.respond_with(ACCEPTED, ACCEPTED)
    for _ in range(2):
        harness.run(client.character_performance.create(**ASSETS))
    keys = {entry.key for entry in harness.run(client.journal.tasks())}
    assert len(keys) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


def test_the_digest_of_a_request_is_that_of_earlier_versions() -> None:
    """Journals hold it: another would refuse a repeated idempotency key as one of other content."""
    request = PreparedRequest("make", "POST", "/make", {"A": "b"}, {"seed": 7, "text": "\xfc"})
    drawn, own = (_digest(request, is_seed_drawn=is_drawn) for is_drawn in (True, False))
    assert drawn == hashlib.sha256(b'["make",{"text":"\\u00fc"}]').hexdigest()
    assert own == hashlib.sha256(b'["make",{"seed":7,"text":"\\u00fc"}]').hexdigest()


def test_no_picture_is_made_without_a_reference(harness: ClientHarness) -> None:
    """The gateway answers `reference_images_empty`; Runway itself would take it."""
    with pytest.raises(InvalidRequestError, match="/referenceImages must have at least 1"):
        body(harness, "text_to_image", reference_images=[])
    with pytest.raises(InvalidRequestError, match="/referenceImages must have at most 3"):
        body(harness, "text_to_image", reference_images=[IMAGE] * 4)
    for wrong in (IMAGE, None, 3):
        with pytest.raises(InvalidRequestError, match="/referenceImages: must be a list"):
            body(harness, "text_to_image", reference_images=wrong)
    assert harness.network.sent == []


def test_options_of_a_video_from_words_are_completed(harness: ClientHarness) -> None:
    given = {"seconds": 10}
    sent = body(harness, "compat.text_to_video", options=given)
    assert sent["options"] == {"seconds": 10, "motion_vector": STILL}
    assert given == {"seconds": 10}
    zoom = {"z": 1.5}
    sent = body(harness, "compat.text_to_video", options={"motion_vector": zoom, "newer": 1})
    assert sent["options"] == {"seconds": 5, "motion_vector": zoom, "newer": 1}
    for resource in ("compat.image_to_video", "compat.video_to_video"):
        assert body(harness, resource, options={})["options"] == {}
        assert body(harness, resource, options={"seconds": 10})["options"] == {"seconds": 10}


@compat
def test_invalid_options_are_refused(case: OperationCase, harness: ClientHarness) -> None:
    if "options" in case.on(harness.client).signature.parameters:
        with pytest.raises(InvalidRequestError, match="/options: must be an object"):
            make(harness, case, options=5)
        assert harness.network.sent == []
