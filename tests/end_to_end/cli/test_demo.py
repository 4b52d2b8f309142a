"""``demo``: a file, and examples for the real gateway."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway.cli._commands import demo
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.resources._client_resources import (
    get_client_resource,
)
from cometapi_runway.simulator import (
    Gateway,
)

from .terminal import Terminal


def test_the_demo_saves_a_file_and_shows_the_next_steps(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, gateway: Gateway
) -> None:
    monkeypatch.setattr("cometapi_runway.cli._commands.demo._SPEED", 60.0)
    monkeypatch.setattr("cometapi_runway.cli._commands.demo._INTERVAL", 0.02)

    result = run("demo")

    assert result.code == ExitCode.SUCCESS, result.err
    assert Path(result.out.strip()).stat().st_size > 1000
    assert gateway.requests == ()
    resource = get_client_resource("character_performance")
    example: Any = resource.example
    assert f"seed {example['seed']}" in result.err
    assert "0.50 US dollars" in result.err
    check_examples(result.err, example)
    # Its gateway gives the same id each time.
    file = Path(result.out.strip())
    file.write_bytes(b"an earlier one")
    assert run("demo").out == result.out
    assert file.stat().st_size > 1000


@pytest.mark.parametrize(
    ("called", "path", "shown"),
    [
        (".venv/bin/cometapi-runway", "", ".venv/bin/cometapi-runway"),
        ("a folder/cometapi-runway", "", "'a folder/cometapi-runway'"),
        ("bin/cometapi-runway", "bin", "cometapi-runway"),
        ("/somewhere/cometapi_runway/__main__.py", "", "cometapi-runway"),
    ],
)
def test_the_demo_shows_a_program_that_can_be_called(
    called: str, path: str, shown: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`make demo` runs a program that is not on the PATH."""
    monkeypatch.chdir(tmp_path)
    Path("bin").mkdir()
    Path("bin/cometapi-runway").touch(mode=0o755)
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr("sys.argv", [called])
    assert demo._get_program() == shown


def check_examples(text: str, example: Any) -> None:
    """Both examples make a request with the assets of the page's example."""
    python = text[text.index("  from cometapi_runway") :]
    compile(re.sub("^  ", "", python, flags=re.MULTILINE), "README", "exec")
    words = shlex.split(
        text[text.index("cometapi-runway character") : text.index("or in Python")].replace(
            "\\\n", ""
        )
    )
    assert words[words.index("--character") + 1] == example["character"]["uri"]
    assert words[words.index("--reference") + 1] == example["reference"]["uri"]
    assert example["character"]["uri"] in python
    assert " client.character_performance.create(" in python
