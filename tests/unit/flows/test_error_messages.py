"""What an error takes from a response: its message, its request id and when to retry."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import APIStatusError, AuthenticationError
from cometapi_runway._flows.read_response import parse_http_date

from ..support.fault_table import HTML
from ..support.flow_runner import WALL_CLOCK_START
from ..support.responses import error_of, family, platform


class TestMessages:
    @each_case(
        ("body", "message"),
        [
            (platform("from the platform"), "from the platform"),
            (family("x", "from the family"), "from the family"),
            ({"code": 500, "msg": "from the older one"}, "from the older one"),
            ({"error": "from Runway"}, "from Runway"),
            ({"detail": "from a framework"}, "from a framework"),
            ({"error": {"message": ""}, "detail": "after a blank"}, "after a blank"),
            (b"", "empty body"),
            (b"plain words", "plain words"),
            (HTML, "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1>nginx</body></html>"),
        ],
    )
    def test_come_from_wherever_there_are_any(self, body: Any, message: str) -> None:
        error = error_of(body, 502)
        assert error.message == message
        assert message in str(error)

    @pytest.mark.parametrize("size", [10_000, 2_000_000])
    def test_are_kept_short(self, size: int) -> None:
        assert len(str(error_of(platform("x" * size), 500))) < 1400
        assert len(str(error_of(b"x" * size, 500))) < 400

    @each_case(("status", "is_redirect"), [(300, True), (399, True), (400, False)])
    def test_what_is_a_redirect(self, status: int, is_redirect: bool) -> None:
        assert ("redirected to nowhere; not followed" in str(error_of(b"", status))) is is_redirect

    def test_a_code_that_is_a_status_counts_inside_success_only(self) -> None:
        for status, kind in ((299, AuthenticationError), (300, APIStatusError)):
            assert type(error_of({"code": "401", "message": "x"}, status)) is kind

    def test_a_redirect_says_where_to_and_hides_what_signs_it(self) -> None:
        headers = {"location": "https://www.cometapi.com/login?token=secret"}
        error = error_of(b"", 302, headers=headers)
        assert "redirected to https://www.cometapi.com/login?[hidden]" in str(error)
        assert "base_url" in str(error)

    @each_case(
        ("message", "found"),
        [
            ("no (request id: 20260205132859798638387SIHCnxzJ)", "20260205132859798638387SIHCnxzJ"),
            ("no (Request ID: abc-123_x)", "abc-123_x"),
            ("a (request id: first1) b (request id: second2)", "second2"),
            ("request id:  2026", "2026"),
            ("request id: ...", None),
            ("no id here", None),
        ],
    )
    def test_hold_the_request_id(self, message: str, found: str | None) -> None:
        assert error_of(platform(message), 500).request_id == found

    def test_a_header_gives_it_where_no_message_does(self) -> None:
        headers = {"x-oneapi-request-id": "from-a-header"}
        error = error_of(platform("no"), 500, headers=headers)
        assert error.request_id == "from-a-header"
        assert "from-a-header" in str(error)


class TestRetryAfter:
    @each_case(
        ("text", "seconds"),
        [
            ("7", 7.0),
            (" 7 ", 7.0),
            ("0", 0.0),
            ("1.5", 1.5),
            ("300", 300.0),
            ("9" * 400, 86400.0),
            ("Fri, 15 Jan 2027 08:00:09 GMT", 9.0),
            ("Fri, 15 Jan 2027 10:00:09 +0200", 9.0),
            ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
            ("Friday, 15-Jan-27 08:00:09 GMT", 9.0),
            ("Fri, 15 Jan 2127 08:00:09 GMT", 86400.0),
            ("", None),
            ("soon", None),
            ("-7", None),
            ("1e3", None),
            ("nan", None),
            ("7 s", None),
            ("\uff17", None),
            ("1.2.3", None),
            ("Fri, 99 Jan 2027 08:00:09 GMT", None),
            ("Fri, 15 Jan 99999 08:00:09 GMT", None),
        ],
    )
    def test_forms(self, text: str, seconds: float | None) -> None:
        error = error_of(platform("x"), 429, headers={"retry-after": text})
        assert error.retry_after == seconds

    @pytest.mark.parametrize(
        ("now", "seconds"),
        [("Fri, 15 Jan 2027 07:50:04 GMT", 5.0), ("soon", 9.0 - 600), ("", 9.0 - 600)],
    )
    def test_a_date_is_read_by_the_clock_that_wrote_it(self, now: str, seconds: float) -> None:
        """Ten minutes of difference between two clocks are neither patience nor haste."""
        told = {"retry-after": "Fri, 15 Jan 2027 07:50:09 GMT", "date": now}
        error = error_of(platform("x"), 429, headers=told)
        assert error.retry_after == max(0.0, seconds)

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="no such call on this system")
    def test_a_date_of_an_unknown_zone_is_utc(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TZ", "UTC-5")
        time.tzset()
        try:
            found = parse_http_date("Fri, 15 Jan 2027 08:00:00 -0000")
        finally:
            monkeypatch.undo()
            time.tzset()
        assert found == WALL_CLOCK_START
