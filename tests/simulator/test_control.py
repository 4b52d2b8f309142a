"""The control API and the status page."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from tests.cases import each_case

from cometapi_runway.simulator import Control, Fault, Gateway, Reply, When

from .helpers import BODY, create, make_gateway, post, read

PATH = "/runwayml/v1/character_performance"


def call(target: Gateway, method: str, path: str, body: object = None) -> Reply:
    content = b"" if body is None else json.dumps(body).encode()
    return Control(target).handle(method, f"/_simulator/{path}", (), content)


def get_json(target: Gateway, path: str) -> dict[str, Any]:
    reply = call(target, "GET", path)
    assert reply.status == 200, reply.body
    return dict(json.loads(reply.body))


def test_the_state_has_totals_clock_tasks_and_requests() -> None:
    target = make_gateway(balance=10)
    task_id = create(target)
    target.clock.advance(8)
    read(target, task_id)
    state = get_json(target, "state")
    assert state["totals"] == {
        "tasks": 1, "open": 1, "requests": 2, "charged": "0.50", "left": "9.50", "leaks": 0,
    }  # fmt: skip
    assert state["clock"] == {"now": 1777636808.0, "text": "2026-05-01T12:00:08.000Z", "rate": 0.0}
    (task,) = state["tasks"]
    assert task == {
        "id": task_id, "operation": "control_a_character", "resource": "character_performance",
        "created": 1777636800.0, "visible": True, "status": "RUNNING", "progress": 0.5,
        "failure_code": None, "output": target.output_url(task_id), "polls": 1, "price": "0.50",
        "body": BODY,
    }  # fmt: skip
    polled, created = state["requests"]
    assert created.pop("headers") == [
        ["Authorization", "Bearer [hidden]"], ["X-Runway-Version", "2024-11-06"],
        ["Content-Type", "application/json"],
    ]  # fmt: skip
    assert created == {
        "number": 1, "at": 1777636800.0, "origin": "api", "method": "POST", "path": PATH,
        "body": BODY, "operation": "control_a_character", "task_id": task_id, "status": 200,
        "fault": None,
    }  # fmt: skip
    assert polled.keys() == {*created, "headers"}
    assert state["charges"] == [
        {
            "task_id": task_id, "operation": "control_a_character", "amount": "0.50",
            "at": 1777636800.0, "kind": "charge",
        }
    ]  # fmt: skip
    target.clock.advance(8)
    (line,) = get_json(target, "state")["tasks"]
    assert (line["status"], line["output"]) == ("SUCCEEDED", target.output_url(task_id))


def test_lists_are_newest_first_and_limited() -> None:
    target = make_gateway()
    ids = [create(target) for _ in range(5)]
    assert [task["id"] for task in get_json(target, "tasks?limit=2")["tasks"]] == [ids[4], ids[3]]
    assert [entry["number"] for entry in get_json(target, "requests?limit=2")["requests"]] == [5, 4]
    charges = get_json(target, "charges?limit=1")
    assert [line["task_id"] for line in charges["charges"]] == [ids[4]]
    assert charges["total"] == "2.50"


def test_a_task_can_be_read_and_cancelled() -> None:
    target = make_gateway()
    task_id = create(target)
    assert json.loads(call(target, "GET", f"tasks/{task_id}").body)["body"] == BODY
    assert json.loads(call(target, "POST", f"tasks/{task_id}/cancel").body)["status"] == "CANCELLED"
    assert target.view(task_id).status == "CANCELLED"
    assert call(target, "GET", "tasks/nobody").status == 404
    assert call(target, "POST", "tasks/nobody/cancel").status == 404


def test_faults_can_be_added_and_removed() -> None:
    target = make_gateway()
    rules = [
        {"kind": "status", "status": 503, "operation": "tasks", "first": 1},
        {"kind": "reset", "nth": 9},
    ]
    added = call(target, "POST", "faults", rules)
    assert added.status == 200
    assert json.loads(added.body) == get_json(target, "faults") == {"faults": rules}
    assert target.faults.rules == (
        Fault("status", status=503, when=When("tasks", first=1)),
        Fault("reset", when=When(nth=9)),
    )
    assert [read(target, "x").status for _ in range(2)] == [503, 400]
    assert call(target, "POST", "faults", {"kind": "empty"}).status == 200
    assert len(get_json(target, "faults")["faults"]) == 3
    assert json.loads(call(target, "DELETE", "faults").body) == {"faults": []}
    assert target.faults.rules == ()


def test_outcomes_can_be_added_and_removed() -> None:
    target = make_gateway()
    call(target, "POST", "outcomes", {"code": "ASSET.INVALID", "nth": 1})
    added = call(target, "POST", "outcomes", {"status": "CANCELLED", "nth": 2})
    assert json.loads(added.body) == get_json(target, "outcomes")
    ids = [create(target) for _ in range(3)]
    target.clock.advance(60)
    views = [target.view(task) for task in ids]
    assert [view.status for view in views] == ["FAILED", "CANCELLED", "SUCCEEDED"]
    assert views[0].ending is not None
    assert views[0].ending.failure_code == "ASSET.INVALID"
    assert get_json(target, "outcomes")["outcomes"][0] == {
        "status": "FAILED", "code": "ASSET.INVALID", "operation": "*", "nth": 1,
    }  # fmt: skip
    assert json.loads(call(target, "DELETE", "outcomes").body) == {"outcomes": []}


def test_the_state_for_the_page_lists_active_rules_only() -> None:
    target = make_gateway()
    call(
        target, "POST", "faults", {"kind": "status", "status": 503, "operation": "tasks", "nth": 1}
    )
    call(target, "POST", "outcomes", {"code": "ASSET.INVALID", "nth": 1})
    call(target, "POST", "outcomes", {"status": "CANCELLED"})
    before = get_json(target, "state")
    read(target, create(target))
    after = get_json(target, "state")
    assert (len(before["faults"]), len(before["outcomes"])) == (1, 2)
    assert (after["faults"], [one["status"] for one in after["outcomes"]]) == ([], ["CANCELLED"])


def test_the_clock_can_be_advanced_and_the_state_reset() -> None:
    target = make_gateway()
    create(target)
    assert json.loads(call(target, "POST", "clock", {"advance": 2.5}).body)["now"] == 1777636802.5
    assert target.clock.now() == 1777636802.5
    assert call(target, "POST", "reset").status == 204
    assert (len(target.tasks), target.clock.now()) == (0, 1777636802.5)


def test_callbacks_and_leaks_are_listed() -> None:
    target = make_gateway()
    task_id = create(target, "act_one_expression_migration")
    target.clock.advance(60)
    (callback,) = get_json(target, "callbacks")["callbacks"]
    due = target.callbacks[0].at
    assert target.tasks[task_id].created < due <= target.clock.now()
    assert callback == {
        "task_id": task_id, "url": "https://example.com/webhook", "at": due,
        "body": target.callback_body(task_id),
    }  # fmt: skip
    target.handle("GET", str(target.output_url(task_id)), [("Authorization", "Bearer k")])
    (leak,) = get_json(target, "leaks")["leaks"]
    path = urlsplit(str(target.output_url(task_id))).path
    assert leak == {"at": target.clock.now(), "path": path, "header": "authorization"}


def test_control_requests_are_not_logged() -> None:
    target = make_gateway()
    for path in ("state", "tasks", "requests", "charges", "faults", ""):
        assert call(target, "GET", path).status == 200
    assert target.received == 0


@each_case(
    ("method", "path", "body", "status", "named"),
    [
        ("GET", "nothing", None, 404, "/_simulator/nothing"),
        ("GET", "tasks/a/b", None, 404, "unknown path /_simulator/tasks/a/b"),
        ("GET", "tasks/X", None, 404, "there is no task X"),
        ("PUT", "faults", None, 405, "PUT"),
        ("POST", "faults", {"kind": "explode"}, 400, "kind"),
        ("POST", "faults", [1], 400, "JSON object"),
        ("POST", "faults", {"kind": "hang", "seconds": None}, 400, "0 seconds or more"),
        ("POST", "faults", {"kind": "hang", "seconds": True}, 400, "0 seconds or more"),
        ("POST", "faults", {"kind": "status", "headers": 3}, 400, "headers"),
        ("POST", "faults", {"kind": "status", "headers": ["a"]}, 400, "headers"),
        ("POST", "faults", {"kind": "hang", "second": 3}, 400, "did you mean 'seconds'?"),
        ("POST", "faults", {"kind": "hang", "zzz": 1}, 400, "message, nth, operation, retry"),
        ("POST", "outcomes", {"zzz": 1}, 400, "code, every, first, nth, operation, status"),
        ("POST", "faults", {"kind": "hang", "operation": "feeed"}, 400, "did you mean 'feed'?"),
        ("POST", "outcomes", {"operation": "upscale"}, 400, "upscale_a_video"),
        ("POST", "outcomes", {"status": "LATE"}, 400, "LATE"),
        ("POST", "outcomes", {"status": ["x"]}, 400, "status"),
        ("POST", "outcomes", {"code": 3}, 400, "code"),
        ("POST", "outcomes", {"colour": 3}, 400, "colour"),
        ("POST", "clock", {"advance": -1}, 400, "-1"),
        ("POST", "clock", {"advance": True}, 400, "advance"),
        ("POST", "clock", {}, 400, "advance"),
        ("POST", "clock", [], 400, "object"),
        ("GET", "tasks?limit=many", None, 400, "limit"),
    ],
)
def test_errors_are_explained(
    method: str, path: str, body: object, status: int, named: str
) -> None:
    reply = call(make_gateway(), method, path, body)
    assert reply.status == status
    assert named in json.loads(reply.body)["error"]


def test_a_limit_may_exceed_the_number_of_items() -> None:
    target = make_gateway()
    create(target)
    assert len(get_json(target, f"tasks?limit={'9' * 30}")["tasks"]) == 1


@each_case(
    ("path", "allowed"),
    [("faults", "GET, POST, DELETE"), ("clock", "GET, POST"), ("tasks/x/cancel", "POST")],
)
def test_a_method_that_is_not_allowed_names_those_that_are(path: str, allowed: str) -> None:
    reply = call(make_gateway(), "PATCH", path)
    assert (reply.status, reply.header("allow")) == (405, allowed)
    assert reply.json() == {"error": f"PATCH is not allowed for /_simulator/{path}"}


def test_invalid_json_is_refused() -> None:
    reply = Control(make_gateway()).handle("POST", "/_simulator/faults", (), b"{")
    assert reply.status == 400


def test_a_refused_list_of_faults_adds_none() -> None:
    target = make_gateway()
    assert call(target, "POST", "faults", [{"kind": "empty"}, {"kind": "explode"}]).status == 400
    assert target.faults.rules == ()


@each_case(
    ("url", "meant"),
    [
        ("/_simulator", True),
        ("/_simulator/", True),
        ("/_simulator/x?y", True),
        ("/_simulator?y", True),
        ("/_simulatorx", False),
        ("/", False),
    ],
)
def test_urls_of_the_control_api(url: str, meant: bool) -> None:
    assert Control(make_gateway()).matches(url) is meant


def test_the_page_is_self_contained_and_fits_light_dark_and_phone() -> None:
    reply = call(make_gateway(), "GET", "")
    page = reply.body.decode()
    assert "text/html" in str(reply.header("content-type"))
    assert "default-src 'none'" in str(reply.header("content-security-policy"))
    assert reply.header("cache-control") == "no-store"
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)
    assert not re.search(r"https?://|@import|innerHTML", page)
    for needed in ("prefers-color-scheme: dark", 'name="viewport"', "max-width: 44rem"):
        assert needed in page


def test_markup_in_a_prompt_reaches_the_page_as_json_only() -> None:
    target = make_gateway()
    post(target, PATH, {**BODY, "note": "<script>alert(1)</script>"})
    reply = call(target, "GET", "state")
    assert reply.header("content-type") == "application/json"
