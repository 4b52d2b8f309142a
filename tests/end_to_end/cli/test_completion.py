"""Completion and help of every command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cyclopts import App

from cometapi_runway.cli._commands import completion, create
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.resources._client_resources import (
    list_client_resources,
)

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
    assert re.search(r"\S\n\Z", result.out)
    for resource in list_client_resources():
        assert resource.command_words[-1] in result.out
    assert "expression-intensity" in result.out
    assert "act_two" in result.out


def test_there_is_no_command_for_a_resource_that_does_not_exist() -> None:
    assert hasattr(create, "character_performance")
    assert not hasattr(create, "nonesuch")


def test_completion_is_installed(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    result = run("completion", "fish", "--install")

    file = Path(result.out.strip())
    assert file.is_relative_to(tmp_path)
    assert "cometapi-runway" in file.read_text()


def list_files(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_file_that_an_installation_writes_is_named(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".bashrc").write_text("alias ll='ls -l'")
    monkeypatch.setenv("HOME", str(home))
    for name in ("ZSH", "ZSH_CUSTOM"):
        monkeypatch.delenv(name, raising=False)

    for _ in range(2):
        before = list_files(home)
        result = run("completion", shell, "--install")
        after = list_files(home)

        written = {file for file in after if before.get(file) != after[file]}
        named = [Path(line) for line in result.out.splitlines()]
        assert named[0].read_text().rstrip("\n") == run("completion", shell).out.rstrip("\n")
        assert written | {named[0]} == set(named)
    as_json = run("completion", shell, "--install", "--format", "json").results[0]
    assert as_json["files"] == [as_json["file"]]
    if shell != "fish":
        assert "cometapi-runway" in (home / f".{shell}rc").read_text()


@pytest.mark.parametrize("loader", [None, ".bashrc", ".zshrc"])
def test_an_installation_says_whether_a_startup_file_loads_it(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, loader: str | None
) -> None:
    script, startup = tmp_path / "script", tmp_path / (loader or ".profile")

    def install(*_: object, **__: object) -> Path:
        if loader:
            startup.write_text("source script")
        return script

    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(App, "install_completion", install)
    result = run("completion", "bash", "--install")
    startup.unlink(missing_ok=True)
    (event,) = run("completion", "bash", "--install", "--format", "json").results

    names = [str(script), *([str(startup)] if loader else [])]
    assert result.out.splitlines() == names
    loads = f"; {startup} now loads it" if loader else ""
    assert result.err == f"completion works in new shells{loads}\n"
    del event["time"]
    assert event == {"event": "completion", "shell": "bash", "file": names[0], "files": names}


@pytest.mark.parametrize("shell", ["bash", "powershell"])
def test_only_powershell_is_asked_for_its_startup_file(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str
) -> None:
    script, profile = tmp_path / "script", tmp_path / "profile.ps1"

    def install(*_: object, **__: object) -> Path:
        profile.write_text("loads it")
        return script

    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(App, "install_completion", install)
    monkeypatch.setattr("cyclopts.completion.install.powershell_profile", lambda: profile)
    names = [str(script), *([str(profile)] if shell == "powershell" else [])]
    assert run("completion", shell, "--install").out.splitlines() == names


def test_file_arguments_are_completed_by_shells_that_know_types(run: Terminal) -> None:
    fish, zsh = run("completion", "fish").out, run("completion", "zsh").out

    for flag in ("character", "json", "reference-images", "prompt-image"):
        assert re.search(rf"-l {flag} -r -F ", fish), flag
        assert re.search(rf"--{flag}\[.*_files", zsh), flag
    assert re.search(r"-l seed -r -d", fish)


def test_bash_itself_completes_file_names_and_joins_what_it_splits(run: Terminal) -> None:
    scripts = {shell: run("completion", shell).out for shell in ("bash", "zsh", "fish")}

    bash = scripts["bash"]
    assert completion._BASH_FILES not in bash
    assert set(re.findall(r"COMPREPLY=\(\)(.*)", bash)) == {""}
    registered = re.findall(r"^complete .*$", bash, re.MULTILINE)
    (name,) = re.findall(r"^(\w+)_joined\(\) {$", bash, re.MULTILINE)
    assert registered == [f"complete -o bashdefault -o default -F {name}_joined cometapi-runway"]
    assert not any("_joined" in scripts[shell] for shell in ("zsh", "fish"))
