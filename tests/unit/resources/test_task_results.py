"""How tasks end: success, failure, cancellation and errors on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    AuthenticationError,
    InvalidRequestError,
    SubmissionUnknownError,
    Task,
    TaskCancelledError,
    TaskFailedError,
    TaskNotFoundError,
)

from ..support.both_clients import ASSETS, ID
from ..support.mocked_gateway import ACCEPTED, HTML, OUTPUT, RAW, MockedGateway


def wrapped(status: str, inner: str, percent: str, **more: Any) -> dict[str, Any]:
    """A task as the older page shows it."""
    return {
        "code": "success",
        "message": "",
        "data": {
            "task_id": ID,
            "action": "IMAGE_TO_VIDEO",
            "status": status,
            "fail_reason": more.pop("fail_reason", ""),
            "submit_time": 1773366766,
            "start_time": 0,
            "finish_time": 0,
            "progress": percent,
            "data": {"id": ID, "status": inner, "createdAt": "2026-03-13T09:52:46+08:00", **more},
        },
    }


WRAPPED = {
    "pending": wrapped("QUEUED", "PENDING", "0%"),
    "running": wrapped("IN_PROGRESS", "RUNNING", "50%"),
    "done": wrapped("SUCCESS", "SUCCEEDED", "100%", output=[OUTPUT]),
    "failed": wrapped(
        "FAILURE",
        "FAILED",
        "100%",
        fail_reason="no face was found",
        failureCode="ASSET.INVALID",
    ),
    "cancelled": wrapped("IN_PROGRESS", "CANCELLED", "50%"),
}
SHAPES = pytest.mark.parametrize("shape", [RAW, WRAPPED], ids=["raw", "wrapped"])


@SHAPES
def test_success(
    shape: dict[str, Any],
    gateway: MockedGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway.polls(shape["pending"], shape["running"], shape["done"])
    gateway.router.get(url__startswith="https://cdn.example/").respond(
        content=b"video", headers={"content-type": "video/mp4"}
    )
    seen: list[Task] = []
    task = gateway.run(gateway.submitted().wait(on_update=seen.append))
    assert [one.status for one in seen] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert seen[1].progress == 0.5
    assert (task.status, task.is_terminal, task.output) == ("SUCCEEDED", True, (OUTPUT,))
    assert task.created_at is not None
    assert task.created_at.tzinfo is not None
    (path,) = gateway.run(task.download(tmp_path))
    assert path.read_bytes() == b"video"
    path.unlink()
    monkeypatch.chdir(tmp_path)
    assert gateway.run(task.download()) == [Path(path.name)]
    assert path.exists()
    # What was sent stays with the task, so that it can be repeated.
    sent = json.loads(gateway.create.calls[0].request.content)
    assert (task.operation, task.seed) == ("control_a_character", sent["seed"])


@SHAPES
def test_failure(shape: dict[str, Any], gateway: MockedGateway) -> None:
    gateway.polls(shape["running"], shape["failed"])
    task = gateway.submitted()
    with pytest.raises(TaskFailedError, match="no face was found") as caught:
        gateway.run(task.wait())
    details = caught.value.task_details
    assert details is not None
    assert (details.id, details.status) == (ID, "FAILED")
    assert (details.failure, details.failure_code) == ("no face was found", "ASSET.INVALID")
    assert caught.value.task_id == ID


@SHAPES
def test_cancelled(shape: dict[str, Any], gateway: MockedGateway) -> None:
    gateway.polls(shape["running"], shape["cancelled"])
    task = gateway.submitted()
    with pytest.raises(TaskCancelledError) as caught:
        gateway.run(task.wait())
    assert caught.value.task_id == ID
    assert gateway.harness.time == 10.0


@SHAPES
def test_not_known_at_first(shape: dict[str, Any], gateway: MockedGateway) -> None:
    unknown = httpx.Response(
        400, json={"code": "task_not_exist", "message": "task_not_exist", "data": None}
    )
    gateway.polls(unknown, unknown, shape["pending"], unknown, shape["done"])
    task = gateway.run(gateway.submitted().wait())
    assert task.status == "SUCCEEDED"
    assert gateway.poll.call_count == 5


def test_never_known(gateway: MockedGateway) -> None:
    gateway.polls(httpx.Response(404, json={"error": "Task not found"}))
    with pytest.raises(TaskNotFoundError) as caught:
        gateway.run(gateway.client.tasks.wait(ID))
    assert (caught.value.task_id, caught.value.task_details) == (ID, None)
    assert gateway.harness.time == 120.0


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(429, headers={"retry-after": "1"}, text="slow down"),
        httpx.Response(502, html=HTML),
        httpx.Response(524, html=HTML),
        httpx.Response(200, html=HTML),
        httpx.Response(200, text=""),
        httpx.ReadTimeout("read timed out"),
        httpx.RemoteProtocolError("server disconnected"),
    ],
    ids=lambda trouble: str(getattr(trouble, "status_code", type(trouble).__name__)),
)
def test_trouble_while_waiting(trouble: Any, gateway: MockedGateway) -> None:
    gateway.polls(RAW["running"], trouble, trouble, trouble, trouble, RAW["done"])
    assert gateway.run(gateway.submitted().wait()).status == "SUCCEEDED"
    assert gateway.poll.call_count == 6


def test_a_pace_while_submitting(gateway: MockedGateway) -> None:
    answers = [
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.Response(200, json={"id": ID}),
    ]
    gateway.create.mock(side_effect=answers)
    task = gateway.run(gateway.client.character_performance.create(**ASSETS))
    assert (task.id, gateway.create.call_count, gateway.harness.time) == (ID, 2, 7.0)
    sent = [call.request.content for call in gateway.create.calls]
    assert sent[0] == sent[1]


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ReadTimeout("read timed out"),
        httpx.ReadError("connection reset by peer"),
        httpx.Response(502, html=HTML),
        httpx.Response(524, html=HTML),
        httpx.Response(200, html=HTML),
        httpx.Response(200, json={"code": "success", "message": "", "data": None}),
    ],
    ids=lambda lost: str(getattr(lost, "status_code", type(lost).__name__)),
)
def test_a_lost_answer_is_not_asked_for_again(lost: Any, gateway: MockedGateway) -> None:
    gateway.create.mock(side_effect=[lost, httpx.Response(200, json={"id": ID})])
    with pytest.raises(SubmissionUnknownError) as caught:
        gateway.run(gateway.client.character_performance.create(**ASSETS, seed=9))
    assert gateway.create.call_count == 1
    assert (caught.value.operation, caught.value.seed) == ("control_a_character", 9)
    assert caught.value.__cause__ is not None


def test_a_key_that_is_refused(gateway: MockedGateway) -> None:
    gateway.create.respond(
        401, json={"error": {"message": "Invalid Token", "type": "comet_api_error"}}
    )
    with pytest.raises(AuthenticationError, match="Invalid Token") as caught:
        gateway.run(gateway.client.character_performance.create(**ASSETS))
    assert caught.value.status_code == 401
    response = caught.value.response
    assert response is not None
    assert response.status_code == 401
    assert response.json()["error"]["message"] == "Invalid Token"


def test_a_bad_request_never_leaves(gateway: MockedGateway) -> None:
    gateway.create.respond(json=ACCEPTED)
    with pytest.raises(InvalidRequestError) as caught:
        gateway.run(gateway.client.character_performance.create(**ASSETS, expression_intensity=6))
    (issue,) = caught.value.issues
    assert (issue.path, issue.rule, issue.value) == ("/expressionIntensity", "maximum", 6)
    assert gateway.create.call_count == 0
