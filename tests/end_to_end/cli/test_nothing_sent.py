"""Dry runs and refusals: nothing is sent."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import (
    Gateway,
)

from .terminal import CLIP, CREATE, Terminal


def test_a_dry_run_sends_nothing_and_hides_the_key(run: Terminal, gateway: Gateway) -> None:
    result = run(*CREATE, "--dry-run", "--seed", "7")

    assert result.code == ExitCode.SUCCESS
    assert gateway.requests == ()
    assert "Bearer $COMETAPI_KEY" in result.out
    words = shlex.split(result.out.replace("\\\n", ""))
    body = json.loads(words[words.index("-d") + 1])
    assert body["reference"]["uri"] == CLIP
    assert body["seed"] == 7
    assert "the request is valid" in result.err


def test_a_dry_run_needs_no_key_and_does_not_print_an_embedded_file(
    run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMETAPI_KEY")
    uri = "data:image/png;base64,VGhlIHBpY3R1cmU="

    result = run("character-performance", "--character", uri, "--reference", CLIP, "--dry-run")

    assert result.code == ExitCode.SUCCESS
    assert "VGhlIHBpY3R1cmU" not in result.everything


def test_a_dry_run_shows_what_would_be_refused(run: Terminal, gateway: Gateway) -> None:
    result = run(*CREATE, "--expression-intensity", "9", "--dry-run", "--format", "json")

    assert result.code == ExitCode.REFUSED
    assert result.results[0]["valid"] is False
    assert result.results[0]["body"]["expressionIntensity"] == 9
    assert gateway.requests == ()


def test_a_refusal_names_the_option(run: Terminal, gateway: Gateway) -> None:
    result = run(*CREATE, "--expression-intensity", "9", "--ratio", "wide")

    assert result.code == ExitCode.REFUSED
    assert "--expression-intensity must be at most 5" in result.err
    assert "--ratio" in result.err
    assert gateway.requests == ()


def test_fields_newer_than_the_contract_can_be_sent(run: Terminal, gateway: Gateway) -> None:
    Path("body.json").write_text(json.dumps({"loudness": 11}))
    more = (*CREATE, "--json", "body.json", "--model", "act_three", "--no-wait")

    refused = run(*more)
    result = run(*more, "--no-validate")

    assert refused.code == ExitCode.REFUSED
    assert "loudness is not a field" in refused.err
    assert "--no-validate" in refused.err
    sent = json.loads(gateway.requests[0].content)
    assert (sent["loudness"], sent["model"]) == (11, "act_three")
    # The simulated gateway validates it against the contract, too.
    assert result.code == ExitCode.GATEWAY


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("character-performance",), "--character and --reference"),
        ((*CREATE, "--expresion-intensity", "4"), "--expression-intensity"),
        ((*CREATE, "--seed", "many"), "--seed"),
        ((*CREATE, "--timeout", "0"), "--timeout"),
        ((*CREATE, "--timeout", "nan"), "--timeout"),
        ((*CREATE, "--interval", "inf"), "--interval"),
        ((*CREATE, "--json", "nowhere.json"), "nowhere.json"),
        ((*CREATE, "--base-url", "nonsense"), "base_url"),
        ((*CREATE, "--format", "xml"), "xml"),
        (("charakter-performance",), "character-performance"),
        (("tasks", "wait"), "ID"),
        (("validate", "nowhere.json"), "nowhere.json"),
        (("video-upscale", "--video-uri", "[" * 100_000), "nested too deeply"),
        (("simulate", "--port", "70000"), "--port"),
        (("simulate", "--speed", "inf"), "factor"),
        (("simulate", "--balance", "nan"), "nan"),
        (("simulate", "--shape", "round"), "raw"),
        (("simulate", "--speed", "0"), "factor"),
    ],
    ids=lambda words: " ".join(words)[:60] if isinstance(words, tuple) else None,
)
def test_wrong_usage_is_reported_and_costs_nothing(
    run: Terminal, gateway: Gateway, words: tuple[str, ...], hint: str
) -> None:
    result = run(*words)

    assert result.code == ExitCode.USAGE
    assert hint in result.err
    assert result.out == ""
    assert gateway.requests == ()


def test_a_file_in_place_of_the_folder_is_found_before_anything_is_paid(
    run: Terminal, gateway: Gateway
) -> None:
    Path("videos").touch()

    result = run(*CREATE, "--output", "videos")

    assert result.code == ExitCode.USAGE
    assert "videos" in result.err
    assert gateway.requests == ()


@pytest.mark.parametrize(
    "words", [CREATE, ("tasks", "wait", "t-1"), ("tasks", "download", "t-1"), ("tasks", "resume")]
)
def test_a_folder_that_cannot_be_written_is_found_before_anything_is_paid(
    run: Terminal, gateway: Gateway, read_only_folder: Path, words: tuple[str, ...]
) -> None:
    result = run(*words, "--output", "read_only_folder")

    assert result.code == ExitCode.USAGE
    assert "cannot write into the folder read_only_folder: Permission denied" in result.err
    assert "--output" in result.err
    assert gateway.requests == ()


def test_the_check_of_a_folder_leaves_no_file(run: Terminal) -> None:
    assert (
        run(*CREATE, "--output", "videos", "--expression-intensity", "9").code == ExitCode.REFUSED
    )
    assert list(Path("videos").iterdir()) == []


def test_a_journal_that_cannot_be_written_is_found_before_anything_is_paid(
    run: Terminal, gateway: Gateway, tmp_path: Path
) -> None:
    result = run(*CREATE, "--journal", str(tmp_path))

    assert result.code == ExitCode.USAGE
    assert "--no-journal" in result.err
    assert gateway.requests == ()


@pytest.mark.parametrize("version", ["2024 11 06", "2024\t11"])
def test_a_version_that_the_contract_forbids(version: str, run: Terminal, gateway: Gateway) -> None:
    for extra in ((), ("--dry-run", "--format", "json")):
        result = run(*CREATE, "--runway-version", version, *extra)

        assert result.code == ExitCode.REFUSED
        assert "X-Runway-Version" in result.err or "--runway-version" in result.err
        assert "the request is valid" not in result.err
    assert result.results[0]["valid"] is False
    assert gateway.requests == ()


def test_a_dry_run_shows_no_clear_text_request(run: Terminal, gateway: Gateway) -> None:
    result = run(*CREATE, "--base-url", "http://gateway.example", "--dry-run")

    assert result.code == ExitCode.USAGE
    assert "COMETAPI_RUNWAY_ALLOW_CLEAR_TEXT=1" in result.err
    assert gateway.requests == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--label", "a"), "--label needs the journal"),
        (("--label", "a", "--max-tasks", "1"), "--label and --max-tasks need the journal"),
    ],
)
def test_what_needs_a_journal_is_named(run: Terminal, options: tuple[str, ...], words: str) -> None:
    result = run(*CREATE, "--no-journal", *options)
    assert result.code == ExitCode.USAGE
    assert words in " ".join(result.err.split())
