"""Whole calls, told with respx: what leaves, what comes back, what the caller holds in the end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import jsonschema
import pytest
import respx
import yaml
from attrs import frozen

from cometapi_runway import (
    APIConnectionError,
    AuthenticationError,
    InvalidRequestError,
    ServerError,
    SubmissionUnknownError,
    Task,
    TaskCancelledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
)

from .support.both_clients import ASSETS, BASE, ID, KEY, ClientHarness

ROOT = Path(__file__).parents[2]
PAGE = yaml.safe_load(
    (ROOT / "openapi/vendor/post-control-a-character.openapi.yaml").read_text("utf-8")
)
(PATH,) = PAGE["paths"]
OPERATION = PAGE["paths"][PATH]["post"]
MEDIA = OPERATION["requestBody"]["content"]["application/json"]
EXAMPLE = MEDIA["examples"]["Default"]["value"]
ACCEPTED = OPERATION["responses"]["200"]["content"]["application/json"]["schema"]["example"]

OUTPUT = "https://cdn.example/output.mp4?_jwt=secret"
POLL = f"/runwayml/v1/tasks/{ID}"
HTML = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def raw(status: str, **more: Any) -> dict[str, Any]:
    """A task as the newer page shows it."""
    return {"id": ID, "status": status, "createdAt": "2026-05-01T12:47:47.351Z", **more}


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


RAW = {
    "pending": raw("PENDING"),
    "running": raw("RUNNING", progress=0.5),
    "done": raw("SUCCEEDED", output=[OUTPUT]),
    "failed": raw("FAILED", failure="no face was found", failureCode="ASSET.INVALID"),
    "cancelled": raw("CANCELLED"),
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


@frozen
class MockedGateway:
    """A client, and the mocked routes of the gateway."""

    harness: ClientHarness
    client: Any
    router: respx.MockRouter

    @property
    def create(self) -> respx.Route:
        return self.router.post(BASE + PATH)

    @property
    def poll(self) -> respx.Route:
        return self.router.get(BASE + POLL)

    def polls(self, *answers: Any) -> respx.Route:
        """The task's states in turn, the last one again and again."""
        replies = [_response(answer) for answer in answers]
        rest = iter(replies)

        def reply(_: httpx.Request) -> httpx.Response:
            found = next(rest, replies[-1])
            if isinstance(found, Exception):
                raise found
            return httpx.Response(found.status_code, headers=found.headers, content=found.content)

        return self.poll.mock(side_effect=reply)

    def submitted(self) -> Any:
        self.create.respond(json={"id": ID})
        return self.run(self.client.character_performance.create(**ASSETS))

    def run(self, result: Any) -> Any:
        return self.harness.run(result)


def _response(answer: Any) -> Any:
    return httpx.Response(200, json=answer) if isinstance(answer, dict) else answer


@pytest.fixture
def gateway(harness: ClientHarness) -> Iterator[MockedGateway]:
    with respx.mock(using=None, assert_all_called=False) as router:
        handler = router.async_handler if harness.is_async else router.handler
        client = harness.new(transport=httpx.MockTransport(handler))
        yield MockedGateway(harness, client, router)


# --- what leaves


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


# --- what comes back


@SHAPES
def test_success(shape: dict[str, Any], gateway: MockedGateway, tmp_path: Path) -> None:
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


# --- asking, waiting, taking up


def test_a_task_is_taken_up_by_its_id(gateway: MockedGateway) -> None:
    gateway.polls(RAW["done"])
    task = gateway.run(gateway.client.tasks.wait(ID))
    assert (task.output, gateway.harness.time, gateway.poll.call_count) == ((OUTPUT,), 0.0, 1)


def test_the_official_name_of_waiting_is_kept(gateway: MockedGateway) -> None:
    gateway.polls(RAW["pending"], RAW["done"])
    task = gateway.submitted()
    assert gateway.run(task.wait_for_task_output(timeout=60)).status == "SUCCEEDED"


def test_retrieving_and_refreshing(gateway: MockedGateway) -> None:
    gateway.polls(RAW["pending"], RAW["running"])
    task = gateway.run(gateway.client.tasks.retrieve(ID))
    again = gateway.run(task.refresh())
    assert [task.status, again.status] == ["PENDING", "RUNNING"]
    assert again.progress == 0.5
    assert again.raw == RAW["running"]


def test_a_task_seen_once_is_not_given_up(gateway: MockedGateway) -> None:
    """Whether a wait or a look has seen it: then `task_not_exist` is the gateway's trouble."""
    gone = httpx.Response(400, json={"code": "task_not_exist", "message": "", "data": None})
    gateway.polls(RAW["pending"], *[gone] * 40, RAW["done"])
    task = gateway.run(gateway.submitted().refresh())
    assert gateway.run(task.wait(timeout=1000)).status == "SUCCEEDED"


def test_a_task_that_a_wait_has_seen_is_not_given_up_by_the_next(gateway: MockedGateway) -> None:
    gone = httpx.Response(400, json={"code": "task_not_exist", "message": "", "data": None})
    gateway.polls(RAW["pending"], RAW["pending"], *[gone] * 40, RAW["done"])
    task = gateway.submitted()
    with pytest.raises(TaskTimeoutError):
        gateway.run(task.wait(timeout=10))
    assert gateway.run(task.wait(timeout=1000)).status == "SUCCEEDED"


@pytest.mark.parametrize("task_id", ["a/b", "task 1".replace(" ", "+"), "ü", "..x", "x" * 200])
def test_an_id_of_the_gateways_own_is_asked_for_as_it_is(task_id: str, gateway: MockedGateway) -> None:
    """However odd: the task behind it is paid for."""
    gateway.create.respond(json={"id": task_id})
    polls = gateway.router.get(url__startswith="https://api.cometapi.com/runwayml/v1/tasks/")
    polls.respond(json={"id": task_id, "status": "SUCCEEDED", "output": [OUTPUT]})
    task = gateway.run(gateway.client.character_performance.create(**ASSETS))
    assert (task.id, gateway.run(task.wait()).status) == (task_id, "SUCCEEDED")
    path = polls.calls.last.request.url.raw_path.decode()
    assert unquote(path.removeprefix("/runwayml/v1/tasks/")) == task_id
    assert path.count("/") == 4


def test_a_deadline_leaves_the_task_to_be_taken_up(gateway: MockedGateway) -> None:
    gateway.polls(RAW["pending"], RAW["running"], RAW["running"], RAW["done"])
    task = gateway.submitted()
    with pytest.raises(TaskTimeoutError) as caught:
        gateway.run(task.wait(timeout=10))
    assert caught.value.task_details is not None
    assert caught.value.task_details.progress == 0.5
    assert gateway.run(task.wait(timeout=None)).status == "SUCCEEDED"


@pytest.mark.parametrize("timeout", [-1, float("nan"), "10", True])
def test_a_deadline_that_is_none(timeout: Any, gateway: MockedGateway) -> None:
    with pytest.raises(InvalidRequestError, match="timeout"):
        gateway.run(gateway.client.tasks.wait(ID, timeout=timeout))
    with pytest.raises(InvalidRequestError, match="interval"):
        gateway.run(gateway.client.tasks.wait(ID, interval=timeout))
    assert gateway.router.calls.call_count == 0


@pytest.mark.parametrize("task_id", ["", " ", "a b", "../x", "a/b", "a?b", "é", None, 7, ".."])
def test_an_id_that_is_none(task_id: Any, gateway: MockedGateway) -> None:
    for call in (gateway.client.tasks.retrieve, gateway.client.tasks.wait):
        with pytest.raises(InvalidRequestError) as caught:
            gateway.run(call(task_id))
        assert [issue.path for issue in caught.value.issues] == ["task_id"]
    assert gateway.router.calls.call_count == 0


def test_a_callback_that_fails_neither_ends_the_wait_nor_goes_unseen(
    gateway: MockedGateway, caplog: pytest.LogCaptureFixture
) -> None:
    class OwnError(Exception):
        """One that nobody can have foreseen."""

    def fail(task: Task) -> None:
        raise OwnError(f"no good at {task.status}")

    gateway.polls(RAW["pending"], RAW["running"], RAW["done"])
    assert gateway.run(gateway.submitted().wait(on_update=fail)).status == "SUCCEEDED"
    for status in ("PENDING", "RUNNING", "SUCCEEDED"):
        assert f"no good at {status}" in caplog.text


def test_a_callback_hears_of_bound_tasks(gateway: MockedGateway, tmp_path: Path) -> None:
    gateway.polls(RAW["done"])
    seen: list[Any] = []
    task = gateway.run(gateway.client.tasks.wait(ID, on_update=seen.append))
    assert seen == [task]
    assert type(seen[0]) is type(task)
    assert seen[0].session is gateway.client.session


def test_a_callback_may_stop_the_wait(gateway: MockedGateway) -> None:
    def stop(_: Task) -> None:
        raise gateway.harness.interrupt

    gateway.polls(RAW["pending"])
    with pytest.raises(gateway.harness.interrupt) as caught:
        gateway.run(gateway.client.tasks.wait(ID, on_update=stop))
    assert any(ID in note for note in caught.value.__notes__)


class TestAwaiting:
    """What only the awaiting client can do."""

    @pytest.fixture
    def gateway(self) -> Iterator[MockedGateway]:
        harness = ClientHarness("awaiting")
        with respx.mock(using=None) as router:
            client = harness.new(transport=httpx.MockTransport(router.async_handler))
            yield MockedGateway(harness, client, router)
        harness.close()

    def test_a_coroutine_as_callback_is_awaited(self, gateway: MockedGateway) -> None:
        seen: list[str] = []

        async def slowly(task: Task) -> None:
            await asyncio.sleep(1)
            seen.append(task.status)

        gateway.polls(RAW["pending"], RAW["done"])
        gateway.run(gateway.client.tasks.wait(ID, on_update=slowly))
        assert seen == ["PENDING", "SUCCEEDED"]

    def test_a_call_that_is_cancelled_ends_at_once_and_names_the_task(self, gateway: MockedGateway) -> None:
        """From outside, by `asyncio.timeout`: the wait's own deadline is far away."""

        async def bounded() -> None:
            async with asyncio.timeout(12):
                await gateway.client.tasks.wait(ID)

        gateway.polls(RAW["running"])
        with pytest.raises(TimeoutError) as caught:
            gateway.run(bounded())
        assert gateway.harness.time == 12.0
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert any(ID in note for note in caught.value.__cause__.__notes__)


# --- the generated functions, on the wrapper's client


def generated(gateway: MockedGateway, operation: str, **arguments: Any) -> Any:
    module = import_module(f"cometapi_runway_api.api.official.{operation}")
    function = module.asyncio if gateway.harness.is_async else module.sync
    return gateway.run(function(client=gateway.client.api, **arguments))


def test_a_generated_function_carries_the_key(gateway: MockedGateway) -> None:
    gateway.polls(RAW["done"])
    task = generated(gateway, "runway_to_get_task_details", id=ID)
    assert task.output == [OUTPUT]
    assert gateway.poll.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [524, 502, 599])
def test_a_generated_function_fails_as_the_wrapper_does(status: int, gateway: MockedGateway) -> None:
    """Generated parsing bears neither HTML nor 524, which Python's HTTPStatus does not know."""
    gateway.polls(httpx.Response(status, html=HTML))
    with pytest.raises(ServerError) as caught:
        generated(gateway, "runway_to_get_task_details", id=ID)
    assert caught.value.status_code == status


# --- around the calls


def test_a_client_is_a_context_manager(gateway: MockedGateway) -> None:
    async def awaiting() -> None:
        async with gateway.client as client:
            assert client is gateway.client
            await client.tasks.retrieve(ID)

    gateway.polls(RAW["running"])
    if gateway.harness.is_async:
        gateway.run(awaiting())
    else:
        with gateway.client as client:
            client.tasks.retrieve(ID)
    assert gateway.poll.call_count == 1


def test_closing_twice_does_no_harm(gateway: MockedGateway) -> None:
    gateway.run(gateway.client.close())
    gateway.run(gateway.client.close())


def test_nobody_listens(gateway: MockedGateway) -> None:
    gateway.create.mock(side_effect=httpx.ConnectError("Connection refused"))
    gateway.client.session.rng.uniform = lambda _, b: b
    with pytest.raises(APIConnectionError, match="Connection refused") as caught:
        gateway.run(gateway.client.character_performance.create(**ASSETS))
    assert caught.value.delivery == "not_sent"
    assert gateway.create.call_count == 7


def test_a_further_try_is_told_to_who_listens(
    gateway: MockedGateway, caplog: pytest.LogCaptureFixture
) -> None:
    slower = httpx.Response(429, headers={"retry-after": "3"}, json={})
    accepted = httpx.Response(200, json={"id": ID})
    gateway.create.mock(side_effect=[httpx.ConnectError("refused"), slower, accepted])
    with caplog.at_level(logging.INFO, "cometapi_runway"):
        gateway.run(gateway.client.character_performance.create(**ASSETS))
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("INFO", "the gateway is not reachable, trying again (nothing was sent)"),
        ("INFO", "the gateway asks for a slower pace, trying again in 3 s (nothing was accepted)"),
    ]


def test_it_is_quiet_unless_asked(gateway: MockedGateway, capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("cometapi_runway")
    assert logger.level == logging.NOTSET
    gateway.polls(RAW["running"], httpx.Response(502, html=HTML), RAW["done"])
    gateway.run(gateway.submitted().wait())
    assert capfd.readouterr() == ("", "")


def test_debug_tells_of_every_request(gateway: MockedGateway, caplog: pytest.LogCaptureFixture) -> None:
    gateway.polls(httpx.Response(502, html=HTML), httpx.ReadTimeout("too slow"), RAW["done"])
    with caplog.at_level(logging.DEBUG, "cometapi_runway"):
        gateway.run(gateway.submitted().wait())
    lines = [r.getMessage() for r in caplog.records if r.name == "cometapi_runway"]
    assert lines[0] == f"POST {PATH}: HTTP 200"
    assert lines[1] == f"GET {POLL}: HTTP 502"
    assert "too slow" in lines[2]
    assert lines[3] == f"GET {POLL}: HTTP 200"
