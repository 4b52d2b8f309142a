"""What the signatures of new operations pass through: no operation of today's contract uses most
of it, so it is tried here as `make operation` writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError
from cometapi_runway.resources._signatures import conversions
from cometapi_runway.resources._signatures.models import models
from cometapi_runway_api.models import CharacterAsset, VideoUpscaleRequest

BOTH = ("image", "video")
URL = "https://a.example/a.png"
ASSET = CharacterAsset("video", URL)


def written(value: Any) -> Any:
    """A value as a generated model writes it: what is an object has `to_dict`."""
    if isinstance(value, list):
        return [written(item) for item in value]
    if isinstance(value, dict):
        return value.to_dict()  # type: ignore[attr-defined]
    return value


@each_case(
    ("value", "expected"),
    [
        (7, 7),
        ("text", "text"),
        ([1, {"a": 1}], [1, {"a": 1}]),
        ((MappingProxyType({"a": 1}), ASSET), [{"a": 1}, ASSET.to_dict()]),
        (ASSET, ASSET.to_dict()),
        ({"a": None}, {"a": None}),
    ],
)
def test_any_json_is_written_as_it_is(value: object, expected: object) -> None:
    assert written(conversions.to_json(value)) == expected


def test_any_json_takes_the_place_of_a_field() -> None:
    """Also where the model's own type could not be written; None leaves a field out."""
    model = VideoUpscaleRequest("upscale_v1", URL)
    for fields, expected in (
        ({}, {"model": "upscale_v1", "videoUri": URL}),
        ({"videoUri": [ASSET, 7]}, {"model": "upscale_v1", "videoUri": [ASSET.to_dict(), 7]}),
        ({"videoUri": None, "more": False}, {"model": "upscale_v1", "more": False}),
    ):
        assert written(conversions.set_json(model, fields)) == expected


def test_objects_and_addresses_are_those_of_the_caller(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"x")
    data_uri = "data:image/png;base64,eA=="
    to_asset = conversions.to_asset
    results = [
        conversions.to_object({"a": 1}, "/x"),
        conversions.to_objects([{"a": 1}, ASSET], "/x"),
        conversions.to_uris((URL, picture), "/x", ("image",)),
        to_asset(picture, "/x", BOTH, has_type=True),
        to_asset({"uri": picture, "tag": "t"}, "/x", BOTH, has_type=True),
        to_asset({"type": None, "uri": URL}, "/x", BOTH, has_type=True),
        to_asset({"type": "video", "uri": URL}, "/x", BOTH, has_type=True),
        to_asset({"uri": picture, "tag": "t"}, "/x", BOTH, has_type=False),
        conversions.to_assets([URL, picture], "/x", BOTH, has_type=True),
        conversions.to_assets([URL, picture], "/x", BOTH, has_type=False),
    ]
    assert [written(one) for one in results] == [
        {"a": 1},
        [{"a": 1}, ASSET.to_dict()],
        [URL, data_uri],
        {"type": "image", "uri": data_uri},
        {"type": "image", "uri": data_uri, "tag": "t"},
        {"type": "image", "uri": URL},
        {"type": "video", "uri": URL},
        {"uri": data_uri, "tag": "t"},
        [{"type": "image", "uri": URL}, {"type": "image", "uri": data_uri}],
        [{"uri": URL}, {"uri": data_uri}],
    ]


@each_case(
    ("convert", "path"),
    [
        (lambda: conversions.to_object(7, "/x"), "/x"),  # type: ignore[arg-type]
        (lambda: conversions.to_objects([{}, 7], "/x"), "/x/1"),  # type: ignore[list-item]
        (lambda: conversions.to_objects({}, "/x"), "/x"),  # type: ignore[arg-type]
        (lambda: conversions.to_uris([URL, Path("a.mp4")], "/x", ("image",)), "/x/1"),
        (lambda: conversions.to_asset({}, "/x", BOTH, has_type=False), "/x/uri"),
        (lambda: conversions.to_asset("https://a", "/x", BOTH, has_type=True), "/x/type"),
        (
            lambda: conversions.to_assets([Path("a.mp4")], "/x", ("image",), has_type=False),
            "/x/0/uri",
        ),
        (
            lambda: conversions.to_assets([URL, Path("a.mp4")], "/x", ("image",), has_type=True),
            "/x/1/uri",
        ),
    ],
)
def test_what_is_refused_is_named_by_its_place(convert: Callable[[], Any], path: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        convert()
    assert [issue.path for issue in caught.value.issues] == [path]


def test_a_moderation_keeps_what_the_contract_does_not_know() -> None:
    moderation = conversions.to_moderation({"public_figure_threshold": "low", "more": 1})
    assert isinstance(moderation, models.ContentModeration)
    assert moderation.to_dict() == {"publicFigureThreshold": "low", "more": 1}
