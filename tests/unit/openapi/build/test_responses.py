"""Every response that a version of a page shows is documented, and the client parses it."""

from __future__ import annotations

import importlib
import json

import httpx
import pytest

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import contract
from cometapi_runway_api import models
from cometapi_runway_api.client import AuthenticatedClient

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
