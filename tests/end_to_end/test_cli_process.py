"""The command line as a process: what it imports, signals, pipes and terminals."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway import __version__
from cometapi_runway.cli.endings import Exit
from cometapi_runway.simulator import Fault, SimClock, SimulatorServer, When

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "cometapi_runway")
CREATE = (
    "character-performance",
    "--character",
    "https://example.com/face.png",
    "--reference",
    "https://example.com/clip.mp4",
    "--interval",
    "0.1",
)
PATIENCE = 20.0


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(clock=SimClock.scaled(4)) as running:
        yield running


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{ROOT / 'wrapper'}{os.pathsep}{ROOT / 'generated'}",
        "COMETAPI_KEY": "any",
        "COMETAPI_RUNWAY_JOURNAL": str(tmp_path / "journal.sqlite3"),
        "COMETAPI_RUNWAY_CONFIG": str(tmp_path / "config.toml"),
    }


def run(
    words: Sequence[str], environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Screen:
    """A process on a terminal of 80 columns, and what it has written there."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._terminal, theirs = pty.openpty()
        os.set_blocking(self._terminal, False)
        self.process = subprocess.Popen(
            [*COMMAND, *words],
            env={**environment, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40"},
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.raw = ""

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw)

    def until(self, words: str) -> None:
        """Read until the words are there."""
        end = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < end, f"no {words!r} in:\n{self.text}"
            assert self._read(), f"ended without {words!r}:\n{self.text}"

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def close(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self._terminal)
        return self.process.wait(PATIENCE)

    def abandon(self) -> None:
        """End it, however the test went."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], PATIENCE)[0]:
            self.process.kill()
            return False
        try:
            content = os.read(self._terminal, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # So a terminal says that nobody is at its other end any more.
            return False
        self.raw += content.decode()
        return bool(content)


Show = Callable[[Sequence[str], Mapping[str, str]], Screen]


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    """Processes on terminals of their own."""
    screens: list[Screen] = []

    def start(words: Sequence[str], environment: Mapping[str, str]) -> Screen:
        screens.append(Screen(words, environment, tmp_path))
        return screens[-1]

    yield start
    for screen in screens:
        screen.abandon()


@pytest.mark.parametrize(
    "words",
    [("--version",), ("--help",), ("image-to-video", "--help"), ("tasks", "wait", "--help")],
)
def test_help_and_version_load_neither_httpx_nor_the_generated_package(
    words: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    program = (
        "import sys; from cometapi_runway.cli import main; code = main(sys.argv[1:]); "
        "sys.stderr.write(' '.join(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0
    loaded = set(done.stderr.split())
    assert not {"httpx", "cometapi_runway_api", "starlette"} & loaded
    if words == ("--version",):
        assert done.stdout == f"{__version__}\n"
        assert "cyclopts" not in loaded


def test_every_help_fits_80_columns(environment: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import os, sys; os.environ['COLUMNS'] = '80'\n"
        "from cometapi_runway.cli import main\n"
        "from cometapi_runway.cli.app import build\n"
        "def walk(app, words):\n"
        "    main([*words, '--help'])\n"
        "    for name in app:\n"
        "        if not name.startswith('-'):\n"
        "            walk(app[name], [*words, name])\n"
        "walk(build(), [])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=True,
    )

    assert done.stdout.count("Usage: ") > 20
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_without_its_extra_it_says_in_one_line_what_to_install(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "cyclopts.py").write_text("raise ModuleNotFoundError(name='cyclopts')\n")
    paths = f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"

    done = run(("--help",), {**environment, "PYTHONPATH": paths}, tmp_path)

    assert done.returncode == Exit.USAGE
    assert done.stderr == "cometapi-runway needs its extra: pip install 'cometapi-runway[cli]'\n"


def test_without_the_simulators_extra_it_says_what_to_install(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError(name='uvicorn')\n")
    paths = f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"

    done = run(("demo",), {**environment, "PYTHONPATH": paths}, tmp_path)

    assert done.returncode == Exit.USAGE
    assert "pip install 'cometapi-runway[cli,simulator]'" in done.stderr


@pytest.mark.parametrize("words", [("completion", "bash"), ("--help",), ("--version",)], ids=str)
def test_a_reader_that_has_had_enough_is_no_error(
    environment: dict[str, str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    process = subprocess.Popen(
        [*COMMAND, *words],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()

    _, err = process.communicate(timeout=PATIENCE)

    assert err == ""
    assert process.returncode == 0


def shell(
    line: str, environment: Mapping[str, str], folder: Path, *words: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the command with its streams where a line of shell puts them."""
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {line}', "sh", *COMMAND, *words],
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
@pytest.mark.parametrize("words", [("--version",), ("--help",), ("contract",)], ids=str)
def test_a_full_disk_is_told_in_a_line(
    environment: dict[str, str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = shell(">/dev/full", environment, tmp_path, *words)

    assert done.returncode == Exit.OUTPUT
    assert re.match(rb"error: standard output cannot be written: .*\nnext:  .*\n\Z", done.stderr)


@pytest.mark.parametrize("line", [">/dev/full", ">&-"])
def test_an_id_that_is_paid_for_is_seen_somewhere(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path, line: str
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    done = shell(line, there, tmp_path, *CREATE, "--no-wait")

    (task_id,) = server.gateway.tasks
    assert done.returncode == Exit.OUTPUT
    assert f"submitted {task_id}".encode() in done.stderr
    assert b"tasks list" in done.stderr


@pytest.mark.parametrize("line", ["2>/dev/full", "2>&-", "2>&- <&-"])
def test_work_goes_on_where_nobody_can_see_the_progress(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path, line: str
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    done = shell(line, there, tmp_path, *CREATE)
    record = run(("tasks", "list", "--format", "json"), there, tmp_path)

    assert done.returncode == 0
    assert (tmp_path / done.stdout.decode().strip()).read_bytes()[4:8] == b"ftyp"
    assert json.loads(record.stdout)["state"] == "SUCCEEDED"


def test_a_file_name_that_is_no_text_comes_out_as_it_is(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}
    folder = os.fsdecode(b"caf\xe9")

    done = shell("", there, tmp_path, *CREATE, "--output", folder)

    assert done.stdout.startswith(b"caf\xe9/")
    assert (tmp_path / os.fsdecode(done.stdout.strip())).exists()


def test_ctrl_c_before_anything_has_begun_shows_no_traceback(
    environment: dict[str, str], tmp_path: Path
) -> None:
    # Loaded in place of what takes longest to load, which is when people press it.
    (tmp_path / "cyclopts.py").write_text("raise KeyboardInterrupt\n")
    paths = f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"

    done = run(("tasks", "list"), {**environment, "PYTHONPATH": paths}, tmp_path)

    assert done.returncode == Exit.INTERRUPTED
    assert "Traceback" not in done.stderr
    assert re.search("^next:", done.stderr, re.MULTILINE)


def test_ctrl_c_in_the_demo_promises_nothing_of_a_gateway_that_has_ended(
    environment: dict[str, str], tmp_path: Path, show: Show
) -> None:
    screen = show(("demo",), environment)
    screen.until("submitted")
    screen.interrupt()

    assert screen.close() == Exit.INTERRUPTED
    assert "tasks wait" not in screen.text
    assert "next:  cometapi-runway demo" in screen.text


def test_a_pipe_gets_plain_lines(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url, "FORCE_COLOR": "1"}

    done = run(CREATE, there, tmp_path)

    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert Path(tmp_path / done.stdout.strip()).exists()
    states = re.findall(r"(PENDING|RUNNING|SUCCEEDED)", done.stderr)
    assert "RUNNING" in states
    assert states[-1] == "SUCCEEDED"


def test_a_terminal_gets_a_bar_and_the_file(
    show: Show, server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = show((*CREATE, "--output", "videos"), there)
    screen.until("RUNNING")
    code = screen.close()

    assert code == 0
    assert "━" in screen.text
    assert "saved" in screen.text
    assert screen.text.rstrip().endswith(".mp4")
    assert "\x1b[32m" in screen.raw or "\x1b[38;5" in screen.raw


def test_no_color_is_respected(
    show: Show, server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url, "NO_COLOR": "1"}

    screen = show(CREATE, there)
    code = screen.close()

    assert code == 0
    colours = [
        c for c in re.findall(r"\x1b\[([0-9;]*)m", screen.raw) if re.search("3[0-9]|9[0-9]", c)
    ]
    assert colours == []


def test_a_dumb_terminal_gets_plain_lines(
    show: Show, environment: dict[str, str], tmp_path: Path, server: SimulatorServer
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}
    screen = show(("tasks", "get", "nothing"), there)
    screen.close()
    terminal, theirs = pty.openpty()
    done = subprocess.run(
        [*COMMAND, "tasks", "get", "nothing"],
        env={**there, "TERM": "dumb"},
        cwd=tmp_path,
        stdout=theirs,
        stderr=theirs,
        timeout=PATIENCE,
        check=False,
    )
    os.close(theirs)
    said = os.read(terminal, 65536).decode()
    os.close(terminal)

    assert done.returncode == Exit.GATEWAY
    assert "\x1b" not in said
    assert "\x1b" in screen.raw


def test_ctrl_c_leaves_the_command_to_go_on_with_and_that_command_works(
    show: Show, server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = show((*CREATE, "--output", "videos"), there)
    screen.until("RUNNING")
    screen.interrupt()
    code = screen.close()

    assert code == Exit.INTERRUPTED
    assert "Traceback" not in screen.text
    (line,) = re.findall(r"next:\s+cometapi-runway (tasks wait .*?)\r?\n", screen.text)
    done = run((*line.split(), "--interval", "0.1"), there, tmp_path)
    assert done.returncode == 0, done.stderr
    (task_id,) = server.gateway.tasks
    assert (tmp_path / "videos" / f"{task_id}.mp4").exists()
    assert len(server.gateway.charges) == 1


def test_ctrl_c_does_not_wait_for_a_gateway_that_hangs(
    show: Show, server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    server.gateway.faults.add(Fault("hang", when=When("tasks"), seconds=600))
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = show(CREATE, there)
    screen.until("waiting")
    while not any(one.method == "GET" for one in server.gateway.requests):
        time.sleep(0.05)
    screen.interrupt()
    began = time.monotonic()
    code = screen.close()

    assert code == Exit.INTERRUPTED
    assert time.monotonic() - began < 5
    assert "goes on at the gateway" in " ".join(screen.text.split())


def test_ctrl_c_during_a_paid_request_says_that_nobody_knows(
    show: Show, server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    server.gateway.faults.add(Fault("hang", when=When("character_performance"), seconds=600))
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = show((*CREATE, "--seed", "7"), there)
    while not server.gateway.requests:
        time.sleep(0.05)
    screen.interrupt()
    code = screen.close()

    words = " ".join(screen.text.split())
    assert code == Exit.INTERRUPTED
    assert "the gateway may have accepted the task" in words
    assert "seed 7" in words
    assert "usage log" in words


def test_ctrl_c_during_a_download_keeps_what_has_come(
    show: Show, server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    server.gateway.faults.add(Fault("drip", when=When("download", first=1), seconds=60))
    there = {**environment, "COMETAPI_RUNWAY_BASE_URL": server.base_url}

    screen = show(CREATE, there)
    screen.until("saving")
    screen.interrupt()
    code = screen.close()

    assert code == Exit.INTERRUPTED
    assert "what has come of the files is kept" in " ".join(screen.text.split())
    (line,) = re.findall(r"next:\s+cometapi-runway (tasks download .*?)\r?\n", screen.text)
    (part,) = tmp_path.glob("*.part")
    size = part.stat().st_size
    assert size > 0
    done = run(line.split(), there, tmp_path)
    assert done.returncode == 0, done.stderr
    ranges = [h for one in server.gateway.requests for h in one.headers if h[0].lower() == "range"]
    assert any(value == f"bytes={size}-" for _, value in ranges)


@pytest.fixture
def simulate(environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Local gateways; each gives what it says when it is ready, and a way to end it."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> tuple[dict[str, Any], Callable[[], int]]:
        process = subprocess.Popen(
            [*COMMAND, "simulate", "--format", "json", "--speed", "100", *words],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())

        def end() -> int:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE)
            return process.returncode

        return ready, end

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=PATIENCE)


def test_simulate_serves_until_it_is_interrupted(
    environment: dict[str, str], tmp_path: Path, simulate: Callable[..., Any]
) -> None:
    ready, end = simulate()

    done = run((*CREATE, "--base-url", ready["base_url"]), environment, tmp_path)

    assert ready["event"] == "ready"
    assert done.returncode == 0, done.stderr
    assert end() == 0


def test_tasks_of_two_local_gateways_are_not_taken_for_each_other(
    environment: dict[str, str], tmp_path: Path, simulate: Callable[..., Any]
) -> None:
    """The record outlives them both; a seed repeats one."""

    def first_id(*words: str) -> tuple[str, int]:
        ready, end = simulate(*words)
        there = (*CREATE, "--no-wait", "--no-journal", "--base-url", ready["base_url"])
        made = run(there, environment, tmp_path).stdout.strip()
        end()
        return made, ready["seed"]

    one, seed = first_id()
    other, _ = first_id()
    again, _ = first_id("--seed", str(seed))

    assert one == again != other


def test_a_download_that_was_killed_is_taken_up(
    server: SimulatorServer, environment: dict[str, str], tmp_path: Path
) -> None:
    """The task has ended and is paid for; its output will not be kept for ever."""
    environment["COMETAPI_RUNWAY_BASE_URL"] = server.base_url
    server.gateway.faults.add(Fault("drip", seconds=4000, when=When("download")))
    process = subprocess.Popen(
        [*COMMAND, *CREATE, "--output", "out"], env=environment, cwd=tmp_path
    )
    try:
        end = time.monotonic() + PATIENCE
        while not any((tmp_path / "out").glob("*.part")):
            assert time.monotonic() < end, "no download has begun"
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait(PATIENCE)
    server.gateway.faults.replace(())

    listed = run(["tasks", "list"], environment, tmp_path)
    resumed = run(["tasks", "resume", "--output", "out"], environment, tmp_path)
    again = run(["tasks", "resume", "--output", "out"], environment, tmp_path)

    assert "SUCCEEDED" in listed.stdout
    assert "its output is still to be saved" in listed.stdout
    assert resumed.returncode == Exit.SUCCESS, resumed.stderr
    (file,) = (tmp_path / "out").iterdir()
    assert resumed.stdout.strip() == str(file.relative_to(tmp_path))
    assert "every task on record has ended" in again.stderr
    assert len(server.gateway.charges) == 1
