"""Every route: its extension fields, its body, and the parsing of its documented responses."""

from __future__ import annotations

import importlib
import json
from typing import Any

import httpx
import pytest

from cometapi_runway.jsonvalue import JSON
from cometapi_runway.validation import contract
from cometapi_runway_api import models
from cometapi_runway_api.client import AuthenticatedClient

CREATES = "/runwayml/v1"
COMPAT = "/runway/pro"
ROUTES = {
    "runway_images_raw_video": (f"POST {CREATES}/image_to_video", "official", "image_to_video"),
    "generate_an_image_from_text": (f"POST {CREATES}/text_to_image", "official", "text_to_image"),
    "generate_a_video_from_a_video": (
        f"POST {CREATES}/video_to_video",
        "official",
        "video_to_video",
    ),
    "upscale_a_video": (f"POST {CREATES}/video_upscale", "official", "video_upscale"),
    "control_a_character": (
        f"POST {CREATES}/character_performance",
        "official",
        "character_performance",
    ),
    "runway_to_get_task_details": (f"GET {CREATES}/tasks/{{id}}", "official", "tasks"),
    "generate": (f"POST {COMPAT}/generate", "compat", "text_to_video"),
    "video_to_video_style_redraw": (f"POST {COMPAT}/video2video", "compat", "video_to_video"),
    "act_one_expression_migration": (f"POST {COMPAT}/act_one", "compat", "act_one"),
    "feed_get_task": ("POST /runway/feed", "compat", "feed"),
}
BODIES = {
    "runway_images_raw_video": "ImageToVideoRequest",
    "generate_an_image_from_text": "TextToImageRequest",
    "generate_a_video_from_a_video": "VideoToVideoRequest",
    "upscale_a_video": "VideoUpscaleRequest",
    "control_a_character": "CharacterPerformanceRequest",
    "video_to_video_style_redraw": "CompatVideoToVideoRequest",
    "act_one_expression_migration": "CompatActOneRequest",
    "feed_get_task": "FeedRequest",
}
READS = {"runway_to_get_task_details", "feed_get_task"}
FAILURES = {"400", "401", "403", "404", "429", "500", "502", "503", "504", "default"}


def test_there_are_ten_operations() -> None:
    found = {
        one.id: (f"{one.method} {one.path}", one.tag, one.resource) for one in contract().operations
    }
    assert found == ROUTES


@pytest.mark.parametrize("name", ROUTES)
def test_the_version_header_is_required_where_a_page_requires_it(name: str) -> None:
    operation = contract().operation(name)
    (header,) = operation.parameters_in("header")
    assert header.name == "X-Runway-Version"
    assert header.required is (operation.tag == "official" and name not in READS)


@pytest.mark.parametrize("name", ROUTES)
def test_failures_are_documented_as_on_the_first_page(name: str) -> None:
    operation = contract().operation(name)
    assert {one.status for one in operation.responses} == FAILURES | {"200"}
    assert operation.security == (frozenset({"bearerAuth"}),)


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_a_named_component(name: str) -> None:
    operation = contract().operation(name)
    assert operation.body_required
    assert operation.body_schema == {"$ref": f"#/components/schemas/{BODIES[name]}"}
    assert operation.variants == {}


def test_the_shared_operation_names_a_component_for_each_resource() -> None:
    operation = contract().operation("generate")
    assert operation.variants == {
        "text_to_video": "CompatTextToVideoRequest",
        "image_to_video": "CompatImageToVideoRequest",
    }
    assert operation.body_required
    assert operation.body_schema is not None
    assert [one["$ref"].rpartition("/")[2] for one in operation.body_schema["anyOf"]] == list(
        operation.variants.values()
    )


# Bodies.

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


# Answers: what a page of any era shows is documented, and the generated client parses it.

CREATED: JSON = {"id": "12a01a5e-ab55-4aa7-b002-7b873546cf76"}
NEWER: JSON = {
    "code": 200,
    "message": "",
    "msg": "success",
    "data": {"task_id": "196642a0-05e1-441a-981e-eb0c1f5d983b"},
}
OLDER: JSON = {"code": 200, "msg": "成功", "data": {"task_id": "0ab3bfe2"}, "exec_time": 0.67573}
TEXT_CODE: JSON = {"code": "success", "message": "", "data": {"task_id": "0ab3bfe2"}}
REFUSED: JSON = {"code": 400, "msg": "callback_url_empty"}
RECORD: JSON = {
    **dict.fromkeys(("task_id", "state", "status", "prompt", "prompt_en", "video_url"), "<string>"),
    **dict.fromkeys(("last_frame", "msg", "create_time", "update_time", "poster"), "<string>"),
}
DIGITS: JSON = {
    "task_id": "d51c94db-f7fa-4ad3-a083-b8918686c478",
    "status": "3",
    "video_url": "https://example.com/output.mp4",
    "msg": None,
    "point": "200",
    "refund": "0",
    "create_time": "1724313052",
}
TASK: JSON = {"id": "d0658ae1", "status": "SUCCEEDED", "output": ["https://example.com/a.mp4"]}
WRAPPED: JSON = {
    "code": "success",
    "message": "",
    "data": {
        "task_id": "3d957031",
        "action": "IMAGE_TO_VIDEO",
        "status": "QUEUED",
        "progress": "0%",
        "data": {"id": "3d957031", "status": "PENDING"},
    },
}
FLAT: JSON = {"task_id": "4156043d", "status": "SUCCESS", "result_url": "https://example.com/a.mp4"}
UNKNOWN: JSON = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
COMPAT_CREATED = (
    (NEWER, "CompatTaskCreated"),
    (OLDER, "CompatTaskCreated"),
    (TEXT_CODE, "CompatTaskCreated"),
    (REFUSED, "CompatRefusal"),
)
TASKS = (
    (TASK, "Task"),
    ({"id": "a", "status": "A_NEW_WORD", "progress": 0.5}, "Task"),
    (WRAPPED, "TaskEnvelope"),
    ({"code": "success", "data": {"task_id": "a", "status": "A_NEW_WORD"}}, "TaskEnvelope"),
    (
        {
            "code": "success",
            "data": {"task_id": "a", "status": "SUCCESS", "data": {"video_url": "https://e.com/a"}},
        },
        "TaskEnvelope",
    ),
    ({"task_id": "4156043d"}, "FeedTask"),
    (FLAT, "FeedTask"),
    ({"task_id": "a", "status": "A_NEW_WORD", "submit_time": "1724313052"}, "FeedTask"),
    (UNKNOWN, "TaskError"),
    ({"status": "task_not_exist"}, "TaskNotExist"),
)
ANSWERS: dict[str, tuple[tuple[JSON, str], ...]] = {
    **dict.fromkeys(
        ("runway_images_raw_video", "generate_an_image_from_text", "upscale_a_video"),
        ((CREATED, "TaskCreated"),),
    ),
    "generate_a_video_from_a_video": (
        (CREATED, "VideoToVideoCreated"),
        ({}, "VideoToVideoCreated"),
    ),
    "generate": COMPAT_CREATED,
    "act_one_expression_migration": COMPAT_CREATED,
    "video_to_video_style_redraw": (
        (NEWER, "CompatTaskAnswer"),
        ({"code": 123, "msg": "<string>", "data": RECORD, "exec_time": 123}, "CompatTaskAnswer"),
        (TEXT_CODE, "CompatTaskCreated"),
        (REFUSED, "CompatRefusal"),
    ),
    "runway_to_get_task_details": TASKS,
    "feed_get_task": (
        *TASKS,
        ({"code": 200, "msg": "成功", "data": DIGITS, "exec_time": 0.028943}, "CompatTaskAnswer"),
        (
            {"code": 200, "msg": "", "data": {"task_id": "a", "status": "9"}, "ip": "192.0.2.1"},
            "CompatTaskAnswer",
        ),
        (REFUSED, "CompatRefusal"),
    ),
}
SHOWN = [(name, body, model) for name, rows in ANSWERS.items() for body, model in rows]


@pytest.mark.parametrize(("name", "body", "model"), SHOWN)
def test_a_documented_response_is_valid_and_parsed_without_loss(
    name: str, body: JSON, model: str
) -> None:
    assert contract().check_response(name, 200, body) == ()
    module = importlib.import_module(
        f"cometapi_runway_api.api.{contract().operation(name).tag}.{name}"
    )
    client = AuthenticatedClient(base_url="https://api.cometapi.com", token="key")
    answer = httpx.Response(200, content=json.dumps(body).encode())
    parsed = module._parse_response(client=client, response=answer)
    assert type(parsed) is getattr(models, model)
    assert parsed.to_dict() == body


def test_every_shape_of_a_response_is_tested() -> None:
    """One of the responses is parsed as each alternative that the contract has for 200."""
    for name, rows in ANSWERS.items():
        response = contract().operation(name).response(200)
        assert response is not None
        assert response.schema is not None
        branches = response.schema.get("anyOf", [response.schema])
        named = {one["$ref"].rpartition("/")[2] for one in branches}
        assert named == {model for _, model in rows}


def test_a_body_of_the_shared_operation_is_sent_unchanged() -> None:
    module: Any = importlib.import_module("cometapi_runway_api.api.compat.generate")
    text = models.CompatTextToVideoRequest.from_dict(TEXT)
    picture = models.CompatImageToVideoRequest.from_dict(PICTURE)
    assert module._get_kwargs(body=text)["json"] == TEXT
    assert module._get_kwargs(body=picture)["json"] == PICTURE
