"""Several tasks in one command: what happens to one does not stop the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway.cli import main
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import Gateway, Outcome, SimulatorServer, Timings
from cometapi_runway.simulator._lifecycle import CANCELLED, failed

from .terminal import CREATE, QUICK, Terminal


@pytest.fixture
def mixed(run: Terminal, gateway: Gateway) -> list[str]:
    """Tasks that fail, are cancelled, succeed, fail and succeed."""
    ids = []
    for ending in (failed("INTERNAL"), CANCELLED, None, failed("ASSET.INVALID"), None):
        if ending is not None:
            gateway.outcomes.replace([Outcome(ending)])
        ids.append(run(*CREATE, "--no-wait").out.strip())
        gateway.outcomes.replace([])
    return ids


@pytest.mark.parametrize("command", ["wait", "download"])
def test_every_task_is_finished_and_reported(run: Terminal, mixed: list[str], command: str) -> None:
    interval = QUICK if command == "wait" else ()
    result = run("tasks", command, *mixed, "--output", "out", *interval)

    assert result.code == ExitCode.TASK
    assert len(result.out.splitlines()) == len(list(Path("out").iterdir())) == 2
    for task_id in mixed[:2] + mixed[3:4]:
        assert task_id in result.err
    assert result.err.count("error: ") == 3
    assert result.err.count("next:  ") == 3


@pytest.mark.parametrize("command", ["wait", "download"])
def test_every_event_of_every_task_is_an_object(
    run: Terminal, mixed: list[str], command: str
) -> None:
    interval = QUICK if command == "wait" else ()
    result = run("tasks", command, *mixed, "--output", "out", "--format", "json", *interval)

    ids = {name: [one.get("task_id") for one in result.progress if one["event"] == name]
           for name in ("status", "downloaded", "error")}  # fmt: skip
    assert set(ids["status"]) == set(mixed)
    assert set(ids["error"]) == {mixed[0], mixed[1], mixed[3]}
    assert set(ids["downloaded"]) == {mixed[2], mixed[4]}
    for event in result.progress:
        if event["event"] == "downloaded":
            assert event["output"] == 1
            assert event["bytes"] > 1000
    assert {one["task_id"] for one in result.results} == {mixed[2], mixed[4]}
    assert {one["event"] for one in result.results} == {"file"}
    for one in result.results:
        assert Path(one["path"]).stat().st_size == one["size"]


def test_the_code_is_that_of_the_first_task_that_has_no_file(
    run: Terminal, gateway: Gateway, mixed: list[str]
) -> None:
    unknown = "unknown-task"
    orders: list[tuple[list[str], ExitCode]] = [
        ([mixed[2], mixed[4]], ExitCode.SUCCESS),
        ([mixed[2], mixed[0], unknown], ExitCode.TASK),
        ([mixed[2], unknown, mixed[0]], run("tasks", "get", unknown).code),  # type: ignore[list-item] # an exit code
    ]
    for ids, code in orders:
        assert run("tasks", "download", *ids, "--output", "out", "--overwrite").code == code


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("tasks", "wait"), ExitCode.TIMEOUT),
        (("tasks", "resume"), ExitCode.TIMEOUT),
    ],
)
def test_the_limit_of_a_wait_is_that_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, words: tuple[str, ...],
    expected: ExitCode,
) -> None:  # fmt: skip
    """The gateway's tasks never end here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMETAPI_KEY", "any")
    monkeypatch.setenv("COMETAPI_RUNWAY_JOURNAL", str(tmp_path / "journal"))
    with SimulatorServer(timings=Timings(invisible=0, pending=0, running=600)) as server:
        monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", server.base_url)
        assert main([*CREATE, "--no-wait"]) == ExitCode.SUCCESS
        task_id = capsys.readouterr().out.strip()
        ids = [task_id] if words[1] == "wait" else []
        code = main([*words, *ids, "--timeout", "0.2", *QUICK, "--format", "json"])
        errors = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert code == expected
    assert errors[-1]["event"] == "error"
    assert errors[-1]["task_id"] == task_id
    assert len([one for one in errors if one["event"] == "status"]) >= 1
