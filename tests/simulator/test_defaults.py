"""Names, texts and defaults that a user of the simulator reads or relies on."""

from __future__ import annotations

import json
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, get_args
from urllib.parse import urlsplit

import anyio
import anyio.abc
import attrs
import pytest
from tests.cases import each_case

from cometapi_runway._core.failure_codes import _TABLE
from cometapi_runway.simulator import INSTANT, Fault, Outcome, SimulatorServer, Timings, When
from cometapi_runway.simulator._lifecycle import CANCELLED, FAILURES, SUCCESS, Plan, failed, observe
from cometapi_runway.simulator._responses.refusals import status_phrase
from cometapi_runway.simulator._rules.faults import Kind
from cometapi_runway.simulator._rules.json_rules import (
    fault_from_json,
    fault_to_json,
    outcome_from_json,
    outcome_to_json,
)
from cometapi_runway.simulator._server import callback_sender
from cometapi_runway.simulator._server import server as server_module
from cometapi_runway.simulator._settings import SimulatorSettings

from .helpers import create, make_gateway, parse_task, read


def test_instant_tasks_have_ended_by_the_first_poll() -> None:
    assert attrs.asdict(INSTANT) == attrs.asdict(Timings(invisible=0, pending=0, running=0))
    target = make_gateway(timings=INSTANT)
    for _ in range(3):
        task = parse_task(read(target, create(target)))
        assert task["status"] == "SUCCEEDED"


def test_the_failure_codes_are_those_of_runways_page() -> None:
    assert list(FAILURES) == [
        "SAFETY.INPUT.TEXT", "SAFETY.INPUT.IMAGE", "SAFETY.INPUT.VIDEO", "SAFETY.OUTPUT.VIDEO",
        "INPUT_PREPROCESSING.SAFETY.TEXT", "INPUT_PREPROCESSING.INTERNAL", "ASSET.INVALID",
        "INTERNAL.BAD_OUTPUT.CODE01", "THIRD_PARTY.UNAVAILABLE", "INTERNAL",
    ]  # fmt: skip
    for code in FAILURES:
        # The client has advice for each: the code itself is in its table, or a prefix of it.
        parts = code.split(".")
        assert any(".".join(parts[:n]) in _TABLE for n in range(1, len(parts) + 1))
        target = make_gateway(outcomes=[Outcome(failed(code))])
        task_id = create(target)
        target.clock.advance(60)
        task = parse_task(read(target, task_id))
        assert (task["status"], task["failureCode"]) == ("FAILED", code)
        assert task["failure"] == FAILURES[code]


@each_case("status", [*HTTPStatus, 499, 520, 527, 599])
def test_every_status_has_a_phrase(status: int) -> None:
    known = {int(one): one.phrase for one in HTTPStatus}
    assert status_phrase(int(status)) == known.get(int(status), "Error")


@each_case("kind", get_args(Kind))
@each_case("when", [When(), When("tasks", first=2), When("*", nth=3), When("download", every=2)])
def test_a_rule_in_json_has_what_differs_from_the_defaults(kind: Kind, when: When) -> None:
    more: dict[str, Any] = {
        "status": 503, "code": "c", "message": "m", "body": "b", "headers": {"A": "b"},
        "seconds": 2.0, "retry_after": 3.0, "as_date": True, "acted": True,
    }  # fmt: skip
    conditions = {
        name: value
        for name, value in attrs.asdict(when).items()
        if value != attrs.asdict(When())[name]
    }
    assert fault_to_json(Fault(kind, when=when)) == {"kind": kind, **conditions}
    for name, value in more.items():
        fields = {"kind": kind, name: value, **conditions}
        fault = Fault(kind, when=when, **{name: value})
        assert fault_to_json(fault) == fields
        assert fault_from_json(json.loads(json.dumps(fields))) == fault
    outcome = Outcome(failed("INTERNAL"), when)
    conditions = {name: one for name, one in attrs.asdict(when).items() if one is not None}
    assert outcome_to_json(outcome) == {"status": "FAILED", "code": "INTERNAL", **conditions}
    assert outcome_from_json(json.loads(json.dumps(outcome_to_json(outcome)))) == outcome


@each_case(
    ("fields", "ending"),
    [
        ({}, failed("INTERNAL")),
        ({"code": None}, failed(None)),
        ({"code": "X.Y"}, failed("X.Y")),
        ({"status": "SUCCEEDED"}, SUCCESS),
        ({"status": "CANCELLED"}, CANCELLED),
        ({"status": "CANCELLED", "code": "INTERNAL"}, CANCELLED),
    ],
)
def test_an_outcome_is_a_failure_unless_it_says_otherwise(
    fields: dict[str, Any], ending: object
) -> None:
    assert outcome_from_json(fields).ending == ending


@each_case(
    ("fields", "words"),
    [
        ({"nth": 0}, "nth"),
        ({"first": "many"}, "first"),
        ({"operation": 5}, "operation"),
        ({"status": "DONE"}, "status must be one of SUCCEEDED, CANCELLED, FAILED, got 'DONE'"),
        ({"code": 5}, "code must be text or null, got 5"),
        ({"statu": "FAILED"}, "unknown key 'statu'; did you mean 'status'"),
        ({"colour": 1}, "unknown key 'colour'; known keys: .*code.*nth.*status"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_as_a_wrong_value(
    fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        outcome_from_json(fields)
    assert type(caught.value) is ValueError
    # attrs puts the field and the rule behind its message.
    assert caught.value.args == (str(caught.value),)


def test_rules_may_come_from_any_iterable_and_are_kept_for_a_reset() -> None:
    target = make_gateway(
        faults=(one for one in [Fault("reset")]), outcomes=iter([Outcome(CANCELLED)])
    )
    for _ in range(2):
        assert target.settings.faults == target.faults.rules == (Fault("reset"),)
        assert target.settings.outcomes == target.outcomes.rules == (Outcome(CANCELLED),)
        target.reset()


def test_a_server_that_does_not_start_says_so_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = SimulatorServer()
    ticks, pauses = iter([100.0, 105.0, 110.0, 110.5]), list[float]()
    monkeypatch.setattr(server._server.ready, "wait", pauses.append)
    monkeypatch.setattr(server_module, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    with pytest.raises(RuntimeError, match="the simulator did not start"):
        server.start()
    # For ten seconds, and looking often, because its thread may end.
    assert pauses == [0.05] * 3
    assert list(ticks) == []
    assert not server._thread.is_alive()


def test_a_server_whose_thread_ends_at_once_does_not_wait_for_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = SimulatorServer()
    monkeypatch.setattr(server, "_thread", server_module.threading.Thread(target=lambda: None))
    with pytest.raises(RuntimeError, match="the simulator did not start"):
        server.start()


def test_the_next_task_fails_for_an_internal_reason_unless_another_is_given() -> None:
    target = make_gateway()
    for given, code in (((), "INTERNAL"), (("X.Y",), "X.Y"), ((None,), None)):
        target.fail_next(*given)
        task_id = create(target)
        target.clock.advance(60)
        task = parse_task(read(target, task_id))
        assert (task["status"], task.get("failureCode")) == ("FAILED", code)


def test_a_callback_is_a_request_with_its_own_connection() -> None:
    async def send() -> bytes:
        received = b""

        async def handle(stream: anyio.abc.SocketStream) -> None:
            nonlocal received
            async with stream:
                while b"{}" not in received:
                    received += await stream.receive()
                await stream.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            tasks.cancel_scope.cancel()

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - no SQL here
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, handle)
            url = urlsplit(f"http://127.0.0.1:{port}/a b?c=d")
            with anyio.fail_after(5):
                assert await callback_sender._post(url, b"{}") == 204
        await listener.aclose()
        return received.replace(str(port).encode(), b"PORT")

    head, _, body = anyio.run(send).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /a%20b?c=d HTTP/1.1", b"Host: 127.0.0.1:PORT", b"Content-Type: application/json",
        b"Content-Length: 2", b"Connection: close",
    ]  # fmt: skip
    assert body == b"{}"


def test_a_task_that_ends_as_it_starts_has_never_run() -> None:
    plan = Plan(appears=0.0, queued=1.0, starts=2.0, ends=2.0, ending=CANCELLED)
    assert observe(plan, 5.0).started is None
    assert observe(plan, 1.5).started is None
    assert observe(attrs.evolve(plan, ends=2.5), 5.0).started == 2.0


def test_progress_of_tasks_that_run_for_less_than_a_second() -> None:
    plan = Plan(appears=0.0, queued=0.0, starts=1.0, ends=1.5, ending=failed())
    assert [observe(plan, age).progress for age in (0.5, 1.0, 1.25, 2.0)] == [0.0, 0.0, 0.5, 0.99]
    # One that fails as it starts has done nothing.
    assert observe(attrs.evolve(plan, ends=1.0), 2.0).progress == 0.0


def test_a_server_that_starts_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SimulatorServer()
    real, answers = server._server.ready.wait, [False, False, False]
    monkeypatch.setattr(
        server._server.ready, "wait", lambda seconds: answers.pop() if answers else real(5)
    )
    with server:
        assert answers == []
        assert server._thread.is_alive()


def test_what_an_operation_without_a_price_costs() -> None:
    target = make_gateway()
    create(target)
    assert [str(line.amount) for line in target.charges] == ["0.50"]


@pytest.mark.parametrize("settings", [SimulatorSettings, Timings])
def test_settings_are_named(settings: type) -> None:
    assert all(one.kw_only for one in attrs.fields(settings))


def test_only_the_kind_of_a_fault_has_a_position() -> None:
    assert [one.name for one in attrs.fields(Fault) if not one.kw_only] == ["kind"]
