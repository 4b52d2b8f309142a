"""Failures: the exit code, the message and the advice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from cometapi_runway._flows.backoff import Backoff
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import (
    Fault,
    Gateway,
    Outcome,
    When,
    failed,
)

from .terminal import CREATE, QUICK, Terminal


def fail_with(code: str) -> Callable[[Gateway], None]:
    return lambda gateway: gateway.outcomes.add(Outcome(failed(code)))


def add_fault(kind: Any, **more: Any) -> Callable[[Gateway], None]:
    return lambda gateway: gateway.faults.add(Fault(kind, **more))


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry at once: the pauses have their own tests."""
    monkeypatch.setattr(Backoff, "pause", lambda *_: 0.0)


@pytest.mark.parametrize(
    ("prepare", "words", "code", "hint"),
    [
        (fail_with("SAFETY.INPUT.IMAGE"), QUICK, ExitCode.TASK, "SAFETY.INPUT.IMAGE"),
        (add_fault("status", status=401), QUICK, ExitCode.KEY, "COMETAPI_KEY"),
        (add_fault("status", status=403), QUICK, ExitCode.KEY, "account"),
        (
            add_fault("status", status=403, code="quota_not_enough"),
            QUICK,
            ExitCode.QUOTA,
            "top up",
        ),
        (add_fault("status", status=400), QUICK, ExitCode.GATEWAY, "change the request"),
        (add_fault("status", status=500), QUICK, ExitCode.UNKNOWN, "usage log"),
        (add_fault("cut"), QUICK, ExitCode.UNKNOWN, "usage log"),
        (add_fault("html"), QUICK, ExitCode.UNKNOWN, "usage log"),
        (
            add_fault("status", status=404, when=When("download")),
            QUICK,
            ExitCode.DOWNLOAD,
            "cometapi-runway tasks download",
        ),
        (
            add_fault("status", status=503, when=When("tasks")),
            (*QUICK, "--timeout", "0.1"),
            ExitCode.TIMEOUT,
            "cometapi-runway tasks wait",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, ExitCode) else None,
)
def test_each_failure_has_its_code_and_advice(
    run: Terminal,
    gateway: Gateway,
    prepare: Callable[[Gateway], None],
    words: tuple[str, ...],
    code: ExitCode,
    hint: str,
) -> None:
    prepare(gateway)

    result = run(*CREATE, *words)
    again = run(*CREATE, *words, "--format", "json")

    assert result.code == again.code == code
    assert hint in result.err
    error = again.progress[-1]
    assert (error["event"], error["code"]) == ("error", code)
    assert error["next"]


def test_a_missing_key_is_asked_for(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMETAPI_KEY")

    result = run(*CREATE)

    assert result.code == ExitCode.USAGE
    assert "export COMETAPI_KEY" in result.err
    assert gateway.requests == ()


def test_an_unreachable_gateway(run: Terminal) -> None:
    result = run("tasks", "get", "some-task", "--base-url", "http://127.0.0.1:1")

    assert result.code == ExitCode.GATEWAY
    assert "doctor" in result.err


def test_a_retry_is_reported_at_once(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = {1: 0.01, 2: 0.01}
    monkeypatch.setattr(
        "cometapi_runway._flows.backoff.Backoff.pause", lambda _, tries: pauses.get(tries, 100.0)
    )
    unreachable = (*CREATE, "--base-url", "http://127.0.0.1:1")
    result, as_json = run(*unreachable), run(*unreachable, "--format", "json")

    line = "127.0.0.1: attempt 1 failed: not reachable; retrying for up to 30 s (nothing was sent)"
    assert result.code == as_json.code == ExitCode.GATEWAY
    assert result.err.splitlines()[1] == line
    assert result.err.count(line) == 1
    assert [one.get("message") for one in as_json.progress].count(line) == 1
    assert logging.getLogger("cometapi_runway").level == logging.NOTSET


def test_a_wait_for_an_unreachable_gateway_says_so(run: Terminal) -> None:
    result = run(
        "tasks", "wait", "t-1", "--timeout", "0.2", *QUICK, "--base-url", "http://127.0.0.1:1"
    )

    assert result.code == ExitCode.TIMEOUT
    assert "never seen; the last poll: " in result.err
    assert "onnection refused" in result.err or "WinError" in result.err
