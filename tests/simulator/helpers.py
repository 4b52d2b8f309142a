"""A gateway with a manual clock, requests with a key, and valid bodies for every operation."""

from __future__ import annotations

from typing import Unpack

from tests.operation_samples import read_sample

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway.simulator import Gateway, Options, Reply, SimClock, Timings
from cometapi_runway.validation import Operation, contract

CONTRACT = contract()
KEY = "sk-only-for-this-test"
HEADERS = (("Authorization", f"Bearer {KEY}"), ("X-Runway-Version", "2024-11-06"))
JSON_BODY = (("Content-Type", "application/json"),)
EXACT = Timings(invisible=2, pending=3, running=10, spread=0)
"""Tasks are visible after 2 s, start after 3 s and end after 13 s."""

READS = {"tasks", "feed"}
CREATES = tuple(found for found in CONTRACT.operations if found.resource not in READS)

# The pages of these two have no complete example.
_BODIES: dict[str, Object] = {
    "generate_an_image_from_text": {
        "promptText": "a cat",
        "ratio": "1280:720",
        "model": "gen4_image",
        "referenceImages": [{"uri": "https://example.com/cat.png"}],
    },
    "upscale_a_video": {"model": "upscale_v1", "videoUri": "https://example.com/clip.mp4"},
}


def example_bodies(operation: Operation) -> list[Object]:
    """Returns valid bodies of an operation: the examples of its page, or one that is written."""
    media = dict(operation.document)["requestBody"]
    for step in ("content", "application/json", "examples"):
        media = (as_object(media) or {}).get(step)
    shown = [as_object(value) or {} for value in (as_object(media) or {}).values()]
    bodies = [as_object(example.get("value")) or {} for example in shown]
    return bodies or [_BODIES.get(operation.id) or read_sample(operation.id)]


BODY = example_bodies(CONTRACT.operation("control_a_character"))[0]


def make_gateway(**options: Unpack[Options]) -> Gateway:
    """Makes a gateway with a manual clock, whose tasks have exact durations."""
    return Gateway(**{"clock": SimClock.manual(), "timings": EXACT, **options})


def post(target: Gateway, path: str, body: JSON) -> Reply:
    import json

    return target.handle("POST", path, HEADERS + JSON_BODY, json.dumps(body).encode())


def create(target: Gateway, operation_id: str = "control_a_character", body: JSON = None) -> str:
    """Creates a task and returns its id, from either form of response."""
    operation = CONTRACT.operation(operation_id)
    reply = post(target, operation.path, body if body is not None else example_bodies(operation)[0])
    assert reply.status == 200, reply.body
    answer = as_object(reply.json()) or {}
    inner = as_object(answer.get("data")) or answer
    return str(inner.get("task_id") or inner["id"])


def read(target: Gateway, task_id: str) -> Reply:
    """Polls the official route."""
    return target.handle("GET", f"/runwayml/v1/tasks/{task_id}", HEADERS)


def read_feed(target: Gateway, task_id: str) -> Reply:
    """Polls the compatibility route."""
    return post(target, "/runway/feed", {"task_id": task_id})


def parse_task(reply: Reply) -> Object:
    """Parses the JSON object of a reply."""
    return as_object(reply.json()) or {}
