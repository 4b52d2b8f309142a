"""``--debug`` shows tracebacks."""

from __future__ import annotations

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import (
    Fault,
    Gateway,
    Outcome,
    failed,
)

from .terminal import CREATE, QUICK, Terminal


def test_debug_shows_a_refused_task_id(run: Terminal) -> None:
    result = run("tasks", "get", "a b", "--debug")
    run.history.clear()

    assert result.code == ExitCode.REFUSED
    assert "task_id" in result.err


def check_debug_output(run: Terminal, words: tuple[str, ...]) -> None:
    plain = run(*words)
    result, as_json = run(*words, "--debug"), run(*words, "--debug", "--format", "json")
    run.history.clear()

    assert result.code == as_json.code == plain.code != ExitCode.SUCCESS
    assert "Traceback" not in plain.err
    assert result.err.count("Traceback (most recent call last)") >= 1
    assert result.err.index("Traceback") < result.err.rindex("next:")
    assert any("Traceback" in line for line in as_json.progress[-1]["traceback"])


@pytest.mark.parametrize(
    "words",
    [
        ("tasks", "get", "nope"),
        ("tasks", "get", "../x"),
        ("tasks", "wait", "nope", "--timeout", "0.05", *QUICK),
        ("tasks", "download", "nope"),
        (*CREATE, "--expression-intensity", "9", "--dry-run"),
    ],
    ids=" ".join,
)
def test_debug_shows_the_traceback_of_each_failure(run: Terminal, words: tuple[str, ...]) -> None:
    check_debug_output(run, words)


@pytest.mark.parametrize("words", [("tasks", "wait", "t-1"), ("tasks", "download", "t-1")], ids=str)
def test_debug_shows_the_traceback_of_a_refused_key(
    run: Terminal, gateway: Gateway, words: tuple[str, ...]
) -> None:
    gateway.faults.add(Fault("status", status=401))

    check_debug_output(run, words)


def test_debug_shows_the_traceback_of_a_failed_task(run: Terminal, gateway: Gateway) -> None:
    gateway.outcomes.add(Outcome(failed("INTERNAL")))

    check_debug_output(run, (*CREATE, *QUICK))


def test_debug_shows_the_traceback_of_a_usage_error(run: Terminal) -> None:
    result = run(*CREATE, "--json", "nowhere.json", "--debug")
    run.history.clear()

    assert result.code == ExitCode.USAGE
    assert "Traceback" in result.err
    assert "error: cannot read nowhere.json" in result.err
