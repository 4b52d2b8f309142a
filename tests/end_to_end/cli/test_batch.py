"""`batch check`: what a user sees of good and bad manifests; nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import Gateway

from .terminal import Terminal

CHECK = ("batch", "check", "shots.csv", "--operation", "image-to-video")
SET = ("--set", "model=gen4_turbo", "--set", "prompt_text={hero} at dawn")
HEAD = "id,hero,prompt_image,duration\n"
GOOD = f"{HEAD}cat,A cat,https://example.com/cat.png,5\ndog,A dog,dog.png,\n"


def write(text: str, name: str = "shots.csv") -> None:
    Path("dog.png").write_bytes(b"picture")
    Path(name).write_text(text, "utf-8")


@pytest.fixture(autouse=True)
def _sends_nothing(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.delenv("COMETAPI_KEY", raising=False)
    yield
    assert gateway.requests == ()


def test_a_good_manifest(run: Terminal) -> None:
    write(GOOD)

    result = run(*CHECK, *SET)

    assert result.code == ExitCode.SUCCESS
    assert result.err == ""
    assert "shots.csv: 2 rows, all valid" in result.out
    assert "image_to_video" in result.out
    assert "the price of 2 rows is unknown" in result.out


def test_a_good_manifest_for_programs(run: Terminal) -> None:
    write(GOOD)

    (event,) = run(*CHECK, *SET, "--format", "json").results

    assert event["event"] == "manifest"
    assert event["rows"] == event["unpriced_rows"] == 2
    assert event["operations"] == {"image_to_video": 2}
    assert event["known_cost"] == 0


def test_every_bad_row_is_named_with_line_field_rule_and_value(run: Terminal) -> None:
    write(f"{GOOD}dog,A dog,nodog.png,five\nCAT,A cat,dog.png,5,6\n")

    result = run(*CHECK, *SET)

    assert result.code == ExitCode.REFUSED
    assert result.out == ""
    lines = [line.strip() for line in result.err.splitlines()]
    assert "error: shots.csv is not valid: 2 of 4 rows refused" in lines
    assert "line 4 (dog): id must be unique (unique), got 'dog', the id of line 3 as well" in lines
    assert any(line.startswith("line 4 (dog): prompt_image: nodog.png cannot") for line in lines)
    assert any(line.startswith("line 5: the row has 5 cells") for line in lines)
    assert "nothing was sent" in lines[-1]


def test_every_bad_row_is_named_for_programs(run: Terminal) -> None:
    write(f"{HEAD}cat,A cat,https://example.com/cat.png,five\n")

    result = run(*CHECK, *SET, "--format", "json")

    assert result.code == ExitCode.REFUSED
    (event,) = result.progress
    assert (event["rows"], event["bad_rows"], event["bad_rows_shown"]) == (1, 1, 1)
    (issue,) = event["issues"]
    assert issue["line"] == 2
    assert (issue["id"], issue["path"], issue["rule"]) == ("cat", "duration", "type")
    assert issue["value"] == "'five'"


def test_a_long_list_of_bad_rows_is_cut_and_counted(run: Terminal) -> None:
    write(HEAD + "".join(f"{n},A cat,https://example.com/cat.png,five\n" for n in range(50)))

    result = run(*CHECK, *SET)

    assert result.err.count("duration must be") == 20
    assert "and 30 more bad rows" in result.err


@pytest.mark.parametrize(
    "words",
    [
        ("batch", "check", "missing.csv"),
        ("batch", "check", "shots.txt"),
        ("batch", "check", "shots.csv", "--operation", "image-to-vide"),
        (*CHECK, "--set", "prompt_text={hero.x}"),
        (*CHECK, "--set", "prompt_text"),
        (*CHECK, *SET, *SET),
        ("batch", "check"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], run: Terminal) -> None:
    write(GOOD)

    assert run(*words).code == ExitCode.USAGE


def test_an_empty_manifest_is_refused(run: Terminal) -> None:
    write(HEAD)

    result = run(*CHECK)

    assert result.code == ExitCode.REFUSED
    assert "shots.csv has no rows" in result.err


def test_control_characters_of_a_manifest_do_not_reach_the_terminal(run: Terminal) -> None:
    write(json.dumps({"id": "a\x1b[2J", "operation": "\x1b]0;x\x07", "\x1bx": "\x1b"}), "m.jsonl")

    result = run("batch", "check", "m.jsonl")

    assert result.code == ExitCode.REFUSED
    assert "\x1b" not in result.everything
