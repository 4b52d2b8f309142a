"""Retrieving a task once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import errors
from cometapi_runway._core.task import PENDING, Task
from cometapi_runway._flows.wait import retrieve

from ..support.both_clients import ID
from ..support.fault_table import NOT_EXIST, RUNNING, paced, page, platform
from ..support.flow_runner import NEW, POLL, FlowRunner
from ..support.scripted_transport import HANG, Failure


class TestRetrieve:
    def test_asks_once_and_keeps_what_is_known(self) -> None:
        runner = FlowRunner()
        known = Task(ID, PENDING, operation="control_a_character", seed=7, route="feed")
        seen = runner.run(retrieve(POLL, known, timeout=9.0), RUNNING)
        assert runner.sent == [(0.0, 9.0)]
        assert (seen.status, seen.operation, seen.seed, seen.route) == (
            "RUNNING",
            "control_a_character",
            7,
            "feed",
        )

    @each_case("form", NOT_EXIST)
    def test_a_task_that_is_not_there(self, form: str) -> None:
        runner = FlowRunner()
        with pytest.raises(errors.TaskNotFoundError) as caught:
            runner.run(retrieve(POLL, NEW, timeout=9.0), NOT_EXIST[form])
        assert caught.value.task_id == ID
        assert len(runner.sent) == 1

    @each_case(
        ("event", "kind"),
        [
            (page(502), errors.ServerError),
            (paced("3"), errors.RateLimitError),
            (platform(401, "Invalid Token"), errors.AuthenticationError),
            (Failure(httpx.ConnectError), errors.APIConnectionError),
            (HANG, errors.APITimeoutError),
            (page(200), errors.ResponseDecodeError),
        ],
    )
    def test_a_failure_carries_the_id(self, event: Any, kind: type[errors.RunwayError]) -> None:
        runner = FlowRunner()
        with pytest.raises(kind) as caught:
            runner.run(retrieve(POLL, NEW, timeout=9.0), event)
        assert caught.value.task_id == ID
