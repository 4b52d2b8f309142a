"""Secrets are redacted from the logs of httpx and httpcore."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

import pytest
from tests.cases import each_case

from cometapi_runway._io import file_client
from cometapi_runway._io.http_logs import redact_http_logs

from ..support.secret_cases import MARKER, Case, Gateway, fetch, outcome


def test_the_log_would_tell_without_the_filter(
    leaking_gateway: Gateway,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the test above proves nothing."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(file_client, "redact_http_logs", contextlib.nullcontext)
    outcome("blocking", Case("download", fetch), leaking_gateway, tmp_path)
    assert MARKER in caplog.text


def test_lines_of_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with redact_http_logs():
        logging.getLogger("httpx").info("GET %s", "https://a.example/x?sig=1")
    logging.getLogger("httpx").info("GET %s", "https://b.example/x?sig=2")
    assert caplog.messages == ["GET https://a.example/x?[hidden]", "GET https://b.example/x?sig=2"]


@each_case(
    "line",
    [
        "receive_response_headers.complete return_value=(b'HTTP/1.1', 200, b'OK', [(b'a', b'b')])",
        "setup_socks5_connection.started stream=<x> host='h' port=1 auth=(b'user', b'pass')",
    ],
)
@each_case("name", ["connection", "http11", "http2", "proxy", "socks"])
def test_httpcore_does_not_say_what_came_back(
    line: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with redact_http_logs():
        logging.getLogger(f"httpcore.{name}").debug(line)
    (message,) = caplog.messages
    assert line.startswith(message)
    assert "b'" not in message
