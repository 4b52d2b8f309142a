"""``--dry-run`` shows a command that sends exactly what the client would send."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.resources._client_resources import list_client_resources
from cometapi_runway.simulator import Gateway

from .terminal import KEY, Terminal

EXAMPLES = [one for one in list_client_resources() if one.example]


def parse_curl(text: str) -> tuple[str, str, list[tuple[str, str]], Any]:
    """Method, address, headers and body of a curl command."""
    name, flag, method, url, *rest = shlex.split(text.replace("\\\n", ""))
    assert (name, flag) == ("curl", "-X")
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    headers = [
        (key, value) for option, text in pairs if option == "-H"
        for key, _, value in [text.partition(": ")]
    ]  # fmt: skip
    (body,) = (value for option, value in pairs if option == "-d")
    assert {option for option, _ in pairs} == {"-H", "-d"}
    return method, url, headers, json.loads(body)


@pytest.mark.parametrize("resource", EXAMPLES, ids=lambda one: one.python_name)
def test_the_command_is_the_request(run: Terminal, gateway: Gateway, resource: Any) -> None:
    Path("body.json").write_text(json.dumps({**resource.example, "seed": 5}))
    words = (*resource.command_words, "--json", "body.json", "--no-validate")

    shown = run(*words, "--dry-run")
    (event,) = run(*words, "--dry-run", "--format", "json").results
    assert gateway.requests == ()
    run(*words, "--no-wait")

    method, url, headers, body = parse_curl(shown.out)
    (sent,) = (one for one in gateway.requests if one.method == "POST")
    assert (method, url.partition("/run")[2]) == (sent.method, sent.path.partition("/run")[2])
    assert body == event["body"] == json.loads(sent.content)
    assert len(headers) == len({name.lower() for name, _ in headers})
    assert ("Authorization", "Bearer $COMETAPI_KEY") in headers
    assert ("Content-Type", "application/json") in headers
    own = {name: value for name, value in headers if name != "Authorization"}
    for name, value in own.items():
        assert sent.header(name.lower()) == value
    assert event["headers"] == own
    assert event["curl"] == shown.out.rstrip("\n")
    assert event["url"] == url
    assert event["valid"] is None
    assert re.search(
        "it was not validated; (price unknown|the price is .* USD); nothing was sent", shown.err
    )


def test_the_text_is_one_word_a_line(run: Terminal) -> None:
    result = run(
        "video-upscale", "--video-uri", "https://h.example/it's-\N{SNOWMAN}.mp4", "--dry-run",
        "--base-url", "https://gate.example", "--runway-version", "2030-01-01",
    )  # fmt: skip
    assert result.code == ExitCode.SUCCESS
    assert result.out.splitlines() == [
        "curl -X POST https://gate.example/runwayml/v1/video_upscale \\",
        '  -H "Authorization: Bearer $COMETAPI_KEY" \\',
        "  -H 'X-Runway-Version: 2030-01-01' \\",
        "  -H 'Content-Type: application/json' \\",
        "  -d '{",
        '  "model": "upscale_v1",',
        '  "videoUri": "https://h.example/it\'"\'"\'s-\N{SNOWMAN}.mp4"',
        "}'",
    ]
    assert result.err.splitlines()[-1] == "the request is valid; price unknown; nothing was sent"


def test_an_invalid_request_is_shown_and_refused(run: Terminal, gateway: Gateway) -> None:
    words = ("video-upscale", "--video-uri", "ftp://x", "--dry-run")
    text, event = run(*words), run(*words, "--format", "json")
    assert text.code == event.code == ExitCode.REFUSED
    assert parse_curl(text.out)[3]["videoUri"] == "ftp://x"
    assert event.results[0]["valid"] is False
    assert event.progress[-1]["error"] == "InvalidRequestError"
    assert KEY not in text.out
    assert gateway.requests == ()


@pytest.mark.parametrize(
    "words",
    [
        ("video-upscale", "--video-uri", "https://h.example/x.mp4", "--dry-run"),
        ("tasks", "list"),
        ("contract",),
        ("validate", "body.json"),
    ],
)
def test_a_setting_that_a_command_does_not_have_is_ignored(
    run: Terminal, words: tuple[str, ...]
) -> None:
    """The file is for all commands, each of which has some of the options."""
    Path("body.json").write_text(json.dumps(dict(EXAMPLES[0].example)))
    Path("config.toml").write_text(
        '[cometapi-runway]\noutput = "videos"\ntimeout = 5.0\nrequest_timeout = 9.0\n'
        'base-url = "https://gate.example"\nformat = "json"\noverwrite = true\n'
    )
    result = run(*words)
    assert result.code == ExitCode.SUCCESS
    for line in [*result.out.splitlines(), *result.err.splitlines()]:
        assert json.loads(line)["event"]
