"""A batch on a terminal and in pipes: what it shows, how signals end it, who may watch."""

from __future__ import annotations

import json
import re
import shlex
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.process_lines import read_line

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import SimClock, SimulatorServer

from .processes import TIMEOUT, OpenTerminal, run, run_new, start

ROWS = 9
RUN = (
    *("batch", "run", "shots.csv", "--output", "out", "--operation", "image-to-video"),
    *("--set", "model=gen4_turbo", "--set", "prompt_text={hero} at dawn"),
    *("--interval", "0.2", "--concurrency", "3"),
)
WATCH = ("batch", "watch", "shots", "--format", "json")
MODULES = ("cometapi_runway.batch._engine", "dbos")
LONG = 4 * TIMEOUT


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """Tasks take a second or two, so that a signal meets some of them."""
    with SimulatorServer(clock=SimClock.scaled(10)) as running:
        yield running


@pytest.fixture
def there(
    environment: dict[str, str], server: SimulatorServer, tmp_path: Path
) -> Mapping[str, str]:
    rows = [f"shot-{n},A cat {n},https://example.com/{n}.png" for n in range(ROWS)]
    text = "\n".join(["id,hero,prompt_image", *rows, ""])
    (tmp_path / "shots.csv").write_text(text, "utf-8")
    return {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}


def check_complete(folder: Path, server: SimulatorServer) -> None:
    lines = (folder / "out" / "results.jsonl").read_text("utf-8").splitlines()
    results = [json.loads(line) for line in lines]
    assert sorted(one["id"] for one in results) == sorted(f"shot-{n}" for n in range(ROWS))
    assert {one["status"] for one in results} == {"SUCCEEDED"}
    assert all((folder / "out" / one["files"][0]).exists() for one in results)
    assert len(server.gateway.charges) == ROWS


def test_ctrl_c_says_what_goes_on_and_the_command_that_resumes(
    open_terminal: OpenTerminal,
    server: SimulatorServer,
    there: Mapping[str, str],
    tmp_path: Path,
) -> None:
    screen = open_terminal(RUN, there, *MODULES)
    screen.until("3 running")
    screen.interrupt()

    assert screen.close() == ExitCode.INTERRUPTED
    assert "Traceback" not in screen.text
    view = re.split(r"[\r\n]+", screen.text.partition("stop: ")[0])
    assert any(re.search(rf"shots +━+.* of {ROWS} +\d+%", line) for line in view)
    assert any(re.match(r"\d+ done   3 running   \d+ waiting", line) for line in view)
    assert max(map(len, view)) <= 80
    assert "stopping: requests that have begun are finished" in screen.text
    assert re.search(r"stop: +interrupted; \d+ tasks? continues? at the gateway", screen.text)
    (line,) = re.findall(r"next: +cometapi-runway (batch run .*?)\r?\n", screen.text)
    charged = len(server.gateway.charges)
    assert 0 < charged < ROWS

    done = run_new(shlex.split(line), there, tmp_path, timeout=LONG)

    assert done.returncode == 0, done.stderr
    check_complete(tmp_path, server)


def test_sigterm_ends_a_batch_as_ctrl_c_does(
    server: SimulatorServer, there: Mapping[str, str], tmp_path: Path
) -> None:
    process = start((*RUN, "--format", "json"), there, tmp_path, *MODULES)
    try:
        assert process.stdout is not None
        # The first row that has ended.
        assert json.loads(read_line(process))["event"] == "row"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()

    assert process.returncode == ExitCode.INTERRUPTED
    error = json.loads(err.splitlines()[-1])
    assert error["event"] == "error"
    assert "at the gateway" in error["message"]
    assert error["next"].startswith("cometapi-runway batch run shots.csv --output out")

    assert run(RUN, there, tmp_path, *MODULES, timeout=LONG).returncode == 0
    check_complete(tmp_path, server)


def test_watch_reads_along_and_a_second_run_is_refused(
    server: SimulatorServer, there: Mapping[str, str], tmp_path: Path
) -> None:
    process = start((*RUN, "--format", "json"), there, tmp_path, *MODULES)
    try:
        assert process.stdout is not None
        read_line(process)
        # Stopped meanwhile: the second one may begin so late that nothing else would run.
        process.send_signal(signal.SIGSTOP)
        second = run(RUN, there, tmp_path, *MODULES, timeout=LONG)
        process.send_signal(signal.SIGCONT)
        watched = run(WATCH, there, tmp_path, *MODULES, timeout=LONG)
        out, err = process.communicate(timeout=LONG)
    finally:
        process.kill()

    assert process.returncode == 0, out + err
    assert "\x1b" not in out + err
    assert second.returncode == ExitCode.USAGE
    assert "is run by another process" in second.stderr
    assert watched.returncode == 0, watched.stderr
    (end,) = map(json.loads, watched.stdout.splitlines())
    assert (end["event"], end["statuses"]) == ("batch", {"SUCCEEDED": ROWS})
    ended = [json.loads(line)["ended"] for line in watched.stderr.splitlines()]
    assert ended == sorted(ended)
    check_complete(tmp_path, server)
