"""A journal's file that is removed, replaced or changed while a client uses it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cometapi_runway import ConfigurationError
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    Entry,
    OutputRequested,
    OutputSaved,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
    TaskMissing,
)
from cometapi_runway.journal import Journal, MissingSubmissionError
from cometapi_runway.journal import _recent as recent_module

from ..support.both_clients import ID, ClientHarness
from ..support.fault_table import DONE
from ..support.journal_processes import CALL
from ..support.journals import ASSETS
from ..support.scripted_transport import json_reply

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps open files in place")


def files_of(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{end}") for end in ("", "-wal", "-shm")]


def remove(path: Path) -> None:
    for file in files_of(path):
        file.unlink(missing_ok=True)


def remove_wal(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def replace_with_empty_file(path: Path) -> None:
    remove(path)
    path.touch()


def replace_with_other_journal(path: Path) -> None:
    other = Journal(path.with_name("other"))
    other.write(SubmissionStarted("other", CALL, "tasks", 1))
    other.close()
    remove(path)
    path.with_name("other").rename(path)


def delete_rows(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM submission")
    db.close()


LOSSES = [
    remove,
    remove_wal,
    remove_folder,
    replace_with_empty_file,
    replace_with_other_journal,
    delete_rows,
]
losses = pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)


@losses
def test_an_accepted_task_is_recorded_in_the_new_file(
    path: Path, lose: Callable[[Path], None], harness: ClientHarness
) -> None:
    client = harness.new(journal=path)

    harness.respond_with(json_reply({"id": "earlier"}))
    harness.run(client.character_performance.create(**ASSETS))
    journal = client.journal.store
    journal.write(SubmissionStarted("k", CALL, "tasks", 7), client.settings.base_url)
    lose(path)
    journal.write(SubmissionAccepted("k", ID))
    with_fresh_eyes = Journal(path)
    found = with_fresh_eyes.find(ID)
    assert found is not None
    assert (found.state, found.seed, found.operation) == ("SUBMITTED", 7, CALL.operation)
    with_fresh_eyes.close()
    harness.respond_with(DONE)
    lose(path)
    harness.run(client.tasks.wait(ID))
    with_fresh_eyes = Journal(path)
    found = with_fresh_eyes.find(ID)
    assert found is not None
    assert (found.state, found.seed) == ("SUCCEEDED", 7)
    with_fresh_eyes.close()


@losses
@pytest.mark.parametrize(
    "entry",
    [
        SubmissionFailed("k", refused=False, reason=Reason.UNKNOWN_OUTCOME),
        SubmissionFailed("k", refused=True, reason=Reason.BAD_REQUEST),
    ],
)
def test_an_outcome_is_recorded_in_the_new_file(
    path: Path, lose: Callable[[Path], None], entry: SubmissionFailed
) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    lose(path)
    journal.write(entry)
    record = next(one for one in Journal(path).tasks() if one.key == "k")
    assert (record.state, record.failure_reason) == (
        "REFUSED" if entry.refused else "UNKNOWN",
        entry.reason,
    )
    journal.close()


@pytest.mark.parametrize("lose", LOSSES[:-1], ids=lambda lose: lose.__name__)
def test_everything_this_process_recorded_is_in_the_new_file(
    path: Path, lose: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(path)
    for number in range(3):
        journal.write(SubmissionStarted(f"k{number}", CALL, "tasks", number))
        journal.write(SubmissionAccepted(f"k{number}", f"t{number}"))
    journal.write(TaskEnded(Task("t1", "SUCCEEDED")))
    journal.write(OutputRequested("t1", 0, path.parent, 2))
    journal.write(OutputSaved("t1", 0, path.parent / "a.mp4", 2))
    journal.write(SubmissionStarted("late", CALL, "tasks", 7))
    journal.write(SubmissionFailed("late", False, Reason.UNKNOWN_OUTCOME))
    journal.write(SubmissionAccepted("late", "t-late"))
    before = {one.key: one for one in journal.tasks()}
    assert before["late"].reason is None
    lose(path)
    after = {one.key: one for one in journal.tasks() if one.key != "other"}
    assert after == before
    assert after["k1"].unsaved == 1
    if lose is not remove_wal:
        assert caplog.text.count("was removed or replaced while it was in use") == 1
    journal.close()


def test_what_another_process_recorded_stays(path: Path) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.write(SubmissionAccepted("k", "t"))
    journal.close()
    elsewhere = path.with_name("elsewhere")
    shutil.copy(path, elsewhere)
    other = Journal(elsewhere)
    other.write(TaskEnded(Task("t", "SUCCEEDED")))
    other.close()
    journal.tasks()
    elsewhere.replace(path)
    (record,) = journal.tasks()
    assert record.state == "SUCCEEDED"
    journal.close()


def test_a_replacement_while_it_is_closed_is_noticed(path: Path) -> None:
    journal = Journal(path)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    journal.close()
    path.rename(path.with_name("moved"))
    assert [one.key for one in journal.unknown()] == ["k"]
    journal.close()


def test_an_intent_is_refused_where_another_programs_file_took_its_place(
    path: Path, harness: ClientHarness
) -> None:
    client = harness.new(journal=path)
    remove(path)
    path.write_text("notes of another program\n" * 99)
    harness.respond_with(json_reply({"id": ID}))
    with pytest.raises(ConfigurationError, match="nothing was sent"):
        harness.run(client.character_performance.create(**ASSETS))
    assert harness.network.sent == []
    assert path.read_text().startswith("notes of another program")


def test_an_update_of_an_unknown_submission_is_an_error(path: Path) -> None:
    journal = Journal(path)
    with pytest.raises(MissingSubmissionError, match="no request k"):
        journal.write(SubmissionAccepted("k", "t"))
    with pytest.raises(MissingSubmissionError):
        journal.write(SubmissionFailed("k", refused=False, reason=Reason.UNKNOWN_OUTCOME))
    journal.close()


@pytest.mark.parametrize(
    "entry",
    [TaskEnded(Task("t", "SUCCEEDED")), TaskMissing("t"), OutputSaved("t", 0, Path("t.mp4"), 1)],
)
def test_a_task_that_was_created_elsewhere_is_no_error(path: Path, entry: Entry) -> None:
    journal = Journal(path)
    journal.write(entry)
    assert journal.tasks() == []
    journal.close()


def test_a_bounded_number_is_remembered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_module, "_MAX_SUBMISSIONS", 3)
    journal = Journal(path)
    for number in range(5):
        journal.write(SubmissionStarted(f"k{number}", CALL, "tasks", number))
        journal.write(SubmissionAccepted(f"k{number}", f"t{number}"))
    remove(path)
    assert [one.task_id for one in journal.tasks()] == ["t4", "t3", "t2"]
    assert len(journal._database._recent._keys) == 3
    journal.close()
