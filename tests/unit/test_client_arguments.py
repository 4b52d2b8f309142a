"""Arguments that a client refuses."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import (
    AsyncRunwayClient,
    Budget,
    ConfigurationError,
    RunwayClient,
)

from .support.both_clients import KEY, ClientHarness


class TestInvalidArguments:
    @each_case("kind", [RunwayClient, AsyncRunwayClient])
    @each_case("given", [httpx.Client(), "https://proxy.example", 5, httpx.MockTransport, object()])
    def test_no_transport(self, kind: Any, given: Any) -> None:
        with pytest.raises(
            ConfigurationError, match=r"transport must be an httpx\.\w+Transport"
        ) as caught:
            kind(KEY, transport=given)
        assert caught.value.setting == "transport"

    def test_the_other_clients_transport(self) -> None:
        with pytest.raises(ConfigurationError, match="BaseTransport, got AsyncHTTPTransport"):
            RunwayClient(KEY, transport=httpx.AsyncHTTPTransport())  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="AsyncBaseTransport, got HTTPTransport"):
            AsyncRunwayClient(KEY, transport=httpx.HTTPTransport())  # type: ignore[arg-type]

    @pytest.mark.parametrize("kind", [RunwayClient, AsyncRunwayClient])
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("HTTPS_PROXY", "gopher://proxy.example:70"),
            ("HTTPS_PROXY", "http://proxy.example:port"),
            ("ALL_PROXY", "::::"),
            pytest.param(
                "SSL_CERT_FILE",
                "/nowhere/at/all.pem",
                marks=pytest.mark.skipif(
                    httpx.__version__.startswith("0.27."), reason="httpx 0.27 ignores such a file"
                ),
            ),
        ],
    )
    def test_an_environment_that_httpx_cannot_use(
        self, kind: Any, name: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(ConfigurationError, match="cannot create an HTTP client"):
            kind(KEY)

    def test_the_password_of_a_proxy_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "gopher://me:MARKERMARKER@proxy.example:70")
        with pytest.raises(ConfigurationError) as caught:
            RunwayClient(KEY)
        assert "MARKERMARKER" not in str(caught.value)

    @each_case("kind", [RunwayClient, AsyncRunwayClient])
    @each_case("name", ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"])
    @each_case(
        "value",
        [
            "gopher://MARKER:word@proxy.example:70",
            "gopher://MARKER@proxy.example:70",
            "http://MARKER:word@proxy.example:port",
            "http://user:MARKER/word@proxy.example:70",
            "MARKER:word@proxy.example:port",
        ],
    )
    def test_the_user_of_a_proxy_is_shown_nowhere(
        self, kind: Any, name: str, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, value)
        error: BaseException | None = None
        try:
            kind(KEY)
        except ConfigurationError as caught:
            error = caught
        if name != "NO_PROXY":
            assert error is not None
        while error is not None:
            assert "MARKER" not in str(error)
            error = error.__cause__ or error.__context__

    @each_case("given", ["no", 1, None, []])
    def test_a_check_that_is_neither_on_nor_off(self, given: Any, harness: ClientHarness) -> None:
        with pytest.raises(ConfigurationError, match="validate"):
            harness.new(validate=given)


def test_a_budget_without_a_journal_names_the_setting_that_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="budget needs a journal") as caught:
        RunwayClient(KEY, budget=Budget(max_tasks=1))
    assert (caught.value.setting, caught.value.is_missing) == ("journal", True)
