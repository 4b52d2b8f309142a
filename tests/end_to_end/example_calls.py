"""One example call of every operation that creates a task, as a user writes it."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from tests.operation_samples import list_required_arguments

from cometapi_runway.resources._client_resources import list_client_resources
from cometapi_runway.validation import contract

FACE = "https://example.com/face.png"
CLIP = "https://example.com/performance.mp4"
HOOK = "https://example.com/webhook"

WRITTEN: dict[str, dict[str, Any]] = {
    "character_performance": {"character": FACE, "reference": CLIP},
    "image_to_video": {"prompt_image": FACE, "model": "gen4_turbo", "ratio": "1280:720"},
    "text_to_image": {
        "prompt_text": "@face on a boat",
        "reference_images": [{"uri": FACE, "tag": "face"}],
    },
    "video_to_video": {"video_uri": CLIP, "prompt_text": "at night"},
    "video_upscale": {"video_uri": CLIP},
    "compat.text_to_video": {"prompt": "a cat", "callback_url": HOOK},
    "compat.image_to_video": {"image": FACE, "prompt": "smile", "callback_url": HOOK},
    "compat.video_to_video": {"video": CLIP, "prompt": "pixels", "callback_url": HOOK},
    "compat.act_one": {"video": CLIP, "image": FACE, "callback_url": HOOK},
}
RESOURCES = {one.name: one for one in list_client_resources()}
CALLS = {name: WRITTEN.get(name) or list_required_arguments(one) for name, one in RESOURCES.items()}


def create(client: Any, name: str) -> Any:
    """Create a task with the example arguments of a resource."""
    resource = attrgetter(name)(client)
    return resource.create(**CALLS[name])


def contract_resources() -> set[str]:
    """The resources of the contract that create tasks, as attributes of a client."""
    names: set[str] = set()
    for operation in contract().operations:
        prefix = "" if operation.tag == "official" else "compat."
        resources = operation.variants or (operation.resource,)
        names |= {prefix + resource for resource in resources}
    return names - {"tasks", "compat.feed"}
