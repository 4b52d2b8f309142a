"""A program for the official `runwayml` package: on our simulator, and moved to our client."""

from __future__ import annotations

import types
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import runwayml.lib.polling

from cometapi_runway.simulator import FAILURES

SOURCE = Path(__file__).with_name("programs") / "animate.py"
OFFICIAL = "from runwayml import RunwayML, TaskFailedError"
OURS = "from cometapi_runway import RunwayClient as RunwayML, TaskFailedError"
ASSETS = ("https://example.com/face.png", "https://example.com/performance.mp4")


@pytest.fixture(params=["official", "ours"])
def program(request, monkeypatch, runway_server):
    """The program as it is written, and with its one line of imports changed."""
    source = SOURCE.read_text()
    assert source.count(OFFICIAL) == 1
    if request.param == "ours":
        source = source.replace(OFFICIAL, OURS)
    else:
        # Only where it is: our client's own variable is set by the fixture.
        monkeypatch.setenv("RUNWAYML_BASE_URL", f"{runway_server.base_url}/runwayml")
        monkeypatch.setenv("RUNWAYML_API_SECRET", "a-key")
        # It sleeps six seconds before it looks; here they pass on the server's clock.
        clock = types.SimpleNamespace(sleep=runway_server.advance, time=runway_server.clock.now)
        monkeypatch.setattr(runwayml.lib.polling, "time", clock)
    module = types.ModuleType("animate")
    exec(compile(source, str(SOURCE), "exec"), vars(module))  # noqa: S102 - our own program
    return module


def test_the_program_returns_an_output(program, runway_server):
    output = program.animate(*ASSETS)
    assert f"http://{urlsplit(output).netloc}" == runway_server.media_url
    assert httpx.get(output).headers["content-type"] == "video/mp4"
    runway_server.assert_charged(1, operation="character_performance")
    assert runway_server.requests[0].json["seed"] == 42


def test_the_program_reports_a_failure(program, runway_server):
    """In words only: the SDK cannot read the code of a task without `cost`, which no page has."""
    runway_server.fail_next("SAFETY.INPUT.IMAGE")
    told = program.animate(*ASSETS)
    task_id = runway_server.charges[0].task_id
    assert told == f"{task_id} failed: {FAILURES['SAFETY.INPUT.IMAGE']}"
