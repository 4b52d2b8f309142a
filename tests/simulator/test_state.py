"""What a gateway remembers: tasks, charges, callbacks, requests; and that it repeats itself."""

from __future__ import annotations

import json
from decimal import Decimal

import attrs
import pytest

from cometapi_runway.simulator import (
    INSTANT,
    Gateway,
    Options,
    SimClock,
    SimulatorSettings,
    Timings,
)
from cometapi_runway.simulator._gateway.request import SimulatedRequest
from cometapi_runway.simulator._gateway.request_log import redact_request, shorten_data_uris

from .story import (
    BODY,
    CONTRACT,
    CREATES,
    HEADERS,
    JSON_BODY,
    KEY,
    create,
    examples,
    feed,
    gateway,
    post,
    read,
    state,
)

PATH = "/runwayml/v1/character_performance"


def test_a_task_is_unknown_then_lives_then_ends() -> None:
    target = gateway()
    task_id = create(target)
    seen: list[object] = []
    for _ in range(15):
        reply = read(target, task_id)
        task = state(reply)
        seen.append(task.get("code") or (task["status"], task.get("progress")))
        target.clock.advance(1)
    assert seen == [
        *["task_not_exist"] * 2, ("PENDING", None),
        *[("RUNNING", done / 10) for done in range(10)], *[("SUCCEEDED", None)] * 2,
    ]  # fmt: skip


def test_tasks_wait_their_turn() -> None:
    target = gateway(timings=Timings(invisible=0, pending=0, running=10, spread=0, concurrency=1))
    first, second = create(target), create(target)
    assert [target.view(task).status for task in (first, second)] == ["RUNNING", "THROTTLED"]
    target.clock.advance(10)
    assert [target.view(task).status for task in (first, second)] == ["SUCCEEDED", "RUNNING"]
    assert target.open_tasks == 1


@pytest.mark.parametrize(
    ("resource", "price"),
    [("text_to_image", "0.32"), ("act_one", "0.40"), ("character_performance", "0.50")],
)
def test_a_task_is_charged_its_price(resource: str, price: str) -> None:
    operation = next(found for found in CREATES if found.resource == resource)
    target = gateway()
    task_id = create(target, operation.id)
    (charge,) = target.charges
    assert (charge.task_id, charge.operation, charge.kind) == (task_id, operation.id, "charge")
    assert charge.amount == Decimal(price)


def test_prices_can_be_set() -> None:
    target = gateway(prices={"character_performance": 1.25})
    create(target)
    assert target.ledger.total == Decimal("1.25")


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("SAFETY.INPUT.TEXT", ["charge"]),
        ("INTERNAL", ["charge", "refund"]),
        (None, ["charge", "refund"]),
    ],
)
def test_failures_are_refunded_when_they_happen(code: str | None, kinds: list[str]) -> None:
    target = gateway()
    target.fail_next(code)
    create(target)
    target.clock.advance(12.9)
    assert len(target.charges) == 1
    target.clock.advance(5)
    assert [charge.kind for charge in target.charges] == kinds
    assert target.charges[-1].at == (1777636800 + (13 if code != "SAFETY.INPUT.TEXT" else 0))
    assert target.ledger.total == (0 if "refund" in kinds else Decimal("0.50"))


def test_a_cancelled_task_is_refunded_once() -> None:
    target = gateway()
    task_id = create(target)
    target.clock.advance(5)
    assert target.cancel(task_id).status == "CANCELLED"
    assert target.cancel(task_id).status == "CANCELLED"
    target.clock.advance(100)
    assert [charge.kind for charge in target.charges] == ["charge", "refund"]
    assert state(read(target, task_id)).keys() == {"id", "status", "createdAt"}
    assert target.open_tasks == 0


def test_cancelling_comes_too_late_for_a_task_that_has_ended() -> None:
    target = gateway()
    task_id = create(target)
    target.clock.advance(100)
    assert target.cancel(task_id).status == "SUCCEEDED"
    assert len(target.charges) == 1


def test_fail_next_means_the_next_one_only_and_may_name_an_operation() -> None:
    target = gateway()
    target.fail_next("ASSET.INVALID", "act_one")
    ids = [
        create(target),
        create(target, "act_one_expression_migration"),
        create(target, "act_one_expression_migration"),
    ]
    target.clock.advance(100)
    assert [target.view(task).status for task in ids] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]


def test_callbacks_come_due_with_the_end_of_the_task() -> None:
    target = gateway()
    create(target)
    task_id = create(target, "act_one_expression_migration")
    assert target.callbacks == ()
    target.clock.advance(20)
    (callback,) = target.callbacks
    assert (callback.task_id, callback.url) == (task_id, "https://example.com/webhook")
    body = target.callback_body(task_id)
    assert isinstance(body, dict)
    assert (body["task_id"], body["status"], body["video_url"]) == (
        task_id,
        "3",
        target.output_url(task_id),
    )


def test_same_seed_same_story() -> None:
    def story(seed: int) -> list[object]:
        target = gateway(seed=seed, timings=Timings(), shape="mixed")
        told: list[object] = []
        for operation in CREATES:
            create(target, operation.id)
            target.clock.advance(1.7)
            told += [(read(target, task).body, feed(target, task).body) for task in target.tasks]
        target.clock.advance(60)
        urls = [str(target.output_url(task)) for task in target.tasks]
        return [*told, urls, target.charges, [target.handle("GET", url).body for url in urls]]

    assert story(1) == story(1)
    assert story(1) != story(2)


def test_reset_starts_the_same_story_anew() -> None:
    target = gateway()
    first = create(target)
    target.fail_next()
    target.clock.advance(60)
    target.reset()
    assert (len(target.tasks), target.requests, target.charges, target.received) == (0, (), (), 0)
    assert target.outcomes.rules == ()
    assert create(target) == first


def test_requests_are_logged_in_order_with_what_they_were() -> None:
    target = gateway()
    task_id = create(target)
    read(target, task_id)
    feed(target, task_id)
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
    target = gateway(remembered_requests=3)
    for _ in range(5):
        read(target, "x")
    assert [record.number for record in target.requests] == [3, 4, 5]
    assert target.received == 5


def test_the_key_is_kept_nowhere() -> None:
    target = gateway(keys=[KEY, "another-secret"])
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


def test_a_word_that_serves_as_key_is_not_cut_out_of_everything() -> None:
    """Tutorials say "any key": what was sent must still be found in the log."""
    target = gateway()
    body = {"videoUri": "https://example.com/any/company.mp4", "model": "upscale_v1"}
    headers = (("Authorization", "Bearer any"), *HEADERS[1:], *JSON_BODY)
    target.handle("POST", "/runwayml/v1/video_upscale", headers, json.dumps(body).encode())
    (kept,) = target.requests
    assert kept.json == body
    assert kept.header("authorization") == "Bearer [hidden]"


@pytest.mark.parametrize("amount", ["nan", "inf", "ten"])
def test_dollars_are_finite(amount: str) -> None:
    with pytest.raises(ValueError, match=amount):
        gateway(balance=amount)
    with pytest.raises(ValueError, match=amount):
        gateway(prices={"video_upscale": amount})


def test_an_address_cannot_last_for_ever() -> None:
    with pytest.raises(ValueError, match="url_lifetime"):
        Timings(url_lifetime=float("inf"))


@pytest.mark.parametrize("factor", [0, -1, float("nan"), float("inf")])
def test_a_clock_has_a_rate(factor: float) -> None:
    with pytest.raises(ValueError, match="factor"):
        SimClock.scaled(factor)


def test_a_clock_stops_before_timestamps_end() -> None:
    ticks = iter([0.0, *[1.0] * 99])
    target = gateway(clock=SimClock(1e300, 0.0, ticks.__next__), timings=INSTANT)
    task_id = create(target)
    assert state(read(target, task_id))["createdAt"] == "9998-12-31T00:00:00.000Z"
    assert target.clock.advance(0) == target.clock.now()


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


def test_a_task_with_a_data_uri_keeps_little_and_still_works() -> None:
    target = gateway()
    body = {
        **BODY,
        "character": {"type": "image", "uri": "data:image/png;base64," + "A" * 3_000_000},
    }
    assert post(target, PATH, body).status == 200
    (task,) = target.tasks.values()
    assert len(task.content) < 1000
    assert task.body["seed"] == BODY["seed"]
    assert len(target.requests[0].content) < 1000


def test_the_log_cuts_off_what_is_absurdly_long() -> None:
    body = json.dumps({"x": "y" * 1_000_000}).encode()
    request = SimulatedRequest.parse("POST", PATH, (), body)
    assert len(redact_request(request)[2]) == 64 * 1024


def test_a_long_prompt_is_not_cut_out_of_the_task() -> None:
    target = gateway()
    body = {**BODY, "extra": "y" * 100_000}
    assert post(target, PATH, body).status == 200
    assert next(iter(target.tasks.values())).body == body


def test_where_a_request_goes_is_read_from_address_or_host() -> None:
    media = gateway().settings.media_url
    for url, headers in ((f"{media}/x", ()), ("/x", (("host", media.removeprefix("http://")),))):
        target = gateway()
        assert b"AccessDenied" in target.handle("GET", url, headers).body
        assert target.requests[0].origin == "media"


def test_options_are_the_settings_by_another_name() -> None:
    assert set(Options.__annotations__) == {found.name for found in attrs.fields(SimulatorSettings)}
    clock = SimClock.manual()
    by_name = Gateway(clock=clock, shape="wrapped", keys="sk-one").settings
    assert by_name == SimulatorSettings(clock=clock, shape="wrapped", keys=["sk-one"])
    assert "sk-one" not in repr(by_name)


def test_every_create_has_an_example_here() -> None:
    for operation in CREATES:
        for body in examples(operation):
            assert CONTRACT.check_body(operation.id, body) == ()
