"""Tasks of the compatibility format."""

from __future__ import annotations

from typing import Any

from ..support.both_clients import ID, ClientHarness
from ..support.operation_cases import CASES, ENDED, OUTPUT, make
from ..support.scripted_transport import Reply, json_reply


def test_a_compatibility_task_is_taken_up_by_its_id(harness: ClientHarness) -> None:
    harness.respond_with(json_reply(ENDED["feed"]))
    tasks = harness.client.compat.tasks
    assert harness.run(tasks.retrieve(ID)).route == "feed"
    assert harness.run(tasks.wait(ID)).output == (OUTPUT,)
    assert [task.route for task in harness.run(tasks.wait_all([ID, "other"]))] == ["feed", "feed"]
    assert [task.output for task in harness.list(tasks.as_completed([ID]))] == [(OUTPUT,)]
    assert {one.url.path for one in harness.network.sent} == {"/runway/feed"}


def test_tasks_of_both_formats_are_waited_for_together(harness: ClientHarness) -> None:
    old, new = make(harness, next(case for case in CASES if case.route == "feed")), "another"

    def gateway(request: Any) -> Reply:
        if request.url.path == "/runway/feed":
            return json_reply(ENDED["feed"])
        return json_reply({**ENDED["tasks"], "id": new})

    harness.network.respond_by(gateway)
    first, second = harness.run(harness.client.tasks.wait_all([old, new]))
    assert (first.route, second.route) == ("feed", "tasks")
    assert first.output == second.output == (OUTPUT,)
