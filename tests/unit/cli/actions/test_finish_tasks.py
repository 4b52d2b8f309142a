"""What the journal says of a task before it is polled."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from cometapi_runway import RunwayClient
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import SubmissionAccepted, SubmissionStarted, TaskEnded
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.cli._actions.finish_tasks import (
    RunOptions,
    _make_tracked_tasks,
    bind_task,
    save_ended,
    wait_and_save,
)
from cometapi_runway.cli._errors import CommandInterrupted
from cometapi_runway.cli._output.report import Report
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


def test_the_time_of_a_task_begins_with_its_submission(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    journal = Journal(file)
    journal.write(SubmissionStarted("old", CALL, "tasks", None), HERE)
    journal.write(SubmissionAccepted("old", "old"))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE submission SET created_at = created_at - 90")
    answer = {"status": "SUCCEEDED", "output": ["https://example.com/a.mp4"]}
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, json={"id": request.url.path[-3:], **answer})
    )
    err = io.StringIO()
    with RunwayClient("a-key", base_url=HERE, journal=journal, transport=transport) as client:
        tasks = [bind_task(client, key, "tasks") for key in ("old", "new")]
        wait_and_save(client, tasks, RunOptions(interval=0.01), Report(io.StringIO(), err))

    times = {line[:3]: line.rpartition(" after ")[2] for line in err.getvalue().splitlines()}
    assert times in ({"old": f"1:3{n}", "new": f"0:0{n}"} for n in range(10))


def write_late_ends(file: Path) -> Journal:
    """Three tasks that ended soon, and were seen to have ended 90 s after their submission."""
    journal = Journal(file)
    for key in ("a", "b", "c"):
        journal.write(SubmissionStarted(key, CALL, "tasks", None), HERE)
        journal.write(SubmissionAccepted(key, key))
        journal.write(TaskEnded(Task(key, "SUCCEEDED")))
    journal.close()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE submission SET ended_at = created_at + 90")
    return journal


def test_ends_that_were_seen_late_teach_no_duration(tmp_path: Path) -> None:
    journal = write_late_ends(tmp_path / "journal")
    journal.write(SubmissionStarted("new", CALL, "tasks", None), HERE)
    journal.write(SubmissionAccepted("new", "new"))
    answers = iter(
        [
            {"id": "new", "status": "RUNNING", "progress": 0.78},
            {"id": "new", "status": "SUCCEEDED", "output": ["https://example.com/new.mp4"]},
        ]
    )
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=next(answers)))
    out, err = io.StringIO(), io.StringIO()
    with RunwayClient("a-key", base_url=HERE, journal=journal, transport=transport) as client:
        task = bind_task(client, "new", "tasks")
        wait_and_save(client, [task], RunOptions(interval=0.01), Report(out, err))

    assert "RUNNING     78%" in err.getvalue()
    assert "left" not in err.getvalue()


@pytest.mark.parametrize(("finish", "command"), [(wait_and_save, "wait"), (save_ended, "download")])
def test_an_interrupted_command_is_the_one_that_continues(
    finish: Callable[..., object], command: str
) -> None:
    def interrupt(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    report = Report(io.StringIO(), io.StringIO())
    transport = httpx.MockTransport(interrupt)
    with RunwayClient("a-key", base_url=HERE, transport=transport) as client:
        task = bind_task(client, "t-1", "tasks")
        with pytest.raises(CommandInterrupted) as caught:
            finish(client, [task], RunOptions(), report)
    assert caught.value.advice == f"cometapi-runway tasks {command} t-1"


def test_only_a_task_whose_operation_is_known_has_a_past() -> None:
    report = Report(io.StringIO(), io.StringIO(), clock=lambda: 100.0)
    journal = SimpleNamespace(store=None, recall_durations=lambda *kind: kind)
    client: Any = SimpleNamespace(journal=journal)
    tasks: Any = [
        SimpleNamespace(id="a", operation="o", model="m"),
        SimpleNamespace(id="b", operation=None, model=None),
    ]
    tracked = _make_tracked_tasks(client, tasks, report)
    assert [(one.id, one.submitted_at, one.past) for one in tracked] == [
        ("a", 100.0, ("o", "m")), ("b", 100.0, ()),
    ]  # fmt: skip
