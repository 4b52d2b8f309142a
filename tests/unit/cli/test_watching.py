"""What the commands that wait know of a task before they ask for it."""

from __future__ import annotations

from pathlib import Path

import httpx

from cometapi_runway import RunwayClient
from cometapi_runway._flows.steps import PreparedRequest, SubmissionAccepted, SubmissionStarted
from cometapi_runway.cli.watching import known
from cometapi_runway.journal import Journal

HERE, THERE = "https://api.cometapi.com", "http://127.0.0.1:9"
CALL = PreparedRequest("generate", "POST", "/x", {}, {})


def test_only_the_record_of_this_gateway_tells_where_a_task_is_polled(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    for key, gateway in (("here", HERE), ("there", THERE)):
        journal.write(SubmissionStarted(key, CALL, "feed", 7), gateway)
        journal.write(SubmissionAccepted(key, key))
    refuses = httpx.MockTransport(lambda _: httpx.Response(500))
    with RunwayClient("a-key", base_url=HERE, journal=journal, transport=refuses) as client:
        mine, others = (known(client, key, "tasks") for key in ("here", "there"))
    assert (mine.route, mine.operation, mine.seed) == ("feed", "generate", 7)
    assert (others.route, others.operation, others.seed) == ("tasks", None, None)
    with RunwayClient("a-key", base_url=HERE, transport=refuses) as client:
        assert known(client, "here", "feed").route == "feed"
