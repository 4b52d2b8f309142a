"""Certificates and timeouts of the HTTP clients."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._io.transport import MARK, RequestBuilder

from ..support.both_clients import KEY


def test_the_generated_client_does_not_wait_for_ever() -> None:
    """Its own default is no timeout at all."""
    with RunwayClient(KEY, timeout=7) as client:
        assert client.api.get_httpx_client().timeout == httpx.Timeout(7, connect=7)


def test_the_generated_client_follows_no_redirect() -> None:
    with RunwayClient(KEY) as client:
        assert client.api.get_httpx_client().follow_redirects is False
        assert client.api.raise_on_unexpected_status
    assert AsyncRunwayClient(KEY).api.get_async_httpx_client().follow_redirects is False


@pytest.mark.parametrize("kind", [httpx.Client, httpx.AsyncClient])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, None),
        ({"X-Runway-Version": "2024-11-06"}, None),
        ({}, {"é": [1, None, "ü"]}),
        ({"Content-Type": "application/json", "X-Own": "a"}, {"a": {}}),
        ({"user-agent": "own", "ACCEPT": "text/html"}, {}),
    ],
)
@pytest.mark.parametrize("base_url", ["https://api.cometapi.com", "http://[::1]:8080/prefix"])
def test_a_request_is_what_httpx_would_build(
    kind: type[httpx.Client], base_url: str, headers: dict[str, str], body: dict[str, Any] | None
) -> None:
    if body and httpx.__version__.startswith("0.27."):
        pytest.skip("httpx 0.27 writes JSON with spaces")
    client = kind(headers={"User-Agent": "cometapi-runway", "Authorization": "Bearer key"})
    method = "GET" if body is None else "POST"
    request = PreparedRequest("o", method, "/v1/a", headers, body)
    url, timeout = f"{base_url}/v1/a", httpx.Timeout(7.0)
    builder = RequestBuilder(client, base_url)
    builder.is_client_shared = True
    # Headers are kept for the next request, unless the client's own have changed meanwhile.
    for agent in ("cometapi-runway", "cometapi-runway", "changed"):
        client.headers["User-Agent"] = agent
        own = builder.build(request, 7.0, MARK)
        theirs = client.build_request(
            method, url, headers=headers, json=body, timeout=timeout, extensions=MARK
        )
        assert own.headers.raw == theirs.headers.raw
        assert (own.method, own.url, own.content) == (theirs.method, theirs.url, theirs.content)
        assert own.extensions == theirs.extensions
        assert isinstance(own.stream, httpx.SyncByteStream)
        assert isinstance(own.stream, httpx.AsyncByteStream)
        own.headers["User-Agent"] = "a transport's own change"


def test_headers_of_many_requests_do_not_pile_up() -> None:
    """A caller may send an id of its own in every request."""
    client = httpx.Client()
    builder = RequestBuilder(client, "https://api.cometapi.com")
    for number in range(1000):
        own = {"X-Id": str(number)}
        built = builder.build(PreparedRequest("o", "GET", "/v1/a", own), 7.0, MARK)
        assert built.headers["X-Id"] == str(number)
    assert len(vars(builder)["_cache"][1]) < 100


class TestCertificates:
    """Authorities are loaded once, since that takes longer than all else of a client."""

    @staticmethod
    def authorities(monkeypatch: pytest.MonkeyPatch, used: list[Any]) -> None:
        class Noted(httpx.HTTPTransport):
            def __init__(self, verify: Any = True, **more: Any) -> None:
                used.append(verify)
                super().__init__(verify=verify, **more)

        monkeypatch.setattr("httpx._client.HTTPTransport", Noted)

    def test_are_shared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        used: list[Any] = []
        self.authorities(monkeypatch, used)
        for _ in range(2):
            with RunwayClient(KEY), RunwayClient(KEY, base_url="https://g.example") as other:
                # The generated client makes one of the other kind itself.
                transport: Any = other.api.get_async_httpx_client()._transport
                used.append(transport._pool._ssl_context)
        assert len({id(one) for one in used if isinstance(one, ssl.SSLContext)}) == 1
        assert all(one.verify_mode is ssl.CERT_REQUIRED and one.check_hostname for one in used)

    def test_follow_the_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A company's own authority is named there, perhaps after the first client was made."""
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)
        used: list[Any] = []
        self.authorities(monkeypatch, used)
        RunwayClient(KEY).close()
        own = tmp_path / "authority.pem"
        own.write_bytes(Path(certifi.where()).read_bytes().partition(b"\n\n")[0])
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        RunwayClient(KEY).close()
        counts = [one.cert_store_stats()["x509_ca"] for one in used]
        assert counts[0] > counts[-1] == 1
        monkeypatch.delenv("SSL_CERT_FILE")
        # Certificates of a folder are loaded when they are needed.
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        RunwayClient(KEY).close()
        assert used[-1].cert_store_stats()["x509_ca"] == 0
