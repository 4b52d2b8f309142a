"""What a submission does about an earlier one with its idempotency key, or a budget in its way."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from tests.cases import each_case

from cometapi_runway import errors
from cometapi_runway._flows.entries import (
    BudgetExcess,
    Conflict,
    EarlierSubmission,
    IdempotencyKey,
)
from cometapi_runway._flows.submit import Submission, submit

from ..support.both_clients import ID
from ..support.fault_table import ACCEPTED
from ..support.flow_runner import CREATE, FlowRunner, submit_request
from ..support.submissions import MOST

SENDING = EarlierSubmission(
    "k0", None, "INTENDED", is_same_request=True, is_in_progress=True, age=3.0, seed=8,
    arguments={"seed": 7}, trace_parent="00-1-1-01",
)  # fmt: skip
BOUGHT = evolve(SENDING, task_id=ID, state="ACCEPTED", is_in_progress=False)


def play(runner: FlowRunner, *conflicts: Conflict | None, **changes: Any) -> Submission:
    runner.conflicts = iter(conflicts)
    request = submit_request(idempotency_key=IdempotencyKey("order-17", "d"), **changes)
    return runner.run(submit(request, started=0.0, rng=MOST), ACCEPTED)


def test_a_running_process_is_waited_for_as_long_as_a_request_may_take() -> None:
    runner = FlowRunner()
    with pytest.raises(errors.SubmissionUnknownError, match="is still being sent after 3 s"):
        play(runner, *itertools.repeat(SENDING, 99), timeout=3.0)
    assert runner.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 0.45]
    assert runner.timeouts == [3.0, 2.95, 2.85, 2.65, 2.25, 1.45, 0.45, 0.0]
    assert runner.reasons == [
        "control_a_character: another call is sending the request with this idempotency key; "
        "waiting for it for up to 3 s"
    ]
    assert runner.sent == []


def test_what_it_has_bought_meanwhile_is_the_result() -> None:
    runner = FlowRunner()
    found = play(runner, SENDING, BOUGHT, route="feed")
    assert (found.age, found.is_reused) == (3.0, True)
    task = found.task
    assert (task.id, task.status, task.route, task.seed) == (ID, "PENDING", "feed", 8)
    assert (task.operation, task.model, task.trace_parent) == (
        CREATE.operation, CREATE.model, "00-1-1-01",
    )  # fmt: skip
    assert runner.sent == []


def test_what_it_could_not_send_is_sent() -> None:
    runner = FlowRunner()
    submission = play(runner, SENDING, None)
    assert (submission.age, submission.is_reused, len(runner.sent)) == (0.0, False, 1)


@each_case(
    ("changes", "state"),
    [
        ({}, "was sent once, and it is unknown whether it was accepted"),
        ({"state": "UNKNOWN", "task_id": ID},
         "was sent once, and it is unknown whether it was accepted"),
        ({"state": "INTENDED", "task_id": ID},
         "was sent once, and it is unknown whether it was accepted"),
        ({"state": "LOST"}, "was charged, and its task is not known"),
    ],
)  # fmt: skip
def test_what_may_have_been_bought_is_not_bought_again(changes: dict[str, Any], state: str) -> None:
    runner = FlowRunner()
    with pytest.raises(errors.SubmissionUnknownError) as caught:
        play(runner, evolve(SENDING, is_in_progress=False, **changes))
    error, task_id = caught.value, changes.get("task_id")
    advice = (
        f"The response named task {ID}: wait for it"
        if task_id
        else "Check the usage log of your CometAPI account"
    )
    assert str(error) == (
        f"control_a_character: the request with idempotency key 'order-17' {state}. Nothing was "
        f"sent now. {advice}, then settle it: client.journal.settle('order-17', ...)"
    )
    assert (error.task_id, error.operation, error.fingerprint, error.seed, error.elapsed) == (
        task_id, CREATE.operation, CREATE.fingerprint, 8, 3.0,
    )  # fmt: skip
    assert (error.key, error.idempotency_key) == ("k0", "order-17")
    assert runner.sent == []


@each_case("is_in_progress", [True, False])
def test_another_request_with_the_key_is_refused_at_once(is_in_progress: bool) -> None:
    runner = FlowRunner()
    other = evolve(
        BOUGHT, is_same_request=False, is_in_progress=is_in_progress, arguments={"seed": 9}
    )
    with pytest.raises(errors.InvalidRequestError, match="it differs in seed") as caught:
        play(runner, other)
    assert caught.value.task_id == ID
    assert (runner.sent, runner.pauses) == ([], [])


def test_a_budget_in_the_way_says_which() -> None:
    runner = FlowRunner()
    excess = BudgetExcess("films", "USD", Decimal(5), Decimal(4), Decimal(2))
    with pytest.raises(errors.BudgetExceededError) as caught:
        play(runner, excess)
    error = caught.value
    assert (error.limit, error.spent, error.price, error.unit, error.scope) == (
        Decimal(5), Decimal(4), Decimal(2), "USD", "films",
    )  # fmt: skip
    assert runner.sent == []
