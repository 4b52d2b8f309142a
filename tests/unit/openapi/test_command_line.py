"""The command line: what it prints, and its exit status."""

from __future__ import annotations

import inspect
import re
import runpy
import sys
from pathlib import Path

import pytest

from contract_tools.__main__ import main
from contract_tools._common import portable_yaml
from contract_tools._common.workspace import Workspace


def test_the_command_line_prints_the_result(
    workspace: Workspace, seed_page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vendor", str(seed_page)], workspace) == 0
    assert capsys.readouterr().out.endswith("unchanged\n")
    workspace.contract.unlink()
    assert main(["build"], workspace) == 0
    assert capsys.readouterr().out == "openapi/runway.yaml: written\n"
    assert workspace.contract.exists()
    assert main(["regenerate"], workspace) == 0
    assert main(["check"], workspace) == 0


def test_the_command_line_prints_the_error_and_fails(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vendor", "nowhere.md"], workspace) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: nowhere.md: no such file\n")
    workspace.contract.unlink()
    assert main(["check"], workspace) == 1
    assert "openapi/runway.yaml: missing" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["vendor"], ["unknown"], ["check", "extra"]])
def test_a_wrong_command_line_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert re.match(r"usage: contract_tools (vendor )?\[-h\]", capsys.readouterr().err)


def test_the_tools_work_on_the_repository_they_are_part_of(repository: Workspace) -> None:
    assert Workspace.here() == repository
    assert portable_yaml.load(repository.contract.read_text("utf-8"), "x")


def test_the_help_describes_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    (names,) = re.findall(r"^  \{(.*)\}$", text, re.MULTILINE)
    described = re.findall(r"^    ([a-z-]+) +[a-z]", text, re.MULTILINE)
    assert described == names.split(",")
    for name, options in {"vendor": ["page", "--variant"], "operation": ["page", "--name"],
                          "spec-diff": ["base"], "table": ["--write FILE"]}.items():  # fmt: skip
        with pytest.raises(SystemExit):
            main([name, "--help"])
        text = capsys.readouterr().out
        for option in options:
            assert re.search(rf"^  {option}( [A-Z]+)?\s+[a-z]", text, re.MULTILINE), option


def test_the_module_is_a_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["contract_tools", "vendor", "nowhere.md"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(inspect.getfile(main), run_name="__main__")
    assert caught.value.code == 1
    assert capsys.readouterr().err == "error: nowhere.md: no such file\n"
