"""The client and the simulator, each validated by Prism, which knows only the contract.

Needs Node and `make prism`, which `make test` runs. Skipped where Node is missing or npm failed.
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
from typing import IO

import httpx
import pytest
from attrs import define

from cometapi_runway import (
    APIStatusError,
    AuthenticationError,
    RunwayClient,
    SubmissionUnknownError,
    TaskFailedError,
    TaskNotFoundError,
)
from cometapi_runway.simulator import Fault, When
from cometapi_runway.validation import contract

from .example_calls import CALLS, contract_resources, create

ROOT = Path(__file__).parents[2]
PROGRAM = (
    ROOT / ".build" / "prism" / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
)
PRELOADED = Path(__file__).parent / "prism" / "english.cjs"
NODE = shutil.which("node")
FAILED = ROOT / ".build" / "prism" / "failed"


def find_missing() -> str | None:
    """Why Prism cannot run, or None."""
    if NODE is None:
        return "Node is not installed"
    if PROGRAM.exists():
        return None
    return FAILED.read_text() if FAILED.exists() else "Prism is not installed: run `make prism`"


MISSING = find_missing()

needs_prism = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))


CONTRACT = str(ROOT / "openapi" / "runway.yaml")
KEY = "simulated-key"


class RecordingTransport(httpx.HTTPTransport):
    """Records the violations that Prism reports; a wait would retry them silently."""

    def __init__(self) -> None:
        super().__init__()
        self.violations: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        is_problem = response.headers.get("content-type", "").startswith("application/problem")
        if is_problem or "sl-violations" in response.headers:
            content = response.read()
            self.violations.append(f"{request.method} {request.url.path}: {content.decode()}")
            return httpx.Response(response.status_code, headers=response.headers,
                                  stream=httpx.ByteStream(content))  # fmt: skip
        return response


@define
class Prism:
    """A running Prism.

    Attributes:
        base_url: Its URL.
        transport: The transport of clients.
    """

    base_url: str
    transport: RecordingTransport

    @property
    def violations(self) -> list[str]:
        """The violations so far, in requests and responses."""
        return self.transport.violations

    def client(self, key: str = KEY, *, validate: bool = True) -> RunwayClient:
        """A client of this Prism."""
        return RunwayClient(
            key, base_url=self.base_url, transport=self.transport, validate=validate
        )


def read_log(log: IO[str], ready: queue.SimpleQueue[str]) -> None:
    """Read the log, so that its pipe never fills, and signal when Prism listens."""
    with log:
        for line in log:
            if "is listening" in line:
                ready.put(line)


@contextlib.contextmanager
def prism(*arguments: str) -> Iterator[Prism]:
    """Run Prism; it replaces requests and responses that violate the contract by errors."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [str(NODE), "--require", str(PRELOADED), str(PROGRAM), *arguments]
    command += ["--port", port, "--errors"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    ready: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=read_log, args=(process.stdout, ready), daemon=True)
    reader.start()
    try:
        ready.get(timeout=60)
        yield Prism(f"http://127.0.0.1:{port}", RecordingTransport())
    finally:
        process.terminate()
        process.wait(timeout=30)
        reader.join(timeout=30)


def test_every_operation_is_called():
    assert set(CALLS) == contract_resources()


def find_example_id(resource: str) -> str:
    """The id in the first example of a read, in the contract."""
    operation = next(one for one in contract().operations if one.resource == resource)
    content = operation.document["responses"]["200"]["content"]["application/json"]
    example = next(iter(content["examples"].values()))["value"]
    return example.get("task_id") or example["id"]


@needs_prism
def test_the_client_works_with_a_mock_of_the_contract(runway_simulator):
    # Prism has its own socket; the fixture provides the clock, so that waits take no time.
    with prism("mock", CONTRACT) as mock, mock.client() as client:
        for name in CALLS:
            assert create(client, name).id
        # Prism answers with the first example, whichever task is polled: the client wants its own.
        assert client.tasks.wait(find_example_id("tasks")).output == (
            "https://example.com/output.mp4",
        )
        # The feed's first example has no status.
        feed_task = client.compat.tasks.retrieve(find_example_id("feed"))
        assert feed_task.status == "UNKNOWN"
    assert mock.violations == []


@needs_prism
@pytest.mark.runway(shape="mixed", keys={KEY})
def test_client_and_simulator_keep_the_contract(runway_server):
    runway_server.fail_next("INTERNAL", operation="video_upscale")
    with (
        prism("proxy", CONTRACT, runway_server.base_url) as proxy,
        proxy.client() as client,
        proxy.client("a-bad-key") as unauthorized,
    ):
        for name in CALLS.keys() - {"video_upscale"}:
            assert create(client, name).wait().output
        with pytest.raises(TaskFailedError):
            create(client, "video_upscale").wait()
        with pytest.raises(TaskNotFoundError):
            client.tasks.retrieve("not-a-task")
        with pytest.raises(AuthenticationError):
            create(unauthorized, "character_performance")
    runway_server.assert_charged(len(CALLS))
    assert proxy.violations == []


@needs_prism
def test_prism_detects_violations(runway_server):
    """The tests above are meaningful only if Prism detects violations."""
    runway_server.inject(Fault("status", status=200, body="{}", when=When("video_upscale")))
    with (
        prism("proxy", CONTRACT, runway_server.base_url) as proxy,
        proxy.client(validate=False) as client,
    ):
        with pytest.raises(APIStatusError, match="422"):
            client.character_performance.create(
                **CALLS["character_performance"], expression_intensity=9
            )
        with pytest.raises(SubmissionUnknownError):
            create(client, "video_upscale")
    request, response = proxy.violations
    assert "/prism/errors#UNPROCESSABLE_ENTITY" in request
    assert "expressionIntensity" in request
    assert "/prism/errors#VIOLATIONS" in response
