"""What was paid for is on record, whatever happens to process, disk or network."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    APIConnectionError,
    BadRequestError,
    ConfigurationError,
    DownloadError,
    RunwayClient,
    SubmissionUnknownError,
    TaskNotFoundError,
)
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._core.task import Task
from cometapi_runway._flows.steps import (
    Entry,
    OutputSaved,
    PreparedRequest,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway.journal import Journal
from cometapi_runway.journal import _journal as journal_module

from .faults import DONE, RUNNING, family
from .twin import BASE, ID, Twin
from .wire import Interruption, Reply, answer

ASSETS = {"character": "https://e.com/a.png?sig=1", "reference": "https://e.com/b.mp4"}
MARKER = "MARKER" * 4
HOOK = "https://hooks.example/runway"
GONE = family(400, "task_not_exist")
DAY = 86_400
CALL = PreparedRequest("control_a_character", "POST", "/x", {}, {"seed": 7})


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Refusing(Journal):
    """A disk that fills up at a chosen entry."""

    full_at: type[Entry] | None = None

    def write(self, entry: Entry, base_url: str = "") -> None:
        if self.full_at is not None and isinstance(entry, self.full_at):
            raise sqlite3.OperationalError("database or disk is full")
        super().write(entry, base_url)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "runway.journal"


def client(
    journal: Path | Journal, answer: Callable[[httpx.Request], httpx.Response], **options: str
) -> RunwayClient:
    return RunwayClient(
        "the-key-of-the-user",
        journal=journal,
        transport=httpx.MockTransport(answer),
        clock=Clock(),
        **options,
    )


def accepts(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        return httpx.Response(200, json={"id": "task-1"})
    return httpx.Response(
        200, json={"id": "task-1", "status": "SUCCEEDED", "output": ["https://o.com/v.mp4?_jwt=s"]}
    )


def test_a_task_is_on_record_from_intent_to_end(path: Path) -> None:
    with client(path, accepts) as one:
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


def test_what_is_on_record_repeats_the_request(path: Path) -> None:
    sent: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return accepts(request)

    with client(path, answer) as one:
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


def test_a_lost_answer_is_listed_and_never_sent_again(path: Path) -> None:
    posts: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        posts.append(request)
        raise httpx.ReadTimeout("gone", request=request)

    with client(path, answer) as one:
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
    path: Path, answer: Callable[[httpx.Request], httpx.Response], error: type[Exception]
) -> None:
    with client(path, answer) as one:
        with pytest.raises(error):
            one.character_performance.create(**ASSETS)
        (entry,) = one.journal.tasks()
        assert entry.state == "REFUSED"
        assert one.journal.unknown() == []


def test_nothing_is_sent_without_a_record(path: Path) -> None:
    posts: list[httpx.Request] = []
    journal = Refusing(path)
    journal.full_at = SubmissionStarted
    with (
        client(journal, lambda r: posts.append(r) or accepts(r)) as one,
        pytest.raises(ConfigurationError, match="nothing was sent"),
    ):
        one.character_performance.create(**ASSETS)
    assert posts == []


@pytest.mark.parametrize("entry", [SubmissionAccepted, TaskEnded])
def test_a_full_disk_loses_no_id_silently(
    path: Path, entry: type[Entry], caplog: pytest.LogCaptureFixture
) -> None:
    journal = Refusing(path)
    journal.full_at = entry
    with client(journal, accepts) as one:
        task = one.character_performance.create(**ASSETS)
        assert task.wait().status == "SUCCEEDED"
    assert "task-1" in caplog.text
    assert "disk is full" in caplog.text


def test_resume_leaves_other_gateways_alone(path: Path) -> None:
    with client(path, accepts, base_url="http://127.0.0.1:9") as other:
        other.character_performance.create(**ASSETS)
    with client(path, accepts) as one:
        assert list(one.journal.resume()) == []
    with client(path, accepts, base_url="http://127.0.0.1:9") as again:
        (task,) = again.journal.resume()
        assert task.result().status == "SUCCEEDED"
        assert task.operation == "control_a_character"


def test_every_question_is_about_one_gateway(path: Path) -> None:
    """Ids are the gateways' own, so two of them may give the same one."""
    there, here = "http://127.0.0.1:9", "https://api.cometapi.com"
    journal = Journal(path)
    for key, gateway, task_id in (("a", here, "t"), ("b", there, "t"), ("c", there, "u")):
        journal.write(SubmissionStarted(key, CALL, "tasks", 7), gateway)
        journal.write(SubmissionAccepted(key, task_id))
        journal.write(SubmissionStarted(f"{key}-lost", CALL, "tasks", 7), gateway)
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
    inside = journal_module._read
    monkeypatch.setattr(journal_module, "_read", lambda rows: read.append(rows) or inside(rows))
    journal._db.set_trace_callback(queries.append)
    with client(journal, accepts) as one:
        found = one.journal.tasks(limit=3)
        assert [entry.task_id for entry in found] == ["t29", "t28", "t27"]
        assert all([file.name for file in e.files] == ["a.mp4", "b.mp4"] for e in found)
        assert (len(queries), len(read)) == (1, 3)
        assert len(one.journal.tasks()) == 30
        assert len(queries) == 2
    journal.close()


@pytest.mark.parametrize("seed", [2**63 - 1, 2**63, 2**64 + 1, -(2**63) - 1, 10**100])
def test_a_seed_of_any_size_is_kept(seed: int, path: Path, twin: Twin) -> None:
    """The contract forbids most of them; whoever does not hold to it has paid all the same."""
    client = twin.new(journal=path)
    twin.plays(answer({"id": ID}))
    create = client.character_performance.create
    task = twin.run(create(**ASSETS, seed=seed, validate=False))
    assert task.id == ID
    assert twin.wire.sent[0].json["seed"] == seed
    (entry,) = client.journal.tasks()
    assert (entry.seed, entry.arguments["seed"]) == (seed, seed)
    assert client.journal.recall(ID).seed == seed


def test_a_client_without_one_says_so() -> None:
    with (
        RunwayClient("a-key", transport=httpx.MockTransport(accepts)) as one,
        pytest.raises(ConfigurationError, match="journal="),
    ):
        one.journal.resume()


def test_files_are_remembered_in_order(path: Path) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7), "http://h")
    journal.write(SubmissionAccepted("k", "t"))
    journal.write(OutputSaved("t", 1, Path("b.mp4"), 2))
    journal.write(OutputSaved("t", 0, Path("a.mp4"), 2))
    found = journal.find("t")
    assert found is not None
    assert [file.name for file in found.files] == ["a.mp4", "b.mp4"]
    assert all(file.is_absolute() for file in found.files)
    journal.close()


def test_closing_is_no_end(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.write(SubmissionStarted("k", CALL, "tasks", None))
    assert [entry.state for entry in journal.unknown()] == ["INTENDED"]
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
    path: Path, stored: str | None, reason: Reason | None
) -> None:
    """Version 0.1.0 stored the error class's name."""
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", None))
    journal.write(SubmissionFailed("k", refused=True, reason=Reason.OTHER_STATUS))
    assert journal.tasks()[0].failure_reason is Reason.OTHER_STATUS
    journal.close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE submission SET reason = ?", (stored,))
    database.close()
    journal = Journal(path)
    assert journal.tasks()[0].failure_reason is reason
    journal.close()


def write_many(path: Path, name: str, count: int) -> None:
    journal = Journal(path)
    for number in range(count):
        key = f"{name}-{number}"
        journal.write(SubmissionStarted(key, CALL, "tasks", number))
        if number % 3:
            journal.write(SubmissionAccepted(key, f"task-{key}"))
        else:
            journal.write(SubmissionFailed(key, refused=False, reason=Reason.UNKNOWN_OUTCOME))
        if number % 3 == 2:
            journal.write(TaskEnded(Task(f"task-{key}", "SUCCEEDED")))
    journal.close()


def test_processes_share_it(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=write_many, args=(path, f"p{number}", 30)) for number in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    journal = Journal(path)
    assert len(journal.tasks()) == 120
    assert len(journal.unknown()) == 40
    assert len(journal.tasks(unfinished=True)) == 40
    assert len(journal.tasks(limit=5)) == 5
    journal.close()


def open_all(folder: Path, together: Any, count: int) -> None:
    for number in range(count):
        together.wait(20)
        Journal(folder / f"{number}.journal").close()


def test_whoever_makes_it_first(tmp_path: Path) -> None:
    """Several programs that start at once all find a journal that is whole."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(4)
    openers = [context.Process(target=open_all, args=(tmp_path, together, 40)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 4


@pytest.mark.parametrize(
    "content", [b"this is not a database, and much longer than any header of one" * 9]
)
def test_another_programs_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"notes\.txt cannot be opened"):
        Journal(file)
    assert file.read_bytes() == content


def test_a_newer_version_is_refused(path: Path) -> None:
    Journal(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        Journal(path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        Journal(tmp_path / "file" / "runway.journal")


def test_an_empty_file_becomes_one(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    Journal(tmp_path / "empty").close()
    assert Journal(tmp_path / "empty").tasks() == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE users (name)",
        "CREATE TABLE submission (x); CREATE TABLE file (x)",
        "CREATE TABLE users (name); PRAGMA user_version = 1",
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 1196444487",
    ],
)
def test_another_programs_database_is_refused_and_left_alone(
    tmp_path: Path, statement: str
) -> None:
    file = tmp_path / "theirs.db"
    db = sqlite3.connect(file)
    db.executescript(statement)
    db.close()
    before = file.read_bytes(), file.stat().st_mtime_ns
    with pytest.raises(ConfigurationError, match=r"theirs\.db cannot be opened: .*another program"):
        Journal(file)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.db"]


def test_a_journal_from_before_they_bore_a_mark_is_read(path: Path) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.close()
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA application_id").fetchone() == (0x4352574A,)
    db.execute("PRAGMA application_id = 0")
    db.close()
    (entry,) = Journal(path).tasks()
    assert entry.seed == 7


@pytest.mark.parametrize("value", [True, 5, 1.5, b"journal", ["journal"], object()])
def test_what_is_no_path_is_named(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be the path of a file, or a Journal; got"):
        RunwayClient("a-key", journal=value)


def test_a_path_that_no_system_takes(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        Journal(tmp_path / "a\0b")


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE submission",
        "UPDATE submission SET arguments = '{'",
        "UPDATE submission SET created_at = 1e300",
        "UPDATE submission SET created_at = 'yesterday'",
        "ALTER TABLE submission RENAME COLUMN seed TO seeds",
    ],
)
@pytest.mark.parametrize(
    "ask", [Journal.tasks, Journal.unknown, lambda journal: journal.find("task-1")]
)
def test_a_damaged_file_is_named(path: Path, damage: str, ask: Callable[[Journal], object]) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    db = sqlite3.connect(path)
    db.execute("UPDATE submission SET task_id = 'task-1'")
    db.executescript(damage)
    db.close()
    with pytest.raises(ConfigurationError, match=r"runway\.journal cannot be read"):
        ask(journal)
    journal.close()


class TestMissing:
    """A task that the gateway does not know, as another process takes it up later."""

    @pytest.fixture
    def client(self, twin: Twin, path: Path) -> Any:
        twin.plays(answer({"id": ID}))
        client = twin.new(journal=path)
        twin.run(client.character_performance.create(**ASSETS))
        twin.wire.sent.clear()
        return client

    def age(self, path: Path, seconds: float) -> None:
        db = sqlite3.connect(path)
        db.execute("UPDATE submission SET created_at = ?", (time.time() - seconds,))
        db.commit()
        db.close()

    @pytest.mark.parametrize(
        ("seconds", "state"),
        [(125, "SUBMITTED"), (1.9 * DAY, "SUBMITTED"), (2.1 * DAY, "LOST"), (10 * DAY, "LOST")],
    )
    def test_after_its_grace_is_missing_at_once(
        self, client: Any, twin: Twin, path: Path, seconds: float, state: str
    ) -> None:
        self.age(path, seconds)
        twin.plays(GONE)
        began = twin.time
        (task,) = twin.list(client.journal.resume())
        assert isinstance(task.error, TaskNotFoundError)
        assert (len(twin.wire.sent), twin.time) == (1, began)
        (entry,) = client.journal.tasks()
        assert (entry.state, entry.task_id, entry.ended_at) == (state, ID, None)
        assert len(twin.list(client.journal.resume())) == (state == "SUBMITTED")

    def test_within_its_grace_is_waited_for(self, client: Any, twin: Twin, path: Path) -> None:
        self.age(path, 100)
        twin.plays(GONE, GONE, DONE)
        (task,) = twin.list(client.journal.resume())
        assert task.result().status == "SUCCEEDED"

    def test_made_by_a_clock_that_is_ahead_has_its_grace(
        self, client: Any, twin: Twin, path: Path
    ) -> None:
        self.age(path, -10 * DAY)
        twin.plays(GONE)
        (task,) = twin.list(client.journal.resume())
        assert isinstance(task.error, TaskNotFoundError)
        assert 120 <= twin.time <= 130

    def test_is_no_longer_lost_once_it_is_seen(self, client: Any, twin: Twin, path: Path) -> None:
        self.age(path, 10 * DAY)
        twin.plays(GONE)
        twin.list(client.journal.resume())
        assert client.journal.find(ID).state == "LOST"
        twin.plays(DONE)
        twin.run(client.tasks.wait(ID))
        assert (client.journal.find(ID).state, client.journal.find(ID).reason) == (
            "SUCCEEDED",
            None,
        )

    def test_is_what_no_task_with_another_trouble_is(
        self, client: Any, twin: Twin, path: Path
    ) -> None:
        self.age(path, 10 * DAY)
        twin.plays(RUNNING, GONE)
        twin.list(client.journal.resume(timeout=20))
        assert client.journal.find(ID).state == "SUBMITTED"

    def test_is_told_though_the_journal_cannot_note_it(
        self, client: Any, twin: Twin, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> None:
            raise sqlite3.OperationalError("disk is full")

        self.age(path, 10 * DAY)
        twin.plays(GONE)
        endings = client.journal.resume()
        client.journal.store.write = fail
        (task,) = twin.list(endings)
        assert isinstance(task.error, TaskNotFoundError)
        assert "is missing, but the journal cannot note it (disk is full)" in caplog.text


def test_an_end_that_another_process_saw_is_not_lost_again(path: Path) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.write(SubmissionAccepted("k", "task-1"))
    db = sqlite3.connect(path)
    db.execute("UPDATE submission SET created_at = 0")
    db.commit()
    db.close()
    journal.write(TaskEnded(Task("task-1", "SUCCEEDED")))
    journal.write(TaskMissing("task-1"))
    (entry,) = journal.tasks()
    assert entry.state == "SUCCEEDED"
    journal.close()


class TestRecall:
    """An id that is on record is asked for where its task was made."""

    def made(self, twin: Twin, path: Path) -> Any:
        twin.plays(answer({"code": "success", "message": "", "data": {"task_id": "t-feed"}}))
        client = twin.new(journal=path)
        image = {"image": "https://e.com/a.png", "prompt": "it moves", "callback_url": HOOK}
        twin.run(client.compat.image_to_video.create(**image))
        return client

    def test_by_a_bare_id(self, twin: Twin, path: Path) -> None:
        client = self.made(twin, path)
        twin.plays(
            answer(
                {
                    "code": "success",
                    "message": "",
                    "data": {"task_id": "t-feed", "status": "IN_PROGRESS"},
                }
            )
        )
        task = twin.run(client.tasks.retrieve("t-feed"))
        assert twin.wire.sent[-1].method == "POST"
        assert (task.route, task.operation) == ("feed", client.journal.find("t-feed").operation)

    def test_of_another_gateway_is_none(self, twin: Twin, path: Path) -> None:
        self.made(twin, path)
        elsewhere = twin.new(journal=path, base_url="https://other.example")
        twin.plays(RUNNING)
        twin.run(elsewhere.tasks.retrieve("t-feed"))
        assert twin.wire.sent[-1].method == "GET"

    def test_of_a_damaged_journal_hinders_nobody(self, twin: Twin, path: Path) -> None:
        client = self.made(twin, path)
        client.journal.close()
        db = sqlite3.connect(path)
        db.execute("DROP TABLE submission")
        db.close()
        twin.plays(RUNNING)
        assert twin.run(client.tasks.retrieve("t-feed")).status == "RUNNING"

    def test_an_end_that_was_only_asked_for_is_noted(self, twin: Twin, path: Path) -> None:
        twin.plays(answer({"id": ID}))
        client = twin.new(journal=path)
        task = twin.run(client.character_performance.create(**ASSETS))
        twin.plays(DONE)
        twin.run(task.refresh())
        assert client.journal.find(ID).state == "SUCCEEDED"


class TestUnsaved:
    """A task whose output was to be saved, and whose file a killed process has left undone."""

    @pytest.fixture
    def task(self, twin: Twin, path: Path) -> Any:
        twin.plays(answer({"id": ID}))
        task = twin.run(twin.new(journal=path).character_performance.create(**ASSETS))
        twin.plays(DONE)
        return twin.run(task.wait())

    def test_is_taken_up(self, task: Any, twin: Twin, path: Path, tmp_path: Path) -> None:
        twin.plays(Interruption())
        with pytest.raises(twin.interrupt):
            twin.run(task.download(tmp_path / "out"))
        client = twin.new(journal=path)
        (entry,) = client.journal.tasks(unfinished=True)
        assert (entry.state, entry.files, entry.unsaved) == ("SUCCEEDED", (), 1)
        twin.plays(DONE)
        (again,) = twin.list(client.journal.resume())
        twin.plays(Reply(200, b"film", {"content-type": "video/mp4"}))
        (file,) = twin.run(again.download(tmp_path / "out"))
        (entry,) = client.journal.tasks()
        assert (entry.files, entry.unsaved) == ((file,), 0)
        assert client.journal.tasks(unfinished=True) == []

    def test_is_not_what_was_never_asked_for(self, task: Any, path: Path) -> None:
        assert Journal(path).tasks(unfinished=True) == []

    def test_is_done_with_when_it_is_saved_once(
        self, task: Any, twin: Twin, path: Path, tmp_path: Path
    ) -> None:
        twin.plays(Reply(200, b"film", {"content-type": "video/mp4"}))
        twin.run(task.download(tmp_path / "one"))
        twin.plays(Reply(404))
        with pytest.raises(DownloadError):
            twin.run(task.download(tmp_path / "another"))
        (entry,) = Journal(path).tasks()
        assert (len(entry.files), entry.unsaved) == (1, 0)

    @pytest.mark.parametrize(("days", "count"), [(6.9, 1), (7.1, 0)])
    def test_is_given_up_after_a_week(
        self, task: Any, twin: Twin, path: Path, tmp_path: Path, days: float, count: int
    ) -> None:
        """Nobody keeps an output for as long, and nobody wants to hear of it for ever."""
        twin.plays(Interruption())
        with pytest.raises(twin.interrupt):
            twin.run(task.download(tmp_path))
        db = sqlite3.connect(path)
        db.execute("UPDATE file SET saved_at = ?", (time.time() - days * DAY,))
        db.commit()
        db.close()
        assert len(Journal(path).tasks(unfinished=True)) == count

    def test_is_given_up_when_the_gateway_has_forgotten_it(
        self, task: Any, twin: Twin, path: Path, tmp_path: Path
    ) -> None:
        client = twin.new(journal=path)
        client.journal.request_output(ID, tmp_path)
        twin.plays(GONE)
        twin.list(client.journal.resume())
        assert len(client.journal.tasks(unfinished=True)) == 1
        db = sqlite3.connect(path)
        db.execute("UPDATE submission SET created_at = ?", (time.time() - 3 * DAY,))
        db.commit()
        db.close()
        twin.list(client.journal.resume())
        assert client.journal.tasks(unfinished=True) == []
        assert client.journal.find(ID).state == "SUCCEEDED"

    def test_a_wish_without_a_journal_is_none(self, twin: Twin, tmp_path: Path) -> None:
        twin.client.journal.request_output(ID, tmp_path)


def test_one_that_cannot_be_written_can_be_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite would make files of its own beside it, where nothing can be made."""
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.close()
    beside = [path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm")]
    monkeypatch.setattr("os.access", lambda *_, **__: False)

    assert [one.key for one in journal.tasks()] == ["k"]
    assert not any(file.exists() for file in beside)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        journal.write(SubmissionStarted("l", CALL, "tasks", 7))

    def test_a_folder_whose_name_is_no_text(
        self, task: Any, twin: Twin, path: Path, tmp_path: Path
    ) -> None:
        folder = tmp_path / os.fsdecode(b"caf\xe9")
        twin.plays(Reply(200, b"film", {"content-type": "video/mp4"}))
        (file,) = twin.run(task.download(folder))
        (entry,) = Journal(path).tasks()
        assert (entry.files, entry.unsaved) == ((file,), 0)
