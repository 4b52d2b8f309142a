"""The request log keeps the latest requests, without keys and data URIs."""

from __future__ import annotations

import json

import attrs

from cometapi_runway.simulator._gateway.request import SimulatedRequest
from cometapi_runway.simulator._gateway.request_log import redact_request, shorten_data_uris

from .helpers import (
    BODY,
    HEADERS,
    JSON_BODY,
    KEY,
    create,
    make_gateway,
    post,
    read,
    read_feed,
)

PATH = "/runwayml/v1/character_performance"


def test_requests_are_logged_in_order() -> None:
    target = make_gateway()
    task_id = create(target)
    read(target, task_id)
    read_feed(target, task_id)
    target.handle("GET", "/nowhere?x=1", HEADERS)
    facts = [
        (r.number, r.method, r.path, r.operation, r.task_id, r.status) for r in target.requests
    ]
    assert facts == [
        (1, "POST", PATH, "control_a_character", task_id, 200),
        (2, "GET", f"/runwayml/v1/tasks/{task_id}", "runway_to_get_task_details", task_id, 400),
        (3, "POST", "/runway/feed", "feed_get_task", task_id, 400),
        (4, "GET", "/nowhere", None, None, 404),
    ]  # fmt: skip
    assert target.requests[0].json == BODY
    assert target.requests[0].header("x-runway-version") == "2024-11-06"


def test_the_log_keeps_the_latest() -> None:
    target = make_gateway(remembered_requests=3)
    for _ in range(5):
        read(target, "x")
    assert [record.number for record in target.requests] == [3, 4, 5]
    assert target.received == 5


def test_the_key_is_stored_nowhere() -> None:
    target = make_gateway(keys=[KEY, "another-secret"])
    body = {**BODY, "note": f"my key is {KEY}"}
    content = json.dumps(body).encode()
    headers = (
        *HEADERS,
        *JSON_BODY,
        ("X-Copy", KEY),
        ("x-api-key", "another-secret"),
        ("Cookie", "a=b"),
    )
    target.handle("POST", f"{PATH}", headers, content)
    target.handle("GET", f"/runwayml/v1/tasks/{KEY}", headers)
    target.handle("GET", str(target.settings.media_url) + "/outputs/x.mp4", headers)
    kept = repr(
        (vars(target), [attrs.asdict(record) for record in target.requests], target.leaked_keys)
    )
    for secret in (KEY, "another-secret", "a=b"):
        assert secret not in kept
    assert target.requests[0].header("authorization") == "Bearer [hidden]"


def test_a_key_that_is_an_ordinary_word_is_not_redacted_in_bodies() -> None:
    """With the key "any" of tutorials, the log must still show what was sent."""
    target = make_gateway()
    body = {"videoUri": "https://example.com/any/company.mp4", "model": "upscale_v1"}
    headers = (("Authorization", "Bearer any"), *HEADERS[1:], *JSON_BODY)
    target.handle("POST", "/runwayml/v1/video_upscale", headers, json.dumps(body).encode())
    (kept,) = target.requests
    assert kept.json == body
    assert kept.header("authorization") == "Bearer [hidden]"


def test_a_key_of_eight_characters_is_a_secret() -> None:
    for key, is_hidden in (("1234567", False), ("12345678", True)):
        target = make_gateway()
        target.handle("GET", f"/{key}", (("Authorization", f"Bearer {key}"), ("X-Copy", key)))
        (kept,) = target.requests
        shown = "[hidden]" if is_hidden else key
        assert (kept.path, kept.header("x-copy")) == (f"/{shown}", shown)


def test_data_uris_are_shortened_and_json_stays_json() -> None:
    uri = "data:image/png;base64," + "A" * 5000
    for value in (uri, uri + '"quoted"', uri + "\\u00e9", "é" * 40 + uri, uri + " and " + uri):
        body = json.dumps({"uri": value, "other": 1}, ensure_ascii=False).encode()
        short = json.loads(shorten_data_uris(body))
        assert short["other"] == 1
        assert len(short["uri"]) < 300
    assert (
        shorten_data_uris(b'{"uri": "data:image/png;base64,AAAA"}')
        == b'{"uri": "data:image/png;base64,AAAA"}'
    )


def test_a_task_stores_a_shortened_data_uri() -> None:
    target = make_gateway()
    body = {
        **BODY,
        "character": {"type": "image", "uri": "data:image/png;base64," + "A" * 3_000_000},
    }
    assert post(target, PATH, body).status == 200
    (task,) = target.tasks.values()
    assert len(task.content) < 1000
    assert task.body["seed"] == BODY["seed"]
    assert len(target.requests[0].content) < 1000


def test_the_log_limits_the_size_of_a_body() -> None:
    body = json.dumps({"x": "y" * 1_000_000}).encode()
    request = SimulatedRequest.parse("POST", PATH, (), body)
    assert len(redact_request(request)[2]) == 64 * 1024


def test_a_task_stores_a_long_prompt_whole() -> None:
    target = make_gateway()
    body = {**BODY, "extra": "y" * 100_000}
    assert post(target, PATH, body).status == 200
    assert next(iter(target.tasks.values())).body == body
