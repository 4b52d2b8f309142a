"""An idempotency key buys one task, whoever uses it."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    BadRequestError,
    ConfigurationError,
    InvalidRequestError,
    RunwayClient,
    SubmissionUnknownError,
)
from cometapi_runway._core.submission_failure import SubmissionFailureReason as Reason
from cometapi_runway._flows.entries import IdempotencyKey, SubmissionFailed, SubmissionStarted
from cometapi_runway.journal import Journal, StorageError
from cometapi_runway.journal import _process_locks as locks_module

from ..support.both_clients import ASSETS, BASE, ID, KEY, ClientHarness
from ..support.fault_table import platform
from ..support.journal_processes import CALL
from ..support.journals import Location, change
from ..support.processes import sending_process
from ..support.scripted_transport import HANG, Failure, Interruption, json_reply
from ..support.submissions import MOST, REFUSED

ACCEPTED = json_reply({"id": ID})
OTHER = json_reply({"id": "another-task"})

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")


@pytest.fixture
def client(harness: ClientHarness, location: Location) -> Any:
    return harness.new(journal=location)


def create(harness: ClientHarness, client: Any, key: str = "order-17", **arguments: Any) -> Any:
    options = {**ASSETS, "idempotency_key": key, **arguments}
    return harness.run(client.character_performance.create(**options))


def on_sleep(harness: ClientHarness, number: int, action: Callable[[], object]) -> list[float]:
    """Do something in the middle of a pause; returns the list that all pauses are added to."""
    pauses: list[float] = []
    sleep = harness.clock.sleep

    def count(seconds: float) -> Any:
        pauses.append(seconds)
        if len(pauses) == number:
            action()
        return sleep(seconds)

    harness.clock.sleep = count  # type: ignore[method-assign]
    return pauses


class TestAcceptedKey:
    def test_returns_its_task_and_sends_nothing(
        self, harness: ClientHarness, client: Any, location: Location
    ) -> None:
        harness.respond_with(ACCEPTED, OTHER)
        first = create(harness, client, seed=7)
        again = create(harness, client, seed=7)
        elsewhere = create(harness, harness.new(journal=location), seed=7)
        assert [one.id for one in (first, again, elsewhere)] == [ID] * 3
        assert (elsewhere.operation, elsewhere.route, elsewhere.seed) == (
            first.operation,
            first.route,
            7,
        )
        assert harness.network.methods == ["POST"]
        assert len(client.journal.tasks()) == 1

    def test_is_another_at_another_gateway(
        self, harness: ClientHarness, client: Any, location: Location
    ) -> None:
        harness.respond_with(ACCEPTED, OTHER)
        other = harness.new(journal=location, base_url="https://other.example")
        assert create(harness, client).id == ID
        assert create(harness, other).id == "another-task"
        assert client.journal.find(idempotency_key="order-17").task_id == ID
        assert other.journal.find(idempotency_key="order-17").task_id == "another-task"

    def test_without_one_every_call_buys_a_task(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(ACCEPTED, OTHER)
        assert {create(harness, client, key=None).id for _ in range(2)} == {ID, "another-task"}

    def test_returns_a_task_that_has_ended(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(ACCEPTED, json_reply({"id": ID, "status": "FAILED", "failure": "x"}))
        task = create(harness, client)
        harness.run(client.tasks.retrieve(task.id))
        assert client.journal.find(ID).state == "FAILED"
        assert create(harness, client).id == ID
        assert harness.network.methods == ["POST", "GET"]

    def test_has_its_age(self, harness: ClientHarness, client: Any, location: Location) -> None:
        """Otherwise the gateway would have to know an old task no sooner than a new one."""
        harness.respond_with(ACCEPTED)
        create(harness, client, seed=7)
        change(location, "UPDATE submission SET created_at = created_at - 1000")
        task = create(harness, client, seed=7)
        assert 999 < harness.clock.now() - task.accepted_at < 1060


class TestOtherRequest:
    def differs(self, harness: ClientHarness, client: Any, **arguments: Any) -> str:
        count = len(harness.network.sent)
        with pytest.raises(InvalidRequestError) as caught:
            create(harness, client, **arguments)
        (issue,) = caught.value.issues
        assert (issue.path, issue.rule) == ("idempotency_key", "idempotency")
        assert caught.value.task_id == ID
        assert len(harness.network.sent) == count
        return str(caught.value)

    def test_is_refused_and_its_fields_are_named(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(ACCEPTED)
        create(harness, client, seed=7)
        message = self.differs(harness, client, seed=8, expression_intensity=2)
        # A field that the first request left out differs as well.
        assert "it differs in expressionIntensity, seed)" in message
        assert "another key" in message

    def test_a_drawn_seed_does_not_count(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(ACCEPTED)
        assert create(harness, client).seed == create(harness, client).seed

    @pytest.mark.parametrize(("first", "second"), [({}, {"seed": 7}), ({"seed": 7}, {})])
    def test_a_given_seed_counts(
        self,
        harness: ClientHarness,
        client: Any,
        first: dict[str, int],
        second: dict[str, int],
    ) -> None:
        harness.respond_with(ACCEPTED)
        create(harness, client, **first)
        assert "it differs in seed)" in self.differs(harness, client, **second)

    def test_extra_body_counts(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(ACCEPTED)
        create(harness, client, extra_body={"a": {"x": 1, "y": 2}})
        create(harness, client, extra_body={"a": {"y": 2, "x": 1}})
        message = self.differs(harness, client, extra_body={"a": {"x": 1, "y": 3}})
        assert "it differs in a)" in message
        assert "seed" in self.differs(
            harness, client, extra_body={"a": {"x": 1, "y": 2}, "seed": 7}
        )

    def test_contents_of_files_count_and_are_not_shown(
        self, harness: ClientHarness, client: Any, tmp_path: Path
    ) -> None:
        harness.respond_with(ACCEPTED)
        picture = tmp_path / "a.png"
        picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"first")
        create(harness, client, character=picture, seed=7)
        copy = tmp_path / "copy.png"
        copy.write_bytes(picture.read_bytes())
        assert create(harness, client, character=copy, seed=7).id == ID
        # As long as the first, so that only the contents differ.
        picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"other")
        message = self.differs(harness, client, character=picture, seed=7)
        assert "it differs in character)" in message
        assert "iVBOR" not in message

    def test_a_data_uri_is_not_shown(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(ACCEPTED)
        create(harness, client, character="data:image/png;base64,AAAA")
        message = self.differs(harness, client, character="data:image/png;base64,AAAABBBB")
        assert "it differs in character)" in message
        assert "AAAA" not in message

    def test_another_operation_counts(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(ACCEPTED)
        create(harness, client)
        with pytest.raises(InvalidRequestError, match="another request"):
            harness.run(
                client.compat.image_to_video.create(
                    image=ASSETS["reference"],
                    prompt="it moves",
                    callback_url="https://hooks.example",
                    idempotency_key="order-17",
                )
            )


class TestRefusedKey:
    def test_is_free_for_the_same_request(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(REFUSED, REFUSED, ACCEPTED)
        for _ in range(2):
            with pytest.raises(BadRequestError):
                create(harness, client)
        assert create(harness, client).id == ID
        assert create(harness, client).id == ID
        assert harness.network.methods == ["POST"] * 3
        assert client.journal.find(idempotency_key="order-17").task_id == ID
        assert len(client.journal.tasks()) == 3

    def test_is_not_free_for_another_request(self, harness: ClientHarness, client: Any) -> None:
        harness.respond_with(REFUSED)
        with pytest.raises(BadRequestError):
            create(harness, client, seed=7)
        with pytest.raises(InvalidRequestError, match=r"it differs in seed\)"):
            create(harness, client, seed=8)
        assert len(harness.network.sent) == 1

    def test_one_that_was_never_sent_is_free(self, harness: ClientHarness, client: Any) -> None:
        client.session.rng = MOST
        harness.respond_with(Failure(httpx.ConnectError))
        with pytest.raises(Exception, match="made to fail"):
            create(harness, client)
        harness.network.sent.clear()
        harness.respond_with(ACCEPTED)
        assert create(harness, client).id == ID


class TestUnknownKey:
    @pytest.mark.parametrize(
        "event", [HANG, platform(502, "x", "x"), Interruption()], ids=["hang", "502", "stop"]
    )
    def test_is_never_sent_again(
        self, harness: ClientHarness, client: Any, location: Location, event: Any
    ) -> None:
        harness.respond_with(event)
        with pytest.raises((SubmissionUnknownError, harness.interrupt)):
            create(harness, client)
        began = harness.time
        for one in (client, harness.new(journal=location)):
            with pytest.raises(SubmissionUnknownError, match="Nothing was sent now") as caught:
                create(harness, one)
            (record,) = client.journal.unknown()
            assert (caught.value.key, caught.value.idempotency_key) == (record.key, "order-17")
        assert (len(harness.network.sent), harness.time) == (1, began)

    @pytest.mark.parametrize(
        ("settled", "state"),
        [({"task_id": "t-1"}, "SUBMITTED"), ({"charged": False}, "REFUSED")],
    )
    def test_is_settled(
        self, harness: ClientHarness, client: Any, settled: dict[str, Any], state: str
    ) -> None:
        harness.respond_with(HANG, ACCEPTED)
        with pytest.raises(SubmissionUnknownError):
            create(harness, client)
        assert client.journal.settle("order-17", **settled).state == state
        assert client.journal.unknown() == []
        assert create(harness, client).id == settled.get("task_id", ID)

    def test_that_was_charged_is_never_sent_again(
        self, harness: ClientHarness, client: Any
    ) -> None:
        harness.respond_with(HANG, ACCEPTED)
        with pytest.raises(SubmissionUnknownError):
            create(harness, client)
        client.journal.settle("order-17", charged=True)
        with pytest.raises(SubmissionUnknownError, match="was charged"):
            create(harness, client)
        assert len(harness.network.sent) == 1

    def test_names_the_task_of_an_unreadable_response(
        self, harness: ClientHarness, client: Any
    ) -> None:
        harness.respond_with(json_reply({"id": ID, "error": "x"}, 502))
        for _ in range(2):
            with pytest.raises(SubmissionUnknownError) as caught:
                create(harness, client)
            assert caught.value.task_id == ID
        assert len(harness.network.sent) == 1


@needs_fork
@pytest.mark.forks
class TestOtherProcess:
    def test_that_is_alive_is_waited_for(
        self, harness: ClientHarness, client: Any, location: Location
    ) -> None:
        with sending_process(location, idempotency_key="order-17") as process:
            pauses = on_sleep(harness, 3, process.answer)
            assert create(harness, client).id == ID
            assert harness.network.sent == []
            assert len(pauses) == 3
            assert client.journal.unknown() == []

    def test_that_is_alive_is_waited_for_until_the_timeout(
        self, harness: ClientHarness, client: Any, location: Location
    ) -> None:
        with sending_process(location, idempotency_key="order-17") as process:
            assert client.journal.unknown() == []
            with pytest.raises(SubmissionUnknownError, match=r"still being sent after 5 s"):
                create(harness, client, timeout=5)
            assert harness.time == 5
            assert harness.network.sent == []
            with pytest.raises(InvalidRequestError, match="a running process is sending it"):
                client.journal.settle("order-17", charged=False)
            process.kill()
            (record,) = client.journal.unknown()
            assert record.state == "INTENDED"
            assert client.journal.settle("order-17", charged=False).state == "REFUSED"

    def test_that_was_killed_is_not_waited_for(
        self, harness: ClientHarness, client: Any, location: Location
    ) -> None:
        with sending_process(location, idempotency_key="order-17") as process:
            process.kill()
            # Its process number may be that of a running process by now.
            change(location, "UPDATE submission SET process = ?", os.getpid())
            with pytest.raises(SubmissionUnknownError, match="it is unknown whether"):
                create(harness, client)
        assert (harness.time, harness.network.sent) == (0, [])

    def test_that_dies_while_it_is_waited_for(
        self, harness: ClientHarness, client: Any, location: Location
    ) -> None:
        with sending_process(location, idempotency_key="order-17") as process:
            pauses = on_sleep(harness, 2, process.kill)
            with pytest.raises(SubmissionUnknownError, match="it is unknown whether"):
                create(harness, client)
        assert len(pauses) <= 4
        assert harness.network.sent == []

    def test_with_another_request_is_not_waited_for(
        self, harness: ClientHarness, client: Any, location: Location
    ) -> None:
        with (
            sending_process(location, idempotency_key="order-17", seed=7),
            pytest.raises(InvalidRequestError, match="differs in seed"),
        ):
            create(harness, client, seed=8)
        assert harness.time == 0

    def test_that_closes_its_journal_meanwhile(
        self, harness: ClientHarness, client: Any, location: Location
    ) -> None:
        """Many processes look at the same number at once, and none ends its lock."""
        with sending_process(location, idempotency_key="order-17") as process:
            for _ in range(3):
                other = Journal(location)
                assert other.unknown() == []
                other.close()
            process.kill()
            assert len(client.journal.unknown()) == 1


def test_what_is_in_the_way_says_how_old_it_is(location: Location) -> None:
    own_key = IdempotencyKey("order-17", "d")
    journal = Journal(location)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7, own_key), BASE)
    for shift, youngest, oldest in ((-100, 100.0, 130.0), (+900, 0.0, 0.0)):
        change(location, "UPDATE submission SET created_at = created_at + ?", shift)
        conflict: Any = journal.write(SubmissionStarted("l", CALL, "tasks", 7, own_key), BASE)
        # A clock that was set back makes nothing younger than new.
        assert youngest <= conflict.age <= oldest
    change(location, "UPDATE submission SET state = 'BROKEN'")
    with pytest.raises(StorageError, match="submission k cannot be read") as caught:
        journal.write(SubmissionStarted("l", CALL, "tasks", 7, own_key), BASE)
    assert (caught.value.is_busy, caught.value.is_permanent) == (False, True)
    journal.close()


def test_an_old_intent_of_a_running_process_is_unknown(location: Location) -> None:
    """No request takes an hour; the entry of its end was lost."""
    journal = Journal(location)
    journal.write(SubmissionStarted("k", CALL, "tasks", 7))
    assert journal.unknown() == []
    change(location, "UPDATE submission SET created_at = created_at - 3601")
    assert [one.key for one in journal.unknown()] == ["k"]
    journal.close()


class TestProcessNumber:
    def test_is_one_for_all_journals_of_a_file(self, path: Path) -> None:
        journals = [Journal(path) for _ in range(3)]
        for number, journal in enumerate(journals):
            journal.write(SubmissionStarted(f"k{number}", CALL, "tasks", 7))
        owners = {one.owner for one in journals[0].tasks()}
        assert len(owners) == 1
        assert None not in owners
        assert stat.S_IMODE(path.with_name(f"{path.name}-locks").stat().st_mode) == 0o600
        for journal in journals:
            journal.close()

    def test_is_not_drawn_for_reading(self, path: Path) -> None:
        journal = Journal(path)
        assert journal.tasks() == journal.unknown() == []
        assert list(journal.export()) == []
        journal.close()
        assert not path.with_name(f"{path.name}-locks").exists()

    def test_where_the_file_cannot_be_locked_an_intent_is_written(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(locks_module, "_lock", fail)
        journal = Journal(path)
        journal.write(SubmissionStarted("k", CALL, "tasks", 7))
        # Nobody can tell that its process is running.
        assert [one.key for one in journal.unknown()] == ["k"]
        journal.close()


class TestOneClaim:
    def start(self, journal: Journal, key: str, digest: str = "d", gateway: str = BASE) -> Any:
        entry = SubmissionStarted(key, CALL, "tasks", 7, IdempotencyKey("order-17", digest))
        return journal.write(entry, gateway, timeout=20)

    def test_under_threads_with_one_and_with_many_connections(self, location: Location) -> None:
        journals = [Journal(location) for _ in range(3)]
        barrier = threading.Barrier(9)

        def claim(number: int) -> Any:
            barrier.wait(10)
            return self.start(journals[number % 3], f"k{number}")

        with ThreadPoolExecutor(9) as pool:
            conflicts = list(pool.map(claim, range(9)))
        assert conflicts.count(None) == 1
        (record,) = journals[0].tasks()
        assert {one.key for one in conflicts if one is not None} == {record.key}
        assert all(one.is_in_progress for one in conflicts if one is not None)
        for journal in journals:
            journal.close()

    @needs_fork
    @pytest.mark.forks
    def test_under_processes(self, location: Location, tmp_path: Path) -> None:
        journal = Journal(location)
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                code = 2
                try:
                    wins = [
                        self.start(journal, f"k{number}-{key}", gateway=f"{BASE}/{key}") is None
                        for key in range(10)
                    ]
                    (tmp_path / str(number)).write_text(str(sum(wins)))
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in children] == [0] * 4
        assert sum(int((tmp_path / str(number)).read_text()) for number in range(4)) == 10
        assert len(journal.tasks()) == 10
        journal.close()

    def test_after_refusals_admits_one(self, location: Location) -> None:
        journal = Journal(location)
        for number in range(3):
            assert self.start(journal, f"refused-{number}") is None
            journal.write(SubmissionFailed(f"refused-{number}", True, Reason.QUOTA))
        assert self.start(journal, "k") is None
        assert self.start(journal, "l").key == "k"
        found = journal.find(idempotency_key="order-17")
        assert found is not None
        assert found.key == "k"
        journal.close()


@pytest.mark.parametrize("option", ["idempotency_key", "label"])
class TestOption:
    def test_needs_a_journal(self, option: str) -> None:
        posts: list[httpx.Request] = []
        transport = httpx.MockTransport(posts.append)  # type: ignore[arg-type]
        with (
            RunwayClient(KEY, transport=transport) as one,
            pytest.raises(ConfigurationError, match=f"{option} needs a journal") as caught,
        ):
            one.character_performance.create(**ASSETS, **{option: "a"})
        assert (caught.value.setting, caught.value.is_missing) == ("journal", True)
        assert posts == []

    @pytest.mark.parametrize("value", ["", "a" * 256, "a\nb", "\0", "\ud800", 17, b"a", ["a"]])
    def test_is_a_line_of_text(
        self, harness: ClientHarness, path: Path, option: str, value: Any
    ) -> None:
        client = harness.new(journal=path)
        with pytest.raises(InvalidRequestError, match=option):
            harness.run(client.character_performance.create(**ASSETS, **{option: value}))
        assert client.journal.tasks() == []

    @pytest.mark.parametrize("value", ["a" * 255, "Ünï-¢ødé 💐", "50%", "a' OR '1'='1", " :key "])
    def test_is_kept_as_it_is(
        self, harness: ClientHarness, location: Location, option: str, value: str
    ) -> None:
        harness.respond_with(ACCEPTED)
        client = harness.new(journal=location)
        harness.run(client.character_performance.create(**ASSETS, **{option: value}))
        found = client.journal.find(**{option: value})
        (record,) = found if isinstance(found, list) else [found]
        assert getattr(record, option) == value
