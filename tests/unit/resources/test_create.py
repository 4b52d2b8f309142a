"""What a request holds when it leaves the client."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from ..support.both_clients import ASSETS, ID, KEY
from ..support.mocked_gateway import ACCEPTED, OPERATION, PAGE, PATH, RAW, MockedGateway

MEDIA = OPERATION["requestBody"]["content"]["application/json"]
EXAMPLE = MEDIA["examples"]["Default"]["value"]


def in_snake_case(body: dict[str, Any]) -> dict[str, Any]:
    """The page's own example as Python arguments."""
    names = {
        "bodyControl": "body_control",
        "expressionIntensity": "expression_intensity",
        "contentModeration": "content_moderation",
    }
    return {names.get(key, key): value for key, value in body.items()}


def test_the_pages_example_leaves_as_the_page_shows_it(gateway: MockedGateway) -> None:
    gateway.create.respond(json=ACCEPTED)
    task = gateway.run(gateway.client.character_performance.create(**in_snake_case(EXAMPLE)))
    (call,) = gateway.create.calls
    request = call.request
    assert (request.method, str(request.url)) == ("POST", PAGE["servers"][0]["url"] + PATH)
    assert json.loads(request.content) == EXAMPLE
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["X-Runway-Version"] == "2024-11-06"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("cometapi-runway/")
    assert (task.id, task.status) == (ACCEPTED["id"], "PENDING")
    assert task.seed == EXAMPLE["seed"]


@pytest.mark.parametrize(
    "assets",
    [
        ASSETS,
        {"character": {"type": "image", "uri": "https://a.example/x"}, "reference": "https://a.b"},
        {"character": "https://a.example/face.PNG", "reference": {"uri": "https://a.example/p"}},
        {"character": "data:image/png;base64,iVBORw0KGgo=", "reference": "https://a.example/p.mov"},
    ],
)
def test_the_least_that_is_given_satisfies_the_page_as_it_stands(
    assets: dict[str, Any], gateway: MockedGateway
) -> None:
    """The page's schema requires eight fields, its samples send four; both are kept."""
    gateway.create.respond(json=ACCEPTED)
    task = gateway.run(gateway.client.character_performance.create(**assets))
    body = json.loads(gateway.create.calls[0].request.content)
    jsonschema.validate(body, MEDIA["schema"], jsonschema.Draft202012Validator)
    assert set(body) == set(MEDIA["schema"]["required"])
    assert body["seed"] == task.seed
    # The page's `seed: 1` is prefill for trying it out.
    assert 0 <= body["seed"] < 2**32


def test_no_two_calls_share_a_seed_unasked(gateway: MockedGateway) -> None:
    gateway.create.respond(json=ACCEPTED)
    for _ in range(5):
        gateway.run(gateway.client.character_performance.create(**ASSETS))
    seeds = {json.loads(call.request.content)["seed"] for call in gateway.create.calls}
    assert len(seeds) == 5


def test_a_poll_carries_the_key_and_the_version(gateway: MockedGateway) -> None:
    gateway.polls(RAW["running"])
    gateway.run(gateway.client.tasks.retrieve(ID))
    request = gateway.poll.calls[0].request
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["X-Runway-Version"] == "2024-11-06"
    assert request.content == b""
