"""One example call of every operation."""

from __future__ import annotations

import keyword
import re
from inspect import Parameter
from typing import Any

from attrs import frozen
from tests.cases import each_case
from tests.operation_samples import list_required_arguments, read_sample

from cometapi_runway.resources._argument_fields import list_argument_fields
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.resources._signatures import OPTIONS

from .both_clients import ID, ClientHarness
from .scripted_transport import json_reply

IMAGE = "https://your-image-host/picture.png"
VIDEO = "https://your-video-host/clip.mp4"
HOOK = "https://your-server/hook"
OUTPUT = "https://cdn.example/output.mp4"
STILL = {"x": 0, "y": 0, "z": 0, "r": 0, "bg_x_pan": 0, "bg_y_pan": 0}
ACCEPTED = {
    "tasks": {"id": ID},
    "feed": {"code": 200, "message": "", "msg": "success", "data": {"task_id": ID}},
}
ENDED = {
    "tasks": {"id": ID, "status": "SUCCEEDED", "output": [OUTPUT]},
    "feed": {"task_id": ID, "status": "SUCCESS", "result_url": OUTPUT},
}


@frozen
class OperationCase:
    """The least that a resource needs, and what leaves for it.

    A body without a seed that has `seeded` set is sent with a fresh one.
    """

    resource: str
    least: dict[str, Any]
    path: str
    body: dict[str, Any]
    route: str = "tasks"
    seeded: bool = True

    def on(self, client: Any) -> Any:
        found = client
        for name in self.resource.split("."):
            found = getattr(found, name)
        return found


WRITTEN = [
    OperationCase(
        "character_performance",
        {"character": IMAGE, "reference": VIDEO},
        "/runwayml/v1/character_performance",
        {
            "character": {"type": "image", "uri": IMAGE},
            "reference": {"type": "video", "uri": VIDEO},
            "bodyControl": True,
            "expressionIntensity": 3,
            "model": "act_two",
            "ratio": "1280:720",
            "contentModeration": {"publicFigureThreshold": "auto"},
        },
    ),
    OperationCase(
        "image_to_video",
        {"prompt_image": IMAGE, "model": "gen4_turbo"},
        "/runwayml/v1/image_to_video",
        {"promptImage": IMAGE, "model": "gen4_turbo"},
    ),
    OperationCase(
        "text_to_image",
        {"prompt_text": "a cat", "reference_images": [IMAGE]},
        "/runwayml/v1/text_to_image",
        {
            "promptText": "a cat",
            "referenceImages": [{"uri": IMAGE}],
            "model": "gen4_image",
            "ratio": "1280:720",
        },
    ),
    OperationCase(
        "video_to_video",
        {"video_uri": VIDEO, "prompt_text": "make it snow"},
        "/runwayml/v1/video_to_video",
        {
            "videoUri": VIDEO,
            "promptText": "make it snow",
            "model": "gen4_aleph",
            "ratio": "1280:720",
        },
    ),
    OperationCase(
        "video_upscale",
        {"video_uri": VIDEO},
        "/runwayml/v1/video_upscale",
        {"videoUri": VIDEO, "model": "upscale_v1"},
        seeded=False,
    ),
    OperationCase(
        "compat.text_to_video",
        {"prompt": "a cat", "callback_url": HOOK},
        "/runway/pro/generate",
        {
            "prompt": "a cat",
            "callback_url": HOOK,
            "model": "gen4_turbo",
            "ratio": "16:9",
            "style": "cinematic",
            "options": {"seconds": 5, "motion_vector": STILL},
        },
        route="feed",
        seeded=False,
    ),
    OperationCase(
        "compat.image_to_video",
        {"image": IMAGE, "prompt": "it moves", "callback_url": HOOK},
        "/runway/pro/generate",
        {
            "image": IMAGE,
            "prompt": "it moves",
            "callback_url": HOOK,
            "model": "gen4",
            "ratio": "1280:720",
        },
        route="feed",
        seeded=False,
    ),
    OperationCase(
        "compat.video_to_video",
        {"video": VIDEO, "prompt": "pixelated style", "callback_url": HOOK},
        "/runway/pro/video2video",
        {
            "video": VIDEO,
            "prompt": "pixelated style",
            "callback_url": HOOK,
            "model": "gen4",
            "options": {"seconds": 5},
        },
        route="feed",
        seeded=False,
    ),
    OperationCase(
        "compat.act_one",
        {"video": VIDEO, "image": IMAGE, "callback_url": HOOK},
        "/runway/pro/act_one",
        {"video": VIDEO, "image": IMAGE, "callback_url": HOOK},
        route="feed",
        seeded=False,
    ),
]
DRAWN_SEEDS = 10**9


def derive_case(resource: ClientResource) -> OperationCase:
    """The case of a resource that is not written out: its sample, and its own defaults."""
    sample, fields = read_sample(resource.operation.id), list_argument_fields(resource)
    body = {one.field: sample[one.field] for one in fields if one.is_required}
    for one in fields:
        default = one.argument.default
        if default not in {None, Parameter.empty}:
            is_moderation = "publicFigureThreshold" in one.schema.get("properties", {})
            body[one.field] = {"publicFigureThreshold": default} if is_moderation else default
    seeds = [one.schema for one in fields if one.field == "seed" and not one.is_required]
    route = "feed" if resource.operation.tag == "compat" else "tasks"
    seeded = any(schema.get("maximum", 0) >= DRAWN_SEEDS - 1 for schema in seeds)
    return OperationCase(
        resource.name,
        list_required_arguments(resource),
        resource.operation.path,
        body,
        route,
        seeded,
    )


KNOWN = {case.resource for case in WRITTEN}
DERIVED = [derive_case(one) for one in list_client_resources() if one.name not in KNOWN]
CASES = [*WRITTEN, *DERIVED]
each = each_case("case", CASES, ids=[case.resource for case in CASES])


def make(harness: ClientHarness, case: OperationCase, **more: Any) -> Any:
    harness.respond_with(json_reply(ACCEPTED[case.route]))
    return harness.run(case.on(harness.client).create(**{**case.least, **more}))


def snake(name: str) -> str:
    argument = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return f"{argument}_" if keyword.iskeyword(argument) or argument in OPTIONS else argument


def body(harness: ClientHarness, resource: str, **more: Any) -> Any:
    """What leaves for a resource."""
    case = next(case for case in CASES if case.resource == resource)
    make(harness, case, **more)
    return harness.network.sent[-1].json
