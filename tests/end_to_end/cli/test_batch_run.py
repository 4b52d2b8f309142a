"""`batch run` and the commands around it, against a simulated gateway in this process."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cometapi_runway.batch._places import make_place
from cometapi_runway.cli import main
from cometapi_runway.cli._commands import batch_show
from cometapi_runway.cli._commands.batch_run import make_name
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import Fault, Gateway, Outcome, When, failed

from .terminal import QUICK, Terminal

SET = ("--operation", "image-to-video", "--set", "model=gen4_turbo")
RUN = ("batch", "run", "shots.csv", "--output", "out", *SET, *QUICK)
DATABASE = "postgresql://h/d"
PRICES = "[prices]\nimage_to_video = 0.5\n"


def write_manifest(count: int = 4, name: str = "shots.csv") -> None:
    rows = [f"shot-{n},https://example.com/{n}.png,A cat" for n in range(count)]
    Path(name).write_text("\n".join(["id,prompt_image,prompt_text", *rows, ""]), "utf-8")


def read_results() -> dict[str, dict[str, object]]:
    lines = Path("out/results.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    assert len({one["id"] for one in found}) == len(found)
    return {one["id"]: one for one in found}


def count_posts(gateway: Gateway) -> int:
    return sum(one.method == "POST" for one in gateway.requests)


@pytest.fixture(autouse=True)
def _manifest(run: Terminal) -> None:
    """Four rows, in the folder of the `run` fixture."""
    write_manifest()


def test_every_row_gets_its_file_and_the_same_command_again_sends_nothing(
    run: Terminal, gateway: Gateway
) -> None:
    first = run(*RUN)

    assert first.code == ExitCode.SUCCESS, first.err
    assert "shots.csv: 4 rows, all valid" in first.err
    assert "4 rows: 4 succeeded; 4 tasks of unknown price\nout/results.jsonl\n" in first.out
    results = read_results()
    assert sorted(results) == [f"shot-{n}" for n in range(4)]
    for result in results.values():
        assert result["files"] == [f"{result['id']}.mp4"]
        assert Path("out", f"{result['id']}.mp4").stat().st_size > 0
    posts = count_posts(gateway)
    assert posts == len(gateway.charges) == 4

    again = run(*RUN)

    assert again.code == ExitCode.SUCCESS
    assert count_posts(gateway) == posts
    assert read_results() == results


def test_events_for_programs(run: Terminal) -> None:
    result = run(*RUN, "--format", "json", "--report", "out/report.html")

    events = Counter(event["event"] for event in result.results)
    assert events == {"row": 4, "report": 1, "batch": 1}
    rows = {event["id"]: event for event in result.results if event["event"] == "row"}
    for row_id, fields in read_results().items():
        assert rows[row_id].items() >= fields.items()
    (page,) = [event for event in result.results if event["event"] == "report"]
    assert (page["name"], page["path"]) == ("shots", "out/report.html")
    (end,) = [event for event in result.results if event["event"] == "batch"]
    assert (end["rows"], end["statuses"], end["complete"]) == (4, {"SUCCEEDED": 4}, True)
    kinds = [event["event"] for event in result.progress]
    assert kinds[0] == "manifest"
    assert set(kinds[1:]) == {"progress"}
    assert Path("out/report.html").exists()


def test_a_folder_that_cannot_be_written_is_found_before_rows_are_recorded(
    run: Terminal, gateway: Gateway, read_only_folder: Path
) -> None:
    result = run(*RUN[:3], "--output", "read_only_folder", *SET)

    assert result.code == ExitCode.USAGE
    assert "cannot write into the folder read_only_folder: Permission denied" in result.err
    assert gateway.requests == ()
    assert "no batch has been run" in run("batch", "list").err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id,prompt_image,prompt_text,dauer\na,https://e.com/a.png,A cat,5\n", "dauer"),
        ("id,prompt_image\na,https://e.com/a.png\na,https://e.com/b.png\n", "unique"),
        ("id,prompt_image,output\na,https://e.com/a.png,../a\n", "inside"),
        ("id,operation,prompt_image\na,image-to-vido,https://e.com/a.png\n", "image-to-vido"),
        ('id,prompt_image\na,"https://e.com/a.png\n', "line 2"),
        ("id,prompt_image\n", "no rows"),
    ],
)
def test_a_bad_manifest_costs_nothing(
    content: str, words: str, run: Terminal, gateway: Gateway, tmp_path: Path
) -> None:
    Path("shots.csv").write_text(content, "utf-8")

    result = run(*RUN, "--set", "prompt_text=A cat")

    assert result.code == ExitCode.REFUSED
    assert words in result.err
    assert gateway.requests == ()
    assert not Path("out").exists()
    assert not Path("batches").exists()
    assert not (tmp_path / "journal.sqlite3").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--rate", "fast"),
        ("--halt", "soon"),
        ("--name", "A name"),
        ("--concurrency", "0"),
        ("--max-cost", "1"),
        ("--max-cost", "1,5"),
        ("--no-journal",),
        ("--database", "mysql://host/name"),
        ("--set", "prompt_text={no"),
    ],
)
def test_wrong_usage_sends_nothing(words: tuple[str, ...], run: Terminal, gateway: Gateway) -> None:
    result = run(*RUN, *words)

    assert result.code == ExitCode.USAGE
    assert gateway.requests == ()
    assert not Path("out").exists()


def test_no_key(run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_KEY")

    result = run(*RUN)

    assert result.code == ExitCode.USAGE
    assert "COMETAPI_KEY" in result.err
    assert gateway.requests == ()


def test_a_key_that_is_refused_stops_the_batch(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMETAPI_KEY", "another-key")

    result = run(*RUN)

    assert result.code == ExitCode.TASK
    assert "4 of 4 rows wait: no further task is created" in result.err
    assert gateway.charges == ()


def test_failures_are_grouped_and_can_be_retried(run: Terminal, gateway: Gateway) -> None:
    gateway.outcomes.add(Outcome(failed("SAFETY.INPUT.TEXT"), when=When(first=2)))

    result = run(*RUN)

    assert result.code == ExitCode.TASK
    assert "error: 2 of 4 rows did not succeed" in result.err
    assert "2  failed: SAFETY.INPUT.TEXT" in result.err
    assert "next:  `cometapi-runway batch retry shots`" in result.err

    again = run("batch", "retry", "shots")

    assert again.code == ExitCode.SUCCESS, again.err
    assert "running 2 rows again" in again.err
    assert {one["status"] for one in read_results().values()} == {"SUCCEEDED"}
    assert len(gateway.charges) == 6


def test_an_unknown_outcome_is_never_repeated_until_it_is_settled(
    run: Terminal, gateway: Gateway
) -> None:
    gateway.faults.add(Fault("reset", acted=True, when=When("image_to_video", nth=1)))

    result = run(*RUN, "--concurrency", "1", "--report", "out/report.html")

    assert result.code == ExitCode.TASK
    (row,) = [one for one in read_results().values() if one["status"] == "UNKNOWN"]
    settle = f"tasks settle shots/{row['id']}/1"
    assert re.search(rf" cometapi-runway {settle} --task ID$", result.err, re.MULTILINE)
    assert "may have been charged and are not sent again" in result.err
    assert result.err.splitlines()[-1] == (
        "next:  check the usage log of your CometAPI account; `cometapi-runway batch report shots` "
        "lists what is unknown"
    )
    assert settle in Path("out/report.html").read_text("utf-8")
    assert len(gateway.charges) == 4

    assert run("batch", "retry", "shots").code == ExitCode.TASK
    assert len(gateway.charges) == 4

    assert run(*settle.split(), "--not-charged").code == ExitCode.SUCCESS
    assert run("batch", "retry", "shots").code == ExitCode.SUCCESS
    assert len(gateway.charges) == 5


def test_a_budget_holds_and_its_rows_are_named(run: Terminal, gateway: Gateway) -> None:
    Path("prices.toml").write_text(PRICES)

    result = run(*RUN, "--prices", "prices.toml", "--max-cost", "1.2")

    assert result.code == ExitCode.TASK
    assert "all rows cost 2.00 USD; those beyond 1.20 USD are not sent" in result.err
    assert Counter(one["status"] for one in read_results().values()) == {
        "SUCCEEDED": 2,
        "BUDGET": 2,
    }
    assert "1.00 of 1.20 USD spent" in result.out
    assert "with a higher --max-cost or --max-tasks goes on" in result.err
    assert len(gateway.charges) == 2

    assert run("batch", "retry", "shots").code == ExitCode.TASK
    assert len(gateway.charges) == 2
    assert run("batch", "retry", "shots", "--max-cost", "2").code == ExitCode.SUCCESS
    assert len(gateway.charges) == 4
    # As much as all rows cost is enough.
    assert "all rows cost" not in run(*RUN, "--prices", "prices.toml", "--max-cost", "2").err


def test_max_tasks_holds_where_no_price_is_known(run: Terminal, gateway: Gateway) -> None:
    result = run(*RUN, "--max-tasks", "3")

    assert result.code == ExitCode.TASK
    assert len(gateway.charges) == 3
    assert Counter(one["status"] for one in read_results().values())["BUDGET"] == 1


def test_check_estimates_with_the_prices_of_a_file(run: Terminal) -> None:
    Path("prices.toml").write_text(PRICES)

    result = run("batch", "check", "shots.csv", *SET, "--prices", "prices.toml")

    assert "\n  image_to_video       4  0.5 USD each\nknown cost: 2.0 USD\n" in result.out
    unpriced = run("batch", "check", "shots.csv", *SET)
    assert "\n  image_to_video       4  price unknown\n" in unpriced.out


def test_other_arguments_under_the_same_id_are_refused(run: Terminal, gateway: Gateway) -> None:
    assert run(*RUN).code == ExitCode.SUCCESS
    posts = count_posts(gateway)

    result = run(*RUN, "--set", "prompt_text=A dog")

    assert result.code == ExitCode.REFUSED
    assert "shots.csv differs from the batch 'shots', which has been run before" in result.err
    assert "line 2 (shot-0)" in result.err
    assert count_posts(gateway) == posts


def test_a_file_that_is_not_the_batchs_is_never_replaced(run: Terminal, gateway: Gateway) -> None:
    Path("out").mkdir()
    Path("out/shot-1.mov").write_text("mine")

    result = run(*RUN)

    assert result.code == ExitCode.REFUSED
    assert "would replace files that are not of the batch 'shots'" in result.err
    assert "line 3 (shot-1)" in result.err
    assert count_posts(gateway) == 0
    Path("out/shot-1.mov").unlink()
    assert run(*RUN).code == ExitCode.SUCCESS
    # Its own files are no obstacle to the same command, and one to another batch.
    assert run(*RUN).code == ExitCode.SUCCESS
    assert run(*RUN, "--name", "other").code == ExitCode.REFUSED
    error = run(*RUN, "--name", "other", "--format", "json").progress[-1]
    assert (error["manifest"], error["name"], error["bad_rows"]) == ("shots.csv", "other", 4)


def test_watch_ends_where_no_process_runs_the_batch(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(*RUN, "--max-tasks", "1").code == ExitCode.TASK
    place = make_place("", tmp_path, None)
    looks: list[float] = []

    def look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 30:
            raise KeyboardInterrupt

    monkeypatch.setattr(batch_show, "time", SimpleNamespace(sleep=look))
    with contextlib.closing(place.open_store("shots")) as store:
        # As a process leaves it that is killed: three rows have not ended.
        store.forget_results("shots", ["BUDGET"])
        with place.lease("shots", store):
            stopped = run("batch", "watch", "shots")
            assert stopped.code == ExitCode.INTERRUPTED
            assert stopped.err.splitlines()[-2:] == [
                "stop:  no longer watching; the batch goes on",
                "next:  cometapi-runway batch watch shots",
            ]
        looks.clear()
        result = run("batch", "watch", "shots")

    assert result.code == ExitCode.TASK
    assert len(looks) == 5, "a process may be about to start"
    assert "no process runs the batch 'shots', and 3 rows did not end" in result.err
    assert "`cometapi-runway batch retry shots` goes on" in result.err


def test_many_changed_rows_are_cut_and_counted(run: Terminal) -> None:
    write_manifest(25)
    assert run(*RUN, "--max-tasks", "0").code == ExitCode.TASK

    result = run(*RUN, "--max-tasks", "0", "--set", "prompt_text=A dog")

    assert result.err.count("(idempotency)") == 20
    assert "and 5 more rows" in result.err


def test_batches_are_listed_and_shown_offline_without_a_key(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.outcomes.add(Outcome(failed("SAFETY.INPUT.TEXT"), when=When(first=1)))
    assert run("batch", "list").err == "no batch has been run\n"
    run(*RUN)
    write_manifest(1, "later.csv")
    run("batch", "run", "later.csv", "--output", "later", *SET, *QUICK)
    monkeypatch.delenv("COMETAPI_KEY")
    requests = len(gateway.requests)

    listed, shown = run("batch", "list"), run("batch", "status", "shots")
    (event,) = run("batch", "status", "shots", "--format", "json").results
    watched = run("batch", "watch", "shots")

    later, earlier = listed.out.splitlines()
    assert later.startswith("later ")
    assert "1 row: 1 succeeded" in later
    assert "4 rows: 3 succeeded, 1 failed" in earlier
    assert "1  failed: SAFETY.INPUT.TEXT" in shown.out
    assert event["statuses"] == {"SUCCEEDED": 3, "FAILED": 1}
    assert watched.code == ExitCode.SUCCESS
    assert "4 of 4 rows ended, 1 failed" in watched.err
    assert len(gateway.requests) == requests


def test_a_report_is_written_into_the_batchs_folder(run: Terminal) -> None:
    run(*RUN)

    result = run("batch", "report", "shots")

    page = Path("out/shots.html")
    assert result.out == f"{page.absolute()}\n"
    text = page.read_text("utf-8")
    assert text.count("<video") == 4
    assert 'src="./shot-0.mp4#t=0.1"' in text
    assert run("batch", "report", "shots", "--report", "pages/it.html").code == ExitCode.SUCCESS
    assert 'src="../out/shot-0.mp4#t=0.1"' in Path("pages/it.html").read_text("utf-8")


def test_a_report_that_cannot_be_written_is_named(run: Terminal) -> None:
    run(*RUN)
    Path("page.html").mkdir()

    result = run("batch", "report", "shots", "--report", "page.html")

    assert result.code == ExitCode.USAGE
    assert "cannot write the report page.html" in result.err


def test_a_page_that_cannot_be_written_does_not_change_how_the_batch_ended(run: Terminal) -> None:
    Path("page.html").mkdir()

    result = run(*RUN, "--report", "page.html")

    assert result.code == ExitCode.SUCCESS
    assert "warning: cannot write the report page.html" in result.err
    assert "`cometapi-runway batch report shots` writes it" in result.err


@pytest.mark.parametrize("missing", ["dbos", "jinja2"])
def test_a_missing_extra_is_named(
    missing: str, run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(*RUN)
    monkeypatch.setitem(sys.modules, missing, None)

    result = run("batch", "report", "shots")

    assert result.code == ExitCode.USAGE
    assert "cometapi-runway[batch]" in result.err


@pytest.mark.parametrize("command", ["status", "watch", "retry", "cancel", "report"])
def test_a_name_that_no_batch_has(command: str, run: Terminal, tmp_path: Path) -> None:
    result = run("batch", command, "nothing")

    assert result.code == ExitCode.USAGE
    assert "there is no batch 'nothing'" in result.err
    assert "`cometapi-runway batch list` shows all" in result.err
    assert not (tmp_path / "batches").exists()


def test_a_cancelled_batch_goes_on_with_retry(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setenv("COMETAPI_KEY", "another-key")
        stopped = run(*RUN)
        assert stopped.code == ExitCode.TASK
        assert stopped.err.splitlines()[-1] == (
            "next:  see to the reason, then go on: `cometapi-runway batch run shots.csv "
            "--output out --interval 0.01 --operation image-to-video --set model=gen4_turbo`"
        )

        refused = run("batch", "retry", "shots", "--report", "page.html", "--max-tasks", "9")
        plain = run("batch", "retry", "shots")
    resume = "next:  see to the reason, then go on: `cometapi-runway batch retry shots"
    assert refused.err.splitlines()[-1] == f"{resume} --report page.html --max-tasks 9`"
    assert plain.err.splitlines()[-1] == f"{resume}`"
    assert Path("page.html").exists()

    cancelled = run("batch", "cancel", "shots")
    resumed = run("batch", "retry", "shots")

    assert cancelled.code == ExitCode.SUCCESS
    assert "no further task of shots is created" in cancelled.out
    assert cancelled.err.startswith("next:  cometapi-runway batch retry shots")
    assert "going on with 4 rows that had not ended" in resumed.err
    assert resumed.code == ExitCode.SUCCESS
    assert len(gateway.charges) == 4
    assert run("batch", "cancel", "shots").err == ""
    assert "no further task is created: cancelled\n" in run("batch", "status", "shots").out


def test_work_needs_a_database(run: Terminal) -> None:
    result = run("batch", "work")

    assert result.code == ExitCode.USAGE
    assert "--database is required" in result.err


@pytest.mark.parametrize(
    "command", [("work",), ("list",), ("status", "shots"), ("run", "shots.csv", "--output", "out")]
)
def test_the_password_of_a_database_is_never_shown(
    command: tuple[str, ...], run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long a server is waited for that may be starting.
    monkeypatch.setattr("cometapi_runway.journal._database.JOURNAL_READ_TIMEOUT", 0.2)
    more = SET if command[0] == "run" else ()
    url = "postgresql://user:pa55word-of-it@127.0.0.1:1/none?connect_timeout=1"

    result = run("batch", *command, *more, "--database", url)

    assert result.code == ExitCode.USAGE
    assert "pa55word" not in result.everything


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("shots.csv", "shots"),
        ("Shots 2.csv", "shots-2"),
        ("a/ü-Herbst_24.jsonl", "herbst_24"),
        ("x" * 90 + ".json", "x" * 40),
    ],
)
def test_a_batch_is_named_after_its_manifest(file: str, name: str) -> None:
    assert make_name(Path(file)) == name


def test_a_manifest_that_gives_no_name() -> None:
    with pytest.raises(UsageError, match="gives the batch no name"):
        make_name(Path("猫.csv"))


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "--help"]) == 0

    text = capsys.readouterr().out
    for name in ("check", "run", "work", "list", "status", "watch", "retry", "cancel", "report"):
        assert f" {name} " in text


def test_a_worker_has_what_the_options_say(run: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    def work(database: str, **options: Any) -> None:
        is_stopping = options.pop("is_stopping")
        assert not is_stopping()
        signal.raise_signal(signal.SIGTERM)
        assert is_stopping()
        seen.append((database, options))
        raise KeyboardInterrupt

    def on_sigterm(_number: int, _frame: object) -> None:
        """What the application around it does."""

    monkeypatch.setattr("cometapi_runway.batch.work", work)
    gateway = ("--base-url", "http://127.0.0.1:1")
    before = signal.signal(signal.SIGTERM, on_sigterm)
    try:
        result = run("batch", "work", "--database", DATABASE, *gateway, "--request-timeout", "9")
        assert signal.getsignal(signal.SIGTERM) is on_sigterm
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [(DATABASE, {"base_url": gateway[1], "timeout": 9.0})]
    assert result.code == ExitCode.INTERRUPTED
    assert result.err.splitlines() == [
        f"working for the batches of {DATABASE}; Ctrl-C ends it",
        "stop:  interrupted; its tasks continue at the gateway, and other workers go on with them",
        f"next:  cometapi-runway batch work {' '.join(gateway)} --database {DATABASE}",
    ]
