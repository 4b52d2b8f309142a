"""Messages for mistakes in what was typed."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest

from cometapi_runway import RunwayClient
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.resources._client_resources import get_client_resource
from cometapi_runway.simulator import Gateway, SimulatorServer

from ...unit.support.virtual_time import VirtualClock
from .terminal import CREATE, FACE, Terminal

IMAGE = ("image-to-video", "--model", "gen4_turbo", "--no-wait")


@pytest.mark.parametrize("blank", ["", "  "])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            (*IMAGE, "--prompt-image"),
            "--prompt-image: It is empty; give an address, a file or JSON",
        ),
        (("video-upscale", "--video-uri"), "--video-uri: It is empty"),
        (
            ("text-to-image", "--prompt-text", "x", "--reference-images"),
            "--reference-images: It is",
        ),
        (("compat", "image-to-video", "--options"), "--options: It is empty; give JSON"),
        ((*IMAGE, "--json"), "the name of the body's file is empty"),
        (("validate",), "the name of the body's file is empty"),
    ],
)
def test_an_empty_value_is_refused_as_empty(
    run: Terminal, gateway: Gateway, words: tuple[str, ...], message: str, blank: str
) -> None:
    result = run(*words, blank)

    assert result.code == ExitCode.USAGE
    assert message in result.err
    assert gateway.requests == ()


def test_an_option_of_any_json_takes_json(run: Terminal, gateway: Gateway) -> None:
    words = ("compat", "image-to-video", "--prompt", "x", "--options", '{"seconds": 5}')
    hook = "https://example.com/hook"
    shown = run(*words, "--image", FACE, "--callback-url", hook, "--dry-run").out
    assert '"seconds": 5' in shown


def test_a_body_can_be_typed(run: Terminal, gateway: Gateway) -> None:
    body = json.dumps(dict(get_client_resource("character_performance").example))

    created = run("character-performance", "--json", f" {body}", "--seed", "7", "--no-wait")
    valid = run("validate", body)
    as_json = run("validate", body, "--format", "json")

    assert created.code == ExitCode.SUCCESS
    assert json.loads(gateway.requests[0].content) == {**json.loads(body), "seed": 7}
    assert valid.out == "valid for character-performance\n"
    assert as_json.results[0]["file"] == "the JSON on the command line"


@pytest.mark.parametrize("command", [(*IMAGE, "--json"), ("validate",)])
@pytest.mark.parametrize("text", ["{", '{"model": gen4}', "[1]", '["model"', '{"a": "\udcff"}'])
def test_a_typed_body_that_is_no_object_is_refused(
    run: Terminal, command: tuple[str, ...], text: str
) -> None:
    result = run(*command, text)

    assert result.code == ExitCode.USAGE
    assert "error: the JSON on the command line is not " in result.err
    assert "No such file" not in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*CREATE, "face.png"), "unexpected argument: face.png"),
        (("tasks", "list", "a", "b c"), "unexpected arguments: a 'b c'"),
        ((*CREATE, "--seed", "x"), "--seed must be a whole number, got 'x'"),
        ((*CREATE, "--timeout", "soon"), "--timeout must be a number, got 'soon'"),
    ],
)
def test_a_wrong_argument_is_named(run: Terminal, words: tuple[str, ...], message: str) -> None:
    result = run(*words)

    assert result.code == ExitCode.USAGE
    assert result.err.splitlines()[0] == f"error: {message}"


def test_a_wrong_base_address_is_named(
    run: Terminal, server: SimulatorServer, three_tasks: list[str]
) -> None:
    wrong = ("--base-url", f"{server.base_url}/v1")

    for words in (CREATE, ("tasks", "get", three_tasks[0], "--no-journal")):
        result = run(*words, *wrong)

        assert result.code == ExitCode.GATEWAY
        assert "--base-url" in result.err.splitlines()[-1]
        assert "run it again" not in result.err


def test_seconds_are_above_zero_and_finite(run: Terminal, gateway: Gateway) -> None:
    for flag in ("--interval", "--request-timeout"):
        for value in ("0", "-0.5", "nan", "inf"):
            result = run("tasks", "wait", "t", "--timeout=0.1", f"{flag}={value}")
            assert result.code == ExitCode.USAGE
            rule = "finite." if value == "inf" else "above 0 seconds."
            assert f"{flag}" in result.err
            assert f"It must be {rule}" in result.err
    assert gateway.requests == ()


def test_a_message_names_no_known_value(run: Terminal, gateway: Gateway) -> None:
    result = run("image-to-video", "--prompt-image", FACE, "--duration", "long")
    assert result.code == ExitCode.USAGE
    assert result.err.splitlines()[0] == "error: --duration must be a whole number, got 'long'"


def test_a_mistyped_id_is_said_to_be_unknown_while_it_is_waited_for(
    run: Terminal, three_tasks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = partial(RunwayClient, clock=VirtualClock())
    monkeypatch.setattr("cometapi_runway.cli._actions.client.RunwayClient", client)
    mistyped = f"{three_tasks[0][:-1]}x"

    result = run("tasks", "wait", mistyped, "--timeout", "30", "--interval", "1")

    assert result.code == ExitCode.TIMEOUT
    assert result.err.count("the gateway does not know task") == 1
    line = result.err.splitlines()[0]
    assert line.startswith("127.0.0.1: the gateway does not know task")
    assert f"{mistyped} yet (HTTP 400" in " ".join(result.err.split())
    assert re.search("the wait ends in 2[0-9] s if it stays unknown", result.err)
