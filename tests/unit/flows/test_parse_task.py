"""One task from every response shape, and which layer wins where two disagree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway._core.task import TERMINAL, Task
from cometapi_runway.errors import ResponseDecodeError

from ..support.both_clients import ID
from ..support.parsing import created_id_from, task_from
from ..support.payloads import flat, raw, wrapped

URL = "https://cdn.example/output.mp4?_jwt=1"
OTHER = "https://cdn.example/second.mp4"


def older(status: Any, **more: Any) -> dict[str, Any]:
    return {"code": 200, "msg": "成功", "data": flat(status, msg=None, **more), "exec_time": 0.02}


class TestStatus:
    @each_case(
        ("word", "expected"),
        [
            ("NOT_START", "PENDING"),
            ("SUBMITTED", "PENDING"),
            ("QUEUED", "PENDING"),
            ("PENDING", "PENDING"),
            ("pending", "PENDING"),
            (" queued ", "PENDING"),
            ("THROTTLED", "THROTTLED"),
            ("IN_PROGRESS", "RUNNING"),
            ("in_progress", "RUNNING"),
            ("RUNNING", "RUNNING"),
            ("SUCCESS", "SUCCEEDED"),
            ("succeeded", "SUCCEEDED"),
            ("completed", "SUCCEEDED"),
            ("FAILURE", "FAILED"),
            ("failed", "FAILED"),
            ("ERROR", "FAILED"),
            ("cancelled", "CANCELLED"),
            ("CANCELED", "CANCELLED"),
        ],
    )
    @each_case("shape", [raw, flat, wrapped])
    def test_a_known_word_is_understood_in_every_shape(
        self, word: str, expected: str, shape: Any
    ) -> None:
        task = task_from(shape(word, output=[URL]))
        assert (task.id, task.status) == (ID, expected)
        assert task.is_terminal == (expected in TERMINAL)

    @each_case("word", ["UNKNOWN", "Warming_up", "expired", "成功", "4", 17])
    def test_an_unknown_status_is_kept_and_not_final(self, word: Any) -> None:
        task = task_from(raw(word))
        assert (task.status, task.is_terminal) == (str(word), False)

    @each_case(
        ("envelope", "inner", "output", "expected"),
        [
            ("QUEUED", "PENDING", None, "PENDING"),
            ("QUEUED", "RUNNING", None, "RUNNING"),
            ("IN_PROGRESS", "PENDING", None, "RUNNING"),
            # The terminal one wins, from either side.
            ("IN_PROGRESS", "SUCCEEDED", URL, "SUCCEEDED"),
            ("IN_PROGRESS", "FAILED", None, "FAILED"),
            ("QUEUED", "CANCELLED", None, "CANCELLED"),
            ("SUCCESS", "RUNNING", URL, "SUCCEEDED"),
            ("FAILURE", "RUNNING", None, "FAILED"),
            ("FAILURE", "PENDING", URL, "FAILED"),
            # Of two ends the better one, if there is a file to show for it.
            ("FAILURE", "SUCCEEDED", URL, "SUCCEEDED"),
            ("SUCCESS", "FAILED", None, "FAILED"),
            ("SUCCESS", "CANCELLED", None, "CANCELLED"),
            ("UNKNOWN", "RUNNING", None, "RUNNING"),
            ("RUNNING", "NEW_WORD", None, "RUNNING"),
        ],
    )
    def test_where_envelope_and_task_disagree(
        self, envelope: str, inner: str, output: str | None, expected: str
    ) -> None:
        inside = raw(inner, output=[output] if output else None)
        assert task_from(wrapped(envelope, inside)).status == expected

    @each_case("output", [None, [], "", [""], [None], ["not an address"], {}, 7])
    def test_success_without_a_file_is_still_running(self, output: Any) -> None:
        for shape in (raw("SUCCEEDED", output=output), wrapped("SUCCESS", result_url=output)):
            task = task_from(shape)
            assert (task.status, task.is_terminal, task.output) == ("RUNNING", False, ())

    @each_case(
        ("digit", "more", "expected"),
        [
            ("0", {}, "PENDING"),
            ("1", {}, "RUNNING"),
            (1, {}, "RUNNING"),
            ("3", {"video_url": URL}, "SUCCEEDED"),
            ("2", {"video_url": URL}, "SUCCEEDED"),
            (3, {"video_url": URL}, "SUCCEEDED"),
            ("2", {}, "FAILED"),
            ("3", {}, "RUNNING"),
            ("0", {"refund": "1"}, "PENDING"),
            ("1", {"refund": "1"}, "RUNNING"),
            ("3", {"refund": "1"}, "FAILED"),
            ("3", {"refund": 1}, "FAILED"),
            ("3", {"refund": "0"}, "RUNNING"),
            ("3", {"fail_reason": "no"}, "FAILED"),
        ],
    )
    def test_the_older_feeds_digits(self, digit: Any, more: dict[str, Any], expected: str) -> None:
        """Its own text contradicts its samples; an address settles it."""
        assert task_from(older(digit, **more)).status == expected

    @each_case(
        "payload",
        [
            {},
            {"id": ID},
            {"status": "RUNNING"},
            {"id": "", "status": "RUNNING"},
            {"id": ID, "status": ""},
            {"id": ID, "status": None},
            {"id": ID, "status": ["RUNNING"]},
            {"id": ID, "status": True},
            {"code": "success", "data": None},
            {"code": "success", "data": [raw()]},
            {"data": {"data": {"data": {"data": {"data": raw()}}}}},
        ],
    )
    def test_what_is_no_task(self, payload: Any) -> None:
        with pytest.raises(ResponseDecodeError, match="has no"):
            task_from(payload)

    def test_the_id_that_was_asked_for_is_kept(self) -> None:
        known = Task("asked-for", "PENDING", operation="op", seed=3, route="feed", model="m")
        task = task_from({"id": "another", "status": "RUNNING"}, known)
        assert (task.id, task.operation, task.seed, task.route) == ("asked-for", "op", 3, "feed")
        assert task.model == "m"


class TestProgress:
    @each_case(
        ("value", "part"),
        [
            ("0%", 0.0),
            ("55%", 0.55),
            (" 55 % ", 0.55),
            ("100%", 1.0),
            ("12.5%", 0.125),
            ("0.5%", 0.005),
            ("1%", 0.01),
            (0, 0.0),
            (0.55, 0.55),
            ("0.55", 0.55),
            (1, 1.0),
            (55, 0.55),
            ("55", 0.55),
            (1.5, 0.015),
            (100, 1.0),
            (101, None),
            ("101%", None),
            (-1, None),
            ("-5%", None),
            ("half", None),
            ("", None),
            ("%", None),
            ("nan", None),
            ("inf%", None),
            (10**400, None),
            (1e308, None),
            (None, None),
            (True, None),
            ([0.5], None),
        ],
    )
    def test_forms(self, value: Any, part: float | None) -> None:
        assert task_from(raw(progress=value)).progress == part

    def test_the_further_layer_counts(self) -> None:
        assert task_from(wrapped("IN_PROGRESS", raw(progress=0.7), progress="50%")).progress == 0.7
        assert task_from(wrapped("IN_PROGRESS", raw(progress=0.2), progress="50%")).progress == 0.5


class TestOutput:
    @each_case(
        "payload",
        [
            raw("SUCCEEDED", output=[URL]),
            raw("SUCCEEDED", output=URL),
            raw("SUCCEEDED", output=[f" {URL}\n", None, "", URL]),
            wrapped("SUCCESS", raw("SUCCEEDED", output=[URL])),
            wrapped("SUCCESS", result_url=URL),
            wrapped("SUCCESS", {"output": [URL]}),
            flat("SUCCESS", result_url=URL),
            flat("SUCCESS", video_url=URL),
            flat("SUCCESS", data={"video_url": URL}),
            # The gateway's relative writes a finished video's address there.
            flat("SUCCESS", fail_reason=URL),
            older("3", video_url=URL),
            {"task_id": ID, "status": "completed", "progress": 100, "result": {"video_url": URL}},
        ],
    )
    def test_is_found_wherever_it_stands(self, payload: dict[str, Any]) -> None:
        task = task_from(payload)
        assert (task.status, task.output, task.failure) == ("SUCCEEDED", (URL,), None)

    def test_keeps_its_order_and_no_copies(self) -> None:
        assert task_from(raw("SUCCEEDED", output=[OTHER, URL, OTHER])).output == (OTHER, URL)
        both = wrapped("SUCCESS", raw("SUCCEEDED", output=[URL, OTHER]), result_url=URL)
        assert task_from(both).output == (URL, OTHER)

    @each_case("address", ["ftp://x/y", "javascript:alert(1)", "/file", "x.mp4", ""])
    def test_takes_web_addresses_only(self, address: str) -> None:
        assert task_from(raw(output=[address])).output == ()


class TestFailure:
    @each_case(
        "payload",
        [
            raw("FAILED", failure="no face"),
            wrapped("FAILURE", raw("FAILED", failure="no face"), fail_reason=""),
            wrapped("FAILURE", fail_reason="no face"),
            flat("FAILURE", fail_reason="no face"),
            raw("failed", error="no face"),
            raw("failed", error={"message": "no face", "code": 1}),
            flat("2", msg="no face"),
        ],
    )
    def test_the_reason_is_found(self, payload: dict[str, Any]) -> None:
        task = task_from(payload)
        assert (task.status, task.failure) == ("FAILED", "no face")

    def test_the_code_is_runways_own(self) -> None:
        inner = raw("FAILED", failureCode="SAFETY.INPUT.TEXT")
        assert task_from(inner).failure_code == "SAFETY.INPUT.TEXT"
        assert task_from(raw("FAILED", failure_code="OTHER")).failure_code == "OTHER"
        assert task_from(wrapped("FAILURE", inner)).failure_code == "SAFETY.INPUT.TEXT"

    def test_the_transports_own_word_is_no_reason(self) -> None:
        assert task_from(older("2")).failure is None
        flattened = flat("FAILURE", code="success", msg="success")
        assert task_from(flattened).failure is None

    @pytest.mark.parametrize(("word", "status"), [("FAILED", "FAILED"), ("canceled", "CANCELLED")])
    def test_of_the_provider_outweighs_a_success_without_a_file(
        self, word: str, status: str
    ) -> None:
        assert task_from(wrapped("SUCCESS", raw(word))).status == status


class TestTimestamps:
    EAST = timezone(timedelta(hours=8))

    @each_case(
        ("value", "moment"),
        [
            ("2026-03-13T09:52:46+08:00", datetime(2026, 3, 13, 9, 52, 46, tzinfo=EAST)),
            ("2026-05-01T12:47:47.351Z", datetime(2026, 5, 1, 12, 47, 47, 351000, tzinfo=UTC)),
            ("2026-05-01T12:47:47", datetime(2026, 5, 1, 12, 47, 47, tzinfo=UTC)),
            ("2026-05-01 12:47:47Z", datetime(2026, 5, 1, 12, 47, 47, tzinfo=UTC)),
            (1773366766, datetime(2026, 3, 13, 1, 52, 46, tzinfo=UTC)),
            ("1773366766", datetime(2026, 3, 13, 1, 52, 46, tzinfo=UTC)),
            (1773366766.5, datetime(2026, 3, 13, 1, 52, 46, 500000, tzinfo=UTC)),
            (1773366766000, datetime(2026, 3, 13, 1, 52, 46, tzinfo=UTC)),
            (0, None),
            ("0", None),
            (1, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
            (-5, None),
            ("", None),
            ("yesterday", None),
            ("2026-13-45T00:00:00Z", None),
            (10**30, None),
            (10**400, None),
            # The platform's own error.
            (10**20, None),
            ("9" * 400, None),
            (None, None),
            (True, None),
            ([1], None),
        ],
    )
    def test_forms(self, value: Any, moment: datetime | None) -> None:
        for name in ("createdAt", "created_at", "submit_time", "create_time"):
            found = task_from(raw(**{name: value})).created_at
            assert found == moment
            if found is not None:
                assert found.tzinfo is not None

    def test_the_first_that_says_anything_counts(self) -> None:
        inner = raw(createdAt="2026-03-13T09:52:46+08:00")
        found = task_from(wrapped("QUEUED", inner, submit_time=0)).created_at
        assert found == datetime(2026, 3, 13, 1, 52, 46, tzinfo=UTC)


class TestCreation:
    @each_case(
        "payload",
        [
            {"id": ID},
            {"id": ID, "estimatedCost": {"credits": 5}},
            {"code": 200, "message": "", "msg": "success", "data": {"task_id": ID}},
            {"code": 200, "msg": "成功", "data": {"task_id": ID}, "exec_time": 0.6},
            {"code": "success", "message": "", "data": ID},
            {"task_id": ID},
            {"data": {"id": f" {ID} "}},
        ],
    )
    def test_the_id_is_found(self, payload: Any) -> None:
        assert created_id_from(payload) == ID

    def test_an_id_that_is_a_number_is_not_thrown_away(self) -> None:
        assert created_id_from({"id": 12345}) == "12345"

    @each_case(
        "payload",
        [{}, {"id": ""}, {"id": " "}, {"id": None}, {"id": True}, {"id": [ID]}, {"data": None}],
    )
    def test_a_missing_id_is_an_error(self, payload: Any) -> None:
        with pytest.raises(ResponseDecodeError, match="no task id"):
            created_id_from(payload)

    @each_case(
        ("payload", "fields"),
        [
            ({}, "none"),
            ({"": 1, "b": 2}, "'', b"),
            ({"x" * 41: 1}, "x" * 40),
            (dict.fromkeys("abcdefghijklm"), "a, b, c, d, e, f, g, h, i, j, k, l"),
        ],
    )
    def test_the_error_lists_the_first_fields(self, payload: Any, fields: str) -> None:
        for parse in (created_id_from, task_from):
            with pytest.raises(ResponseDecodeError) as caught:
                parse(payload)
            assert str(caught.value).endswith(f"has no task id; its fields are {fields}")

    def test_a_missing_status_is_an_error(self) -> None:
        with pytest.raises(ResponseDecodeError) as caught:
            task_from({"code": "success", "data": {"task_id": ID}})
        assert str(caught.value).endswith("has no status; its fields are code, data")


def test_a_record_of_the_feed_may_have_an_id_alone() -> None:
    """As the feed's own example; in an envelope it would be a task whose status is missing."""
    assert task_from({"task_id": ID}).status == "UNKNOWN"
    for more in ({"code": "success"}, {"error": None}, {"data": {"status": None}}, {"task_id": ""}):
        with pytest.raises(ResponseDecodeError, match=r"no (status|task id)"):
            task_from({"task_id": ID, **more})
