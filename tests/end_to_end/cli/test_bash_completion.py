"""Completion in a real bash: the file names of file arguments, and the values of others."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from cometapi_runway.cli import main

BASH = shutil.which("bash")
TIMEOUT = 20.0
pytestmark = pytest.mark.skipif(BASH is None, reason="bash is not installed")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "script.bash"
    with file.open("w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
        assert main(("completion", "bash")) == 0
    return file


def complete(script: Path, folder: Path, line: str) -> list[str]:
    """The words of a command line after Tab, as the command would receive them.

    The program is replaced by a function that prints its arguments.
    """
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(BASH), "--norc", "--noprofile", "-i"],
        env={"PATH": os.environ["PATH"], "TERM": "dumb", "PS1": "", "HISTFILE": ""},
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        os.write(terminal, f". '{script}'; echo rea''dy\n".encode())
        _read_until(terminal, "\nready")
        echo = "cometapi-runway() { printf '<%s>' \"$@\" >words; echo do''ne; }\n"
        os.write(terminal, f"{echo}cometapi-runway {line}\t\n".encode())
        _read_until(terminal, "\ndone")
    finally:
        process.kill()
        process.wait(TIMEOUT)
        os.close(terminal)
    return (folder / "words").read_text().removeprefix("<").removesuffix(">").split("><")


def _read_until(terminal: int, text: str) -> None:
    end, seen = time.monotonic() + TIMEOUT, ""
    while text not in seen:
        assert time.monotonic() < end, f"no {text!r} in:\n{seen}"
        if select.select([terminal], [], [], 0.5)[0]:
            try:
                seen += os.read(terminal, 65536).decode().replace("\r", "")
            except OSError as error:
                if error.errno == errno.EIO:
                    pytest.fail(f"bash ended:\n{seen}")
                raise


@pytest.mark.parametrize(
    ("line", "last"),
    [
        ("image-to-video --prompt-image my", "my face.png"),
        ("image-to-video --json bo", "body.json"),
        ("character-performance --character my", "my face.png"),
        ("text-to-image --reference-images my", "my face.png"),
        ("validate bo", "body.json"),
        ("tasks resume --output vid", "videos/"),
        ("tasks list --journal bo", "body.json"),
        ("tasks list --format j", "json"),
        ("character-performance --model a", "act_two"),
        ("image-to-video --model gen4", "gen4_turbo"),
        ("text-to-image --ratio 19", "1920:1080"),
        ("text-to-image --ratio 1920:", "1920:1080"),
        ("text-to-image --ratio 2112:9", "2112:912"),
        ("compat text-to-video --ratio 1:", "1:1"),
        ("tasks res", "resume"),
        ("image-to-video --prompt-im", "--prompt-image"),
    ],
)
def test_a_word_is_completed(script: Path, tmp_path: Path, line: str, last: str) -> None:
    (tmp_path / "my face.png").touch()
    (tmp_path / "body.json").touch()
    (tmp_path / "videos").mkdir()

    assert complete(script, tmp_path, line)[-1] == last
