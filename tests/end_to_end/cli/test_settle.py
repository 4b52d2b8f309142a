"""Requests of unknown outcome: how they are shown, and how they are closed."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from pathlib import Path

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.journal import EXPORT_FIELDS, Journal
from cometapi_runway.simulator import Fault, Gateway, SimulatorServer, When

from .terminal import CLIP, CREATE, QUICK, Terminal

UPSCALE = ("video-upscale", "--video-uri", CLIP, "--no-wait")
KEYED = (*UPSCALE, "--idempotency-key", "order-17")
WARNING = "may have been charged"
CLOSED = {
    "--task": ("SUBMITTED", "it created task t-1", "cometapi-runway tasks wait t-1"),
    "--charged": ("LOST", "it was charged", "stays used"),
    "--not-charged": ("REFUSED", "it was not charged", "send the request again"),
}


@pytest.fixture
def unknown(run: Terminal, gateway: Gateway, journal: Journal) -> str:
    """The key of a request that was accepted and whose response is lost."""
    gateway.faults.add(Fault("cut", when=When("video_upscale", first=1)))
    assert run(*KEYED, "--label", "shoes/1").code == ExitCode.UNKNOWN
    (record,) = journal.unknown()
    return record.key


def outcome(flag: str) -> tuple[str, ...]:
    return (flag, "t-1") if flag == "--task" else (flag,)


def find_commands(text: str) -> list[list[str]]:
    """The settle commands in a text."""
    found = re.findall(r"cometapi-runway (tasks settle [0-9a-f]{32} --task ID\b)", text)
    return [shlex.split(one) for one in found]


def test_whatever_mentions_the_request_says_how_to_close_it(
    run: Terminal, unknown: str, journal: Journal, gateway: Gateway
) -> None:
    settle = ["tasks", "settle", unknown, "--task", "ID"]
    shown = {
        "create": run.history[0].err,
        "its key again": run(*KEYED).err,
        "another create": run(*CREATE, "--no-wait").err,
        "list": run("tasks", "list").out,
        "list --unknown": run("tasks", "list", "--unknown").out,
        "resume": run("tasks", "resume", *QUICK).err,
    }

    assert "1 request of unknown outcome may have been charged: " in run("tasks", "list").err
    for name, text in shown.items():
        assert find_commands(text) == [settle], name
    # The command as it is shown works once the id is filled in.
    assert run(*settle[:-1], "t-1").code == ExitCode.SUCCESS
    assert journal.unknown() == []
    gateway.faults.add(Fault("cut", when=When("video_upscale")))
    elsewhere = run(*UPSCALE, "--journal", "another.sqlite3").err
    assert len(re.findall(r"--task ID --journal another\.sqlite3`", elsewhere)) == 1


@pytest.mark.parametrize("name", ["key", "idempotency key"])
@pytest.mark.parametrize("flag", CLOSED)
def test_a_closed_request_no_longer_warns(
    run: Terminal,
    unknown: str,
    journal: Journal,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    flag: str,
    name: str,
) -> None:
    state, sentence, advice = CLOSED[flag]
    sent = len(gateway.requests)
    monkeypatch.delenv("COMETAPI_KEY")

    result = run("tasks", "settle", unknown if name == "key" else "order-17", *outcome(flag))

    assert result.code == ExitCode.SUCCESS
    assert result.out.startswith(f"settled {unknown}\n")
    assert sentence in result.out
    assert advice in result.err
    assert len(gateway.requests) == sent
    (record,) = journal.tasks()
    assert record.state == state
    monkeypatch.setenv("COMETAPI_KEY", "sk-a-key-that-must-not-be-shown")
    everything = [
        run(*words).everything
        for words in (
            (*CREATE, "--no-wait"),
            ("tasks", "list", "--unknown"),
            ("tasks", "list"),
            ("doctor",),
        )
    ]
    assert not any(WARNING in text or find_commands(text) for text in everything)


@pytest.mark.parametrize("second", CLOSED)
@pytest.mark.parametrize("first", CLOSED)
def test_a_request_is_closed_once_and_a_mistake_corrected(
    run: Terminal, unknown: str, journal: Journal, first: str, second: str
) -> None:
    run("tasks", "settle", unknown, *outcome(first))
    result = run("tasks", "settle", unknown, *outcome(second))

    (record,) = journal.tasks()
    if first == second:
        assert result.code == ExitCode.SUCCESS
        assert re.match(rf"settled {unknown} \d+s ago; nothing was changed\n", result.out)
    elif first == "--not-charged":
        # Its idempotency key is free, and may have been used again.
        assert result.code == ExitCode.USAGE
        assert "its outcome is known" in result.err
    else:
        assert result.code == ExitCode.SUCCESS
    is_final = first in {second, "--not-charged"}
    assert record.state == CLOSED[first if is_final else second][0]


def test_what_was_not_charged_may_be_sent_again_and_nothing_else(
    run: Terminal, unknown: str, gateway: Gateway
) -> None:
    charges = len(gateway.charges)
    assert run(*KEYED).code == ExitCode.UNKNOWN
    assert len(gateway.charges) == charges
    run("tasks", "settle", "order-17", "--not-charged")

    assert run(*KEYED).code == ExitCode.SUCCESS
    assert len(gateway.charges) == charges + 1


def test_the_task_that_it_created_is_waited_for(
    run: Terminal, unknown: str, gateway: Gateway
) -> None:
    (task_id,) = gateway.tasks
    settled = run("tasks", "settle", unknown, "--task", task_id)
    (words,) = re.findall("^next:  cometapi-runway (.*)$", settled.err, re.MULTILINE)

    waited = run(*shlex.split(words), "--output", "videos", *QUICK)
    again = run(*KEYED)

    assert waited.out == f"videos/{task_id}.mp4\n"
    assert again.out == f"{task_id}\n"
    assert len(gateway.charges) == 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("order-71", "--charged"), "no such submission"),
        (("order-17",), "give one of --task ID, --charged and --not-charged"),
        (("order-17", "--charged", "--not-charged"), "give one of"),
        (("order-17", "--task", "t-1", "--charged"), "give one of"),
        (("order-17", "--task", " "), "pass the id of its task"),
        (("order-17", "--charged", "--no-journal"), "--no-journal"),
        (("order-17", "--charged", "--journal", "nowhere"), "nowhere"),
        (("--charged",), "KEY"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else None,
)
def test_a_wrong_settlement_changes_nothing(
    run: Terminal, unknown: str, journal: Journal, words: tuple[str, ...], problem: str
) -> None:
    result = run("tasks", "settle", *words)

    assert result.code == ExitCode.USAGE
    assert problem in result.err
    assert "nothing was sent" not in result.err
    assert [one.key for one in journal.unknown()] == [unknown]
    assert not Path("nowhere").exists()


def test_a_task_of_another_request_is_refused(
    run: Terminal, unknown: str, journal: Journal
) -> None:
    task_id = run(*CREATE, "--no-wait").out.strip()

    result = run("tasks", "settle", unknown, "--task", task_id)

    assert result.code == ExitCode.USAGE
    assert f"task {task_id} belongs to another submission" in result.err
    assert result.err.splitlines()[-1] == "next:  check the task's id; nothing was changed"
    assert journal.unknown()


def test_a_key_that_two_gateways_have_means_the_one_in_use(
    run: Terminal, unknown: str, journal: Journal, server: SimulatorServer
) -> None:
    with SimulatorServer(seed=2) as other:
        other.gateway.faults.add(Fault("cut"))
        away = ("--base-url", other.base_url)
        assert run(*KEYED, *away).code == ExitCode.UNKNOWN
        run("tasks", "settle", "order-17", "--task", "t-1", *away)
        assert [one.key for one in journal.unknown()] == [unknown]
        run("tasks", "settle", "order-17", "--task", "t-2")
        # A key of the journal names its request at any gateway.
        (key,) = (one.key for one in journal.tasks() if one.base_url == other.base_url)
        elsewhere = run("tasks", "settle", key, "--task", "t-1")

    assert {one.base_url: one.task_id for one in journal.tasks()} == {
        other.base_url: "t-1",
        server.base_url: "t-2",
    }
    assert f"next:  cometapi-runway tasks wait t-1 --base-url {other.base_url}\n" in elsewhere.err


def test_the_conditions_of_a_list_hold_together(run: Terminal, unknown: str) -> None:
    run(*CREATE, "--no-wait", "--label", "shoes/1")

    both = run("tasks", "list", "--unknown", "--label", "shoes/*", "--format", "json").results
    none = run("tasks", "list", "--unknown", "--label", "hats")
    contradiction = run("tasks", "list", "--unknown", "--unfinished")

    assert [one["key"] for one in both] == [unknown]
    assert none.out == ""
    assert contradiction.code == ExitCode.USAGE


class TestExport:
    """Every request as a row."""

    def test_both_formats_hold_every_request(
        self, run: Terminal, unknown: str, three_tasks: list[str], journal: Journal
    ) -> None:
        table = list(csv.DictReader(io.StringIO(run("tasks", "export").out)))
        lines = [
            json.loads(one)
            for one in run("tasks", "export", "--format", "jsonl").out.split("\n")[:-1]
        ]

        assert lines == list(journal.export())
        assert [one["task_id"] for one in lines] == [None, *three_tasks]
        for row, line in zip(table, lines, strict=True):
            assert list(row) == list(line) == list(EXPORT_FIELDS)
            for name, cell in row.items():
                value = line[name]
                plain = (
                    "" if value is None else value if isinstance(value, str) else json.dumps(value)
                )
                assert cell == plain

    def test_a_journal_without_requests_has_a_head(self, run: Terminal, tmp_path: Path) -> None:
        empty = run("tasks", "export")
        assert empty.code == ExitCode.SUCCESS
        assert (empty.out, empty.err) == (",".join(EXPORT_FIELDS) + "\n", "0 requests written\n")
        assert run("tasks", "export", "--format", "jsonl").out == ""
        assert not (tmp_path / "journal.sqlite3").exists()

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "＝", "＠"])  # noqa: RUF001
    def test_no_cell_is_a_formula(self, run: Terminal, gateway: Gateway, start: str) -> None:
        label = f"{start}HYPERLINK(1)"
        run(*UPSCALE, f"--label={label}")

        (row,) = csv.DictReader(io.StringIO(run("tasks", "export").out))
        (line,) = map(json.loads, run("tasks", "export", "--format", "jsonl").out.splitlines())

        assert row["label"] == f"'{label}"
        assert line["label"] == label

    def test_a_file_is_written_whole_and_never_replaced(
        self, run: Terminal, three_tasks: list[str], journal: Journal
    ) -> None:
        out = run("tasks", "export").out
        written = run("tasks", "export", "--output", "report.csv")
        again = run("tasks", "export", "--output", "report.csv", "--format", "jsonl")
        over = run("tasks", "export", "--output", str(journal.path))
        away = run("tasks", "export", "--output", "no/folder.csv")

        assert written.out == ""
        assert written.err == "3 requests written to report.csv\n"
        assert Path("report.csv").read_text() == out
        assert Path("report.csv").stat().st_mode & 0o077 == 0
        assert again.code == over.code == away.code == ExitCode.USAGE
        assert "exists already" in again.err
        assert len(journal.tasks()) == 3
