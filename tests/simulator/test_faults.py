"""Each kind of fault, and its effect on the response and on the state."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import Any, get_args

import attrs
import pytest
from tests.cases import each_case

from cometapi_runway.simulator import Fault, Gateway, When
from cometapi_runway.simulator._rules.faults import Kind
from cometapi_runway.simulator._rules.json_rules import fault_from_json, fault_to_json

from .helpers import (
    BODY,
    CONTRACT,
    HEADERS,
    JSON_BODY,
    create,
    make_gateway,
    parse_task,
    post,
    read,
    read_feed,
)

MOTION = ("x", "y", "z", "r", "bg_x_pan", "bg_y_pan")
PATH = "/runwayml/v1/character_performance"


def gateway_with(fault: Fault, target: Gateway | None = None) -> tuple[Gateway, str]:
    """A gateway with a running task and one active fault."""
    target = target or make_gateway()
    task_id = create(target)
    target.clock.advance(5)
    target.faults.add(fault)
    return target, task_id


@each_case("kind", ["status", "html", "rate_limit", "reset"])
@each_case("acted", [False, True])
def test_blocking_faults_let_the_gateway_act_only_with_acted(kind: Kind, acted: bool) -> None:
    target = make_gateway(faults=[Fault(kind, acted=acted)])
    reply = post(target, PATH, dict(BODY))
    assert len(target.tasks) == len(target.charges) == (1 if acted else 0)
    assert reply.drop == ("before" if kind == "reset" else None)
    assert kind == "reset" or reply.status >= 400
    (record,) = target.requests
    assert record.fault == kind
    assert record.status == (None if kind == "reset" else reply.status)
    assert record.task_id == next(iter(target.tasks), None)


@each_case("kind", sorted(set(get_args(Kind)) - {"status", "html", "rate_limit", "reset"}))
def test_the_gateway_acts_with_all_other_faults(kind: Kind) -> None:
    target = make_gateway(faults=[Fault(kind)])
    post(target, PATH, dict(BODY))
    assert len(target.tasks) == 1


def test_a_status_has_the_platform_envelope_or_any_body() -> None:
    target, task_id = gateway_with(
        Fault(
            "status", status=503, code="model_not_found", message="no channel", headers={"A": "b"}
        )
    )
    reply = read(target, task_id)
    assert reply.header("a") == "b"
    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"]) == (503, "model_not_found")
    assert error["message"].startswith("no channel (request id: ")
    target, task_id = gateway_with(
        Fault("status", status=524, body="gone", headers={"X-Cause": "origin"})
    )
    reply = read(target, task_id)
    assert (reply.status, reply.body, reply.header("x-cause")) == (524, b"gone", "origin")


@pytest.mark.parametrize(("status", "shown"), [(None, 502), (524, 524), (200, 200)])
def test_html_has_a_status(status: int | None, shown: int) -> None:
    target, task_id = gateway_with(Fault("html", status=status))
    reply = read(target, task_id)
    assert reply.status == shown
    assert reply.body.startswith(b"<!DOCTYPE html>")
    assert "text/html" in str(reply.header("Content-Type"))


def test_retry_after_is_in_seconds_a_date_or_absent() -> None:
    def retry_after(fault: Fault) -> str | None:
        target, task_id = gateway_with(fault)
        reply = read(target, task_id)
        assert reply.status == 429
        return reply.header("Retry-After")

    assert retry_after(Fault("rate_limit")) is None
    assert retry_after(Fault("rate_limit", retry_after=2)) == "2"
    assert retry_after(Fault("rate_limit", retry_after=0.5)) == "0.5"
    date = parsedate_to_datetime(
        str(retry_after(Fault("rate_limit", retry_after=1.2, as_date=True)))
    )
    # Five seconds have passed; the date is rounded up.
    assert date.timestamp() == 1777636800 + 5 + 2


def test_retry_after_is_limited_to_the_last_date() -> None:
    target = make_gateway()
    target.faults.add(Fault("rate_limit", retry_after=1e300, as_date=True))
    assert str(read(target, "x").header("retry-after")).endswith("9998 00:00:00 GMT")


def test_a_rule_for_an_unknown_operation_is_refused() -> None:
    rule = Fault("hang", when=When("upscale_video"))
    target = make_gateway()
    for use in (target.faults.add, target.faults.queue, lambda one: target.faults.replace([one])):
        with pytest.raises(ValueError, match="did you mean 'upscale_a_video'"):
            use(rule)
    with pytest.raises(ValueError, match="upscale_video"):
        make_gateway(faults=[rule])
    with pytest.raises(ValueError, match="upscale_video"):
        target.fail_next(operation="upscale_video")
    assert (target.faults.rules, target.outcomes.rules) == ((), ())


def test_bodies_are_truncated_emptied_and_mislabelled() -> None:
    target, task_id = gateway_with(Fault("truncate"))
    whole = json.dumps(
        parse_task(read(gateway_without_faults(target), task_id)), separators=(",", ":")
    ).encode()
    assert read(target, task_id).body == whole[: len(whole) // 2]
    target, task_id = gateway_with(Fault("empty"))
    assert (read(target, task_id).status, read(target, task_id).body) == (200, b"")
    target, task_id = gateway_with(Fault("content_type"))
    assert read(target, task_id).header("content-type") == "text/plain"
    assert parse_task(read(target, task_id))["id"] == task_id
    target, task_id = gateway_with(Fault("content_type", body="application/octet-stream"))
    assert read(target, task_id).header("content-type") == "application/octet-stream"


def gateway_without_faults(target: Gateway) -> Gateway:
    """The same gateway without its faults."""
    target, rules = make_gateway(), target
    assert create(target) == next(iter(rules.tasks))
    target.clock.advance(5)
    return target


def test_hang_drip_and_cut_are_set_on_the_reply() -> None:
    target, task_id = gateway_with(Fault("hang", seconds=30))
    assert read(target, task_id).delay == 30
    target, task_id = gateway_with(Fault("drip", seconds=4))
    assert read(target, task_id).drip == 4
    target, task_id = gateway_with(Fault("cut"))
    assert read(target, task_id).drop == "midway"


@pytest.mark.parametrize("poll", [read, read_feed])
def test_repeat_returns_the_previous_response_byte_for_byte(poll: object) -> None:
    assert callable(poll)
    target, task_id = gateway_with(Fault("repeat", when=When(nth=2)), make_gateway(shape="mixed"))
    before = poll(target, task_id)
    target.clock.advance(6)
    assert poll(target, task_id) == before
    assert poll(target, task_id) != before


def test_repeat_also_repeats_task_not_exist() -> None:
    target = make_gateway(faults=[Fault("repeat", when=When("tasks", nth=2))])
    task_id = create(target)
    before = read(target, task_id)
    target.clock.advance(50)
    assert read(target, task_id) == before
    assert read(target, task_id).status == 200


def test_stale_returns_states_out_of_order() -> None:
    target, task_id = gateway_with(Fault("stale", seconds=9, when=When(nth=2)))
    target.clock.advance(9)
    seen = [parse_task(read(target, task_id))["status"] for _ in range(3)]
    assert seen == ["SUCCEEDED", "RUNNING", "SUCCEEDED"]


def test_rules_match_operation_resource_and_tag() -> None:
    for name, hit in (
        ("control_a_character", True), ("character_performance", True), ("official", True),
        ("compat", False), ("tasks", False), ("download", False),
    ):  # fmt: skip
        target = make_gateway(faults=[Fault("status", when=When(name))])
        assert (post(target, PATH, dict(BODY)).status == 500) == hit, name


def test_resources_that_share_a_route_are_distinguished() -> None:
    target = make_gateway(faults=[Fault("status", when=When("image_to_video"))])
    text = {
        "callback_url": "https://example.com/hook", "ratio": "16:9", "prompt": "a cat",
        "style": "cinematic", "model": "gen4",
        "options": {"seconds": 5, "motion_vector": dict.fromkeys(MOTION, 0)},
    }  # fmt: skip
    image = {key: text[key] for key in ("callback_url", "prompt", "model")}
    image["image"] = "https://example.com/cat.png"
    assert post(target, "/runway/pro/generate", text).status == 200
    assert post(target, "/runway/pro/generate", image).status == 500
    assert [task.resource for task in target.tasks.values()] == ["text_to_video"]


@each_case("body", [b"{", b"\xff", b"[]", b'{"prompt": 5}'])
def test_a_body_that_fits_no_resource_is_one_of_the_routes_first(body: bytes) -> None:
    first = CONTRACT.operation("generate").resource
    for name, status in ((first, 500), ("image_to_video", 400)):
        target = make_gateway(faults=[Fault("status", when=When(name))])
        assert (
            target.handle("POST", "/runway/pro/generate", HEADERS + JSON_BODY, body).status
            == status
        )


def test_downloads_have_their_own_faults() -> None:
    target, task_id = gateway_with(Fault("truncate", when=When("download")))
    target.clock.advance(50)
    url = str(target.output_url(task_id))
    cut = target.handle("GET", url)
    target.faults.replace(())
    whole = target.handle("GET", url)
    assert whole.body.startswith(cut.body)
    assert len(cut.body) == len(whole.body) // 2


@each_case(
    "fault",
    [
        Fault(
            "status",
            status=500,
            code="x",
            message="y",
            headers={"A": "b"},
            when=When("tasks", first=2),
        ),
        Fault("rate_limit", retry_after=1.5, as_date=True),
        Fault("reset", acted=True, when=When(nth=1)),
        Fault("hang", seconds=3.0, when=When("download", every=2)),
    ],
)
def test_faults_survive_a_json_round_trip(fault: Fault) -> None:
    shown = json.loads(json.dumps(fault_to_json(fault)))
    assert fault_from_json(shown) == fault


@each_case(
    ("fields", "message"),
    [
        ({}, "kind is missing; it is one of status, html, rate_limit, reset, cut,"),
        ({"kind": "explode"}, "'kind' must be in .*'stale'.* .got 'explode'"),
        ({"kind": 5}, "'kind' must be in"),
        ({"kind": "status", "status": 199}, "'status' must be >= 200: 199"),
        ({"kind": "status", "status": 600}, "'status' must be <= 599: 600"),
        ({"kind": "status", "status": "500"}, "'status' must be <class 'int'> .got '500'"),
        ({"kind": "status", "status": 500.0}, "'status' must be <class 'int'> .got 500.0"),
        ({"kind": "status", "code": 5}, "'code' must be <class 'str'> .got 5"),
        ({"kind": "status", "message": 5}, "'message' must be <class 'str'> .got 5"),
        ({"kind": "status", "message": None}, "'message' must be <class 'str'> .got None"),
        ({"kind": "status", "body": 5}, "'body' must be <class 'str'> .got 5"),
        ({"kind": "hang", "seconds": -1}, "a fault takes 0 seconds or more, got -1"),
        ({"kind": "hang", "seconds": "long"}, "a fault takes 0 seconds or more, got 'long'"),
        ({"kind": "rate_limit", "retry_after": -1}, "a fault takes 0 seconds or more, got -1"),
        ({"kind": "rate_limit", "retry_after": "2"}, "a fault takes 0 seconds or more, got '2'"),
        ({"kind": "rate_limit", "as_date": 1}, "'as_date' must be <class 'bool'> .got 1"),
        ({"kind": "status", "headers": {"A": "b\r\nC: d"}}, "not a header field: 'A': "),
        ({"kind": "status", "headers": {"A:": "b"}}, "not a header field: 'A:': 'b'"),
        ({"kind": "status", "headers": {"A(": "b"}}, "not a header field: 'A[(]': 'b'"),
        ({"kind": "status", "headers": {"": "b"}}, "not a header field: '': 'b'"),
        ({"kind": "status", "headers": {"A": " b"}}, "not a header field: 'A': ' b'"),
        ({"kind": "status", "headers": {"A": "b\t"}}, "not a header field: 'A': 'b.t'"),
        ({"kind": "status", "headers": 5}, "headers must be names with their values, got 5"),
        ({"kind": "status", "headers": "ab"}, "headers must be names with their values, got 'ab'"),
        ({"kind": "reset", "acted": "yes"}, "'acted' must be <class 'bool'> .got 'yes'"),
        ({"kind": "reset", "operation": 5}, "'operation' must be <class 'str'> .got 5"),
        ({"kind": "reset", "nth": 0}, "'nth' must be >= 1: 0"),
        ({"kind": "reset", "first": 0}, "'first' must be >= 1: 0"),
        ({"kind": "reset", "every": 0}, "'every' must be >= 1: 0"),
        ({"kind": "reset", "nth": 1.5}, "'nth' must be <class 'int'> .got 1.5"),
        ({"kind": "reset", "first": "1"}, "'first' must be <class 'int'> .got '1'"),
        ({"kind": "reset", "every": [1]}, "'every' must be <class 'int'> .got .1."),
        ({"kind": "reset", "colour": "red"}, "unknown key 'colour'; known keys: acted, as_date,"),
        ({"kind": "reset", "whem": {}}, "unknown key 'whem'; known keys: "),
        ({"kind": "reset", "when": {}}, "unknown key 'when'; known keys: "),
    ],
)
def test_bad_rules_are_refused_by_name(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        fault_from_json(json.loads(json.dumps(fields)))
    assert caught.value.args == (str(caught.value),)


@each_case(
    "fields",
    [
        {"status": 200}, {"status": 599}, {"seconds": 0}, {"retry_after": 0}, {"nth": 1},
        {"first": 1}, {"every": 1}, {"body": ""}, {"headers": {"!": ""}},
        {"headers": {"X-a_9": "b\tc  d: e"}}, {"headers": {"A": "b"}},
    ],
)  # fmt: skip
def test_a_rule_at_a_limit_is_taken(fields: dict[str, object]) -> None:
    fault = fault_from_json(json.loads(json.dumps({"kind": "status", **fields})))
    found = {**attrs.asdict(fault), **attrs.asdict(fault.when), "headers": dict(fault.headers)}
    assert {name: found[name] for name in fields} == fields


@each_case("wrong", [{"when": "tasks"}, {"when": None}, {"when": Fault("reset")}])
def test_a_condition_is_a_when(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="'when' must be"):
        Fault("reset", **wrong)
