"""``doctor`` finds problems without spending anything."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway._core.version import __version__
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import (
    INSTANT,
    Fault,
    Gateway,
    SimulatorServer,
)
from cometapi_runway.validation import contract

from .terminal import KEY, Terminal


def test_doctor_passes_and_posts_nothing(run: Terminal, gateway: Gateway, tmp_path: Path) -> None:
    result = run("doctor")

    assert result.code == ExitCode.SUCCESS
    states = {line.split()[1]: line.split()[0] for line in result.out.splitlines()}
    assert states == dict.fromkeys(
        ("versions", "settings", "key", "gateway", "clock", "journal", "folder"), "ok"
    )
    assert {one.method for one in gateway.requests} == {"GET"}
    version: Any = contract().document["info"]
    here, home = re.escape(str(tmp_path)), r"http://127\.0\.0\.1:\d+"
    expected = [
        f"ok    versions  cometapi-runway {re.escape(__version__)}, contract "
        f"{re.escape(version['version'])}, Python {platform.python_version()}",
        rf"ok    settings  no settings file \({here}/config\.toml\)",
        rf"ok    key       COMETAPI_KEY is set \({len(KEY)} characters\)",
        rf"ok    gateway   {home} answers in \d+ ms and accepts the key",
        "ok    clock     same as the gateway's",
        rf"ok    journal   {here}/journal\.sqlite3: 0 unfinished, 0 of unknown outcome",
        rf"ok    folder    {here} can be written",
    ]
    for line, pattern in zip(result.out.splitlines(), expected, strict=True):
        assert re.fullmatch(pattern, line), line


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        ({"COMETAPI_KEY": "sk-of-another-account"}, "fail gateway", ExitCode.KEY),
        ({"COMETAPI_KEY": "two words"}, "fail key", ExitCode.KEY),
        ({"COMETAPI_KEY": ""}, "fail key", ExitCode.KEY),
        ({"COMETAPI_RUNWAY_BASE_URL": "http://127.0.0.1:1"}, "fail gateway", ExitCode.GATEWAY),
        ({"COMETAPI_RUNWAY_BASE_URL": "nonsense"}, "fail gateway", ExitCode.USAGE),
        ({"COMETAPI_RUNWAY_JOURNAL": "/"}, "fail journal", ExitCode.USAGE),
    ],
    ids=str,
)
def test_doctor_finds_each_problem(
    run: Terminal,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    state: str,
    code: ExitCode,
) -> None:
    for name, value in change.items():
        monkeypatch.setenv(name, value)

    text = run("doctor")
    as_json = run("doctor", "--format", "json")
    run.history.clear()

    assert text.code == as_json.code == code
    if "gateway" in state:
        assert change.get("COMETAPI_RUNWAY_BASE_URL", "127.0.0.1") in text.out
    found = {f"{one['state']} {one['name']}" for one in as_json.results}
    assert state in found
    # One problem is not the cause of another.
    assert state != "fail journal" or "ok gateway" in found
    assert {one.method for one in gateway.requests} <= {"GET"}


def test_doctor_finds_a_folder_that_cannot_be_written(
    run: Terminal, read_only_folder: Path
) -> None:
    result = run("doctor", "--output", "read_only_folder")
    run.history.clear()

    assert result.code == ExitCode.USAGE
    assert re.search("^fail +folder .*Permission denied", result.out, re.MULTILINE)


def test_doctor_has_no_overwrite_option(run: Terminal) -> None:
    assert "--overwrite" not in run("doctor", "--help").out
    assert run("doctor", "--overwrite").code == ExitCode.USAGE


@pytest.mark.parametrize("key", ["", "two words"])
def test_doctor_does_not_judge_a_key_that_is_not_sent(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A gateway may accept any key, as the local one does by default."""
    monkeypatch.setenv("COMETAPI_KEY", key)
    with SimulatorServer(timings=INSTANT) as trusting:
        result = run("doctor", "--base-url", trusting.base_url)
    run.history.clear()

    assert result.code == ExitCode.KEY
    assert "accepts the key" not in result.out
    assert re.search("^fail +key ", result.out, re.MULTILINE)
    assert re.search(
        "^ok +gateway .*; without a key the key cannot be checked", result.out, re.MULTILINE
    )


def test_doctor_finds_a_wrong_address(run: Terminal, gateway: Gateway) -> None:
    gateway.faults.add(
        Fault("html", status=404, headers=(("Date", "Fri, 01 May 2026 12:00:00 GMT"),))
    )

    result = run("doctor")
    run.history.clear()

    assert result.code == ExitCode.GATEWAY
    assert re.search("^warn +gateway .*not as expected", result.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("date", "state"),
    [
        ("Fri, 01 May 2026 12:00:00 -0000", "warn"),
        ("Fri, 01 May 99999 12:00:00 GMT", "ok"),
    ],
)
def test_doctor_reads_unusual_dates(run: Terminal, gateway: Gateway, date: str, state: str) -> None:
    gateway.faults.add(Fault("html", status=404, headers=(("Date", date),)))

    result = run("doctor")
    run.history.clear()

    assert result.code == ExitCode.GATEWAY
    assert re.search(f"^{state} +clock ", result.out, re.MULTILINE)
