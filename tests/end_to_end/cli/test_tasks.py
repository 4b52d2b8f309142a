"""The ``tasks`` commands."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.journal import Journal
from cometapi_runway.simulator import (
    INSTANT,
    Fault,
    Gateway,
    Outcome,
    SimulatorServer,
    When,
    failed,
)

from .terminal import CLIP, CREATE, FACE, QUICK, Terminal


def test_many_tasks_are_waited_for_at_once(run: Terminal, three_tasks: list[str]) -> None:
    result = run("tasks", "wait", *three_tasks, "--output", "videos", *QUICK)

    assert result.code == ExitCode.SUCCESS
    assert sorted(result.out.split()) == sorted(f"videos/{one}.mp4" for one in three_tasks)


def test_without_a_folder_addresses_are_printed(run: Terminal, three_tasks: list[str]) -> None:
    result = run("tasks", "wait", three_tasks[0], *QUICK)

    assert result.out.startswith("http://127.0.0.1:")
    assert three_tasks[0] in result.out


def test_a_wait_that_ends_too_early_leaves_its_files_to_be_fetched(
    run: Terminal, gateway: Gateway, journal: Journal
) -> None:
    task_id = run(*CREATE, "--no-wait").out.strip()
    gateway.faults.add(Fault("status", status=503, when=When("tasks")))
    saving = ("--output", "videos", "--timeout", "0.02", *QUICK)
    assert run("tasks", "wait", task_id, *saving).code == ExitCode.TIMEOUT
    gateway.faults.replace(())
    run("tasks", "get", task_id)
    assert [(one.state, one.unsaved) for one in journal.tasks()] == [("SUCCEEDED", 1)]


def test_one_failed_task_among_many_sets_the_exit_code(run: Terminal, gateway: Gateway) -> None:
    gateway.outcomes.add(Outcome(failed("INTERNAL"), When("*", nth=2)))
    ids = [run(*CREATE, "--no-wait").out.strip() for _ in range(3)]

    result = run("tasks", "wait", *ids, "--output", "videos", *QUICK)

    assert result.code == ExitCode.TASK
    assert len(result.out.split()) == 2
    assert ids[1] in result.err


def test_resume_finishes_unfinished_tasks(
    run: Terminal, three_tasks: list[str], journal: Journal
) -> None:
    result = run("tasks", "resume", *QUICK)
    again = run("tasks", "resume", *QUICK)

    assert result.code == again.code == ExitCode.SUCCESS
    assert len(result.out.split()) == 3
    assert again.out == ""
    assert {one.state for one in journal.tasks()} == {"SUCCEEDED"}


UNREACHABLE = "http://127.0.0.1:1"


def test_resume_names_the_gateway_of_the_tasks_it_leaves(
    run: Terminal, three_tasks: list[str]
) -> None:
    result = run("tasks", "resume", "--base-url", UNREACHABLE)
    here = os.environ["COMETAPI_RUNWAY_BASE_URL"]
    mixed = run(*CREATE, "--no-wait").out
    with SimulatorServer(timings=INSTANT, seed=2) as other:
        run(*CREATE, "--no-wait", "--base-url", other.base_url)
        both = run("tasks", "resume", *QUICK)
        taken_up = run("tasks", "resume", "--base-url", other.base_url, *QUICK)

    assert result.code == ExitCode.SUCCESS
    assert "every task in the journal" not in result.err
    assert f"3 tasks belong to {here}\n" in result.err
    assert "next:  cometapi-runway tasks resume\n" in result.err
    assert len(both.out.split()) == 4
    assert mixed.strip() in both.out
    assert f"1 task belongs to {other.base_url}\n" in both.err
    assert f"next:  cometapi-runway tasks resume --base-url {other.base_url}\n" in both.err
    assert len(taken_up.out.split()) == 1
    assert "belong" not in taken_up.err


def test_list_and_doctor_name_another_gateway(run: Terminal, three_tasks: list[str]) -> None:
    with SimulatorServer(timings=INSTANT, seed=2) as other:
        away = run(*CREATE, "--no-wait", "--base-url", other.base_url).out.strip()
    listed, there = run("tasks", "list"), run("tasks", "list", "--base-url", other.base_url + "/")
    checked = run("doctor")

    assert listed.out.splitlines()[0].startswith(away)
    assert listed.out.splitlines()[1] == f"  at {other.base_url}"
    assert listed.out.count("  at http") == 1
    assert there.out.count("  at http") == 3
    assert other.base_url not in there.out
    assert listed.err.splitlines() == [
        "next:  cometapi-runway tasks resume finishes the unfinished ones",
        f"1 task belongs to {other.base_url}",
        f"next:  cometapi-runway tasks resume --base-url {other.base_url}",
    ]
    assert f"4 unfinished (1 at {other.base_url}), 0 of" in checked.out


def test_resume_reports_submissions_of_unknown_outcome(run: Terminal, gateway: Gateway) -> None:
    gateway.faults.add(Fault("cut", when=When("character_performance")))
    run(*CREATE, "--seed", "7")

    result = run("tasks", "resume")

    assert result.code == ExitCode.SUCCESS
    assert "may have been charged" in result.err
    assert "seed 7" in result.err


def test_without_a_journal_there_is_nothing_to_resume(run: Terminal) -> None:
    result = run("tasks", "resume", "--no-journal")
    assert result.code == ExitCode.SUCCESS
    assert "without a journal there is nothing to resume" in result.err


def test_a_request_without_a_seed_is_reported_without_one(run: Terminal, gateway: Gateway) -> None:
    gateway.faults.add(Fault("cut", when=When("video_upscale")))
    lost = run("video-upscale", "--video-uri", CLIP)

    result = run("tasks", "resume")

    assert lost.code == ExitCode.UNKNOWN
    assert re.search(r"\(request [0-9a-f]{16}, key [0-9a-f]{32}\)", result.err)
    assert "None" not in lost.err + result.err


def test_list_describes_requests_that_were_never_sent(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cometapi_runway._flows.backoff.Backoff.pause", lambda *_: 100.0)
    unsent = (*CREATE, "--no-wait", "--base-url", UNREACHABLE)
    assert run(*unsent).code == ExitCode.GATEWAY
    gateway.faults.add(Fault("status", status=401))
    run(*CREATE)

    result = run("tasks", "list")
    fields = run("tasks", "list", "--format", "json").results

    assert "APIConnectionError" not in result.out
    row = next(line for line in result.out.splitlines() if " UNSENT " in line)
    assert len(row) <= 80
    assert "\n  never sent: the gateway was not reachable\n" in result.out
    assert " REFUSED " in result.out
    assert "AuthenticationError" not in result.out
    assert "\n  the key was not accepted" in result.out
    assert {one["state"] for one in fields} == {"REFUSED"}


def test_list_shows_what_a_stopped_process_was_sending_as_unknown(
    run: Terminal, gateway: Gateway, journal: Journal
) -> None:
    gateway.faults.add(Fault("cut", when=When("character_performance")))
    run(*CREATE)
    with sqlite3.connect(journal.path) as db:
        db.execute("UPDATE submission SET state = 'INTENDED', reason = NULL, owner = 2000000000")
    db.close()

    result = run("tasks", "list")

    (record,) = journal.unknown()
    assert record.state == "INTENDED"
    assert "\n  being sent, or its process was stopped; " in result.out
    assert f"tasks settle {record.key} " in result.out
    assert "1 request of unknown outcome may have been charged" in result.err


def test_get_shows_status_and_addresses(run: Terminal, three_tasks: list[str]) -> None:
    result = run("tasks", "get", three_tasks[0], "not-a-task", three_tasks[1])
    as_json = run("tasks", "get", three_tasks[0], "--format", "json")

    assert result.code == ExitCode.GATEWAY
    assert f"{three_tasks[0]}  SUCCEEDED" in result.out
    assert f"{three_tasks[1]}  SUCCEEDED" in result.out
    assert "not-a-task" in result.err
    assert as_json.results[0]["status"] == "SUCCEEDED"
    assert as_json.results[0]["output"][0].startswith("http")


def test_download_saves_ended_tasks_without_waiting(
    run: Terminal, three_tasks: list[str], gateway: Gateway
) -> None:
    gateway.faults.add(Fault("stale", when=When("tasks", nth=2), seconds=-0.0))
    result = run("tasks", "download", three_tasks[0], "--output", "videos")

    assert result.code == ExitCode.SUCCESS
    assert result.out == f"videos/{three_tasks[0]}.mp4\n"


def test_list_reads_the_journal_and_sends_nothing(
    run: Terminal, three_tasks: list[str], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("tasks", "wait", three_tasks[0], "--output", "videos", *QUICK)
    asked = len(gateway.requests)
    monkeypatch.delenv("COMETAPI_KEY")

    result = run("tasks", "list")
    unfinished = run("tasks", "list", "--unfinished", "--format", "json")
    latest = run("tasks", "list", "--limit", "1")

    assert len(gateway.requests) == asked
    assert [line.split()[0] for line in result.out.splitlines() if line[0] != " "] == three_tasks[
        ::-1
    ]
    assert str(Path.cwd() / "videos" / f"{three_tasks[0]}.mp4") in result.out
    assert {one["task_id"] for one in unfinished.results} == set(three_tasks[1:])
    assert {one["state"] for one in unfinished.results} == {"SUBMITTED"}
    assert latest.out.split()[0] == three_tasks[2]


def test_list_without_a_journal_creates_none(run: Terminal, tmp_path: Path) -> None:
    result = run("tasks", "list")

    assert result.code == ExitCode.SUCCESS
    assert result.out == ""
    assert not (tmp_path / "journal.sqlite3").exists()


def test_compat_tasks_are_found_by_the_journal_or_by_their_route(
    run: Terminal,
) -> None:
    created = run(
        *("compat", "act-one", "--video", FACE, "--image", FACE),
        *("--callback-url", "https://example.com/hook", "--no-wait"),
    )
    task_id = created.out.strip()

    from_journal = run("tasks", "wait", task_id, "--output", "videos", *QUICK)
    by_route = run("tasks", "get", task_id, "--no-journal", "--route", "feed")

    assert from_journal.code == ExitCode.SUCCESS, from_journal.err
    assert "SUCCEEDED" in by_route.out


class TestUnfetched:
    """Tasks that succeeded and whose files were never saved."""

    @pytest.fixture
    def succeeded(self, run: Terminal, three_tasks: list[str]) -> list[str]:
        """Three tasks that have ended; the first one's file is saved."""
        run("tasks", "wait", *three_tasks, *QUICK)
        run("tasks", "download", three_tasks[0], "--output", "videos")
        return three_tasks

    def test_resume_with_a_folder_fetches_them(
        self, run: Terminal, succeeded: list[str], gateway: Gateway, journal: Journal
    ) -> None:
        charged = len(gateway.charges)
        result = run("tasks", "resume", "--output", "late", *QUICK)
        again = run("tasks", "resume", "--output", "late", *QUICK)

        assert result.code == again.code == ExitCode.SUCCESS
        assert set(result.out.split()) == {f"late/{one}.mp4" for one in succeeded[1:]}
        assert "fetching the files of 2 tasks that succeeded and had no file saved" in result.err
        assert again.out == ""
        assert "every task in the journal has ended" in again.err
        assert journal.unfetched() == []
        assert len(gateway.charges) == charged

    def test_resume_with_a_folder_says_so_in_json(
        self, run: Terminal, succeeded: list[str]
    ) -> None:
        result = run("tasks", "resume", "--output", "late", "--format", "json", *QUICK)

        files = [one for one in result.results if one["event"] == "file"]
        assert {one["task_id"] for one in files} == set(succeeded[1:])
        assert "fetching the files of 2 tasks that succeeded" in result.err

    def test_resume_without_a_folder_names_the_command(
        self, run: Terminal, succeeded: list[str], gateway: Gateway
    ) -> None:
        asked = len(gateway.requests)
        result = run("tasks", "resume", *QUICK)

        assert result.code == ExitCode.SUCCESS
        assert result.out == ""
        assert "2 tasks that succeeded have no file saved, or not all of them" in result.err
        assert "next:  cometapi-runway tasks resume --output FOLDER fetches them" in result.err
        assert len(gateway.requests) == asked

    def test_one_such_task_is_named_in_the_singular(
        self, run: Terminal, succeeded: list[str], journal: Journal
    ) -> None:
        with sqlite3.connect(journal.path) as db:
            db.execute("DELETE FROM submission WHERE task_id = ?", (succeeded[1],))
        db.close()
        result = run("tasks", "resume", *QUICK)

        assert "1 task that succeeded has no file saved, or not all of them" in result.err

    def test_resume_takes_them_with_the_unfinished_ones(
        self, run: Terminal, succeeded: list[str]
    ) -> None:
        another = run(*CREATE, "--no-wait").out.strip()
        result = run("tasks", "resume", "--output", "late", *QUICK)

        assert set(result.out.split()) == {f"late/{one}.mp4" for one in [*succeeded[1:], another]}

    def test_list_shows_them(self, run: Terminal, succeeded: list[str]) -> None:
        result = run("tasks", "list")
        fields = run("tasks", "list", "--format", "json").results

        assert result.out.count("its output was never saved") == 2
        assert "2 tasks that succeeded have no file saved" in result.err
        assert {one["task_id"] for one in fields if one["unfetched"]} == set(succeeded[1:])


def test_list_says_how_many_rows_are_unreadable(
    run: Terminal, three_tasks: list[str], journal: Journal
) -> None:
    with sqlite3.connect(journal.path) as db:
        db.execute("UPDATE submission SET arguments = '{' WHERE task_id = ?", (three_tasks[1],))
    db.close()

    result = run("tasks", "list")
    as_json = run("tasks", "list", "--format", "json")

    assert result.code == as_json.code == ExitCode.SUCCESS
    shown = [line.split()[0] for line in result.out.splitlines()]
    assert shown == [three_tasks[2], three_tasks[0]]
    assert f"warning: 1 row of the journal {journal.path} cannot be read\n" in result.err
    assert f"(task {three_tasks[1]}) cannot be read: " in result.err
    assert {one["task_id"] for one in as_json.results} == {three_tasks[0], three_tasks[2]}
    assert "1 row of the journal" in as_json.err
