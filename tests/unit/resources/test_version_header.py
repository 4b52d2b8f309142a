"""Headers are held to the contract like fields: in creates, in polls, in ``--dry-run``."""

from __future__ import annotations

from typing import Any

import pytest

from cometapi_runway.errors import InvalidRequestError, Issue

from ..support.both_clients import ASSETS, ID, ClientHarness
from ..support.scripted_transport import json_reply

FORBIDDEN = ["2024 11 06", "2024\t11", "a b"]
COMPAT = {"prompt_text": "A cat"}


def refused(harness: ClientHarness, result: Any) -> Issue:
    with pytest.raises(InvalidRequestError) as caught:
        harness.run(result())
    (issue,) = caught.value.issues
    assert harness.network.sent == []
    return issue


@pytest.mark.parametrize("version", FORBIDDEN)
class TestForbiddenVersion:
    def test_of_one_create(self, version: str, harness: ClientHarness) -> None:
        operation = harness.client.character_performance
        issue = refused(harness, lambda: operation.create(**ASSETS, runway_version=version))
        assert (issue.path, issue.rule) == ("X-Runway-Version", "pattern")

    def test_of_an_extra_header(self, version: str, harness: ClientHarness) -> None:
        operation = harness.client.character_performance
        headers = {"x-runway-version": version}
        issue = refused(harness, lambda: operation.create(**ASSETS, extra_headers=headers))
        assert (issue.path, issue.rule) == ("X-Runway-Version", "pattern")

    def test_of_a_client(self, version: str, harness: ClientHarness) -> None:
        client = harness.new(runway_version=version)
        issue = refused(harness, lambda: client.character_performance.create(**ASSETS))
        assert (issue.path, issue.rule) == ("X-Runway-Version", "pattern")

    @pytest.mark.parametrize("route", ["tasks", "compat.tasks"])
    @pytest.mark.parametrize("method", ["retrieve", "wait"])
    def test_of_a_poll(self, version: str, route: str, method: str, harness: ClientHarness) -> None:
        tasks: Any = harness.new(runway_version=version)
        for name in route.split("."):
            tasks = getattr(tasks, name)
        with pytest.raises(InvalidRequestError) as caught:
            harness.run(getattr(tasks, method)(ID))
        assert caught.value.issues[0].path == "X-Runway-Version"
        assert caught.value.task_id == ID
        assert harness.network.sent == []

    def test_it_is_sent_without_validation(self, version: str, harness: ClientHarness) -> None:
        harness.respond_with(json_reply({"id": ID}), json_reply({"id": ID, "status": "RUNNING"}))
        client = harness.new(runway_version=version, validate=False)
        harness.run(client.character_performance.create(**ASSETS))
        harness.run(client.tasks.retrieve(ID))
        sent = [one.headers["X-Runway-Version"] for one in harness.network.sent]
        assert sent == [version, version]


def test_issues_of_headers_and_fields_come_together(harness: ClientHarness) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        harness.create(runway_version="a b", ratio="wide")
    assert [issue.path for issue in caught.value.issues] == ["X-Runway-Version", "/ratio"]
