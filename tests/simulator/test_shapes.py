"""The contract documents every response, in every shape, state and operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from tests.cases import each_case

from cometapi_runway.simulator import Gateway, Outcome, ResponseShapes, failed
from cometapi_runway.simulator._lifecycle import CANCELLED, SUCCESS
from cometapi_runway.simulator._responses.refusals import MissingForm
from cometapi_runway.simulator._responses.shapes import ShapeName, choose_form, format_timestamp
from cometapi_runway.validation import Operation

from . import helpers
from .helpers import CREATES, create, make_gateway, parse_task, read, read_feed

SHAPES: tuple[ShapeName, ...] = get_args(ShapeName)
ENDS = [SUCCESS, CANCELLED, failed("SAFETY.INPUT.TEXT"), failed(None)]
# Before it is visible, queued, running, and ended; each is read twice, for the mixed shapes.
MOMENTS = (0, 2, 2, 7)


def read_responses(target: Gateway, task_id: str) -> Iterator[tuple[str, int, object]]:
    for pause in MOMENTS:
        target.clock.advance(pause)
        for _ in range(2):
            for operation_id, reply in (
                ("runway_to_get_task_details", read(target, task_id)),
                ("feed_get_task", read_feed(target, task_id)),
            ):
                yield operation_id, reply.status, reply.json()


@each_case("shape", SHAPES)
@each_case("operation", CREATES, ids=lambda operation: operation.id)
def test_every_response_is_documented(operation: Operation, shape: ShapeName) -> None:
    for body in helpers.example_bodies(operation):
        for ending in ENDS:
            target = make_gateway(shape=shape, outcomes=[Outcome(ending)])
            reply = helpers.post(target, operation.path, body)
            assert helpers.CONTRACT.check_response(operation.id, 200, reply.json()) == ()
            for read_by, status, answer in read_responses(target, next(iter(target.tasks))):
                assert helpers.CONTRACT.check_response(read_by, status, answer) == (), answer


@each_case("form", [form for form in get_args(MissingForm) if form != "404"])
def test_every_form_of_task_not_exist_is_documented(form: MissingForm) -> None:
    target = make_gateway(missing=form)
    for operation_id, reply in (
        ("runway_to_get_task_details", read(target, "not-a-task")),
        ("feed_get_task", read_feed(target, "not-a-task")),
    ):
        assert b"task_not_exist" in reply.body
        if form == "compat" and operation_id != "feed_get_task":
            continue  # That form belongs to the compatibility routes.
        assert helpers.CONTRACT.check_response(operation_id, reply.status, reply.json()) == ()


def test_forms_of_task_not_exist() -> None:
    replies = {form: read(make_gateway(missing=form), "x") for form in get_args(MissingForm)}
    assert {form: reply.status for form, reply in replies.items()} == {
        "400": 400, "404": 404, "200": 200, "status": 200, "compat": 200,
    }  # fmt: skip
    assert replies["400"].json() == {
        "code": "task_not_exist",
        "message": "task_not_exist",
        "data": None,
    }
    assert replies["404"].json() == {"error": "task_not_exist"}
    assert replies["status"].json() == {"status": "task_not_exist"}


def ended(
    shape: ShapeName | ResponseShapes, operation: str = "control_a_character"
) -> tuple[Gateway, str]:
    target = make_gateway(shape=shape)
    task_id = create(target, operation)
    target.clock.advance(100)
    return target, task_id


def test_raw_task() -> None:
    target, task_id = ended("raw")
    assert parse_task(read(target, task_id)) == {
        "id": task_id,
        "status": "SUCCEEDED",
        "createdAt": "2026-05-01T12:00:00.000Z",
        "output": [target.output_url(task_id)],
    }


def test_a_wrapped_task_has_the_status_words_and_types_of_the_older_page() -> None:
    target = make_gateway(shape="wrapped")
    task_id = create(target, "runway_images_raw_video")
    target.clock.advance(2)
    data = parse_task(read(target, task_id))["data"]
    assert isinstance(data, dict)
    inner = data.pop("data")
    assert data == {
        "task_id": task_id, "action": "IMAGE_TO_VIDEO", "status": "QUEUED", "fail_reason": "",
        "submit_time": 1777636800, "start_time": 0, "finish_time": 0, "progress": "0%",
    }  # fmt: skip
    assert inner == {"id": task_id, "status": "PENDING", "createdAt": "2026-05-01T20:00:00+08:00"}


def test_a_compatibility_task_has_video_url() -> None:
    target, task_id = ended("wrapped", "act_one_expression_migration")
    text = read_feed(target, task_id).body.decode()
    inner = json.loads(text)["data"]["data"]
    assert inner["video_url"] == target.output_url(task_id)
    assert "output" not in inner


def test_digits() -> None:
    target, task_id = ended("legacy", "act_one_expression_migration")
    data = json.loads(read_feed(target, task_id).body)["data"]
    assert (data["status"], data["point"], data["refund"]) == ("3", "400", "0")
    assert all(value is None or isinstance(value, str) for value in data.values())


def test_points_are_thousandths_of_a_dollar() -> None:
    target = make_gateway(shape="legacy", prices={"act_one": "12.345"})
    task_id = create(target, "act_one_expression_migration")
    target.clock.advance(5)
    assert json.loads(read_feed(target, task_id).body)["data"]["point"] == "12345"


def test_mixed_changes_from_poll_to_poll_and_by_state_at_the_end() -> None:
    target = make_gateway(shape="mixed")
    task_id = create(target)
    target.clock.advance(5)
    assert ["data" in parse_task(read(target, task_id)) for _ in range(4)] == [False, True] * 2
    target = make_gateway(shape="by_state")
    task_id = create(target)
    target.clock.advance(5)
    before = parse_task(read(target, task_id))
    target.clock.advance(100)
    assert ("data" in before, "data" in parse_task(read(target, task_id))) == (True, False)
    assert choose_form("wrapped", "raw", 1, is_terminal=True) == "wrapped"


def test_blog_uses_lower_case_and_error() -> None:
    target = make_gateway(shape="blog")
    target.fail_next("THIRD_PARTY.UNAVAILABLE")
    task_id = create(target)
    target.clock.advance(100)
    task = parse_task(read(target, task_id))
    assert task["status"] == "failed"
    assert task["error"]


def test_both_read_routes_serve_tasks_of_all_routes() -> None:
    target, task_id = ended("raw")
    assert parse_task(read_feed(target, task_id))["task_id"] == task_id
    target, task_id = ended("raw", "act_one_expression_migration")
    assert parse_task(read(target, task_id))["id"] == task_id


def test_an_unknown_shape_is_refused() -> None:
    unchecked: Any = "round"
    with pytest.raises(ValueError, match="raw, wrapped"):
        ResponseShapes.from_name(unchecked)


def test_timestamps_have_milliseconds_and_z() -> None:
    assert format_timestamp(1777639667.3514) == "2026-05-01T12:47:47.351Z"
