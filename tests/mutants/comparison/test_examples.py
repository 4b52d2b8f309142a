"""For comparison: the example-based tests that are usually written for a client, with respx.

Each is a useful test. What they miss is what the contract suite is for.
"""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
import respx

from cometapi_runway import (
    AsyncRunwayClient,
    AuthenticationError,
    InvalidRequestError,
    RunwayClient,
    TaskFailedError,
)
from cometapi_runway_api import AuthenticatedClient
from cometapi_runway_api.api.official import control_a_character, runway_to_get_task_details
from cometapi_runway_api.models import CharacterAsset, CharacterPerformanceRequest, ReferenceAsset

GATEWAY = "https://api.cometapi.com"
CREATE = "/runwayml/v1/character_performance"
TASK = "/runwayml/v1/tasks/task-1"
VIDEO = "https://example.com/out.mp4"
CALL = {"character": "https://example.com/a.png", "reference": "https://example.com/b.mp4"}


class Clock:
    """A clock that never sleeps."""

    time = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


@pytest.fixture
def gateway():
    with respx.mock(base_url=GATEWAY) as router:
        yield router


@pytest.fixture
def client():
    with RunwayClient("sk-example-test", clock=Clock()) as one:
        yield one


def test_create_sends_the_request(gateway, client):
    route = gateway.post(CREATE).respond(json={"id": "task-1"})
    task = client.character_performance.create(**CALL, seed=7)
    assert task.id == "task-1"
    sent = route.calls.last.request
    assert sent.headers["Authorization"] == "Bearer sk-example-test"
    assert sent.headers["X-Runway-Version"] == "2024-11-06"
    body = json.loads(sent.content)
    assert body["character"] == {"type": "image", "uri": "https://example.com/a.png"}
    assert body["reference"] == {"type": "video", "uri": "https://example.com/b.mp4"}
    assert body["model"] == "act_two"
    assert body["seed"] == 7


def test_a_wrong_argument_is_rejected(client):
    with pytest.raises(InvalidRequestError):
        client.character_performance.create(**CALL, expression_intensity=9)


def test_a_wrong_key_is_an_authentication_error(gateway, client):
    gateway.post(CREATE).respond(401, json={"error": {"message": "bad key", "type": "x"}})
    with pytest.raises(AuthenticationError) as error:
        client.character_performance.create(**CALL)
    assert error.value.status_code == 401


def test_wait_polls_until_the_task_has_ended(gateway, client):
    running = httpx.Response(200, json={"id": "task-1", "status": "RUNNING", "progress": 0.5})
    done = {"id": "task-1", "status": "SUCCEEDED", "output": [VIDEO]}
    route = gateway.get(TASK).mock(side_effect=[running, httpx.Response(200, json=done)])
    task = client.tasks.wait("task-1")
    assert task.status == "SUCCEEDED"
    assert task.output == (VIDEO,)
    assert route.call_count == 2


def test_a_failed_task_raises(gateway, client):
    failed = {"id": "task-1", "status": "FAILED", "failure": "no", "failureCode": "SAFETY"}
    gateway.get(TASK).respond(json=failed)
    with pytest.raises(TaskFailedError, match="no"):
        client.tasks.wait("task-1")


def test_download_saves_the_file(gateway, client, tmp_path):
    done = {"id": "task-1", "status": "SUCCEEDED", "output": [VIDEO]}
    gateway.get(TASK).respond(json=done)
    gateway.get(VIDEO).respond(content=b"video", headers={"Content-Type": "video/mp4"})
    (path,) = client.tasks.wait("task-1").download(tmp_path)
    assert path.read_bytes() == b"video"


def test_the_asynchronous_client_creates_too(gateway):
    gateway.post(CREATE).respond(json={"id": "task-1"})

    async def create():
        async with AsyncRunwayClient("sk-example-test") as client:
            return await client.character_performance.create(**CALL)

    assert asyncio.run(create()).id == "task-1"


def test_the_generated_client_creates_and_retrieves(gateway):
    gateway.post(CREATE).respond(json={"id": "task-1"})
    gateway.get(TASK).respond(json={"id": "task-1", "status": "PENDING"})
    with AuthenticatedClient(GATEWAY, "sk-example-test") as api:
        body = CharacterPerformanceRequest(
            CharacterAsset("image", "https://example.com/a.png"),
            ReferenceAsset("video", "https://example.com/b.mp4"),
            "act_two",
            "1280:720",
        )
        made = control_a_character.sync(client=api, body=body, x_runway_version="2024-11-06")
        task = runway_to_get_task_details.sync("task-1", client=api)
    assert made.id == "task-1"
    assert task.status == "PENDING"
