"""What an answer means before anybody looks for a task in it.

The corpus holds whole answers with their evidence; here are the rules one by one.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cometapi_runway import errors
from cometapi_runway._core.json_values import as_text, parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.read_response import find_error, parse_http_date, parse_response
from cometapi_runway._io.http_client import to_httpx_response
from cometapi_runway.errors import RunwayError

from .support.both_clients import ID
from .support.fault_table import BROKEN_BODIES, HTML, NOT_EXIST
from .support.flow_runner import WALL_CLOCK_START
from .support.scripted_transport import Reply
from .support.strategies import deterministic, json_values


def got(
    body: Any = b"",
    status: int = 200,
    *,
    headers: dict[str, str] | None = None,
    method: str = "GET",
) -> RawResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"content-type": "application/json", **(headers or {})}
    return RawResponse(
        method, "/runwayml/v1/tasks/1", status, told, content, WALL_CLOCK_START, to_httpx_response
    )


def as_answer(reply: Reply) -> RawResponse:
    return got(reply.content, reply.status, headers=dict(reply.headers))


def error_of(body: Any, status: int, **more: Any) -> errors.APIStatusError:
    error = find_error(got(body, status, **more))
    assert error is not None
    return error


def platform(message: str, code: Any = "", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "comet_api_error", "code": code, **more}}


def family(code: Any, message: str = "no") -> dict[str, Any]:
    return {"code": code, "message": message, "data": None}


class TestStatuses:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (301, errors.APIStatusError),
            (304, errors.APIStatusError),
            (400, errors.BadRequestError),
            (401, errors.AuthenticationError),
            (402, errors.InsufficientQuotaError),
            (403, errors.PermissionDeniedError),
            (404, errors.NotFoundError),
            (405, errors.BadRequestError),
            (408, errors.BadRequestError),
            (409, errors.BadRequestError),
            (413, errors.BadRequestError),
            (422, errors.BadRequestError),
            (425, errors.BadRequestError),
            (429, errors.RateLimitError),
            (499, errors.ServerError),
            (500, errors.ServerError),
            (502, errors.ServerError),
            (520, errors.ServerError),
            (524, errors.ServerError),
            (599, errors.ServerError),
            (600, errors.APIStatusError),
            (999, errors.APIStatusError),
        ],
    )
    @pytest.mark.parametrize("body", [b"", HTML, platform("x"), family("x"), [1], "x"])
    def test_the_status_decides_where_the_body_says_nothing(
        self, status: int, kind: type[errors.APIStatusError], body: Any
    ) -> None:
        error = error_of(body, status)
        assert type(error) is kind
        assert error.status_code == status
        assert f"HTTP {status}" in str(error)

    @pytest.mark.parametrize("status", range(200, 600))
    def test_every_status_is_a_success_or_an_error(self, status: int) -> None:
        answer = got({"id": ID}, status)
        if 200 <= status < 300:
            assert parse_response(answer).payload == {"id": ID}
        else:
            with pytest.raises(errors.APIStatusError):
                parse_response(answer)


class TestCodes:
    @pytest.mark.parametrize("envelope", [platform, family])
    @pytest.mark.parametrize(
        ("code", "status", "kind"),
        [
            # Observed: a malformed request told as 500, a missing channel as 503.
            ("invalid_request", 500, errors.BadRequestError),
            ("model_not_found", 503, errors.BadRequestError),
            ("quota_not_enough", 403, errors.InsufficientQuotaError),
            ("quota_not_enough", 200, errors.InsufficientQuotaError),
            ("QUOTA_NOT_ENOUGH", 403, errors.InsufficientQuotaError),
            ("insufficient_user_quota", 403, errors.InsufficientQuotaError),
            ("invalid_api_key", 401, errors.AuthenticationError),
            ("task_not_exist", 400, errors.NotFoundError),
            ("task_not_exist", 500, errors.NotFoundError),
            ("callback_url_empty", 400, errors.BadRequestError),
            ("reference_images_empty", 500, errors.BadRequestError),
            # The provider refuses the gateway: nobody's fault here.
            ("fail_to_fetch_task", 401, errors.APIStatusError),
            ("fail_to_fetch_task", 403, errors.APIStatusError),
            ("fail_to_fetch_task", 502, errors.ServerError),
            ("fail_to_fetch_task", 429, errors.RateLimitError),
            ("brand_new_code", 400, errors.BadRequestError),
            ("brand_new_code", 500, errors.ServerError),
        ],
    )
    def test_a_code_that_is_known_decides(
        self, envelope: Any, code: str, status: int, kind: type[RunwayError]
    ) -> None:
        body = envelope("no", code) if envelope is platform else envelope(code, "no")
        error = error_of(body, status)
        assert type(error) is kind
        assert error.code == code

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("", None),
            (None, None),
            (" ", None),
            (0, "0"),
            (500, "500"),
            ("500", "500"),
            (True, None),
            ([], None),
            ({}, None),
            (1.5, None),
            ("a", "a"),
        ],
    )
    def test_a_code_may_be_empty_a_number_or_a_text(self, code: Any, expected: Any) -> None:
        assert error_of(platform("x", code), 400).code == expected
        assert error_of(family(code, "x"), 400).code == expected

    @pytest.mark.parametrize("code", ["success", "SUCCESS", "ok", 200, "200", 0, "0", "", None])
    def test_success_under_200(self, code: Any) -> None:
        assert find_error(got({"code": code, "message": "", "data": {}})) is None

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (400, errors.BadRequestError),
            ("401", errors.AuthenticationError),
            (429, errors.RateLimitError),
            (500, errors.ServerError),
            ("error", errors.APIStatusError),
            (-1, errors.APIStatusError),
            (7, errors.APIStatusError),
            (100500, errors.APIStatusError),
        ],
    )
    def test_a_failure_under_200(self, code: Any, kind: type[RunwayError]) -> None:
        """The older routes put an HTTP status there, whatever HTTP itself says."""
        error = error_of({"code": code, "msg": "余额不足 or so", "data": None}, 200)
        assert error.status_code == 200
        if kind is not errors.AuthenticationError:
            assert type(error) is kind

    def test_a_task_in_it_counts_more_than_its_wrappers_code(self) -> None:
        body = {"code": "fail", "data": {"task_id": ID, "status": "FAILURE"}}
        assert parse_response(got(body)).payload == body

    @pytest.mark.parametrize("form", NOT_EXIST)
    def test_task_not_exist_in_every_form(self, form: str) -> None:
        error = find_error(as_answer(NOT_EXIST[form]))
        assert type(error) is errors.NotFoundError


class TestMoney:
    @pytest.mark.parametrize(
        ("status", "message", "kind"),
        [
            (403, "user quota is not enough", errors.InsufficientQuotaError),
            (403, "Insufficient balance", errors.InsufficientQuotaError),
            (403, "用户额度不足", errors.InsufficientQuotaError),
            (403, "the model is not allowed", errors.PermissionDeniedError),
            (402, "anything", errors.InsufficientQuotaError),
            (500, "quota service down", errors.ServerError),
            (429, "quota exceeded, slow down", errors.RateLimitError),
        ],
    )
    def test_want_of_it_is_told_from_want_of_permission(
        self, status: int, message: str, kind: type[RunwayError]
    ) -> None:
        for body in (platform(message), family("x", message)):
            assert type(error_of(body, status)) is kind

    def test_there_is_advice(self) -> None:
        assert "Top up" in str(error_of(family("quota_not_enough"), 403))
        assert "Check the CometAPI key" in str(error_of(platform("Invalid Token"), 401))


class TestMessages:
    @pytest.mark.parametrize(
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

    def test_a_redirect_says_where_to_and_hides_what_signs_it(self) -> None:
        headers = {"location": "https://www.cometapi.com/login?token=secret"}
        error = error_of(b"", 302, headers=headers)
        assert "redirected to https://www.cometapi.com/login?[hidden]" in str(error)
        assert "base_url" in str(error)

    @pytest.mark.parametrize(
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
    @pytest.mark.parametrize(
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


class TestReading:
    @pytest.mark.parametrize("name", sorted(set(BROKEN_BODIES) - {"no known field"}))
    def test_what_is_no_object_is_told_with_what_it_is(self, name: str) -> None:
        with pytest.raises(errors.ResponseDecodeError) as caught:
            parse_response(as_answer(BROKEN_BODIES[name]))
        assert caught.value.status_code in {200, 204}
        assert f"HTTP {caught.value.status_code}" in str(caught.value)

    def test_the_content_type_does_not_matter(self) -> None:
        for kind in ("text/plain", "text/html", "", "application/octet-stream"):
            answer = got({"id": ID}, headers={"content-type": kind})
            assert parse_response(answer).payload == {"id": ID}

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
    def test_any_unicode_will_do(self, encoding: str) -> None:
        text = json.dumps({"id": "é"}, ensure_ascii=False)
        assert parse_response(got(text.encode(encoding))).payload == {"id": "é"}

    def test_the_response_is_at_hand_without_what_belonged_to_the_wire(self) -> None:
        headers = {"content-encoding": "gzip", "content-length": "3", "set-cookie": "s=1"}
        error = error_of(platform("no"), 400, headers=headers)
        response = error.response
        assert response is error.response
        assert response is not None
        assert (response.status_code, response.json()) == (400, platform("no"))
        assert not set(headers) - {"content-length"} & set(response.headers)

    def test_an_error_made_by_hand_has_no_response(self) -> None:
        assert errors.NotFoundError(404).response is None
        assert str(errors.NotFoundError(404)) == "HTTP 404"


class TestJsonValues:
    @pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 10_000, b"1" * 5000, b"nul"])
    def test_what_cannot_be_read_is_a_value_error(self, text: bytes) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            parse_json(text)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("a", "a"),
            ("", None),
            ("  ", None),
            (7, None),
            (None, None),
            (["a"], None),
            ("\ud800", "?"),
        ],
    )
    def test_text(self, value: Any, text: str | None) -> None:
        assert as_text(value) == text


def outcome(answer: RawResponse) -> object:
    try:
        return parse_response(answer)
    except RunwayError as error:
        return error


def understood(answer: RawResponse) -> None:
    """Read it; only errors of the tree may come out, and they can be printed."""
    found = outcome(answer)
    if isinstance(found, RunwayError):
        str(found).encode()
    if isinstance(found, errors.APIStatusError):
        assert found.retry_after is None or 0 <= found.retry_after <= 86400


@deterministic
@given(
    status=st.integers(100, 999),
    body=st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "content-type", "location", "x-request-id"]),
        st.text(st.characters(max_codepoint=255), max_size=30),
        max_size=4,
    ),
)
def test_no_bytes_lead_out_of_the_tree(status: int, body: bytes, headers: dict[str, str]) -> None:
    understood(RawResponse("GET", "/x", status, headers, body, WALL_CLOCK_START))


@deterministic
@given(cut=st.integers(0, 400), status=st.sampled_from([200, 400, 500]))
def test_no_cut_leads_out_of_the_tree(cut: int, status: int) -> None:
    whole = json.dumps({**platform("x" * 40), "data": {"id": ID, "output": ["https://a.b/c"] * 9}})
    understood(got(whole.encode()[:cut], status))
