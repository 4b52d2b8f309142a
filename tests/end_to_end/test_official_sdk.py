"""A program for the official `runwayml` package, with that package and with this client."""

from __future__ import annotations

import types
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import runwayml.lib.polling

from cometapi_runway.simulator import FAILURES

SOURCE = Path(__file__).with_name("programs") / "official_sdk.py"
OFFICIAL = "from runwayml import RunwayML, TaskFailedError"
REPLACEMENT = "from cometapi_runway import RunwayClient as RunwayML, TaskFailedError"
ASSETS = ("https://example.com/face.png", "https://example.com/performance.mp4")


@pytest.fixture(params=["official", "replacement"])
def program(request, monkeypatch, runway_server):
    """The program as it is, and with its import line changed."""
    source = SOURCE.read_text()
    assert source.count(OFFICIAL) == 1
    if request.param == "replacement":
        source = source.replace(OFFICIAL, REPLACEMENT)
    else:
        # Only for the SDK; the fixture sets the variables of this client.
        monkeypatch.setenv("RUNWAYML_BASE_URL", f"{runway_server.base_url}/runwayml")
        monkeypatch.setenv("RUNWAYML_API_SECRET", "a-key")
        # The SDK sleeps six seconds before each poll; here the server's clock advances instead.
        clock = types.SimpleNamespace(sleep=runway_server.advance, time=runway_server.clock.now)
        monkeypatch.setattr(runwayml.lib.polling, "time", clock)
    module = types.ModuleType("official_sdk")
    exec(compile(source, str(SOURCE), "exec"), vars(module))  # noqa: S102 - our own code
    return module


def test_the_program_returns_an_output(program, runway_server):
    output = program.animate(*ASSETS)
    assert f"http://{urlsplit(output).netloc}" == runway_server.media_url
    assert httpx.get(output).headers["content-type"] == "video/mp4"
    runway_server.assert_charged(1, operation="character_performance")
    assert runway_server.requests[0].json["seed"] == 42


def test_the_program_reports_a_failure(program, runway_server):
    """As text only: the SDK parses no failure code without `cost`, which no page documents."""
    runway_server.fail_next("SAFETY.INPUT.IMAGE")
    message = program.animate(*ASSETS)
    task_id = runway_server.charges[0].task_id
    assert message == f"{task_id} failed: {FAILURES['SAFETY.INPUT.IMAGE']}"
