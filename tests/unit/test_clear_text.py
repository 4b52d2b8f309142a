"""The key leaves the machine encrypted, or with the user's explicit consent."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import AsyncRunwayClient, ConfigurationError, RunwayClient

from .support.both_clients import KEY

KINDS = [RunwayClient, AsyncRunwayClient]
REMOTE = "http://gateway.example:8080/v1"


@pytest.fixture(autouse=True)
def _no_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_RUNWAY_ALLOW_CLEAR_TEXT", raising=False)


def make(kind: Any, **options: Any) -> None:
    client = kind(KEY, **options)
    if kind is RunwayClient:
        client.close()
    else:
        asyncio.run(client.close())


@each_case("kind", KINDS)
@each_case(
    "base_url",
    [
        REMOTE,
        "HTTP://gateway.example",
        "http://10.0.0.1",
        "http://0.0.0.0:8000",
        "http://[2001:db8::1]",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://notlocalhost",
    ],
)
def test_a_remote_clear_text_gateway_is_refused(kind: Any, base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="COMETAPI_RUNWAY_ALLOW_CLEAR_TEXT=1") as caught:
        make(kind, base_url=base_url)
    assert caught.value.setting == "base_url"
    assert "unencrypted" in str(caught.value)


@each_case("kind", KINDS)
@each_case(
    "base_url",
    [
        "http://localhost:8000",
        "http://LOCALHOST",
        "http://localhost.",
        "http://gateway.localhost",
        "http://gateway.localhost.",
        "http://127.0.0.1:1",
        "http://127.8.9.10",
        "http://[::1]:8000",
        "https://gateway.example",
    ],
)
def test_loopback_and_encryption_are_accepted(kind: Any, base_url: str) -> None:
    make(kind, base_url=base_url)


@pytest.mark.parametrize("kind", KINDS)
def test_the_environment_allows_it(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_RUNWAY_ALLOW_CLEAR_TEXT", " 1\n")
    make(kind, base_url=REMOTE)
    monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", REMOTE)
    make(kind)


@each_case("value", ["", "0", "no", "true"])
def test_only_one_value_allows_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_RUNWAY_ALLOW_CLEAR_TEXT", value)
    with pytest.raises(ConfigurationError):
        make(RunwayClient, base_url=REMOTE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_callers_own_transport_decides_itself(kind: Any) -> None:
    make(kind, base_url=REMOTE, transport=httpx.MockTransport(lambda _: httpx.Response(200)))


def test_the_network_transports_of_httpx_are_no_exception() -> None:
    with pytest.raises(ConfigurationError, match="unencrypted"):
        make(RunwayClient, base_url=REMOTE, transport=httpx.HTTPTransport(verify=False))
    with pytest.raises(ConfigurationError, match="unencrypted"):
        make(AsyncRunwayClient, base_url=REMOTE, transport=httpx.AsyncHTTPTransport(verify=False))
