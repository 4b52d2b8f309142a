"""What stays wrong however often it is tried is raised at the first attempt."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.wire_server import Connection, WireServer

from cometapi_runway import (
    APIConnectionError,
    AsyncRunwayClient,
    ConfigurationError,
    DownloadError,
    Task,
    TaskTimeoutError,
)

from ..support.both_clients import ID, KEY, MODES, ClientHarness, Mode
from ..support.real_clients import create, error_of
from ..support.scripted_transport import Failure


class CertificateError(httpx.ConnectError):
    """As httpx raises it: the reason is the exception's cause."""

    def __init__(self, message: str, *, request: httpx.Request | None = None) -> None:
        super().__init__(message, request=request)
        self.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")


@pytest.fixture(params=MODES)
def harness(request: pytest.FixtureRequest) -> Any:
    made = ClientHarness(request.param)
    yield made
    made.close()


def test_a_create_is_tried_once(harness: ClientHarness) -> None:
    harness.network.respond_with(Failure(CertificateError))
    with pytest.raises(APIConnectionError) as caught:
        harness.run(create(harness.client))
    assert caught.value.is_permanent
    assert len(harness.network.sent) == 1


def test_a_wait_for_an_id_ends_if_the_gateway_was_never_reached(harness: ClientHarness) -> None:
    harness.network.respond_with(Failure(CertificateError))
    with pytest.raises(APIConnectionError) as caught:
        harness.run(harness.client.tasks.wait(ID, timeout=600))
    assert caught.value.task_id == ID
    assert len(harness.network.sent) == 1


def test_a_wait_that_has_seen_the_task_goes_on(harness: ClientHarness) -> None:
    task = harness.client.bind(Task(ID, "RUNNING", raw={"id": ID}))
    harness.network.respond_with(Failure(CertificateError))
    with pytest.raises(TaskTimeoutError):
        harness.run(task.wait(timeout=30))
    assert len(harness.network.sent) > 1


def test_a_download_is_tried_once(harness: ClientHarness, tmp_path: Path) -> None:
    harness.network.respond_with(Failure(CertificateError))
    task = harness.client.bind(Task(ID, "SUCCEEDED", output=("https://e.com/a.mp4",)))
    with pytest.raises(DownloadError):
        harness.run(task.download(tmp_path))
    assert len(harness.network.sent) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_proxy_that_refuses_is_asked_once(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: Connection) -> None:
        connection.read_request()
        connection.respond(407, b"", "Proxy-Authenticate: Basic")

    with WireServer(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        error = error_of(mode, "https://gateway.test", create, timeout=5)
    assert isinstance(error, APIConnectionError)
    assert (error.delivery, error.is_permanent) == ("not_sent", True)
    assert [request.split(b" ")[0] for request in proxy.requests] == [b"CONNECT"]


@pytest.mark.parametrize("mode", MODES)
def test_a_proxy_that_refuses_is_asked_once_for_a_file(
    mode: Mode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(connection: Connection) -> None:
        connection.read_request()
        connection.respond(407, b"", "Proxy-Authenticate: Basic")

    task = Task(ID, "SUCCEEDED", output=("https://files.test/a.mp4",))
    with WireServer(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        error = error_of(
            mode, "https://gateway.test", lambda client: client.bind(task).download(tmp_path)
        )
    assert isinstance(error, DownloadError)
    assert [request.split(b" ")[0] for request in proxy.requests] == [b"CONNECT"]


def test_the_asynchronous_client_names_its_event_loop() -> None:
    """Trio drives coroutines without an asyncio loop."""
    client = AsyncRunwayClient(KEY, transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    coroutine = client.tasks.retrieve(ID)
    with pytest.raises(ConfigurationError, match="asyncio"):
        coroutine.send(None)
    asyncio.run(client.close())
