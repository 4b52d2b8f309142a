"""Retrieving and waiting for tasks by id, with callbacks and deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import respx

from cometapi_runway import (
    InvalidRequestError,
    ResponseDecodeError,
    Task,
    TaskTimeoutError,
)
from cometapi_runway.resources import _tasks

from ..support.both_clients import ASSETS, ID, ClientHarness
from ..support.mocked_gateway import OUTPUT, RAW, MockedGateway


def test_a_task_is_taken_up_by_its_id(gateway: MockedGateway) -> None:
    gateway.polls(RAW["done"])
    task = gateway.run(gateway.client.tasks.wait(ID))
    assert (task.output, gateway.harness.time, gateway.poll.call_count) == ((OUTPUT,), 0.0, 1)


def test_the_official_name_of_waiting_is_kept(gateway: MockedGateway) -> None:
    gateway.polls(RAW["pending"], RAW["done"])
    task = gateway.submitted()
    assert gateway.run(task.wait_for_task_output(timeout=60)).status == "SUCCEEDED"


def test_a_task_of_this_client_is_bound_already(gateway: MockedGateway) -> None:
    tasks = gateway.client.tasks
    task = tasks.bind(ID)
    assert task.id == ID
    assert tasks.bind(task) is task
    assert not task.is_reused


def test_retrieving_and_refreshing(gateway: MockedGateway) -> None:
    gateway.polls(RAW["pending"], RAW["running"])
    task = gateway.run(gateway.client.tasks.retrieve(ID))
    again = gateway.run(task.refresh())
    assert [task.status, again.status] == ["PENDING", "RUNNING"]
    assert again.progress == 0.5
    assert again.raw == RAW["running"]


def test_the_state_of_another_task_is_no_answer(gateway: MockedGateway) -> None:
    gateway.polls({**RAW["done"], "id": "another"})
    with pytest.raises(ResponseDecodeError, match=f"task {ID} is about task 'another'") as caught:
        gateway.run(gateway.client.tasks.retrieve(ID))
    assert caught.value.status_code == 200


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
def test_an_id_of_the_gateways_own_is_asked_for_as_it_is(
    task_id: str, gateway: MockedGateway
) -> None:
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
def test_an_invalid_timeout_is_refused(timeout: Any, gateway: MockedGateway) -> None:
    with pytest.raises(InvalidRequestError, match="timeout"):
        gateway.run(gateway.client.tasks.wait(ID, timeout=timeout))
    with pytest.raises(InvalidRequestError, match="interval"):
        gateway.run(gateway.client.tasks.wait(ID, interval=timeout))
    assert gateway.router.calls.call_count == 0


@pytest.mark.parametrize("task_id", ["", " ", "a b", "../x", "a/b", "a?b", "é", None, 7, ".."])
def test_an_invalid_id_is_refused(task_id: Any, gateway: MockedGateway) -> None:
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

    def test_a_call_that_is_cancelled_ends_at_once_and_names_the_task(
        self, gateway: MockedGateway
    ) -> None:
        """From outside, by `asyncio.timeout`: the wait's own deadline is far away."""

        async def bounded() -> None:
            async with asyncio.timeout(12):
                await gateway.client.tasks.wait(ID)

        gateway.polls(RAW["running"])
        with pytest.raises(TimeoutError) as caught:
            gateway.run(bounded())
        assert gateway.harness.time == 12.0
        # The first versions of Python 3.11 set no cause.
        cancelled = caught.value.__context__
        assert isinstance(cancelled, asyncio.CancelledError)
        assert any(ID in note for note in cancelled.__notes__)


@pytest.mark.parametrize("ids", [ID, 5, None])
def test_what_is_no_list_of_ids_is_refused_by_its_type(ids: Any) -> None:
    with pytest.raises(InvalidRequestError, match="pass a list") as refused:
        _tasks.list_ids(ids)
    (issue,) = refused.value.issues
    assert (issue.path, issue.rule) == ("ids", "type")
