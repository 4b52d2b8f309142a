"""The options of a single call: version, timeout, headers and extra body."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import ConfigurationError, InvalidRequestError

from ..support.both_clients import ASSETS, ClientHarness
from ..support.fault_table import ACCEPTED
from ..support.inputs import refused, sent


class TestOptions:
    def test_a_version_for_one_call(self, harness: ClientHarness) -> None:
        sent(harness, runway_version="2025-02-03")
        sent(harness)
        sent(harness, runway_version=None)
        versions = [one.headers["x-runway-version"] for one in harness.network.sent]
        assert versions == ["2025-02-03", "2024-11-06", "2024-11-06"]

    def test_a_timeout_for_one_call(self, harness: ClientHarness) -> None:
        import httpx

        seen: list[float] = []

        def network(request: httpx.Request) -> Any:
            seen.append(request.extensions["timeout"]["read"])
            return ACCEPTED

        harness.network.respond_by(network)
        harness.create(timeout=7)
        harness.create()
        harness.create(timeout=None)
        assert seen == [7.0, 60.0, 60.0]

    @each_case("timeout", [0, -1, float("nan"), float("inf"), "7", True, 10**400])
    def test_no_timeout(self, timeout: Any, harness: ClientHarness) -> None:
        with pytest.raises(ConfigurationError, match="timeout"):
            harness.create(timeout=timeout)
        assert harness.network.sent == []

    def test_headers_are_added_and_replaced(self, harness: ClientHarness) -> None:
        sent(harness, extra_headers={"X-Trace": "t-1", "x-runway-version": "2026-01-01"})
        headers = harness.network.sent[0].headers
        assert headers["x-trace"] == "t-1"
        assert headers.get_list("x-runway-version") == ["2026-01-01"]

    @each_case(
        "name",
        ["Authorization", "authorization", "HOST", "Content-Length", "content-type"],
    )
    def test_the_clients_own_headers_stay_its_own(self, name: str, harness: ClientHarness) -> None:
        (issue,) = refused(harness, extra_headers={name: "sk-other"})
        assert (issue.path, issue.rule, issue.value) == (name, "reserved", None)
        assert "sk-other" not in str(issue)

    @each_case(
        ("name", "value", "rule"),
        [
            ("X Trace", "1", "header name"),
            ("X:Trace", "1", "header name"),
            ("", "1", "header name"),
            ("X-Träce", "1", "header name"),
            ("X-Trace\r\nX-Evil", "1", "header name"),
            (7, "1", "header name"),
            ("X-Trace", "a\r\nX-Evil: 1", "header value"),
            ("X-Trace", "a\nb", "header value"),
            ("X-Trace", " a", "header value"),
            ("X-Trace", "a\0", "header value"),
            ("X-Trace", "é", "header value"),
            ("X-Trace", "", "header value"),
            ("X-Trace", 7, "header value"),
            ("X-Trace", None, "header value"),
            ("X-Trace", b"a", "header value"),
        ],
    )
    def test_no_header(self, name: Any, value: Any, rule: str, harness: ClientHarness) -> None:
        (issue,) = refused(harness, extra_headers={name: value})
        assert issue.rule == rule

    @each_case("version", ["", "2024\r\nX: 1", " ", "é", 20241106])
    def test_no_version(self, version: Any, harness: ClientHarness) -> None:
        (issue,) = refused(harness, runway_version=version)
        assert (issue.path, issue.rule) == ("X-Runway-Version", "header value")

    def test_fields_that_are_newer_than_the_contract(self, harness: ClientHarness) -> None:
        body = sent(harness, extra_body={"newField": [1, {"a": None}], "ratio": "1:1"})
        assert (body["newField"], body["ratio"]) == ([1, {"a": None}], "1:1")

    def test_they_are_held_to_the_contract_where_it_knows_them(
        self, harness: ClientHarness
    ) -> None:
        (issue,) = refused(harness, extra_body={"ratio": "wide"})
        assert issue.path == "/ratio"

    def test_validation_is_disabled_for_one_call_and_for_a_client(
        self, harness: ClientHarness
    ) -> None:
        newer = {"model": "act_three", "expression_intensity": 11, "extra_body": {"ratio": "wide"}}
        body = sent(harness, validate=False, **newer)
        assert (body["model"], body["expressionIntensity"]) == ("act_three", 11)
        assert body["ratio"] == "wide"
        free = harness.new(validate=False)
        harness.run(free.character_performance.create(**ASSETS, **newer))
        assert len(harness.network.sent) == 2
        with pytest.raises(InvalidRequestError):
            harness.run(free.character_performance.create(**ASSETS, **newer, validate=True))
        assert len(harness.network.sent) == 2

    @each_case("option", ["extra_headers", "extra_body"])
    @each_case("value", [5, [("a", "b")], "a: b", b"a", ("a", "b"), {1, 2}])
    def test_what_is_no_mapping(self, option: str, value: Any, harness: ClientHarness) -> None:
        (issue,) = refused(harness, **{option: value})
        assert (issue.path, issue.rule) == (option, "type")

    @each_case("validate", [True, False])
    @each_case("body", [{1: "a"}, {None: 1}, {"a": {2: 3}}, {"a": [{b"b": 1}]}])
    def test_names_that_are_no_text(
        self, body: dict[Any, Any], validate: bool, harness: ClientHarness
    ) -> None:
        """`json` would quietly make text of some of them, and the contract judge other names."""
        issues = refused(harness, extra_body=body, validate=validate)
        assert {issue.rule for issue in issues} <= {"json", "type"}

    @each_case("given", ["yes", 0, 1, "", []])
    def test_a_check_that_is_neither_on_nor_off(self, given: Any, harness: ClientHarness) -> None:
        (issue,) = refused(harness, validate=given)
        assert (issue.path, issue.rule) == ("validate", "type")

    def test_nothing_given_is_nothing(self, harness: ClientHarness) -> None:
        options = dict.fromkeys(("runway_version", "timeout", "extra_headers", "extra_body"))
        assert sent(harness, **options, validate=None, seed=1) == sent(harness, seed=1)


def test_a_wrong_callback_is_named(harness: ClientHarness) -> None:
    harness.respond_with(ACCEPTED)
    task = harness.create()
    wrong: Any = 5
    for name, call in (
        ("on_update", task.wait),
        ("on_update", lambda **option: harness.client.tasks.wait(task.id, **option)),
        ("on_update", lambda **option: harness.client.tasks.wait_all([task.id], **option)),
        ("on_progress", task.download),
    ):
        with pytest.raises(InvalidRequestError) as no:
            harness.run(call(**{name: wrong}))
        assert [(one.path, one.rule) for one in no.value.issues] == [(name, "type")]
        assert no.value.issues[0].message.startswith(f"{name}: ")
