"""Finding a recorded task by its id."""

from __future__ import annotations

from typing import Any

from ..support.both_clients import ID, ClientHarness
from ..support.fault_table import DONE
from ..support.journals import ASSETS, Location, change
from ..support.scripted_transport import json_reply

HOOK = "https://hooks.example/runway"


class TestResolveTask:
    """An id that is on record is asked for where its task was made."""

    def made(self, harness: ClientHarness, location: Location) -> Any:
        harness.respond_with(
            json_reply({"code": "success", "message": "", "data": {"task_id": "t-feed"}})
        )
        client = harness.new(journal=location)
        image = {"image": "https://e.com/a.png", "prompt": "it moves", "callback_url": HOOK}
        harness.run(client.compat.image_to_video.create(**image))
        return client

    def test_by_a_bare_id(self, harness: ClientHarness, location: Location) -> None:
        client = self.made(harness, location)
        harness.respond_with(
            json_reply(
                {
                    "code": "success",
                    "message": "",
                    "data": {"task_id": "t-feed", "status": "IN_PROGRESS"},
                }
            )
        )
        task = harness.run(client.tasks.retrieve("t-feed"))
        assert harness.network.sent[-1].method == "POST"
        assert (task.route, task.operation) == ("feed", client.journal.find("t-feed").operation)

    def test_a_task_of_another_gateway_is_not_found(
        self, harness: ClientHarness, location: Location
    ) -> None:
        self.made(harness, location)
        elsewhere = harness.new(journal=location, base_url="https://other.example")
        harness.respond_with(json_reply({"id": "t-feed", "status": "RUNNING"}))
        harness.run(elsewhere.tasks.retrieve("t-feed"))
        assert harness.network.sent[-1].method == "GET"

    def test_a_damaged_journal_does_not_prevent_a_request(
        self, harness: ClientHarness, location: Location
    ) -> None:
        client = self.made(harness, location)
        client.journal.close()
        change(location, "DROP TABLE submission")
        harness.respond_with(json_reply({"id": "t-feed", "status": "RUNNING"}))
        assert harness.run(client.tasks.retrieve("t-feed")).status == "RUNNING"

    def test_an_end_that_was_only_asked_for_is_noted(
        self, harness: ClientHarness, location: Location
    ) -> None:
        harness.respond_with(json_reply({"id": ID}))
        client = harness.new(journal=location)
        task = harness.run(client.character_performance.create(**ASSETS))
        harness.respond_with(DONE)
        harness.run(task.refresh())
        assert client.journal.find(ID).state == "SUCCEEDED"
