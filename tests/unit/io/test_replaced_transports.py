"""A library that replaces httpx's transports, as mocks do, reports no step of a request."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import (
    APIConnectionError,
    AsyncRunwayClient,
    RunwayClient,
    SubmissionUnknownError,
)

ASSETS = {"character": "https://e.com/a.png", "reference": "https://e.com/b.mp4"}
LOST = [
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.RemoteProtocolError,
    httpx.WriteError,
    httpx.WriteTimeout,
]


def create(is_async: bool) -> None:
    async def create_async() -> None:
        async with AsyncRunwayClient("a-key") as client:
            await client.character_performance.create(**ASSETS)

    if is_async:
        asyncio.run(create_async())
        return
    with RunwayClient("a-key") as client:
        client.character_performance.create(**ASSETS)


def replace_transports(
    monkeypatch: pytest.MonkeyPatch, error: type[httpx.TransportError]
) -> list[httpx.Request]:
    sent: list[httpx.Request] = []

    def fail(_transport: Any, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise error("lost", request=request)

    async def fail_async(transport: Any, request: httpx.Request) -> httpx.Response:
        return fail(transport, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", fail)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", fail_async)
    return sent


@each_case("is_async", [False, True])
@each_case("error", LOST)
def test_a_lost_response_is_not_sent_again(
    monkeypatch: pytest.MonkeyPatch, is_async: bool, error: type[httpx.TransportError]
) -> None:
    sent = replace_transports(monkeypatch, error)
    with pytest.raises(SubmissionUnknownError):
        create(is_async)
    assert len(sent) == 1


@pytest.mark.parametrize("is_async", [False, True])
def test_a_request_without_a_connection_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    replace_transports(monkeypatch, httpx.UnsupportedProtocol)
    with pytest.raises(APIConnectionError) as caught:
        create(is_async)
    assert caught.value.delivery == "not_sent"


def test_the_documented_options_of_httpx_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_KEY", "a-key-of-the-page")
    page = Path(__file__).parents[3] / "docs/connections.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})  # noqa: S102 - our own page
