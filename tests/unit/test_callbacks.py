"""A callback is a hint to poll, and never a proof."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError, TaskNotFoundError, callbacks
from cometapi_runway._core.task import Task
from cometapi_runway.errors import ResponseDecodeError

from .support.both_clients import ID, ClientHarness
from .support.scripted_transport import json_reply

OUTPUT = "https://cdn.example/output.mp4"
POSTED = {"task_id": ID, "status": "3", "video_url": OUTPUT, "msg": None, "refund": "0"}


@pytest.mark.parametrize("form", [json.dumps(POSTED).encode(), json.dumps(POSTED), POSTED])
def test_a_body_is_read_in_whatever_form_it_is_at_hand(form: Any) -> None:
    task = callbacks.parse(form)
    assert (task.id, task.status, task.output) == (ID, "SUCCEEDED", (OUTPUT,))
    assert task.route == "feed"
    assert task.raw == POSTED


@each_case(
    "body",
    [
        *(b"", b"\xff", "task_id=1", b"[]", b"null", b'"text"', b"{}", b'{"status": "3"}', {}),
        *(None, 5, [POSTED], object()),
    ],
)
def test_a_body_without_a_task_is_refused(body: Any) -> None:
    with pytest.raises(ResponseDecodeError):
        callbacks.parse(body)


@each_case("hint", [callbacks.parse(POSTED), ID])
def test_a_callback_is_confirmed_by_the_gateway_itself(hint: Any, harness: ClientHarness) -> None:
    harness.respond_with(json_reply({"task_id": ID, "status": "IN_PROGRESS", "progress": "40%"}))
    task = harness.run(callbacks.confirm(harness.client, hint))
    # The gateway's word counts, not the callback's.
    assert (task.status, task.output, task.progress) == ("RUNNING", (), 0.4)
    (sent,) = harness.network.sent
    assert (sent.url.path, sent.json) == ("/runway/feed", {"task_id": ID})


def test_a_callback_for_an_unknown_task(harness: ClientHarness) -> None:
    harness.respond_with(json_reply({"code": "task_not_exist", "message": "task_not_exist"}, 400))
    with pytest.raises(TaskNotFoundError):
        harness.run(callbacks.confirm(harness.client, callbacks.parse(POSTED)))


def test_a_callback_cannot_name_another_route(harness: ClientHarness) -> None:
    task = callbacks.parse({**POSTED, "task_id": "../../v1/models?x="})
    with pytest.raises(InvalidRequestError):
        harness.run(callbacks.confirm(harness.client, task))
    assert harness.network.sent == []


def told(*states: tuple[str, str]) -> list[bool]:
    seen = callbacks.Seen()
    return [seen.is_news(Task(id, status)) for id, status in states]


def test_a_repeated_callback_is_no_change() -> None:
    assert told(("a", "RUNNING"), ("a", "RUNNING"), ("a", "SUCCEEDED"), ("a", "SUCCEEDED")) == [
        True,
        False,
        True,
        False,
    ]


def test_nothing_changes_after_the_end() -> None:
    assert told(("a", "SUCCEEDED"), ("a", "RUNNING"), ("a", "FAILED")) == [True, False, False]


def test_tasks_do_not_stand_for_each_other() -> None:
    assert told(("a", "FAILED"), ("b", "FAILED")) == [True, True]


def test_the_oldest_is_forgotten_first() -> None:
    seen = callbacks.Seen(size=2)
    for id in ("a", "b", "a", "c"):
        seen.is_news(Task(id, "SUCCEEDED"))
    assert not seen.is_news(Task("a", "SUCCEEDED"))
    assert seen.is_news(Task("b", "SUCCEEDED"))


def test_one_of_many_threads_sees_the_change() -> None:
    seen, start, news = callbacks.Seen(), threading.Barrier(8), []

    def hook() -> None:
        start.wait()
        news.extend(seen.is_news(Task(f"t{n}", "SUCCEEDED")) for n in range(200))

    threads = [threading.Thread(target=hook) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(news) == 200
