"""The command line over real sockets, against the simulated gateway: every ending, every voice."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shlex
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# cyclopts judges values a second time once pydantic is loaded, as it is in many an application.
import pydantic  # noqa: F401
import pytest
from attrs import field, frozen

from cometapi_runway.cli import demo, main
from cometapi_runway.cli.creations import creations
from cometapi_runway.cli.endings import Exit
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

KEY = "sk-a-key-that-nobody-may-see"
FACE = "https://example.com/face.png"
CLIP = "https://example.com/clip.mp4?signature=of-the-clip"
CREATE = ("character-performance", "--character", FACE, "--reference", CLIP)
QUICK = ("--interval", "0.01")


@frozen
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def results(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def progress(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines()]

    @property
    def everything(self) -> str:
        return self.out + self.err


@frozen
class Terminal:
    """Runs commands in this process."""

    capture: pytest.CaptureFixture[str]
    said: list[Said] = field(factory=list[Said])

    def __call__(self, *words: str) -> Said:
        self.capture.readouterr()
        code = main(words)
        said = Said(code, *self.capture.readouterr())
        self.said.append(said)
        return said


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(timings=INSTANT, keys={KEY}) as running:
        yield running


@pytest.fixture
def gateway(server: SimulatorServer) -> Gateway:
    server.gateway.reset()
    return server.gateway


@pytest.fixture
def run(
    gateway: Gateway,
    server: SimulatorServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Terminal]:
    """Commands in an empty folder, with a key, a record and a gateway of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMETAPI_KEY", KEY)
    monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", server.base_url)
    monkeypatch.setenv("COMETAPI_RUNWAY_JOURNAL", str(tmp_path / "journal.sqlite3"))
    monkeypatch.setenv("COMETAPI_RUNWAY_CONFIG", str(tmp_path / "config.toml"))
    terminal = Terminal(capsys)
    yield terminal
    for said in terminal.said:
        assert KEY not in said.everything
        assert "Traceback" not in said.everything
        if said.code:
            assert re.search('^next:|"next"', said.err, re.MULTILINE)


@pytest.fixture
def journal(tmp_path: Path, run: Terminal) -> Iterator[Journal]:
    found = Journal(tmp_path / "journal.sqlite3")
    yield found
    found.close()


# --- a file is what people want -------------------------------------------------------------


def test_one_command_goes_from_words_to_a_file(run: Terminal, gateway: Gateway) -> None:
    said = run(*CREATE, "--expression-intensity", "5", "--output", "videos", *QUICK)

    (task_id,) = gateway.tasks
    assert said.code == Exit.SUCCESS
    assert said.out == f"videos/{task_id}.mp4\n"
    assert Path(said.out.strip()).stat().st_size > 1000
    assert f"submitted {task_id}" in said.err
    assert "SUCCEEDED" in said.err
    created = next(one for one in gateway.requests if one.method == "POST")
    assert json.loads(created.content)["expressionIntensity"] == 5
    assert len(gateway.charges) == 1
    assert gateway.leaked_keys == ()


def test_no_wait_prints_the_id_and_nothing_else_on_stdout(run: Terminal, gateway: Gateway) -> None:
    said = run(*CREATE, "--no-wait")

    assert said.code == Exit.SUCCESS
    assert said.out.split() == list(gateway.tasks)


def test_json_is_one_object_per_event(run: Terminal, gateway: Gateway) -> None:
    said = run(*CREATE, "--format", "json", *QUICK)

    (task_id,) = gateway.tasks
    (file,) = said.results
    assert (file["event"], file["task_id"]) == ("file", task_id)
    names = [event["event"] for event in said.progress]
    assert names == ["note", "submitted", "status", "downloaded"]
    assert said.progress[2]["status"] == "SUCCEEDED"
    # Whoever has the address has the file, and progress ends up in logs.
    assert "_jwt" not in said.everything


def test_a_body_comes_from_a_file_and_options_change_it(run: Terminal, gateway: Gateway) -> None:
    creation = next(one for one in creations() if one.name == "character_performance")
    Path("body.json").write_text(json.dumps(creation.example))

    run("character-performance", "--json", "body.json", "--seed", "7", "--no-wait")

    sent = json.loads(gateway.requests[0].content)
    assert sent == {**creation.example, "seed": 7}


def test_a_body_comes_from_stdin(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    body = {
        "character": {"type": "image", "uri": FACE},
        "reference": {"type": "video", "uri": CLIP},
    }
    file = tmp_path / "stdin"
    file.write_text(json.dumps(body))
    with file.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        said = run("character-performance", "--json", "-", "--no-wait")

    assert said.code == Exit.SUCCESS
    assert json.loads(gateway.requests[0].content)["character"] == body["character"]


def test_a_local_picture_is_sent_in_the_request(run: Terminal, gateway: Gateway) -> None:
    Path("face.png").write_bytes(b"\x89PNG")

    said = run("character-performance", "--character", "face.png", "--reference", CLIP, "--no-wait")

    assert said.code == Exit.SUCCESS
    assert b"data:image/png" in gateway.requests[0].content


@pytest.mark.parametrize(
    "creation", [one for one in creations() if one.example], ids=lambda one: one.name
)
def test_the_example_of_every_page_goes_through(
    creation: Any, run: Terminal, gateway: Gateway
) -> None:
    Path("body.json").write_text(json.dumps(creation.example))

    said = run(*creation.words, "--json", "body.json", *QUICK)

    assert said.code == Exit.SUCCESS, said.err
    assert Path(said.out.strip()).exists()


# --- nothing is sent that should not be -----------------------------------------------------


def test_a_dry_run_sends_nothing_and_hides_the_key(run: Terminal, gateway: Gateway) -> None:
    said = run(*CREATE, "--dry-run", "--seed", "7")

    assert said.code == Exit.SUCCESS
    assert gateway.requests == ()
    assert "Bearer $COMETAPI_KEY" in said.out
    words = shlex.split(said.out.replace("\\\n", ""))
    body = json.loads(words[words.index("-d") + 1])
    assert body["reference"]["uri"] == CLIP
    assert body["seed"] == 7
    assert "the contract allows it" in said.err


def test_a_dry_run_needs_no_key_and_does_not_print_an_embedded_file(
    run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMETAPI_KEY")
    uri = "data:image/png;base64,VGhlIHBpY3R1cmU="

    said = run("character-performance", "--character", uri, "--reference", CLIP, "--dry-run")

    assert said.code == Exit.SUCCESS
    assert "VGhlIHBpY3R1cmU" not in said.everything


def test_a_dry_run_shows_what_would_be_refused(run: Terminal, gateway: Gateway) -> None:
    said = run(*CREATE, "--expression-intensity", "9", "--dry-run", "--format", "json")

    assert said.code == Exit.REFUSED
    assert said.results[0]["valid"] is False
    assert said.results[0]["body"]["expressionIntensity"] == 9
    assert gateway.requests == ()


def test_the_contract_refuses_with_the_options_name(run: Terminal, gateway: Gateway) -> None:
    said = run(*CREATE, "--expression-intensity", "9", "--ratio", "wide")

    assert said.code == Exit.REFUSED
    assert "--expression-intensity must be at most 5" in said.err
    assert "--ratio" in said.err
    assert gateway.requests == ()


def test_what_is_newer_than_the_contract_can_be_sent(run: Terminal, gateway: Gateway) -> None:
    Path("body.json").write_text(json.dumps({"loudness": 11}))
    more = (*CREATE, "--json", "body.json", "--model", "act_three", "--no-wait")

    refused = run(*more)
    said = run(*more, "--no-validate")

    assert refused.code == Exit.REFUSED
    assert "loudness is not a field" in refused.err
    assert "--no-validate" in refused.err
    sent = json.loads(gateway.requests[0].content)
    assert (sent["loudness"], sent["model"]) == (11, "act_three")
    # The simulated gateway holds it against the contract as well.
    assert said.code == Exit.GATEWAY


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("character-performance",), "--character and --reference"),
        ((*CREATE, "--expresion-intensity", "4"), "--expression-intensity"),
        ((*CREATE, "--seed", "many"), "--seed"),
        ((*CREATE, "--timeout", "0"), "--timeout"),
        ((*CREATE, "--timeout", "nan"), "--timeout"),
        ((*CREATE, "--interval", "inf"), "--interval"),
        ((*CREATE, "--json", "nowhere.json"), "nowhere.json"),
        ((*CREATE, "--base-url", "nonsense"), "base_url"),
        ((*CREATE, "--format", "xml"), "xml"),
        (("charakter-performance",), "character-performance"),
        (("tasks", "wait"), "ID"),
        (("validate", "nowhere.json"), "nowhere.json"),
        (("video-upscale", "--video-uri", "[" * 5000), "nested too deeply"),
        (("simulate", "--port", "70000"), "--port"),
        (("simulate", "--speed", "inf"), "factor"),
        (("simulate", "--balance", "nan"), "nan"),
        (("simulate", "--shape", "round"), "raw"),
        (("simulate", "--speed", "0"), "factor"),
    ],
    ids=lambda words: " ".join(words)[:60] if isinstance(words, tuple) else None,
)
def test_wrong_usage_is_told_and_costs_nothing(
    run: Terminal, gateway: Gateway, words: tuple[str, ...], hint: str
) -> None:
    said = run(*words)

    assert said.code == Exit.USAGE
    assert hint in said.err
    assert said.out == ""
    assert gateway.requests == ()


def test_a_file_in_the_folders_place_is_seen_before_anything_is_paid(
    run: Terminal, gateway: Gateway
) -> None:
    Path("videos").touch()

    said = run(*CREATE, "--output", "videos")

    assert said.code == Exit.USAGE
    assert "videos" in said.err
    assert gateway.requests == ()


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that cannot be written into, which file modes do not keep everybody from."""
    folder = tmp_path / "locked"
    folder.mkdir()
    probe = tempfile.TemporaryFile

    def refuse(*, dir: Path) -> Any:
        if Path(dir).absolute() == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(dir))
        return probe(dir=dir)

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    return folder


@pytest.mark.parametrize(
    "words", [CREATE, ("tasks", "wait", "t-1"), ("tasks", "download", "t-1"), ("tasks", "resume")]
)
def test_a_folder_that_cannot_be_written_into_is_seen_before_anything_is_paid(
    run: Terminal, gateway: Gateway, locked: Path, words: tuple[str, ...]
) -> None:
    said = run(*words, "--output", "locked")

    assert said.code == Exit.USAGE
    assert "cannot write into the folder locked: Permission denied" in said.err
    assert "--output" in said.err
    assert gateway.requests == ()


def test_a_folder_is_left_as_it_was_found(run: Terminal) -> None:
    assert run(*CREATE, "--output", "videos", "--expression-intensity", "9").code == Exit.REFUSED
    assert list(Path("videos").iterdir()) == []


def test_a_record_that_cannot_be_written_is_seen_before_anything_is_paid(
    run: Terminal, gateway: Gateway, tmp_path: Path
) -> None:
    said = run(*CREATE, "--journal", str(tmp_path))

    assert said.code == Exit.USAGE
    assert "--no-journal" in said.err
    assert gateway.requests == ()


# --- every ending has its code --------------------------------------------------------------


def _outcome(code: str) -> Callable[[Gateway], None]:
    return lambda gateway: gateway.outcomes.add(Outcome(failed(code)))


def _fault(kind: Any, **more: Any) -> Callable[[Gateway], None]:
    return lambda gateway: gateway.faults.add(Fault(kind, **more))


@pytest.mark.parametrize(
    ("prepare", "words", "code", "hint"),
    [
        (_outcome("SAFETY.INPUT.IMAGE"), QUICK, Exit.TASK, "SAFETY.INPUT.IMAGE"),
        (_fault("status", status=401), QUICK, Exit.KEY, "COMETAPI_KEY"),
        (_fault("status", status=403), QUICK, Exit.KEY, "account"),
        (
            _fault("status", status=403, code="quota_not_enough"),
            QUICK,
            Exit.QUOTA,
            "top up",
        ),
        (_fault("status", status=400), QUICK, Exit.GATEWAY, "change the request"),
        (_fault("status", status=500), QUICK, Exit.UNKNOWN, "usage log"),
        (_fault("cut"), QUICK, Exit.UNKNOWN, "usage log"),
        (_fault("html"), QUICK, Exit.UNKNOWN, "usage log"),
        (
            _fault("status", status=404, when=When("download")),
            QUICK,
            Exit.DOWNLOAD,
            "cometapi-runway tasks download",
        ),
        (
            _fault("status", status=503, when=When("tasks")),
            (*QUICK, "--timeout", "0.1"),
            Exit.TIMEOUT,
            "cometapi-runway tasks wait",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Exit) else None,
)
def test_each_ending_has_its_code_and_says_what_to_do(
    run: Terminal,
    gateway: Gateway,
    prepare: Callable[[Gateway], None],
    words: tuple[str, ...],
    code: Exit,
    hint: str,
) -> None:
    prepare(gateway)

    said = run(*CREATE, *words)
    again = run(*CREATE, *words, "--format", "json")

    assert said.code == again.code == code
    assert hint in said.err
    error = again.progress[-1]
    assert (error["event"], error["code"]) == ("error", code)
    assert error["next"]


def test_a_key_that_is_not_there_is_asked_for(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMETAPI_KEY")

    said = run(*CREATE)

    assert said.code == Exit.USAGE
    assert "export COMETAPI_KEY" in said.err
    assert gateway.requests == ()


def test_a_gateway_that_is_not_there(run: Terminal) -> None:
    said = run("tasks", "get", "some-task", "--base-url", "http://127.0.0.1:1")

    assert said.code == Exit.GATEWAY
    assert "doctor" in said.err


def test_a_further_try_is_told_at_once(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = {1: 0.01, 2: 0.01}
    monkeypatch.setattr(
        "cometapi_runway._flows.backoff.Backoff.pause", lambda _, tries: pauses.get(tries, 100.0)
    )
    unreachable = (*CREATE, "--base-url", "http://127.0.0.1:1")
    said, as_json = run(*unreachable), run(*unreachable, "--format", "json")

    line = "the gateway is not reachable; retrying (nothing was sent)"
    assert said.code == as_json.code == Exit.GATEWAY
    assert said.err.splitlines()[1:3] == [line, line]
    assert [one.get("message") for one in as_json.progress].count(line) == 2
    assert logging.getLogger("cometapi_runway").level == logging.NOTSET


def test_a_wait_for_a_gateway_that_is_not_there_says_so(run: Terminal) -> None:
    said = run(
        "tasks", "wait", "t-1", "--timeout", "0.2", *QUICK, "--base-url", "http://127.0.0.1:1"
    )

    assert said.code == Exit.TIMEOUT
    assert "never seen; the last question: " in said.err
    assert "onnection refused" in said.err or "WinError" in said.err


def test_debug_shows_where_it_came_from(run: Terminal) -> None:
    said = run("tasks", "get", "a b", "--debug")
    run.said.clear()

    assert said.code == Exit.REFUSED
    assert "task_id" in said.err


def _debugged(run: Terminal, words: tuple[str, ...]) -> None:
    plain = run(*words)
    said, as_json = run(*words, "--debug"), run(*words, "--debug", "--format", "json")
    run.said.clear()

    assert said.code == as_json.code == plain.code != Exit.SUCCESS
    assert "Traceback" not in plain.err
    assert said.err.count("Traceback (most recent call last)") >= 1
    assert said.err.index("Traceback") < said.err.rindex("next:")
    assert any("Traceback" in line for line in as_json.progress[-1]["traceback"])


@pytest.mark.parametrize(
    "words",
    [
        ("tasks", "get", "nope"),
        ("tasks", "get", "../x"),
        ("tasks", "wait", "nope", "--timeout", "0.05", *QUICK),
        ("tasks", "download", "nope"),
        (*CREATE, "--expression-intensity", "9", "--dry-run"),
    ],
    ids=" ".join,
)
def test_debug_shows_where_each_failure_came_from(run: Terminal, words: tuple[str, ...]) -> None:
    _debugged(run, words)


@pytest.mark.parametrize("words", [("tasks", "wait", "t-1"), ("tasks", "download", "t-1")], ids=str)
def test_debug_shows_where_a_refused_key_was_seen(
    run: Terminal, gateway: Gateway, words: tuple[str, ...]
) -> None:
    gateway.faults.add(Fault("status", status=401))

    _debugged(run, words)


def test_debug_shows_where_a_failed_task_was_seen(run: Terminal, gateway: Gateway) -> None:
    gateway.outcomes.add(Outcome(failed("INTERNAL")))

    _debugged(run, (*CREATE, *QUICK))


def test_debug_shows_the_traceback(run: Terminal) -> None:
    said = run(*CREATE, "--json", "nowhere.json", "--debug")
    run.said.clear()

    assert said.code == Exit.USAGE
    assert "Traceback" in said.err
    assert "error: cannot read nowhere.json" in said.err


# --- tasks that exist -----------------------------------------------------------------------


@pytest.fixture
def three(run: Terminal) -> list[str]:
    """Three tasks on record, none waited for."""
    return [run(*CREATE, "--no-wait").out.strip() for _ in range(3)]


def test_many_are_waited_for_at_once(run: Terminal, three: list[str]) -> None:
    said = run("tasks", "wait", *three, "--output", "videos", *QUICK)

    assert said.code == Exit.SUCCESS
    assert sorted(said.out.split()) == sorted(f"videos/{one}.mp4" for one in three)


def test_without_a_folder_addresses_are_printed(run: Terminal, three: list[str]) -> None:
    said = run("tasks", "wait", three[0], *QUICK)

    assert said.out.startswith("http://127.0.0.1:")
    assert three[0] in said.out


def test_one_failure_among_many_is_the_exit_code(run: Terminal, gateway: Gateway) -> None:
    gateway.outcomes.add(Outcome(failed("INTERNAL"), When("*", nth=2)))
    ids = [run(*CREATE, "--no-wait").out.strip() for _ in range(3)]

    said = run("tasks", "wait", *ids, "--output", "videos", *QUICK)

    assert said.code == Exit.TASK
    assert len(said.out.split()) == 2
    assert ids[1] in said.err


def test_resume_takes_up_what_is_unfinished(
    run: Terminal, three: list[str], journal: Journal
) -> None:
    said = run("tasks", "resume", *QUICK)
    again = run("tasks", "resume", *QUICK)

    assert said.code == again.code == Exit.SUCCESS
    assert len(said.out.split()) == 3
    assert again.out == ""
    assert {one.state for one in journal.tasks()} == {"SUCCEEDED"}


ELSEWHERE = "http://127.0.0.1:1"


def test_resume_names_the_gateway_whose_tasks_it_leaves(run: Terminal, three: list[str]) -> None:
    said = run("tasks", "resume", "--base-url", ELSEWHERE)
    here = os.environ["COMETAPI_RUNWAY_BASE_URL"]
    mixed = run(*CREATE, "--no-wait").out
    with SimulatorServer(timings=INSTANT, seed=2) as other:
        run(*CREATE, "--no-wait", "--base-url", other.base_url)
        both = run("tasks", "resume", *QUICK)
        taken_up = run("tasks", "resume", "--base-url", other.base_url, *QUICK)

    assert said.code == Exit.SUCCESS
    assert "every task on record" not in said.err
    assert f"3 tasks belong to {here}\n" in said.err
    assert "next:  cometapi-runway tasks resume\n" in said.err
    assert len(both.out.split()) == 4
    assert mixed.strip() in both.out
    assert f"1 task belongs to {other.base_url}\n" in both.err
    assert f"next:  cometapi-runway tasks resume --base-url {other.base_url}\n" in both.err
    assert len(taken_up.out.split()) == 1
    assert "belong" not in taken_up.err


def test_list_and_doctor_name_the_gateway_that_is_not_the_one_in_use(
    run: Terminal, three: list[str]
) -> None:
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
        "next:  cometapi-runway tasks resume takes up what is not done",
        f"1 task belongs to {other.base_url}",
        f"next:  cometapi-runway tasks resume --base-url {other.base_url}",
    ]
    assert f"4 unfinished (1 at {other.base_url}), 0 of" in checked.out


def test_resume_tells_of_submissions_that_nobody_knows_of(run: Terminal, gateway: Gateway) -> None:
    gateway.faults.add(Fault("cut", when=When("character_performance")))
    run(*CREATE, "--seed", "7")

    said = run("tasks", "resume")

    assert said.code == Exit.SUCCESS
    assert "may have been charged" in said.err
    assert "seed 7" in said.err


def test_a_request_without_a_seed_is_told_without_one(run: Terminal, gateway: Gateway) -> None:
    gateway.faults.add(Fault("cut", when=When("video_upscale")))
    lost = run("video-upscale", "--video-uri", CLIP)

    said = run("tasks", "resume")

    assert lost.code == Exit.UNKNOWN
    assert re.search(r"\(request [0-9a-f]{16}\)", said.err)
    assert "None" not in lost.err + said.err


def test_list_says_in_words_what_never_left(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cometapi_runway._flows.backoff.Backoff.pause", lambda *_: 100.0)
    unsent = (*CREATE, "--no-wait", "--base-url", ELSEWHERE)
    assert run(*unsent).code == Exit.GATEWAY
    gateway.faults.add(Fault("status", status=401))
    run(*CREATE)

    said = run("tasks", "list")
    facts = run("tasks", "list", "--format", "json").results

    assert "APIConnectionError" not in said.out
    row = next(line for line in said.out.splitlines() if " UNSENT " in line)
    assert len(row) <= 80
    assert "\n  never left this computer\n" in said.out
    assert " REFUSED " in said.out
    assert "AuthenticationError" not in said.out
    assert "\n  the key was not accepted" in said.out
    assert {one["state"] for one in facts} == {"REFUSED"}


def test_get_shows_state_and_addresses(run: Terminal, three: list[str]) -> None:
    said = run("tasks", "get", three[0], "not-a-task", three[1])
    as_json = run("tasks", "get", three[0], "--format", "json")

    assert said.code == Exit.GATEWAY
    assert f"{three[0]}  SUCCEEDED" in said.out
    assert f"{three[1]}  SUCCEEDED" in said.out
    assert "not-a-task" in said.err
    assert as_json.results[0]["status"] == "SUCCEEDED"
    assert as_json.results[0]["output"][0].startswith("http")


def test_download_fetches_what_has_ended_and_waits_for_nothing(
    run: Terminal, three: list[str], gateway: Gateway
) -> None:
    gateway.faults.add(Fault("stale", when=When("tasks", nth=2), seconds=-0.0))
    said = run("tasks", "download", three[0], "--output", "videos")

    assert said.code == Exit.SUCCESS
    assert said.out == f"videos/{three[0]}.mp4\n"


def test_list_is_the_record_and_asks_nobody(
    run: Terminal, three: list[str], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("tasks", "wait", three[0], "--output", "videos", *QUICK)
    asked = len(gateway.requests)
    monkeypatch.delenv("COMETAPI_KEY")

    said = run("tasks", "list")
    unfinished = run("tasks", "list", "--unfinished", "--format", "json")
    latest = run("tasks", "list", "--limit", "1")

    assert len(gateway.requests) == asked
    assert [line.split()[0] for line in said.out.splitlines() if line[0] != " "] == three[::-1]
    assert str(Path.cwd() / "videos" / f"{three[0]}.mp4") in said.out
    assert {one["task_id"] for one in unfinished.results} == set(three[1:])
    assert {one["state"] for one in unfinished.results} == {"SUBMITTED"}
    assert latest.out.split()[0] == three[2]


def test_list_without_a_record_makes_none(run: Terminal, tmp_path: Path) -> None:
    said = run("tasks", "list")

    assert said.code == Exit.SUCCESS
    assert said.out == ""
    assert not (tmp_path / "journal.sqlite3").exists()


def test_tasks_of_the_older_routes_are_found_by_the_record_or_by_their_route(
    run: Terminal,
) -> None:
    created = run(
        *("compat", "act-one", "--video", FACE, "--image", FACE),
        *("--callback-url", "https://example.com/hook", "--no-wait"),
    )
    task_id = created.out.strip()

    on_record = run("tasks", "wait", task_id, "--output", "videos", *QUICK)
    by_route = run("tasks", "get", task_id, "--no-journal", "--route", "feed")

    assert on_record.code == Exit.SUCCESS, on_record.err
    assert "SUCCEEDED" in by_route.out


# --- setting up -----------------------------------------------------------------------------


def test_the_environment_comes_before_the_settings_file_and_the_options_before_both(
    run: Terminal, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("config.toml").write_text(
        '[cometapi-runway]\nrunway-version = "from-file"\nbase-url = "http://127.0.0.1:1"\n'
    )

    assert "X-Runway-Version: from-file" in run(*CREATE, "--dry-run").out
    assert server.base_url in run(*CREATE, "--dry-run").out
    monkeypatch.setenv("COMETAPI_RUNWAY_VERSION", "from-environment")
    assert "X-Runway-Version: from-environment" in run(*CREATE, "--dry-run").out
    said = run(*CREATE, "--dry-run", "--runway-version", "from-option")
    assert "X-Runway-Version: from-option" in said.out


def test_the_settings_file_gives_folder_and_format(run: Terminal, gateway: Gateway) -> None:
    Path("config.toml").write_text(
        '[cometapi-runway]\noutput = "videos"\nformat = "json"\ninterval = 0.01\n'
    )

    said = run(*CREATE)

    assert said.code == Exit.SUCCESS, said.err
    assert said.results[0]["path"].startswith("videos/")


def test_a_setting_of_another_type_is_refused_whatever_comes_before_it(
    run: Terminal, gateway: Gateway, tmp_path: Path
) -> None:
    Path("config.toml").write_text("[cometapi-runway]\nbase-url = 3\n")

    said = run(*CREATE, "--no-wait")

    assert said.code == Exit.USAGE
    assert f"{tmp_path / 'config.toml'}: base-url must be text" in said.err
    assert gateway.requests == ()


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)], ids=str)
def test_help_names_the_settings_file_and_what_comes_before_it(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.delenv("COMETAPI_RUNWAY_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))

    said = run(*words)

    assert said.code == Exit.SUCCESS
    shown = " ".join(said.out.split())
    assert "~/settings/cometapi-runway/config.toml" in shown
    assert "options come before the environment, and that before the file" in shown
    assert "config.toml" not in run("tasks", "--help").out


def test_slips_are_told_in_the_settings_files_format(run: Terminal) -> None:
    Path("config.toml").write_text('[cometapi-runway]\nformat = "json"\n')

    assert run("tasks", "wiat").progress[0]["event"] == "error"
    assert run("tasks", "wiat", "--format", "text").err.startswith("error: ")


def test_a_key_in_the_settings_file_is_refused(run: Terminal, gateway: Gateway) -> None:
    Path("config.toml").write_text(f'[cometapi-runway]\nkey = "{KEY}"\n')

    said = run(*CREATE)

    assert said.code == Exit.USAGE
    assert "COMETAPI_KEY" in said.err
    assert gateway.requests == ()


def test_doctor_finds_all_well_and_posts_nothing(run: Terminal, gateway: Gateway) -> None:
    said = run("doctor")

    assert said.code == Exit.SUCCESS
    states = {line.split()[1]: line.split()[0] for line in said.out.splitlines()}
    assert states == dict.fromkeys(
        ("versions", "settings", "key", "gateway", "clock", "record", "folder"), "ok"
    )
    assert {one.method for one in gateway.requests} == {"GET"}


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        ({"COMETAPI_KEY": "sk-of-somebody-else"}, "fail gateway", Exit.KEY),
        ({"COMETAPI_KEY": "two words"}, "fail key", Exit.KEY),
        ({"COMETAPI_KEY": ""}, "fail key", Exit.KEY),
        ({"COMETAPI_RUNWAY_BASE_URL": "http://127.0.0.1:1"}, "fail gateway", Exit.GATEWAY),
        ({"COMETAPI_RUNWAY_BASE_URL": "nonsense"}, "fail gateway", Exit.USAGE),
        ({"COMETAPI_RUNWAY_JOURNAL": "/"}, "fail record", Exit.USAGE),
    ],
    ids=str,
)
def test_doctor_finds_what_is_wrong(
    run: Terminal,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    state: str,
    code: Exit,
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)

    text = run("doctor")
    as_json = run("doctor", "--format", "json")
    run.said.clear()

    assert text.code == as_json.code == code
    if "gateway" in state:
        assert change.get("COMETAPI_RUNWAY_BASE_URL", "127.0.0.1") in text.out
    found = {f"{one['state']} {one['name']}" for one in as_json.results}
    assert state in found
    assert {one.method for one in gateway.requests} <= {"GET"}


def test_doctor_finds_a_folder_that_cannot_be_written(run: Terminal, locked: Path) -> None:
    said = run("doctor", "--output", "locked")
    run.said.clear()

    assert said.code == Exit.USAGE
    assert re.search("^fail +folder .*Permission denied", said.out, re.MULTILINE)


def test_doctor_replaces_nothing(run: Terminal) -> None:
    assert "--overwrite" not in run("doctor", "--help").out
    assert run("doctor", "--overwrite").code == Exit.USAGE


@pytest.mark.parametrize("key", ["", "two words"])
def test_doctor_claims_nothing_of_a_key_that_is_not_sent(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A gateway may take any key, as the local one does unless it is told which."""
    monkeypatch.setenv("COMETAPI_KEY", key)
    with SimulatorServer(timings=INSTANT) as trusting:
        said = run("doctor", "--base-url", trusting.base_url)
    run.said.clear()

    assert said.code == Exit.KEY
    assert "takes the key" not in said.out
    assert re.search("^fail +key ", said.out, re.MULTILINE)
    assert re.search("^ok +gateway .*; without a key it could not", said.out, re.MULTILINE)


def test_doctor_finds_a_wrong_address_and_a_wrong_clock(run: Terminal, gateway: Gateway) -> None:
    gateway.faults.add(
        Fault("html", status=404, headers=(("Date", "Fri, 01 May 2026 12:00:00 GMT"),))
    )

    said = run("doctor")
    run.said.clear()

    assert said.code == Exit.GATEWAY
    assert re.search("^warn +gateway .*not as expected", said.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("date", "state"),
    [
        ("Fri, 01 May 2026 12:00:00 -0000", "warn"),
        ("Fri, 01 May 99999 12:00:00 GMT", "ok"),
    ],
)
def test_doctor_reads_every_date_there_is(
    run: Terminal, gateway: Gateway, date: str, state: str
) -> None:
    gateway.faults.add(Fault("html", status=404, headers=(("Date", date),)))

    said = run("doctor")
    run.said.clear()

    assert said.code == Exit.GATEWAY
    assert re.search(f"^{state} +clock ", said.out, re.MULTILINE)


def test_validate_judges_offline(run: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_KEY")
    creation = next(one for one in creations() if one.name == "character_performance")
    Path("good.json").write_text(json.dumps(creation.example))
    Path("bad.json").write_text(json.dumps({**creation.example, "seed": -1, "bodyControll": True}))

    good = run("validate", "good.json")
    named = run("validate", "good.json", "--operation", "character-performance")
    other = run("validate", "good.json", "--operation", "video-upscale")
    bad = run("validate", "bad.json")
    nothing = run("validate", "good.json", "--operation", "charakter-performance")
    Path("deep.json").write_text('{"a":' * 5000)
    deep = run("validate", "deep.json")

    assert good.out == named.out == "valid for character-performance\n"
    assert other.code == bad.code == Exit.REFUSED
    assert "good.json is not valid for video-upscale (upscale_a_video)\n" in other.err
    assert "\n       /videoUri is required" in other.err
    assert "bad.json is not valid for character-performance (control_a_character)\n" in bad.err
    assert "\n       /seed must be at least 0" in bad.err
    assert "\n       /bodyControll: " in bad.err
    assert "--" not in other.err.splitlines()[1] + bad.err.splitlines()[1]
    assert "did you mean bodyControl?" in bad.err
    assert "sent" not in bad.err, "nobody wanted to send it"
    assert nothing.code == deep.code == Exit.USAGE
    assert "character-performance" in nothing.err
    assert "deep.json is not JSON: nested too deeply" in deep.err


def test_every_command_has_a_help_of_its_own(run: Terminal) -> None:
    told = {one.description.split("\n\n")[0]: one for one in creations()}

    assert len(told) == len(creations())
    said = run("compat", "--help").out
    assert " Text to video: make a video from" in said
    assert " Image to video: make a video from" in said


def test_validate_tells_programs_what_is_wrong_where(run: Terminal) -> None:
    creation = next(one for one in creations() if one.name == "character_performance")
    Path("good.json").write_text(json.dumps(creation.example))
    Path("bad.json").write_text(json.dumps({**creation.example, "expressionIntensity": 9}))

    (good,) = run("validate", "good.json", "--format", "json").results
    (bad,) = run("validate", "bad.json", "--format", "json").progress

    named = {"resource": "character_performance", "operation": "control_a_character"}
    assert named.items() <= good.items()
    assert named.items() <= bad.items()
    (issue,) = bad["issues"]
    assert (issue["path"], issue["rule"]) == ("/expressionIntensity", "maximum")
    assert issue["message"] in bad["details"]
    assert bad["message"] == "bad.json is not valid for character-performance (control_a_character)"


@pytest.mark.parametrize("creation", creations(), ids=lambda one: one.name)
def test_validate_knows_every_operation_by_its_id_too(run: Terminal, creation: Any) -> None:
    Path("body.json").write_text("{}")

    said = run("validate", "body.json", "--operation", creation.operation.id)

    assert said.code == Exit.REFUSED
    assert f"({creation.operation.id})" in said.err


def test_validate_judges_by_the_nearer_of_two_that_share_an_operation(run: Terminal) -> None:
    shared = [one for one in creations() if one.operation.variants and one.example]
    assert len(shared) >= 2
    for one in shared:
        Path("body.json").write_text(json.dumps(one.example))
        said = run("validate", "body.json", "--operation", one.operation.id)
        assert said.out == f"valid for {' '.join(one.words)}\n"


def test_the_contract_says_where_it_comes_from(run: Terminal) -> None:
    said = run("contract")
    (facts,) = run("contract", "--format", "json").results

    assert "POST /runwayml/v1/character_performance" in said.out
    made = next(one for one in facts["operations"] if one["id"] == "control_a_character")
    assert made["pages"][0]["obtained"] == "page"
    assert len(facts["sha256"]) == 64


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_knows_every_command_and_its_values(run: Terminal, shell: str) -> None:
    said = run("completion", shell)

    assert said.code == Exit.SUCCESS
    for creation in creations():
        assert creation.words[-1] in said.out
    assert "expression-intensity" in said.out
    assert "act_two" in said.out


def test_completion_is_put_in_place(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    said = run("completion", "fish", "--install")

    file = Path(said.out.strip())
    assert file.is_relative_to(tmp_path)
    assert "cometapi-runway" in file.read_text()


# --- the first minute -----------------------------------------------------------------------


def test_the_demo_ends_with_a_file_and_the_way_to_the_real_gateway(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, gateway: Gateway
) -> None:
    monkeypatch.setattr("cometapi_runway.cli.demo._SPEED", 60.0)
    monkeypatch.setattr("cometapi_runway.cli.demo._INTERVAL", 0.02)

    said = run("demo")

    assert said.code == Exit.SUCCESS, said.err
    assert Path(said.out.strip()).stat().st_size > 1000
    assert gateway.requests == ()
    creation = next(one for one in creations() if one.name == "character_performance")
    example: Any = creation.example
    assert f"seed {example['seed']}" in said.err
    assert "0.50 US dollars" in said.err
    _is_the_same_request(said.err, example)


@pytest.mark.parametrize(
    ("called", "path", "shown"),
    [
        (".venv/bin/cometapi-runway", "", ".venv/bin/cometapi-runway"),
        ("a folder/cometapi-runway", "", "'a folder/cometapi-runway'"),
        ("bin/cometapi-runway", "bin", "cometapi-runway"),
        ("/somewhere/cometapi_runway/__main__.py", "", "cometapi-runway"),
    ],
)
def test_the_demo_shows_a_command_that_is_there(
    called: str, path: str, shown: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`make demo` keeps it in a folder that no path leads to."""
    monkeypatch.chdir(tmp_path)
    Path("bin").mkdir()
    Path("bin/cometapi-runway").touch(mode=0o755)
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr("sys.argv", [called])
    assert demo._program() == shown


def _is_the_same_request(told: str, example: Any) -> None:
    """Both ways shown lead to a request with the example's assets."""
    python = told[told.index("  from cometapi_runway") :]
    compile(re.sub("^  ", "", python, flags=re.MULTILINE), "README", "exec")
    words = shlex.split(
        told[told.index("cometapi-runway character") : told.index("or in Python")].replace(
            "\\\n", ""
        )
    )
    assert words[words.index("--character") + 1] == example["character"]["uri"]
    assert words[words.index("--reference") + 1] == example["reference"]["uri"]
    assert example["character"]["uri"] in python
