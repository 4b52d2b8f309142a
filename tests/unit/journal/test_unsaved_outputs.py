"""Outputs that were requested and not saved yet."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway import (
    DownloadError,
)
from cometapi_runway.journal import Journal

from ..support.both_clients import ID, ClientHarness
from ..support.fault_table import DONE
from ..support.journals import ASSETS, DAY, GONE, Location, change
from ..support.scripted_transport import Interruption, Reply, json_reply


class TestUnsaved:
    """A task whose output was to be saved, and whose file a killed process has left undone."""

    @pytest.fixture
    def task(self, harness: ClientHarness, location: Location) -> Any:
        harness.respond_with(json_reply({"id": ID}))
        task = harness.run(harness.new(journal=location).character_performance.create(**ASSETS))
        harness.respond_with(DONE)
        return harness.run(task.wait())

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX names are bytes")
    def test_in_a_folder_whose_name_is_no_text(
        self, task: Any, harness: ClientHarness, location: Location, tmp_path: Path
    ) -> None:
        folder = tmp_path / os.fsdecode(b"caf\xe9")
        harness.respond_with(Reply(200, b"film", {"content-type": "video/mp4"}))
        (file,) = harness.run(task.download(folder))
        (entry,) = harness.new(journal=location).journal.tasks()
        assert (entry.files, entry.unsaved) == ((file,), 0)
        assert file.parent == folder

    def test_is_taken_up(
        self, task: Any, harness: ClientHarness, location: Location, tmp_path: Path
    ) -> None:
        harness.respond_with(Interruption())
        with pytest.raises(harness.interrupt):
            harness.run(task.download(tmp_path / "out"))
        client = harness.new(journal=location)
        (entry,) = client.journal.tasks(unfinished=True)
        assert (entry.state, entry.files, entry.unsaved) == ("SUCCEEDED", (), 1)
        harness.respond_with(DONE)
        (again,) = harness.list(client.journal.resume())
        harness.respond_with(Reply(200, b"film", {"content-type": "video/mp4"}))
        (file,) = harness.run(again.download(tmp_path / "out"))
        (entry,) = client.journal.tasks()
        assert (entry.files, entry.unsaved) == ((file,), 0)
        assert client.journal.tasks(unfinished=True) == []

    def test_is_not_what_was_never_asked_for(self, task: Any, location: Location) -> None:
        assert Journal(location).tasks(unfinished=True) == []

    def test_is_done_with_when_it_is_saved_once(
        self, task: Any, harness: ClientHarness, location: Location, tmp_path: Path
    ) -> None:
        harness.respond_with(Reply(200, b"film", {"content-type": "video/mp4"}))
        harness.run(task.download(tmp_path / "one"))
        harness.respond_with(Reply(404))
        with pytest.raises(DownloadError):
            harness.run(task.download(tmp_path / "another"))
        (entry,) = Journal(location).tasks()
        assert (len(entry.files), entry.unsaved) == (1, 0)

    def test_that_is_requested_is_the_one_that_is_saved(
        self, task: Any, harness: ClientHarness, location: Location, tmp_path: Path
    ) -> None:
        harness.new(journal=location).journal.request_output(ID, tmp_path)
        harness.respond_with(Reply(200, b"film", {"content-type": "video/mp4"}))
        harness.run(task.download(tmp_path))
        (entry,) = Journal(location).tasks()
        assert (len(entry.files), entry.unsaved) == (1, 0)

    @pytest.mark.parametrize(("days", "count"), [(6.9, 1), (7.1, 0)])
    def test_is_given_up_after_a_week(
        self,
        task: Any,
        harness: ClientHarness,
        location: Location,
        tmp_path: Path,
        days: float,
        count: int,
    ) -> None:
        """Nobody keeps an output for as long, and nobody wants to hear of it for ever."""
        harness.respond_with(Interruption())
        with pytest.raises(harness.interrupt):
            harness.run(task.download(tmp_path))
        change(location, "UPDATE file SET saved_at = ?", time.time() - days * DAY)
        assert len(Journal(location).tasks(unfinished=True)) == count

    def test_is_given_up_when_the_gateway_has_forgotten_it(
        self, task: Any, harness: ClientHarness, location: Location, tmp_path: Path
    ) -> None:
        client = harness.new(journal=location)
        client.journal.request_output(ID, tmp_path)
        harness.respond_with(GONE)
        harness.list(client.journal.resume())
        assert len(client.journal.tasks(unfinished=True)) == 1
        change(location, "UPDATE submission SET created_at = ?", time.time() - 3 * DAY)
        harness.list(client.journal.resume())
        assert client.journal.tasks(unfinished=True) == []
        assert client.journal.find(ID).state == "SUCCEEDED"

    def test_no_output_is_recorded_without_a_journal(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.client.journal.request_output(ID, tmp_path)
