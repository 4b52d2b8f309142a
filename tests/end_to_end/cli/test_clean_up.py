"""A command leaves no signal handler, log handler or thread behind, however it ends."""

from __future__ import annotations

import logging
import signal
import threading
import time

import pytest

from cometapi_runway.simulator import Fault, Gateway

from .terminal import CREATE, QUICK, Terminal

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def list_traces() -> tuple[object, ...]:
    loggers = [logging.getLogger(), logging.getLogger("cometapi_runway")]
    return (
        [signal.getsignal(number) for number in SIGNALS],
        [(list(logger.handlers), logger.level) for logger in loggers],
        set(threading.enumerate()),
    )


def list_traces_when_settled(before: tuple[object, ...]) -> tuple[object, ...]:
    """What is left, once the workers of an interrupted wait have ended their current request."""
    end = time.monotonic() + 5
    while list_traces() != before and time.monotonic() < end:
        time.sleep(0.01)
    return list_traces()


@pytest.mark.parametrize(
    ("words", "is_success"),
    [
        (("--help",), True),
        (("--version",), True),
        (("contract",), True),
        (("completion", "bash"), True),
        ((*CREATE, *QUICK), True),
        ((*CREATE, *QUICK, "--output", "files"), True),
        ((*CREATE, "--dry-run"), True),
        (("tasks", "list"), True),
        (("tasks", "resume"), True),
        (("nonesuch",), False),
        ((*CREATE, "--seed", "x"), False),
        ((*CREATE, "--expression-intensity", "9"), False),
        (("tasks", "wait", "nonesuch", "--timeout", "0.01"), False),
    ],
)
@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_nothing_is_left_behind(
    run: Terminal, words: tuple[str, ...], is_success: bool, options: tuple[str, ...]
) -> None:
    before = list_traces()
    if options and len(words) > 2:
        words = (*words, *options)
        run.history.clear()
    result = run(*words)
    run.history.clear()
    assert (result.code == 0) is is_success, result.everything
    assert list_traces_when_settled(before) == before


def test_nothing_is_left_behind_by_a_failure(run: Terminal, gateway: Gateway) -> None:
    gateway.faults.add(Fault("status", status=401))
    before = list_traces()
    assert run(*CREATE, *QUICK).code
    assert list_traces_when_settled(before) == before
