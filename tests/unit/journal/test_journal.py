"""What a client records in its journal."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    APIConnectionError,
    BadRequestError,
    ConfigurationError,
    RunwayClient,
    SubmissionUnknownError,
)
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    Conflict,
    Entry,
    OutputRequested,
    OutputSaved,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway.journal import Journal, StorageError
from cometapi_runway.journal import _records as records_module

from ..support.both_clients import BASE, ID, ClientHarness
from ..support.journal_processes import CALL
from ..support.journals import ASSETS, Location, change, client
from ..support.scripted_transport import json_reply

MARKER = "MARKER" * 4


class Refusing(Journal):
    """A disk that fills up at a chosen entry."""

    full_at: type[Entry] | None = None

    def write(self, entry: Entry, base_url: str = "", **options: float) -> Conflict | None:
        if self.full_at is not None and isinstance(entry, self.full_at):
            raise StorageError("database or disk is full")
        return super().write(entry, base_url, **options)


def accepts(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        return httpx.Response(200, json={"id": "task-1"})
    return httpx.Response(
        200, json={"id": "task-1", "status": "SUCCEEDED", "output": ["https://o.com/v.mp4?_jwt=s"]}
    )


def test_a_task_is_on_record_from_intent_to_end(location: Location) -> None:
    with client(location, accepts) as one:
        task = one.character_performance.create(**ASSETS, seed=7)
        (entry,) = one.journal.tasks(unfinished=True)
        assert (entry.task_id, entry.state, entry.seed) == ("task-1", "SUBMITTED", 7)
        assert entry.operation == "control_a_character"
        task.wait()
        assert one.journal.tasks(unfinished=True) == []
        found = one.journal.find("task-1")
        assert found is not None
        assert found.state == "SUCCEEDED"
        assert found.ended_at is not None


def test_what_is_on_record_repeats_the_request(location: Location) -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return accepts(request)

    with client(location, answer) as one:
        one.character_performance.create(**ASSETS)
        (entry,) = one.journal.tasks()
        assert isinstance(entry.arguments, dict)
        one.character_performance.create(**ASSETS, extra_body=entry.arguments)
    assert sent[0] == sent[1]


def test_no_key_and_no_payload_is_kept(path: Path) -> None:
    with RunwayClient(MARKER, journal=path, transport=httpx.MockTransport(accepts)) as one:
        one.character_performance.create(
            character=f"data:image/png;base64,{MARKER}", reference=ASSETS["reference"]
        )
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert MARKER.encode() not in content
    assert b"data:image/png;base64" in content


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_its_owner_reads_it(path: Path) -> None:
    Journal(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_lost_answer_is_listed_and_never_sent_again(location: Location) -> None:
    posts: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        posts.append(request)
        raise httpx.ReadTimeout("gone", request=request)

    with client(location, answer) as one:
        with pytest.raises(SubmissionUnknownError):
            one.character_performance.create(**ASSETS)
        assert list(one.journal.resume()) == []
        (entry,) = one.journal.unknown()
        assert (entry.state, entry.task_id) == ("UNKNOWN", None)
    assert len(posts) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: httpx.Response(400, json={"error": {"message": "no"}}), BadRequestError),
        (lambda r: (_ for _ in ()).throw(httpx.ConnectError("no", request=r)), APIConnectionError),
    ],
)
def test_a_refusal_is_on_record_and_not_unknown(
    location: Location, answer: Callable[[httpx.Request], httpx.Response], error: type[Exception]
) -> None:
    with client(location, answer) as one:
        with pytest.raises(error):
            one.character_performance.create(**ASSETS)
        (entry,) = one.journal.tasks()
        assert entry.state == "REFUSED"
        assert one.journal.unknown() == []


def test_nothing_is_sent_without_a_record(location: Location) -> None:
    posts: list[httpx.Request] = []
    journal = Refusing(location)
    journal.full_at = SubmissionStarted
    with (
        client(journal, lambda r: posts.append(r) or accepts(r)) as one,
        pytest.raises(ConfigurationError, match="nothing was sent"),
    ):
        one.character_performance.create(**ASSETS)
    assert posts == []


@pytest.mark.parametrize("entry", [SubmissionAccepted, TaskEnded])
def test_a_full_disk_loses_no_id_silently(
    location: Location, entry: type[Entry], caplog: pytest.LogCaptureFixture
) -> None:
    journal = Refusing(location)
    journal.full_at = entry
    with client(journal, accepts) as one:
        task = one.character_performance.create(**ASSETS)
        assert task.wait().status == "SUCCEEDED"
    assert "task-1" in caplog.text
    assert "disk is full" in caplog.text


def test_resume_leaves_other_gateways_alone(location: Location) -> None:
    with client(location, accepts, base_url="http://127.0.0.1:9") as other:
        other.character_performance.create(**ASSETS)
    with client(location, accepts) as one:
        assert list(one.journal.resume()) == []
    with client(location, accepts, base_url="http://127.0.0.1:9") as again:
        (task,) = again.journal.resume()
        assert task.result().status == "SUCCEEDED"
        assert task.operation == "control_a_character"


def test_every_question_is_about_one_gateway(location: Location) -> None:
    """Ids are the gateways' own, so two of them may give the same one."""
    there, here = "http://127.0.0.1:9", "https://api.cometapi.com"
    journal = Journal(location)
    for key, gateway, task_id in (("a", here, "t"), ("b", there, "t"), ("c", there, "u")):
        journal.write(SubmissionStarted(key, CALL, "tasks", 7), gateway)
        journal.write(SubmissionAccepted(key, task_id))
        journal.write(SubmissionStarted(f"{key}-lost", CALL, "tasks", 7), gateway)
        journal.write(SubmissionFailed(f"{key}-lost", False, Reason.UNKNOWN_OUTCOME))
    with client(journal, accepts) as one:
        assert one.journal.find("u") is None
        assert one.journal.recall("u") is None
        found = one.journal.find("t")
        assert found is not None
        assert found.key == "a"
        assert [entry.key for entry in one.journal.tasks(limit=2)] == ["a-lost", "a"]
        assert [entry.key for entry in one.journal.tasks(limit=1, unfinished=True)] == ["a"]
        assert [entry.key for entry in one.journal.unknown()] == ["a-lost"]
    assert [entry.key for entry in journal.tasks(limit=2)] == ["c-lost", "c"]
    assert journal.find("u") is not None
    journal.close()


def test_an_answer_is_one_query_and_reads_no_more_than_is_asked_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    for number in range(30):
        journal.write(SubmissionStarted(str(number), CALL, "tasks", number), BASE)
        journal.write(SubmissionAccepted(str(number), f"t{number}"))
        journal.write(OutputSaved(f"t{number}", 0, Path("a.mp4"), 2))
        journal.write(OutputSaved(f"t{number}", 1, Path("b.mp4"), 2))
    queries: list[str] = []
    read: list[object] = []
    inside = records_module.parse_record
    monkeypatch.setattr(
        records_module, "parse_record", lambda rows: read.append(rows) or inside(rows)
    )
    journal._database.backend._database.connection.set_trace_callback(queries.append)
    with client(journal, accepts) as one:
        found = one.journal.tasks(limit=3)
        assert [entry.task_id for entry in found] == ["t29", "t28", "t27"]
        assert all([file.name for file in e.files] == ["a.mp4", "b.mp4"] for e in found)
        assert (len(queries), len(read)) == (1, 3)
        assert len(one.journal.tasks()) == 30
        assert len(queries) == 2
    journal.close()


@pytest.mark.parametrize("seed", [2**63 - 1, 2**63, 2**64 + 1, -(2**63) - 1, 10**100])
def test_a_seed_of_any_size_is_kept(seed: int, location: Location, harness: ClientHarness) -> None:
    """The contract forbids most of them; whoever does not hold to it has paid all the same."""
    client = harness.new(journal=location)
    harness.respond_with(json_reply({"id": ID}))
    create = client.character_performance.create
    task = harness.run(create(**ASSETS, seed=seed, validate=False))
    assert task.id == ID
    assert harness.network.sent[0].json["seed"] == seed
    (entry,) = client.journal.tasks()
    assert (entry.seed, entry.arguments["seed"]) == (seed, seed)
    assert client.journal.recall(ID).seed == seed


def test_a_client_without_one_says_so() -> None:
    with (
        RunwayClient("a-key", transport=httpx.MockTransport(accepts)) as one,
        pytest.raises(ConfigurationError, match="journal="),
    ):
        one.journal.resume()


def test_files_are_remembered_in_order(location: Location) -> None:
    journal = Journal(location)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7), "http://h")
    journal.write(SubmissionAccepted("k", "t"))
    journal.write(OutputSaved("t", 1, Path("b.mp4"), 2))
    journal.write(OutputSaved("t", 0, Path("a.mp4"), 2))
    found = journal.find("t")
    assert found is not None
    assert [file.name for file in found.files] == ["a.mp4", "b.mp4"]
    assert all(file.is_absolute() for file in found.files)
    journal.close()


def test_what_was_paid_for_survives_a_power_failure(path: Path) -> None:
    """The gateway can be asked for the rest, and a sync costs more than all of a write."""
    journal = Journal(path)
    backend: Any = journal._database.backend
    pragmas: list[str] = []

    def write(use: Callable[[], object]) -> tuple[bool, int]:
        """Whether it was synced, and how often that was changed."""
        pragmas.clear()
        backend._database.connection.set_trace_callback(
            lambda sql: pragmas.append(sql) if sql.startswith("PRAGMA") else None
        )
        use()
        backend._database.connection.set_trace_callback(None)
        (mode,) = backend._database.connection.execute("PRAGMA synchronous").fetchone()
        return mode == 2, len(pragmas)

    def enter(entry: Entry) -> tuple[bool, int]:
        return write(lambda: journal.write(entry))

    def start(key: str) -> SubmissionStarted:
        return SubmissionStarted(key, CALL, "tasks", 7)

    done = TaskEnded(Task("t", "SUCCEEDED"))
    assert enter(start("k")) == (True, 0)
    assert enter(SubmissionAccepted("k", "t")) == (True, 0)
    assert enter(done) == (False, 1)
    assert enter(OutputRequested("t", 0, path.parent, 2)) == (False, 0)
    assert enter(OutputSaved("t", 0, path, 5)) == (False, 0)
    assert enter(TaskMissing("t")) == (False, 0)
    assert enter(start("l")) == (True, 1)
    assert enter(done) == (False, 1)
    assert enter(SubmissionFailed("l", False, Reason.UNKNOWN_OUTCOME)) == (True, 1)
    assert enter(done) == (False, 1)
    assert write(lambda: journal.settle("l", charged=True)) == (True, 1)
    assert enter(done) == (False, 1)
    # A new connection is synced from its beginning.
    journal.close()
    assert journal.find("t") is not None
    assert enter(start("m")) == (True, 0)
    journal.close()


def test_closing_is_no_end(location: Location) -> None:
    journal = Journal(location)
    journal.close()
    journal.write(SubmissionStarted("k", CALL, "tasks", None))
    assert [entry.state for entry in journal.tasks()] == ["INTENDED"]
    journal.close()


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("authentication", Reason.AUTHENTICATION),
        ("AuthenticationError", Reason.AUTHENTICATION),
        ("APITimeoutError", Reason.NOT_SENT),
        ("KeyboardInterrupt", Reason.INTERRUPTED),
        ("a later version's reason", Reason.UNEXPECTED_ERROR),
        (None, None),
    ],
)
def test_reasons_of_older_journals_are_understood(
    location: Location, stored: str | None, reason: Reason | None
) -> None:
    """Version 0.1.0 stored the error class's name."""
    journal = Journal(location)
    journal.write(SubmissionStarted("k", CALL, "tasks", None))
    journal.write(SubmissionFailed("k", refused=True, reason=Reason.OTHER_STATUS))
    assert journal.tasks()[0].failure_reason is Reason.OTHER_STATUS
    journal.close()
    change(location, "UPDATE submission SET reason = ?", stored)
    journal = Journal(location)
    assert journal.tasks()[0].failure_reason is reason
    journal.close()
