"""The structure of every help screen: which panels, and which options in which of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cyclopts import App

from cometapi_runway.cli._app import build_app
from cometapi_runway.cli._options.resource_options import list_resource_options
from cometapi_runway.cli._output.exit_codes import EXIT_CODE_MEANINGS, ExitCode
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.validation import contract

from .terminal import Terminal

CONNECTION = ["--base-url", "--runway-version", "--request-timeout", "--journal", "--no-journal"]
DISPLAY = ["--format", "--debug"]
COST = ["--idempotency-key", "--prices", "--max-cost", "--max-tasks", "--budget-scope"]
GATEWAY = {"Gateway and journal": CONNECTION, "Display": DISPLAY}
ROUTED = {**GATEWAY, "Gateway and journal": ["--route", *CONNECTION]}
SAVING, WAITING = ["--output", "--overwrite"], ["--timeout", "--interval", "--polling"]
TASKS = {
    ("tasks", "get"): {"Arguments": ["ID"], **ROUTED},
    ("tasks", "wait"): {"Arguments": ["ID"], "What to do": [*SAVING, *WAITING], **ROUTED},
    ("tasks", "download"): {"Arguments": ["ID"], "What to do": SAVING, **ROUTED},
    ("tasks", "resume"): {"What to do": [*SAVING, *WAITING], **GATEWAY},
    ("tasks", "list"): {
        "What to do": ["--limit", "--unfinished", "--unknown", "--label"],
        **GATEWAY,
    },
}


def list_panels(text: str) -> dict[str, list[str]]:
    """The titles of a help screen's panels, each with the names that begin its rows."""
    panels: dict[str, list[str]] = {}
    title = ""
    for line in text.splitlines():
        if found := re.match(r"╭─ (.*?) ─+╮$", line):
            title = found[1]
            panels[title] = []
        elif title and (row := re.match(r"│ (?:\* )?\s?(-{0,2}[A-Za-z][\w-]*)", line)):
            panels[title].append(row[1])
    return panels


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_the_first_screen_lists_the_commands_by_what_they_are_for(run: Terminal) -> None:
    screen = run("--help").out
    panels = list_panels(screen)
    own = [one.command_words for one in list_client_resources()]
    first = [words[0] for words in own if len(words) == 1]
    assert list(panels) == ["Create a task", "Tasks", "Set up and try out", "Other"]
    assert sorted(panels["Create a task"]) == sorted({*first, *(words[0] for words in own)})
    assert panels["Tasks"] == ["batch", "tasks"]
    assert sorted(panels["Set up and try out"]) == sorted(
        ["demo", "simulate", "doctor", "validate", "contract", "completion", "mcp"]
    )
    assert panels["Other"] == ["--help", "--version"]
    for code, meaning in EXIT_CODE_MEANINGS.items():
        assert f"  {code.value:>3}  {meaning}" in screen
    assert "Exit codes:\n" in screen
    assert run().out == screen


def test_a_group_of_commands_has_the_description_of_its_tag(run: Terminal) -> None:
    described = {str(tag["name"]): str(tag["description"]) for tag in contract().document["tags"]}  # type: ignore[index,call-overload,union-attr] # JSON
    groups = {group for one in list_client_resources() for group in one.groups}
    assert groups
    for group in groups:
        start = described[group].split(".")[0].replace("`", "")
        assert " ".join(start.split()) in " ".join(run(group, "--help").out.split())


@pytest.mark.parametrize("resource", list_client_resources(), ids=lambda one: one.python_name)
def test_a_create_command_has_five_panels(run: Terminal, resource: ClientResource) -> None:
    screen = run(*resource.command_words, "--help").out
    assert "Exit codes:" not in screen
    required = [one for one in list_resource_options(resource) if one.is_required]
    usage = ["Usage: cometapi-runway", *resource.command_words]
    usage += [*(f"{one.flag} {one.metavar}" for one in required), "[OPTIONS]"]
    shown = screen.partition("\n\n")[0]
    assert shown.split() == " ".join(usage).split()
    _, *more = shown.splitlines()
    assert all(re.match(r" {7}\S", line) for line in more)
    panels = list_panels(screen)
    assert list(panels) == [
        "Request",
        "What to do",
        "What to pay",
        "Gateway and journal",
        "Display",
    ]
    assert panels["What to do"][:3] == ["--json", "--dry-run", "--validate"]
    assert panels["What to do"][-5:] == [*WAITING, *SAVING]
    assert panels["What to pay"] == COST
    assert panels["Gateway and journal"] == CONNECTION
    assert panels["Display"] == DISPLAY


@pytest.mark.parametrize("words", TASKS, ids=" ".join)
def test_a_tasks_command_has_its_options(run: Terminal, words: tuple[str, ...]) -> None:
    panels = list_panels(run(*words, "--help").out)
    assert panels == TASKS[words]


def test_the_exit_codes_are_on_the_first_screen_only(run: Terminal) -> None:
    for word in ("batch", "contract", "tasks", "compat"):
        screen = run(word, "--help").out
        assert "Exit codes:" not in screen
        assert ("Commands" if word != "compat" else "Create a task") in list_panels(screen)
        assert run(word, "--help").code == ExitCode.SUCCESS
        # A group of commands alone shows its help; `contract` has a default.
        assert (run(word).out == screen) is (word != "contract")
        assert run(word).code == ExitCode.SUCCESS
    for word in ("completion", "demo", "doctor", "mcp", "simulate", "validate"):
        assert "Exit codes:" not in run(word, "--help").out


def test_every_help_fits_80_columns(run: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screens: list[str] = []

    def walk(app: App, words: tuple[str, ...]) -> None:
        screens.append(run(*words, "--help").out)
        for name in app:
            if not name.startswith("-"):
                walk(app[name], (*words, name))

    walk(build_app(), ())
    assert "".join(screens).count("Usage: ") > 20
    assert max(len(line) for screen in screens for line in screen.splitlines()) <= 80


def test_numbers_and_words_of_help_are_not_coloured(
    run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = run("--help").out.splitlines()
    for code, meaning in EXIT_CODE_MEANINGS.items():
        assert f"  {code.value:>3}  {meaning}" in plain


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_help_needs_no_home(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse() -> Path:
        raise error("no home")

    monkeypatch.setattr(Path, "home", refuse)
    result = run("--help")
    assert result.code == ExitCode.SUCCESS
    assert "Settings file: " in result.out
