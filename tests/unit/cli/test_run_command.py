"""How a command is run: its output, Ctrl-C, and errors before its options are known."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import cli
from cometapi_runway.cli import _run_command, main
from cometapi_runway.cli._commands import simulate
from cometapi_runway.cli._options.shared import DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.json_report import JsonReport
from cometapi_runway.cli._output.progress_bars import ProgressBarReport
from cometapi_runway.cli._output.report import Report
from cometapi_runway.simulator import SimulatorServer


@each_case(
    ("text", "encoding", "written"),
    [
        ("a\udcffb", "ascii", b"a\xffb"),
        ("\udc80", "utf-8", b"\x80"),
        ("\udcff\udc80x", "utf-8", b"\xff\x80x"),
        ("ä€", "ascii", rb"\xe4\u20ac"),
        ("ä€", "latin-1", b"\xe4\\u20ac"),
        ("\ud800x", "utf-8", rb"\ud800x"),
        ("\udc7f\udd00", "utf-8", rb"\udc7f\udd00"),
        ("plain", "ascii", b"plain"),
    ],
)
def test_what_an_encoding_lacks_is_written_as_it_came_or_escaped(
    monkeypatch: pytest.MonkeyPatch, text: str, encoding: str, written: bytes
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    assert main(["tasks", "list", "--no-journal"]) == ExitCode.SUCCESS
    sys.stdout.write(text)
    sys.stdout.flush()
    assert raw.getvalue() == written


def test_what_cannot_be_decoded_is_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        _run_command._encode_unencodable(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"))


@each_case(
    ("display", "is_terminal", "term", "kind"),
    [
        (None, False, "xterm", Report),
        (None, True, "xterm", ProgressBarReport),
        (None, True, None, ProgressBarReport),
        (None, True, "dumb", Report),
        (DisplayOptions(), True, "xterm", ProgressBarReport),
        (DisplayOptions(format="json"), True, "xterm", JsonReport),
        (DisplayOptions(format="json"), False, "xterm", JsonReport),
    ],
)
def test_the_report_fits_the_place(
    monkeypatch: pytest.MonkeyPatch, display: Any, is_terminal: bool, term: str | None, kind: type
) -> None:
    if term is None:
        monkeypatch.delenv("TERM", raising=False)
    else:
        monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    report = _run_command.make_report(display)
    assert type(report) is kind
    assert report.debug is False
    assert _run_command.make_report(DisplayOptions(debug=True)).debug is True


@pytest.mark.parametrize(
    ("words", "setting", "is_json"),
    [
        (["--nonsense"], None, False),
        (["--nonsense"], "json", True),
        (["--nonsense"], "text", False),
        (["--nonsense", "--format", "json"], None, True),
        (["--nonsense", "--format=json"], None, True),
        (["--nonsense", "--format", "text"], "json", False),
        (["--nonsense", "--format", "xml"], "json", False),
    ],
)
def test_an_error_of_usage_is_shown_in_the_format_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, words: list[str],
    setting: str | None, is_json: bool,
) -> None:  # fmt: skip
    file = tmp_path / "config.toml"
    if setting is not None:
        file.write_text(f'[cometapi-runway]\nformat = "{setting}"\n')
    monkeypatch.setenv("COMETAPI_RUNWAY_CONFIG", str(file))
    assert main(["tasks", "list", *words]) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert shown.startswith("{") is is_json
    assert not is_json or json.loads(shown)["error"] == "UsageError"
    assert main(["tasks", "list", *words, "--debug"]) == ExitCode.USAGE
    assert "Traceback" in capsys.readouterr().err


def test_the_advice_names_the_command_whose_help_to_see(capsys: Any) -> None:
    for words in (["tasks", "list"], ["compat", "act-one"], []):
        main([*words, "--nonsense"])
        command = " ".join(["cometapi-runway", *words, "--help"])
        assert capsys.readouterr().err.splitlines()[-1] == f"next:  see {command}"


def test_ctrl_c_interrupts_and_a_second_one_exits(monkeypatch: pytest.MonkeyPatch) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt), _run_command._interrupt_on_ctrl_c():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is not before
        # The handler stays: threads may still be waited for at the end of the process.
        assert exits == []
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert exits == [ExitCode.INTERRUPTED]
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_that_is_not_interrupted_restores_the_handler() -> None:
    before = signal.getsignal(signal.SIGINT)
    with _run_command._interrupt_on_ctrl_c():
        pass
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(ZeroDivisionError), _run_command._interrupt_on_ctrl_c():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_a_command_in_another_thread_leaves_signals_alone() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["tasks", "list", "--no-journal"])))
    thread.start()
    thread.join(20)
    assert codes == [ExitCode.SUCCESS]


def run_with(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    monkeypatch.setattr("cometapi_runway.simulator.run", run)


def test_simulate_shows_its_addresses(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    asked: list[Any] = []

    def run(settings: Any, *, port: int, media_port: int, on_ready: Any) -> None:
        asked.append((settings.seed, settings.balance, settings.clock, port, media_port))
        with SimulatorServer(settings) as server:
            on_ready(server)
            asked.append(server)

    run_with(monkeypatch, run)
    words = ["simulate", "--seed", "5", "--balance", "2.5", "--port", "0", "--media-port", "0"]
    assert main(words) == ExitCode.SUCCESS
    shown, server = capsys.readouterr(), asked[-1]
    assert (asked[0][:2], asked[0][3:]) == ((5, 2.5), (0, 0))
    assert shown.out.splitlines() == [
        f"gateway  {server.base_url}",
        f"files    {server.media_url}",
        f"status   {server.status_url}",
    ]
    assert f"export COMETAPI_RUNWAY_BASE_URL={server.base_url} COMETAPI_KEY=any" in shown.err
    assert "--seed 5 repeats its ids and times" in shown.err
    assert shown.err.splitlines()[-1] == "the local gateway has stopped; its tasks are gone"

    assert main([*words, "--format", "json"]) == ExitCode.SUCCESS
    out, server = capsys.readouterr().out, asked[-1]
    for name, value in (("base_url", server.base_url), ("media_url", server.media_url),
                        ("status_url", server.status_url)):  # fmt: skip
        assert f'"{name}": "{value}"' in out
    assert '"event": "ready"' in out
    assert '"seed": 5' in out


def test_two_gateways_have_different_seeds(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    seeds: list[int] = []
    ports: set[tuple[int, int]] = set()

    def run(settings: Any, *, port: int, media_port: int, on_ready: Any) -> None:
        seeds.append(settings.seed)
        ports.add((port, media_port))

    run_with(monkeypatch, run)
    for _ in range(20):
        main(["simulate"])
    assert ports == {(0, 0)}, "free ones"
    assert len(set(seeds)) > 15
    assert all(0 <= one < simulate._MAX_SEED for one in seeds)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(98, "Address already in use"), "cannot listen: Address already in use"),
        (OSError(98, "In use", "127.0.0.1:80"), "cannot listen on 127.0.0.1:80: In use"),
        (ValueError("bad"), "bad"),
        (OverflowError("too large"), "too large"),
    ],
)
def test_a_gateway_that_cannot_run_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, error: Exception, message: str
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise error

    run_with(monkeypatch, run)
    assert main(["simulate"]) == ExitCode.USAGE
    first, last = capsys.readouterr().err.splitlines()
    assert first == f"error: {message}"
    assert ("--port or --media-port" in last) is isinstance(error, OSError)
    assert ("simulate --help" in last) is not isinstance(error, OSError)


def test_closed_streams_are_opened_for_the_wrong_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("stdin", "stdout", "stderr")
    for name in names:
        monkeypatch.setattr(sys, name, None)
    cli._reopen_closed_streams()
    streams = [getattr(sys, name) for name in names]
    for stream in streams[1:]:
        stream.write("x")
        with pytest.raises(OSError, match="Bad file"):
            stream.flush()
    with pytest.raises(OSError, match="Bad file"):
        streams[0].read()
    cli._reopen_closed_streams()
    assert [getattr(sys, name) for name in names] == streams
    for stream in streams:
        with contextlib.suppress(OSError):
            stream.close()


def test_a_worker_says_for_what_it_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cometapi_runway.batch.work", work)
    code = main(["batch", "work", "--database", "postgresql://u:secret@host/db"])
    shown = capsys.readouterr()
    assert (code, shown.out) == (ExitCode.INTERRUPTED, "")
    assert "working for the batches of postgresql://u@host/db; Ctrl-C ends it" in shown.err
    assert "secret" not in shown.err
