"""Our client and our simulator, each judged by Prism, which knows nothing but the contract.

Needs Node and `make prism`, which fetches Prism once; skipped where they are missing.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define, field

from cometapi_runway import (
    APIStatusError,
    AuthenticationError,
    RunwayClient,
    SubmissionUnknownError,
    TaskFailedError,
    TaskNotFoundError,
)
from cometapi_runway.simulator import Fault, When

from .calls import CALLS, create, of_contract

ROOT = Path(__file__).parents[2]
PROGRAM = (
    ROOT / ".build" / "prism" / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
)
NODE = shutil.which("node")
MISSING = None if NODE and PROGRAM.exists() else "Prism is not here: install Node, run `make prism`"

needs_prism = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


CONTRACT = str(ROOT / "openapi" / "runway.yaml")
KEY = "simulated-key"


@define
class Prism:
    """A Prism, running or not any more."""

    base_url: str
    process: subprocess.Popen[str]
    log: list[str] = field(factory=list, repr=False)

    def listen(self, ready: queue.SimpleQueue[str]) -> None:
        """Reads its log to the end."""
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.log.append(line)
                if "is listening" in line:
                    ready.put(line)

    @property
    def violations(self) -> list[str]:
        """What it complained of; complete once it has stopped, since its log lags behind."""
        return [line for line in self.log if "Violation:" in line or "prism/errors#" in line]


@contextlib.contextmanager
def prism(*arguments: str) -> Iterator[Prism]:
    """Runs Prism; requests and answers that break the contract become errors of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [str(NODE), str(PROGRAM), *arguments, "--port", port, "--errors"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    running = Prism(f"http://127.0.0.1:{port}", process)
    ready: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=running.listen, args=(ready,), daemon=True)
    reader.start()
    try:
        ready.get(timeout=60)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=30)
        reader.join(timeout=30)


def test_every_operation_is_called():
    assert set(CALLS) == of_contract()


@needs_prism
def test_the_client_and_a_documented_server_understand_each_other(runway_simulator):
    # Prism has a socket of its own; the fixture lends its clock, so that waits take no time.
    with prism("mock", CONTRACT) as mock, RunwayClient(KEY, base_url=mock.base_url) as client:
        for name in CALLS:
            assert create(client, name).id
        task = create(client, "character_performance").wait()
        assert task.output == ("https://example.com/output.mp4",)
    assert mock.violations == []


@needs_prism
@pytest.mark.runway(shape="mixed", keys={KEY})
def test_what_client_and_simulator_tell_each_other_is_documented(runway_server):
    runway_server.fail_next("INTERNAL", operation="video_upscale")
    with (
        prism("proxy", CONTRACT, runway_server.base_url) as proxy,
        RunwayClient(KEY, base_url=proxy.base_url) as client,
        RunwayClient("a-bad-key", base_url=proxy.base_url) as stranger,
    ):
        for name in CALLS.keys() - {"video_upscale"}:
            assert create(client, name).wait().output
        with pytest.raises(TaskFailedError):
            create(client, "video_upscale").wait()
        with pytest.raises(TaskNotFoundError):
            client.tasks.retrieve("not-a-task")
        with pytest.raises(AuthenticationError):
            create(stranger, "character_performance")
    runway_server.assert_charged(len(CALLS))
    assert proxy.violations == []


@needs_prism
def test_prism_would_complain(runway_server):
    """The tests above say nothing unless it does."""
    runway_server.inject(Fault("status", status=200, body="{}", when=When("video_upscale")))
    with (
        prism("proxy", CONTRACT, runway_server.base_url) as proxy,
        RunwayClient(KEY, base_url=proxy.base_url, validate=False) as client,
    ):
        with pytest.raises(APIStatusError) as caught:
            client.character_performance.create(
                **CALLS["character_performance"], expression_intensity=9
            )
        assert caught.value.status_code == 422
        with pytest.raises(SubmissionUnknownError):
            create(client, "video_upscale")
    request, answer = proxy.violations
    assert "character_performance" in request
    assert "Invalid request" in request
    assert "video_upscale" in answer
    assert "Request/Response not valid" in answer
