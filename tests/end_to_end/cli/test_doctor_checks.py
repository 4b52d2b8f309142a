"""Each check of ``doctor``, with its whole result."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.secret import Secret
from cometapi_runway.cli._commands import doctor
from cometapi_runway.cli._commands.doctor import Check
from cometapi_runway.cli._options.shared import ConnectionOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.simulator import Fault, Gateway, SimulatorServer

from .terminal import CREATE, KEY, Terminal

NOW = 1_780_000_000.0


def respond(drift: float | None) -> RawResponse:
    """A response that was received `drift` seconds after its date."""
    moment = datetime.fromtimestamp(NOW, UTC)
    headers = {} if drift is None else {"date": format_datetime(moment, usegmt=True)}
    return RawResponse("GET", "u", 404, headers, b"", received_at=NOW + (drift or 0.0))


@pytest.mark.parametrize(
    ("drift", "state", "message"),
    [
        (None, "ok", "the gateway does not state its time"),
        (0.0, "ok", "same as the gateway's"),
        (60.0, "ok", "same as the gateway's"),
        (-60.0, "ok", "same as the gateway's"),
        (61.0, "warn", "this computer is 61 s ahead of the gateway"),
        (-61.0, "warn", "this computer is 61 s behind the gateway"),
    ],
)
def test_the_clock(drift: float | None, state: Any, message: str) -> None:
    assert doctor._check_clock(respond(drift)) == Check("clock", state, message)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("", Check("key", "fail", "COMETAPI_KEY is not set; export it", ExitCode.KEY)),
        ("k", Check("key", "ok", "COMETAPI_KEY is set (1 character)")),
        ("k" * 48, Check("key", "ok", "COMETAPI_KEY is set (48 characters)")),
    ],
)
def test_the_key(key: str, expected: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", "nonsense")
    monkeypatch.setenv("COMETAPI_RUNWAY_VERSION", "nönsense")
    assert doctor._check_key(Secret(key)) == expected


def test_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = tmp_path / "new" / "folder"
    assert doctor._check_folder(new) == Check("folder", "ok", f"{new} will be created")
    assert doctor._check_folder(tmp_path) == Check("folder", "ok", f"{tmp_path} can be written")
    assert not new.parent.exists()
    monkeypatch.setattr(os, "access", lambda place, _: Path(place) != tmp_path)
    message = f"{new} cannot be created in {tmp_path}; choose another one with --output"
    assert doctor._check_folder(new) == Check("folder", "fail", message, ExitCode.USAGE)


def test_a_folder_that_cannot_be_written(read_only_folder: Path) -> None:
    message = f"{read_only_folder}: Permission denied"
    expected = Check("folder", "fail", message, ExitCode.USAGE)
    assert doctor._check_folder(read_only_folder) == expected


def test_the_journal(run: Terminal, gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    here = ConnectionOptions(base_url=os.environ["COMETAPI_RUNWAY_BASE_URL"], journal=file)
    there = ConnectionOptions(base_url="https://other.example", journal=file)
    none = ConnectionOptions(no_journal=True)

    assert doctor._check_journal(none) == Check(
        "journal", "warn", "switched off: an interrupted task can be lost"
    )
    assert doctor._check_journal(here) == Check(
        "journal", "ok", f"{file}: 0 unfinished, 0 of unknown outcome"
    )
    for _ in range(2):
        run(*CREATE, "--no-wait")
    assert doctor._check_journal(here).message == f"{file}: 2 unfinished, 0 of unknown outcome"
    assert doctor._check_journal(there).message == (
        f"{file}: 2 unfinished (2 at {here.gateway}), 0 of unknown outcome"
    )
    gateway.faults.queue(Fault("reset"))
    assert run(*CREATE, "--no-wait").code == ExitCode.UNKNOWN
    assert doctor._check_journal(here) == Check(
        "journal",
        "warn",
        f"{file}: 2 unfinished, 1 of unknown outcome; see cometapi-runway tasks list --unknown",
    )


@pytest.mark.parametrize("content", [None, "", "[cometapi-runway]\ntimeout = 5.0\nformat = 'text'"])
def test_the_settings_file(run: Terminal, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "config.toml"
    if content is not None:
        file.write_text(content)
    message = {
        None: f"no settings file ({file})",
        "": f"{file}: empty",
    }.get(content, f"{file}: timeout, format")
    assert doctor._check_settings_file() == Check("settings", "ok", message)


def check_gateway(server: SimulatorServer, *, has_key: bool = True) -> list[Check]:
    options = ConnectionOptions(base_url=server.base_url)
    found = list(doctor._check_gateway(options, has_key=has_key))
    return [
        Check(one.name, one.state, re.sub(r"in \d+ ms", "in N ms", one.message), one.code)
        for one in found
    ]


@pytest.mark.parametrize("has_key", [True, False])
def test_the_gateway(
    run: Terminal, server: SimulatorServer, gateway: Gateway, has_key: bool
) -> None:
    address = server.base_url
    answers = f"{address} answers in N ms"
    unchecked = f"{answers}; without a key the key cannot be checked"
    message = f"{answers} and accepts the key" if has_key else unchecked
    assert check_gateway(server, has_key=has_key)[0] == Check("gateway", "ok", message)
    (sent,) = gateway.requests
    assert (sent.method, sent.path) == ("GET", "/runwayml/v1/tasks/cometapi-runway-doctor")
    assert sent.header("authorization") is not None


def test_a_gateway_that_refuses_the_key(
    run: Terminal, server: SimulatorServer, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMETAPI_KEY", "another")
    (found, clock) = check_gateway(server)
    assert (found.name, found.state, found.code) == ("gateway", "fail", ExitCode.KEY)
    assert found.message.startswith(f"{server.base_url} answers in N ms and refuses the key: ")
    assert found.message.endswith("; put a valid one into COMETAPI_KEY")
    assert (clock.name, clock.state) == ("clock", "ok")
    monkeypatch.setenv("COMETAPI_KEY", KEY)


@pytest.mark.parametrize("status", [400, 403, 500, 503])
@pytest.mark.parametrize("has_key", [True, False])
def test_a_gateway_that_answers_otherwise(
    run: Terminal, server: SimulatorServer, gateway: Gateway, status: int, has_key: bool
) -> None:
    gateway.faults.add(Fault("status", status=status, message="odd"))
    (found, *_) = check_gateway(server, has_key=has_key)
    assert (found.name, found.state, found.code) == ("gateway", "warn", ExitCode.GATEWAY)
    assert f"answers in N ms, but not as expected: HTTP {status}" in found.message
    assert found.message.endswith("; check the address")


def test_a_gateway_that_does_not_answer(
    run: Terminal, server: SimulatorServer, gateway: Gateway
) -> None:
    gateway.faults.add(Fault("reset"))
    (found,) = check_gateway(server)
    assert (found.name, found.state, found.code) == ("gateway", "fail", ExitCode.GATEWAY)
    assert found.message.startswith(f"{server.base_url} does not answer: ")
    assert found.message.endswith("; check the network and the address")


def test_a_gateway_that_knows_the_task_of_the_check(
    run: Terminal, server: SimulatorServer, gateway: Gateway
) -> None:
    body = '{"id": "cometapi-runway-doctor", "status": "RUNNING", "createdAt": "2026-01-01T00:00Z"}'
    gateway.faults.add(Fault("status", status=200, body=body))
    message = f"{server.base_url} knows the task 'cometapi-runway-doctor'"
    assert check_gateway(server) == [Check("gateway", "warn", message)]


def test_the_lines_are_a_table_and_the_code_that_of_the_first_failure(
    run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [
        Check("one", "ok", "m1"),
        Check("three", "warn", "m2"),
        Check("four", "fail", "m3", ExitCode.KEY),
        Check("five", "fail", "m4", ExitCode.GATEWAY),
    ]
    monkeypatch.setattr(doctor, "_run_checks", lambda *_: checks)
    result = run("doctor")
    events = run("doctor", "--format", "json")
    run.history.clear()
    assert result.out.splitlines() == [
        "ok    one       m1", "warn  three     m2", "fail  four      m3", "fail  five      m4",
    ]  # fmt: skip
    assert result.code == events.code == ExitCode.KEY
    assert [
        (one["event"], one["name"], one["state"], one["message"]) for one in events.results
    ] == [("check", one.name, one.state, one.message) for one in checks]
