"""The MCP server as hosts start it: a process that speaks on standard input and output."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import ResourceLink
from tests.process_lines import read_line

from cometapi_runway import RunwayClient
from cometapi_runway.simulator import Fault, SimClock, SimulatorServer, Timings, When

from .processes import COMMAND, TIMEOUT, start

CLIP = "https://example.com/clip.mp4"
BODY = {"model": "upscale_v1", "videoUri": CLIP}
# Writes the process's number, by which a test kills it, and becomes the server.
WITH_NUMBER = ("/bin/sh", "-c", 'echo $$ > number; exec "$@"', "sh")
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    timings = Timings(pending=0, running=180, spread=0)
    with SimulatorServer(clock=SimClock.scaled(10), timings=timings) as running:
        yield running


@pytest.fixture
def host(
    server: SimulatorServer, environment: Mapping[str, str], tmp_path: Path
) -> StdioServerParameters:
    command, *arguments = *WITH_NUMBER, *COMMAND, "mcp", "--output", str(tmp_path / "out")
    return StdioServerParameters(
        command=command,
        args=[*arguments, "--budget-scope", "test", "--interval", "0.2"],
        env={**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url},
        cwd=tmp_path,
    )


@contextlib.asynccontextmanager
async def connect(host: StdioServerParameters) -> AsyncIterator[Client]:
    async with Client(host, mode="legacy") as client:
        yield client


async def call(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.structured_content
    fields: dict[str, Any] = result.structured_content
    return fields


def wait_for_charge(server: SimulatorServer) -> None:
    end = time.monotonic() + TIMEOUT
    while not server.gateway.charges:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_server_killed_while_it_buys_continues_after_its_restart(
    host: StdioServerParameters, server: SimulatorServer, tmp_path: Path
) -> None:
    # The first request is acted on, and answered after the server is dead.
    server.gateway.faults.add(Fault("hang", seconds=600, when=When("video_upscale", first=1)))

    async def buy_and_be_killed() -> tuple[str, str]:
        async with connect(host) as client:
            lost = await call(client, "plan_video_upscale", **BODY)
            kept = await call(client, "plan_video_upscale", **BODY)
            submission = asyncio.create_task(
                client.call_tool("submit", {"intent_id": lost["intent_id"]})
            )
            await asyncio.to_thread(wait_for_charge, server)
            os.kill(int((tmp_path / "number").read_text()), signal.SIGKILL)
            await asyncio.wait([submission])
            return lost["intent_id"], kept["intent_id"]

    async def continue_buying(lost: str, kept: str) -> Path:
        async with connect(host) as client:
            again = await client.call_tool("submit", {"intent_id": lost})
            assert again.structured_content["error"] == "SubmissionUnknownError"
            (unknown,) = (await call(client, "unknown"))["submissions"]
            assert unknown["intent_id"] == lost
            task_id = (await call(client, "submit", intent_id=kept))["task_id"]
            started = time.monotonic()
            assert not (await call(client, "wait", task_id=task_id, seconds=1))["ended"]
            assert time.monotonic() - started < 5
            server.gateway.clock.advance(180)
            assert (await call(client, "wait", task_id=task_id))["status"] == "SUCCEEDED"
            result = await client.call_tool("download", {"task_id": task_id})
            (link,) = [one for one in result.content if isinstance(one, ResourceLink)]
            return Path(link.uri.removeprefix("file://"))

    intents = asyncio.run(buy_and_be_killed())
    file = asyncio.run(continue_buying(*intents))
    assert file.parent == tmp_path / "out"
    assert file.stat().st_size
    assert len(server.gateway.charges) == 2


@pytest.mark.parametrize("ending", ["closed input", "SIGTERM", "SIGINT"])
def test_the_server_ends_cleanly_and_says_that_tasks_go_on(
    ending: str, server: SimulatorServer, environment: Mapping[str, str], tmp_path: Path
) -> None:
    journal = environment["COMETAPI_RUNWAY_JOURNAL"]
    with RunwayClient("any", base_url=server.base_url, journal=journal) as client:
        client.video_upscale.create(video_uri=CLIP)
    process = start(
        ("mcp", "--output", str(tmp_path / "out")),
        {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url},
        tmp_path,
        *("cometapi_runway.mcp", "mcp.server.stdio"),
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(HELLO) + "\n")
    process.stdin.flush()
    greeting = json.loads(read_line(process))
    assert greeting["result"]["serverInfo"]["name"] == "cometapi-runway"
    if ending != "closed input":
        # A host's input stays open, and must not keep the process.
        process.send_signal(getattr(signal, ending))
        assert process.wait(TIMEOUT) == 0
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert out == ""
    assert "1 task continues at the gateway" in err
    assert "next:  cometapi-runway tasks resume" in err
    assert "Traceback" not in err
