"""Whether a response is a success or which error it is, rule by rule.

The corpus holds whole responses with their evidence.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from tests.cases import each_case

from cometapi_runway import errors
from cometapi_runway._flows import read_response
from cometapi_runway._flows.read_response import find_error, parse_response
from cometapi_runway.errors import RunwayError

from ..support.both_clients import ID
from ..support.fault_table import BROKEN_BODIES, HTML, NOT_EXIST
from ..support.responses import as_answer, error_of, family, got, platform


class TestStatuses:
    @each_case(
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
    @each_case("body", [b"", HTML, platform("x"), family("x"), [1], "x"])
    def test_the_status_decides_where_the_body_says_nothing(
        self, status: int, kind: type[errors.APIStatusError], body: Any
    ) -> None:
        error = error_of(body, status)
        assert type(error) is kind
        assert error.status_code == status
        assert f"HTTP {status}" in str(error)

    @each_case("status", range(200, 600))
    def test_every_status_is_a_success_or_an_error(self, status: int) -> None:
        answer = got({"id": ID}, status)
        if 200 <= status < 300:
            assert parse_response(answer).payload == {"id": ID}
        else:
            with pytest.raises(errors.APIStatusError):
                parse_response(answer)


class TestCodes:
    @each_case("envelope", [platform, family])
    @each_case(
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

    @each_case(
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

    @each_case("code", ["success", "SUCCESS", "ok", 200, "200", 0, "0", "", None])
    def test_success_under_200(self, code: Any) -> None:
        assert find_error(got({"code": code, "message": "", "data": {}})) is None

    @each_case(
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

    @each_case("form", NOT_EXIST)
    def test_task_not_exist_in_every_form(self, form: str) -> None:
        error = find_error(as_answer(NOT_EXIST[form]))
        assert type(error) is errors.NotFoundError


class TestQuota:
    @each_case(
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
    def test_missing_quota_differs_from_missing_permission(
        self, status: int, message: str, kind: type[RunwayError]
    ) -> None:
        for body in (platform(message), family("x", message)):
            assert type(error_of(body, status)) is kind

    def test_the_error_gives_advice(self) -> None:
        assert "Top up" in str(error_of(family("quota_not_enough"), 403))
        assert "Check the CometAPI key" in str(error_of(platform("Invalid Token"), 401))


class TestReading:
    @each_case("name", sorted(set(BROKEN_BODIES) - {"no known field"}))
    def test_a_body_that_is_no_object_is_named(self, name: str) -> None:
        with pytest.raises(errors.ResponseDecodeError) as caught:
            parse_response(as_answer(BROKEN_BODIES[name]))
        assert caught.value.status_code in {200, 204}
        assert f"HTTP {caught.value.status_code}" in str(caught.value)

    @each_case(
        ("body", "headers", "problem"),
        [
            (b"<p>", {"content-type": "text/html; charset=utf-8"}, "not JSON (text/html, 3 bytes)"),
            (b"{", {}, "a body that is not JSON (no content type, 1 byte)"),
            (b" ", {}, "an empty body"),
            (b"[]", {}, "JSON that is not an object"),
        ],
    )
    def test_what_came_instead_of_an_object_is_named(
        self, body: bytes, headers: dict[str, str], problem: str
    ) -> None:
        with pytest.raises(errors.ResponseDecodeError) as caught:
            parse_response(evolve(got(body), headers=headers))
        assert problem in str(caught.value)

    def test_the_content_type_does_not_matter(self) -> None:
        for kind in ("text/plain", "text/html", "", "application/octet-stream"):
            answer = got({"id": ID}, headers={"content-type": kind})
            assert parse_response(answer).payload == {"id": ID}

    @each_case("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-le"])
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


@pytest.mark.parametrize("error", [ValueError, TypeError, OverflowError])
def test_whatever_the_parser_of_dates_raises_is_no_date(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(_: str) -> None:
        raise error

    monkeypatch.setattr(read_response, "parsedate_to_datetime", fail)
    assert read_response.parse_http_date("Thu, 01 Jan 2026 00:00:00 GMT") is None
