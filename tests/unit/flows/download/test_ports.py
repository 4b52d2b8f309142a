"""Ports that do not exist, in a URL and behind a redirect."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import AsyncRunwayClient, RunwayClient, Task
from cometapi_runway.errors import DownloadError

from ....wire_server import Connection, WireServer
from ...support.both_clients import ID, KEY, ClientHarness
from ...support.downloads import fetch, finished

PORTS = [0, 65_536, 99_999]


@each_case("port", [*PORTS, "-1", "8x"])
def test_a_url_with_an_impossible_port(
    port: object, harness: ClientHarness, tmp_path: Path
) -> None:
    with pytest.raises(DownloadError, match="port is not between 1 and 65535"):
        fetch(harness, tmp_path, finished(f"https://cdn.example:{port}/output.mp4"))
    assert (harness.network.sent, harness.time) == ([], 0)


def save(kind: Any, task: Task, folder: Path) -> None:
    async def awaiting() -> None:
        async with AsyncRunwayClient(KEY) as client:
            await client.bind(task).download(folder)

    if kind is AsyncRunwayClient:
        asyncio.run(awaiting())
    else:
        with RunwayClient(KEY) as client:
            client.bind(task).download(folder)


@each_case("kind", [RunwayClient, AsyncRunwayClient])
@each_case("port", PORTS)
def test_a_redirect_to_an_impossible_port(
    kind: Any, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cometapi_runway._settings.DOWNLOAD_BUDGET", 0.0)

    def redirect(connection: Connection) -> None:
        while connection.read_request():
            connection.respond(302, b"", f"Location: http://127.0.0.1:{port}/file.mp4")

    with WireServer(redirect) as server, pytest.raises(DownloadError) as caught:
        save(kind, Task(ID, "SUCCEEDED", output=(f"{server.base_url}/file.mp4",)), tmp_path)
    assert f"port {port} is not between 1 and 65535" in str(caught.value)
