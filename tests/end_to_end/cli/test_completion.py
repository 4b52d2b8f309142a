"""Completion and help of every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from cometapi_runway.cli._options.client_resources import (
    list_client_resources,
)
from cometapi_runway.cli._output.exit_codes import ExitCode

from .terminal import Terminal


def test_every_create_command_has_its_own_help(run: Terminal) -> None:
    by_summary = {one.description.split("\n\n")[0]: one for one in list_client_resources()}

    assert len(by_summary) == len(list_client_resources())
    result = run("compat", "--help").out
    assert " Text to video: make a video from" in result
    assert " Image to video: make a video from" in result


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_has_every_command_and_its_values(run: Terminal, shell: str) -> None:
    result = run("completion", shell)

    assert result.code == ExitCode.SUCCESS
    for resource in list_client_resources():
        assert resource.command_words[-1] in result.out
    assert "expression-intensity" in result.out
    assert "act_two" in result.out


def test_completion_is_installed(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    result = run("completion", "fish", "--install")

    file = Path(result.out.strip())
    assert file.is_relative_to(tmp_path)
    assert "cometapi-runway" in file.read_text()
