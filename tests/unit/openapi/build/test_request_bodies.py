"""Every request body: what the contract accepts, and the field at which it refuses the rest."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import contract
from cometapi_runway_api import models

TEXT: dict[str, Any] = {
    "callback_url": "https://example.com/webhook",
    "ratio": "16:9",
    "prompt": "a cat",
    "style": "cinematic",
    "model": "gen4",
    "options": {"seconds": 10, "motion_vector": {}},
}
PICTURE: dict[str, Any] = {
    "callback_url": "https://example.com/webhook",
    "image": "https://example.com/cat.jpeg",
    "model": "gen4",
    "prompt": "Smile",
}
STILL: dict[str, Any] = {"promptImage": "https://example.com/cat.jpeg", "model": "gen3a_turbo"}
REFERENCE = {"uri": "https://example.com/cat.jpeg"}
IMAGE: dict[str, Any] = {
    "promptText": "A cat",
    "ratio": "1280:720",
    "model": "gen4_image",
    "referenceImages": [REFERENCE],
}
CLIP: dict[str, Any] = {
    "videoUri": "https://example.com/clip.mp4",
    "promptText": "at night",
    "model": "gen4_aleph",
    "ratio": "1280:720",
}
OLDER_RATIOS = (
    *("1280:720", "720:1280", "1104:832", "832:1104"),
    *("960:960", "1584:672", "1280:768", "768:1280"),
)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        *(("runway_images_raw_video", {**STILL, "ratio": ratio}) for ratio in OLDER_RATIOS),
        ("runway_images_raw_video", {**STILL, "ratio": "9:16", "duration": 8}),
        ("runway_images_raw_video", {**STILL, "model": "veo3.1_fast"}),
        ("runway_images_raw_video", {**STILL, "promptText": "x" * 512, "seed": 4294967295}),
        ("generate_an_image_from_text", {**IMAGE, "referenceImages": [REFERENCE] * 3}),
        ("generate_an_image_from_text", {**IMAGE, "promptText": "x" * 1000, "seed": 0}),
        (
            "generate_an_image_from_text",
            {**IMAGE, "referenceImages": [{**REFERENCE, "tag": "cat"}]},
        ),
        ("generate_a_video_from_a_video", {**CLIP, "promptText": "x" * 1000}),
        ("generate_a_video_from_a_video", {**CLIP, "videoUri": "data:video/mp4;base64,AAAA"}),
        ("upscale_a_video", {"model": "upscale_v2", "videoUri": "https://example.com/a.mp4"}),
        ("generate", TEXT),
        ("generate", PICTURE),
        ("generate", {**PICTURE, "last_image": "http://example.com/b.png", "ratio": "1280:720"}),
        ("generate", {**PICTURE, "style": "cinematic", "options": {"seconds": 5}}),
        ("generate", {**TEXT, "image": "https://example.com/cat.jpeg"}),
        ("feed_get_task", {"task_id": "d51c94db-f7fa-4ad3-a083-b8918686c478"}),
    ],
)
def test_a_good_body_is_accepted(name: str, body: JSON) -> None:
    assert contract().check_body(name, body) == ()


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("runway_images_raw_video", {**STILL, "promptImage": "cat.jpeg"}, "/promptImage"),
        ("runway_images_raw_video", {**STILL, "promptImage": []}, "/promptImage"),
        (
            "runway_images_raw_video",
            {**STILL, "promptImage": [REFERENCE]},
            "/promptImage/0/position",
        ),
        (
            "runway_images_raw_video",
            {**STILL, "promptImage": "data:video/mp4;base64,AAAA"},
            "/promptImage",
        ),
        ("runway_images_raw_video", {**STILL, "promptText": "x" * 513}, "/promptText"),
        ("runway_images_raw_video", {**STILL, "seed": 4294967296}, "/seed"),
        ("runway_images_raw_video", {**STILL, "duration": 0}, "/duration"),
        ("runway_images_raw_video", {**STILL, "ratio": "wide"}, "/ratio"),
        ("runway_images_raw_video", {**STILL, "model": "gen 4"}, "/model"),
        ("runway_images_raw_video", {**STILL, "watermark": "no"}, "/watermark"),
        ("generate_an_image_from_text", {**IMAGE, "referenceImages": []}, "/referenceImages"),
        (
            "generate_an_image_from_text",
            {**IMAGE, "referenceImages": [REFERENCE] * 4},
            "/referenceImages",
        ),
        (
            "generate_an_image_from_text",
            {**IMAGE, "referenceImages": [{**REFERENCE, "tag": "a cat"}]},
            "/referenceImages/0/tag",
        ),
        ("generate_an_image_from_text", {**IMAGE, "promptText": ""}, "/promptText"),
        ("generate_an_image_from_text", {**IMAGE, "promptText": "x" * 1001}, "/promptText"),
        ("generate_a_video_from_a_video", {**CLIP, "promptText": "x" * 1001}, "/promptText"),
        (
            "generate_a_video_from_a_video",
            {**CLIP, "references": [REFERENCE]},
            "/references/0/type",
        ),
        ("upscale_a_video", {"model": "upscale_v1"}, "/videoUri"),
        ("generate", {**TEXT, "callback_url": ""}, "/callback_url"),
        ("generate", {**TEXT, "image": 5}, "/image"),
        ("generate", {**TEXT, "options": {"seconds": 10}}, "/options/motion_vector"),
        ("generate", {**PICTURE, "image": "data:image/png;base64,AAAA"}, "/image"),
        ("generate", {**PICTURE, "options": {"seconds": "5"}}, "/options/seconds"),
        ("feed_get_task", {"task_id": ""}, "/task_id"),
        ("feed_get_task", {"task_id": "../x"}, "/task_id"),
    ],
)
def test_a_bad_body_is_refused_at_its_field(name: str, body: JSON, path: str) -> None:
    assert [issue.path for issue in contract().check_body(name, body)] == [path]


def test_a_body_of_the_shared_operation_is_sent_unchanged() -> None:
    module: Any = importlib.import_module("cometapi_runway_api.api.compat.generate")
    text = models.CompatTextToVideoRequest.from_dict(TEXT)
    picture = models.CompatImageToVideoRequest.from_dict(PICTURE)
    assert module._get_kwargs(body=text)["json"] == TEXT
    assert module._get_kwargs(body=picture)["json"] == PICTURE
