"""Settling what is of unknown outcome, finding by label, and the export."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway import InvalidRequestError
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._core.task import Task
from cometapi_runway._flows.entries import (
    IdempotencyKey,
    OutputSaved,
    Reservation,
    SubmissionAccepted,
    SubmissionFailed,
    SubmissionStarted,
    TaskEnded,
)
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway.journal import Journal
from cometapi_runway.journal import _journal as journal_module

from ..support.both_clients import BASE, ID, ClientHarness
from ..support.fault_table import DONE
from ..support.journal_processes import CALL
from ..support.journals import ASSETS, Location, change

OTHER = "https://other.example"


@pytest.fixture
def journal(location: Location) -> Any:
    journal = Journal(location)
    yield journal
    journal.close()


def start(journal: Journal, key: str, gateway: str = BASE, **more: Any) -> None:
    assert journal.write(SubmissionStarted(key, CALL, "tasks", 7, **more), gateway) is None


def lose(journal: Journal, key: str, gateway: str = BASE, **more: Any) -> None:
    start(journal, key, gateway, **more)
    journal.write(SubmissionFailed(key, False, Reason.UNKNOWN_OUTCOME))


def name_issue(refusal: InvalidRequestError) -> tuple[str, str, object]:
    (issue,) = refusal.issues
    return issue.path, issue.rule, issue.value


class TestSettle:
    @pytest.mark.parametrize("name", ["k", "order-17"])
    @pytest.mark.parametrize(
        ("settled", "state", "task_id"),
        [
            ({"task_id": "t"}, "SUBMITTED", "t"),
            ({"charged": False}, "REFUSED", None),
            ({"charged": True}, "LOST", None),
        ],
    )
    def test_ends_the_warnings(
        self, journal: Journal, name: str, settled: dict[str, Any], state: str, task_id: str | None
    ) -> None:
        lose(journal, "k", idempotency_key=IdempotencyKey("order-17", "d"))
        lose(journal, "l")
        record = journal.settle(name, **settled)
        assert (record.state, record.task_id) == (state, task_id)
        assert record.settled_at is not None
        assert [one.key for one in journal.unknown()] == ["l"]
        assert journal.settle(name, **settled) == record

    @pytest.mark.parametrize("wrong", [{"task_id": "wrong"}, {"charged": True}])
    @pytest.mark.parametrize(
        ("right", "state", "task_id"),
        [
            ({"task_id": "t"}, "SUBMITTED", "t"),
            ({"charged": False}, "REFUSED", None),
            ({"charged": True}, "LOST", None),
        ],
    )
    def test_can_be_corrected(
        self,
        journal: Journal,
        wrong: dict[str, Any],
        right: dict[str, Any],
        state: str,
        task_id: str | None,
    ) -> None:
        lose(journal, "k")
        journal.settle("k", **wrong)
        record = journal.settle("k", **right)
        assert (record.state, record.task_id) == (state, task_id)

    def test_cannot_be_corrected_once_its_key_is_free_or_its_task_has_ended(
        self, journal: Journal
    ) -> None:
        for key, settled in (("k", {"charged": False}), ("l", {"task_id": "t"})):
            lose(journal, key)
            journal.settle(key, **settled)
        journal.write(TaskEnded(Task("t", "SUCCEEDED")))
        for key in ("k", "l"):
            with pytest.raises(InvalidRequestError, match="its outcome is known"):
                journal.settle(key, task_id="another")

    def test_makes_a_task_that_is_waited_for(
        self, harness: ClientHarness, location: Location
    ) -> None:
        client = harness.new(journal=location)
        lose(client.journal.store, "k")
        client.journal.settle("k", task_id=ID)
        assert [one.task_id for one in client.journal.tasks(unfinished=True)] == [ID]
        harness.respond_with(DONE)
        (task,) = harness.list(client.journal.resume())
        assert task.result().status == "SUCCEEDED"
        assert client.journal.find(ID).state == "SUCCEEDED"

    def test_of_an_intent_that_a_killed_process_left(
        self, journal: Journal, location: Location
    ) -> None:
        start(journal, "k")
        with pytest.raises(InvalidRequestError, match="a running process is sending it") as refusal:
            journal.settle("k", charged=False)
        assert name_issue(refusal.value) == ("key", "in progress", "k")
        # As a version wrote it that knew no owners.
        change(location, "UPDATE submission SET owner = NULL")
        assert journal.settle("k", charged=False).state == "REFUSED"

    @pytest.mark.parametrize(
        ("settled", "issue"),
        [
            ({}, ("task_id", "one of", None)),
            ({"task_id": "t", "charged": True}, ("task_id", "one of", "t")),
            ({"task_id": ""}, ("task_id", "one of", "")),
            ({"task_id": " "}, ("task_id", "one of", " ")),
            ({"charged": 1}, ("charged", "type", 1)),
            ({"charged": "no"}, ("charged", "type", "no")),
        ],
    )
    def test_refuses_arguments_that_say_nothing(
        self, journal: Journal, settled: dict[str, Any], issue: tuple[str, str, object]
    ) -> None:
        lose(journal, "k")
        with pytest.raises(InvalidRequestError, match=r"task_id: pass|charged: must") as refusal:
            journal.settle("k", **settled)
        assert name_issue(refusal.value) == issue
        assert journal.unknown()[0].settled_at is None

    def test_refuses_what_is_known(self, journal: Journal) -> None:
        start(journal, "accepted")
        journal.write(SubmissionAccepted("accepted", "t"))
        start(journal, "refused")
        journal.write(SubmissionFailed("refused", True, Reason.QUOTA))
        for key, state in (("accepted", "SUBMITTED with task t"), ("refused", "REFUSED")):
            with pytest.raises(InvalidRequestError, match=f"{key}: .*it is {state}$") as refusal:
                journal.settle(key, charged=True)
            assert name_issue(refusal.value) == ("key", "state", key)

    def test_refuses_to_change_what_is_settled(self, journal: Journal) -> None:
        lose(journal, "k")
        journal.settle("k", charged=False)
        for settled in ({"charged": True}, {"task_id": "t"}):
            with pytest.raises(InvalidRequestError, match="its outcome is known"):
                journal.settle("k", **settled)
        assert journal.tasks()[0].state == "REFUSED"

    def test_refuses_the_task_of_another_submission(self, journal: Journal) -> None:
        lose(journal, "k")
        start(journal, "l")
        journal.write(SubmissionAccepted("l", "t"))
        with pytest.raises(
            InvalidRequestError, match="task t belongs to another submission"
        ) as refusal:
            journal.settle("k", task_id="t")
        assert name_issue(refusal.value) == ("key", "unique", "k")

    def test_takes_the_id_of_another_gateways_task(self, journal: Journal) -> None:
        """Ids are the gateways' own, so two of them may give the same one."""
        lose(journal, "k")
        start(journal, "l", OTHER)
        journal.write(SubmissionAccepted("l", "t"))
        assert journal.settle("k", task_id="t").task_id == "t"

    def test_refuses_what_is_settled_meanwhile(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lose(journal, "k")

        def settle_first(_: object) -> frozenset[str]:
            journal.write(SubmissionAccepted("k", "t"))
            return frozenset()

        monkeypatch.setattr(journal, "_find_in_progress", settle_first)
        with pytest.raises(InvalidRequestError, match="k: another process has settled") as refusal:
            journal.settle("k", charged=False)
        assert name_issue(refusal.value) == ("key", "state", "k")
        assert [(one.state, one.task_id) for one in journal.tasks()] == [("SUBMITTED", "t")]

    def test_refuses_what_does_not_exist(self, journal: Journal) -> None:
        lose(journal, "k", OTHER)
        for key, gateway in (("x", None), ("k", BASE)):
            with pytest.raises(
                InvalidRequestError, match=f"submission {key}: the journal .* no"
            ) as refusal:
                journal.settle(key, charged=False, gateway=gateway)
            assert name_issue(refusal.value) == ("key", "unknown", key)

    def test_of_a_response_that_named_a_task_keeps_the_name(self, journal: Journal) -> None:
        start(journal, "k")
        journal.write(SubmissionFailed("k", False, Reason.UNKNOWN_OUTCOME, "t"))
        assert journal.settle("k", charged=True).task_id == "t"
        assert journal.settle("k", charged=True).state == "LOST"

    def test_frees_the_key_once(self, journal: Journal) -> None:
        own_key = IdempotencyKey("order-17", "d")
        lose(journal, "k", idempotency_key=own_key)
        journal.settle("order-17", charged=False)
        lose(journal, "l", idempotency_key=own_key)
        assert journal.settle("order-17", task_id="t").key == "l"

    def test_finds_by_an_idempotency_key_what_was_not_refused(self, journal: Journal) -> None:
        """Two submissions have one key where the first was accepted after all."""
        own_key = IdempotencyKey("order-17", "d")
        lose(journal, "k", idempotency_key=own_key)
        journal.settle("k", charged=False)
        lose(journal, "l", idempotency_key=own_key)
        journal.settle("l", charged=False)
        journal.write(SubmissionAccepted("k", "t"))
        assert [one.state for one in journal.tasks()] == ["REFUSED", "SUBMITTED"]
        found = journal.find(idempotency_key="order-17")
        assert found is not None
        assert found.key == "k"

    def test_late_news_of_the_sender_win(self, journal: Journal) -> None:
        """Its response arrived after all: the id must not be lost."""
        lose(journal, "k")
        journal.settle("k", charged=False)
        journal.write(SubmissionAccepted("k", "t"))
        (record,) = journal.tasks()
        assert (record.task_id, record.state, record.reason) == ("t", "SUBMITTED", None)


class TestLabels:
    def test_find(self, journal: Journal) -> None:
        labels = ["shoes/row-1", "shoes/row-2", "shoes", "50%/a_b", "50x/axb", None, "Ünter"]
        for number, label in enumerate(labels):
            start(journal, f"k{number}", label=label)

        def find(pattern: str) -> list[str | None]:
            return [one.label for one in journal.find(label=pattern)]

        assert find("shoes/row-1") == ["shoes/row-1"]
        assert find("shoes/*") == ["shoes/row-2", "shoes/row-1"]
        assert find("shoes*") == ["shoes", "shoes/row-2", "shoes/row-1"]
        assert find("50%/a_*") == ["50%/a_b"]
        assert find("Ünt*") == ["Ünter"]
        assert find("ünt*") == find("*row*") == find("") == []
        assert len(find("*")) == 6

    def test_are_not_names_of_one_task(self, journal: Journal) -> None:
        for number in range(2):
            start(journal, f"k{number}", label="a")
        start(journal, "elsewhere", OTHER, label="a")
        assert len(journal.find(label="a")) == 3
        assert [one.key for one in journal.find(label="a", gateway=BASE)] == ["k1", "k0"]

    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"task_id": "t", "label": "a"},
            {"idempotency_key": "a", "label": "a"},
            {"task_id": "t", "idempotency_key": "a"},
        ],
    )
    def test_find_takes_one_name(self, harness: ClientHarness, path: Path, arguments: Any) -> None:
        client = harness.new(journal=path)
        for journal in (client.journal, client.journal.store):
            with pytest.raises(TypeError, match="find takes one of"):
                journal.find(**arguments)


class TestExport:
    def test_shows_everything_as_json(
        self, harness: ClientHarness, location: Location, tmp_path: Path
    ) -> None:
        client = harness.new(journal=location)
        journal = client.journal.store
        call = PreparedRequest("o", "POST", "/x", {}, {"seed": 10**30, "text": "Ü\0\n,"})
        own_key = IdempotencyKey("order-17", "d")
        price = Reservation(Decimal("0.320000"), "default")
        entry = SubmissionStarted("k", call, "tasks", 10**30, own_key, price, "row-1")
        journal.write(entry, BASE)
        journal.write(SubmissionAccepted("k", "t"))
        journal.write(TaskEnded(Task("t", "SUCCEEDED")))
        journal.write(OutputSaved("t", 0, tmp_path / "a.mp4", 1))
        lose(journal, "l")
        start(journal, "elsewhere", OTHER)
        rows = json.loads(json.dumps(list(client.journal.export())))
        assert [one["key"] for one in rows] == ["k", "l"]
        first = rows[0]
        assert first["created_at"].endswith("+00:00")
        assert first["ended_at"].endswith("+00:00")
        assert {name: first[name] for name in first if not name.endswith("_at")} == {
            "key": "k",
            "idempotency_key": "order-17",
            "label": "row-1",
            "operation": "o",
            "state": "SUCCEEDED",
            "task_id": "t",
            "reason": None,
            "failure_code": None,
            "price": "0.32",
            "scope": "default",
            "seed": 10**30,
            "fingerprint": call.fingerprint,
            "base_url": BASE,
            "arguments": {"seed": 10**30, "text": "Ü\0\n,"},
            "files": [str(tmp_path / "a.mp4")],
        }
        assert (rows[1]["state"], rows[1]["reason"]) == ("UNKNOWN", "unknown_outcome")
        assert rows[0].keys() == rows[1].keys()
        assert len(list(journal.export())) == 3

    def test_has_each_submission_once_whatever_is_written_meanwhile(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(journal_module, "_EXPORT_PAGE", 3)
        for number in range(8):
            start(journal, f"k{number}")
            journal.write(SubmissionAccepted(f"k{number}", f"t{number}"))
            for index in range(number % 3):
                journal.write(OutputSaved(f"t{number}", index, Path(f"{index}.mp4"), 1))
        keys = []
        for row in journal.export():
            keys.append(row["key"])
            assert isinstance(row["files"], list)
            assert len(row["files"]) == max(" k0k1k2k3k4k5k6k7".find(str(row["key"])) // 2, 0) % 3
            if row["key"] == "k4":
                start(journal, "late")
        assert keys == [*(f"k{number}" for number in range(8)), "late"]

    def test_of_an_empty_journal(self, journal: Journal) -> None:
        assert list(journal.export()) == []

    def test_goes_on_after_a_page_of_damaged_rows(
        self,
        journal: Journal,
        location: Location,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(journal_module, "_EXPORT_PAGE", 1)
        for key in "abc":
            start(journal, key)
        change(location, "UPDATE submission SET state = 'BROKEN' WHERE key = 'b'")
        assert [row["key"] for row in journal.export()] == ["a", "c"]
        assert "submission b cannot be read" in caplog.text


def test_a_label_and_a_key_reach_the_journal(harness: ClientHarness, location: Location) -> None:
    client = harness.new(journal=location)
    harness.respond_with(DONE)
    options = {"idempotency_key": "order-17", "label": "shoes/row-17"}
    harness.run(client.character_performance.create(**ASSETS, **options))
    (record,) = client.journal.find(label="shoes/*")
    assert (record.label, record.idempotency_key) == ("shoes/row-17", "order-17")
    body = harness.network.sent[0].content + str(harness.network.sent[0].headers).encode()
    assert b"order-17" not in body
    assert b"row-17" not in body
