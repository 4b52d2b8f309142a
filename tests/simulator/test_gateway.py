"""The state of a gateway: tasks, charges, callbacks; the same seed gives the same state."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cometapi_runway.simulator import (
    Timings,
)

from .helpers import (
    BODY,
    CONTRACT,
    CREATES,
    create,
    example_bodies,
    make_gateway,
    parse_task,
    post,
    read,
    read_feed,
)

PATH = "/runwayml/v1/character_performance"


def test_a_task_is_unknown_then_runs_then_succeeds() -> None:
    target = make_gateway()
    task_id = create(target)
    seen: list[object] = []
    for _ in range(15):
        reply = read(target, task_id)
        task = parse_task(reply)
        seen.append(task.get("code") or (task["status"], task.get("progress")))
        target.clock.advance(1)
    assert seen == [
        *["task_not_exist"] * 2, ("PENDING", None),
        *[("RUNNING", done / 10) for done in range(10)], *[("SUCCEEDED", None)] * 2,
    ]  # fmt: skip


def test_tasks_wait_for_a_free_slot() -> None:
    target = make_gateway(
        timings=Timings(invisible=0, pending=0, running=10, spread=0, concurrency=1)
    )
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
    target = make_gateway()
    task_id = create(target, operation.id)
    (charge,) = target.charges
    assert (charge.task_id, charge.operation, charge.kind) == (task_id, operation.id, "charge")
    assert charge.amount == Decimal(price)


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("SAFETY.INPUT.TEXT", ["charge"]),
        ("INTERNAL", ["charge", "refund"]),
        (None, ["charge", "refund"]),
    ],
)
def test_failures_are_refunded_when_they_happen(code: str | None, kinds: list[str]) -> None:
    target = make_gateway()
    target.fail_next(code)
    create(target)
    target.clock.advance(12.9)
    assert len(target.charges) == 1
    target.clock.advance(5)
    assert [charge.kind for charge in target.charges] == kinds
    assert target.charges[-1].at == (1777636800 + (13 if code != "SAFETY.INPUT.TEXT" else 0))
    assert target.ledger.total == (0 if "refund" in kinds else Decimal("0.50"))


def test_a_cancelled_task_is_refunded_once() -> None:
    target = make_gateway()
    task_id = create(target)
    target.clock.advance(5)
    assert target.cancel(task_id).status == "CANCELLED"
    assert target.cancel(task_id).status == "CANCELLED"
    target.clock.advance(100)
    assert [charge.kind for charge in target.charges] == ["charge", "refund"]
    assert parse_task(read(target, task_id)).keys() == {"id", "status", "createdAt"}
    assert target.open_tasks == 0


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_a_refund_pays_for_the_next_task(end: str) -> None:
    target = make_gateway(balance="0.5")
    if end == "failed":
        target.fail_next()
    task_id = create(target)
    assert post(target, PATH, dict(BODY)).status == 403
    if end == "failed":
        target.clock.advance(60)
    else:
        target.cancel(task_id)
    assert post(target, PATH, dict(BODY)).status == 200


def test_a_task_that_has_ended_cannot_be_cancelled() -> None:
    target = make_gateway()
    task_id = create(target)
    target.clock.advance(100)
    assert target.cancel(task_id).status == "SUCCEEDED"
    assert len(target.charges) == 1


def test_fail_next_applies_to_one_task_of_an_operation() -> None:
    target = make_gateway()
    target.fail_next("ASSET.INVALID", "act_one")
    ids = [
        create(target),
        create(target, "act_one_expression_migration"),
        create(target, "act_one_expression_migration"),
    ]
    target.clock.advance(100)
    assert [target.view(task).status for task in ids] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]


def test_callbacks_are_due_at_the_end_of_the_task() -> None:
    target = make_gateway()
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


def test_the_same_seed_gives_the_same_responses() -> None:
    def collect_responses(seed: int) -> list[object]:
        target = make_gateway(seed=seed, timings=Timings(), shape="mixed")
        responses: list[object] = []
        for operation in CREATES:
            create(target, operation.id)
            target.clock.advance(1.7)
            responses += [
                (read(target, task).body, read_feed(target, task).body) for task in target.tasks
            ]
        target.clock.advance(60)
        urls = [str(target.output_url(task)) for task in target.tasks]
        return [*responses, urls, target.charges, [target.handle("GET", url).body for url in urls]]

    assert collect_responses(1) == collect_responses(1)
    assert collect_responses(1) != collect_responses(2)


def test_reset_restarts_from_the_seed() -> None:
    target = make_gateway()
    first = create(target)
    target.fail_next()
    target.clock.advance(60)
    target.reset()
    assert (len(target.tasks), target.requests, target.charges, target.received) == (0, (), (), 0)
    assert target.outcomes.rules == ()
    assert create(target) == first


def test_the_origin_is_chosen_by_url_or_host_header() -> None:
    media = make_gateway().settings.media_url
    for url, headers in ((f"{media}/x", ()), ("/x", (("host", media.removeprefix("http://")),))):
        target = make_gateway()
        assert b"AccessDenied" in target.handle("GET", url, headers).body
        assert target.requests[0].origin == "media"
    target = make_gateway()
    target.handle("GET", media)
    assert (target.requests[0].origin, target.requests[0].path) == ("media", "/")


def test_a_watcher_sees_each_request_before_the_gateway_acts() -> None:
    target = make_gateway()
    seen: list[tuple[str, int]] = []
    target.watchers.append(lambda request: seen.append((request.path, len(target.tasks))))
    task_id = create(target)
    read(target, task_id)
    assert seen == [(PATH, 0), (f"/runwayml/v1/tasks/{task_id}", 1)]


def test_every_create_has_a_valid_example_body() -> None:
    for operation in CREATES:
        for body in example_bodies(operation):
            assert CONTRACT.check_body(operation.id, body) == ()
