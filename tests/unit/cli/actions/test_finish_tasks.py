"""What the journal says of a task before it is polled."""

from __future__ import annotations

from pathlib import Path

import httpx

from cometapi_runway import RunwayClient
from cometapi_runway._flows.steps import PreparedRequest, SubmissionAccepted, SubmissionStarted
from cometapi_runway.cli._actions.finish_tasks import bind_task
from cometapi_runway.journal import Journal

HERE, THERE = "https://api.cometapi.com", "http://127.0.0.1:9"
CALL = PreparedRequest("generate", "POST", "/x", {}, {})


def test_only_this_gateways_journal_entries_set_the_route(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for key, gateway in (("here", HERE), ("there", THERE)):
        journal.write(SubmissionStarted(key, CALL, "feed", 7), gateway)
        journal.write(SubmissionAccepted(key, key))
    refuses = httpx.MockTransport(lambda _: httpx.Response(500))
    with RunwayClient("a-key", base_url=HERE, journal=journal, transport=refuses) as client:
        mine, others = (bind_task(client, key, "tasks") for key in ("here", "there"))
    assert (mine.route, mine.operation, mine.seed) == ("feed", "generate", 7)
    assert (others.route, others.operation, others.seed) == ("tasks", None, None)
    with RunwayClient("a-key", base_url=HERE, transport=refuses) as client:
        assert bind_task(client, "here", "feed").route == "feed"
