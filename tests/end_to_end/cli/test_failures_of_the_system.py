"""What the system refuses: files, folders, streams, missing libraries."""

from __future__ import annotations

import errno
import io
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cyclopts import App

from cometapi_runway import cli
from cometapi_runway._extras import requires_extra
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options.shared import ConnectionOptions, SavingOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.errors import MissingExtraError
from cometapi_runway.simulator import Gateway

from .terminal import CREATE, QUICK, Terminal


class FailingStream(io.StringIO):
    """A stream that cannot be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def fileno(self) -> int:
        return 1

    def write(self, _: str) -> int:
        raise self._error


FULL = OSError(errno.ENOSPC, "No space left on device")
CLOSED = BrokenPipeError(errno.EPIPE, "Broken pipe")


@pytest.fixture
def kept_streams(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets a test set stdout; the program would close its own for a closed pipe."""
    monkeypatch.setattr("os.dup2", lambda *_: None)
    return lambda stream: monkeypatch.setattr(sys, "stdout", stream)


@pytest.mark.parametrize(
    ("error", "code"), [(FULL, ExitCode.OUTPUT), (CLOSED, ExitCode.SUCCESS)], ids=["full", "closed"]
)
@pytest.mark.parametrize(
    "words",
    [("--help",), ("tasks", "--help"), ("--version",), ("contract",), ("completion", "fish")],
)
def test_a_result_that_cannot_be_written(
    run: Terminal, kept_streams: Any, words: tuple[str, ...], error: OSError, code: int
) -> None:
    kept_streams(FailingStream(error))
    found = cli.main(words)
    assert found == code
    shown = run.capture.readouterr().err
    assert ("standard output cannot be written" in shown) is (found == ExitCode.OUTPUT)
    assert "Traceback" not in shown


@pytest.mark.parametrize("error", [FULL, CLOSED], ids=["full", "closed"])
def test_the_id_of_a_paid_task_is_shown_elsewhere(
    run: Terminal, gateway: Gateway, kept_streams: Any, error: OSError
) -> None:
    kept_streams(FailingStream(error))
    code = cli.main((*CREATE, "--no-wait"))
    (task_id,) = gateway.tasks
    assert f"submitted {task_id}" in run.capture.readouterr().err
    assert code == (ExitCode.OUTPUT if error is FULL else ExitCode.SUCCESS)


def test_lost_progress_stops_nothing(
    run: Terminal, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", FailingStream(FULL))
    assert cli.main((*CREATE, *QUICK, "--output", "out")) == ExitCode.SUCCESS
    assert len(list(Path("out").iterdir())) == 1


@pytest.mark.parametrize(
    "words",
    [
        (*CREATE, "--json", "folder"),
        ("validate", "folder"),
        ("validate", "folder/below/it"),
        ("validate", "file/below/it"),
    ],
)
def test_a_body_that_cannot_be_read_is_named(
    run: Terminal, gateway: Gateway, words: tuple[str, ...]
) -> None:
    Path("folder").mkdir()
    Path("file").touch()
    result = run(*words)
    assert result.code == ExitCode.USAGE
    assert result.err.startswith(f"error: cannot read {words[-1]}: ")
    assert gateway.requests == ()


NO_HOME = "~no-user-has-this-name/x"


@pytest.mark.parametrize(
    "words",
    [
        (*CREATE, "--json", NO_HOME),
        ("validate", NO_HOME),
        (*CREATE, "--output", NO_HOME),
        ("tasks", "resume", "--output", NO_HOME),
        (*CREATE, "--journal", NO_HOME),
        ("tasks", "list", "--journal", NO_HOME),
        ("doctor", "--output", NO_HOME),
        ("video-upscale", "--video-uri", NO_HOME),
        ("text-to-image", "--prompt-text", "x", "--reference-images", NO_HOME),
        ("batch", "check", NO_HOME),
        ("batch", "run", NO_HOME, "--output", "out"),
        ("batch", "run", "rows.csv", "--output", NO_HOME),
        ("batch", "run", "rows.csv", "--output", "out", "--report", NO_HOME),
        ("batch", "retry", "rows", "--report", NO_HOME),
        ("batch", "report", "rows", "--report", NO_HOME),
    ],
    ids=" ".join,
)
def test_a_home_folder_that_is_unknown_is_wrong_usage(
    run: Terminal, gateway: Gateway, words: tuple[str, ...]
) -> None:
    result = run(*words)
    assert result.code == ExitCode.USAGE
    assert result.err.startswith(f"error: the home folder of {NO_HOME} is unknown\n")
    assert not gateway.tasks


def test_a_settings_file_in_an_unknown_home_folder_is_wrong_usage(
    run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMETAPI_RUNWAY_CONFIG", NO_HOME)
    assert run("tasks", "list").code == ExitCode.USAGE


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), FULL])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_that_cannot_be_installed_can_be_printed(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: OSError, shell: str
) -> None:
    def refuse(*_: object, **__: object) -> Path:
        raise error

    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(App, "install_completion", refuse)
    result = run("completion", shell, "--install")
    assert result.code == ExitCode.USAGE
    assert f"cannot install completion: {error}" in result.err
    assert f"completion {shell}" in result.err.splitlines()[-1]
    assert run("completion", shell).code == ExitCode.SUCCESS


@pytest.mark.parametrize(
    ("make", "action"),
    [
        (lambda place: place.touch(), "create"),
        (lambda place: place.mkdir(), None),
        (lambda _: None, None),
    ],
    ids=["a file", "a folder", "nothing"],
)
def test_a_folder_is_made_or_the_reason_said(tmp_path: Path, make: Any, action: str | None) -> None:
    place = tmp_path / "out"
    make(place)
    if action is None:
        assert SavingOptions(output=place).prepare_folder() == place
        assert place.is_dir()
        return
    with pytest.raises(UsageError, match=f"^cannot {action} the folder {place}: "):
        SavingOptions(output=place).prepare_folder()


def test_a_folder_that_cannot_be_written_is_said_to_be_that(read_only_folder: Path) -> None:
    with pytest.raises(UsageError, match=f"^cannot write into the folder {read_only_folder}: "):
        SavingOptions(output=read_only_folder).prepare_folder()


def test_a_place_that_the_system_refuses_is_named(
    run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {
        "cometapi_runway.cli._commands.contract.find_drift": (
            ("contract", "drift", "."),
            "cannot read .: ",
        ),
        "cometapi_runway.cli._commands.export._open_private": (
            ("tasks", "export", "--output", "a.csv"),
            "cannot write a.csv: ",
        ),
        "cometapi_runway._live_check._evidence.Evidence.write": (
            ("doctor", "--live", "--base-url", "http://127.0.0.1:1"),
            "cannot write live-evidence/",
        ),
    }
    for error in (PermissionError(errno.EACCES, "not allowed"), FULL, FileNotFoundError(2, "gone")):

        def refuse(*_: object, error: OSError = error, **__: object) -> None:
            raise error

        for name, (words, message) in places.items():
            monkeypatch.setattr(name, refuse)
            result = run(*words)
            assert result.code == ExitCode.USAGE
            failure = result.err.splitlines()[-2]
            assert failure.startswith(f"error: {message}")
            assert failure.endswith(f": {error.strerror}")


@pytest.mark.parametrize("command", [("demo",), ("simulate",)])
@pytest.mark.parametrize("name", ["uvicorn", "json"])
def test_the_commands_of_the_local_gateway_need_its_libraries(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], name: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        with requires_extra("simulator"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr("cometapi_runway.simulator.SimulatorServer", refuse)
    monkeypatch.setattr("cometapi_runway.simulator.run", refuse)
    result = run(*command)
    assert result.code == (ExitCode.USAGE if name == "uvicorn" else ExitCode.BUG)
    assert ("[simulator]" in result.err) is (name == "uvicorn")


@pytest.mark.parametrize("name", ["cyclopts", "rich", "platformdirs", "json"])
def test_the_command_line_names_its_extra_and_nothing_else(
    run: Terminal, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    class Missing:
        def find_spec(self, module: str, *_: object) -> None:
            if module == "cometapi_runway.cli._run_command":
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.delitem(sys.modules, "cometapi_runway.cli._run_command")
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    if name == "json":
        with pytest.raises(ModuleNotFoundError, match="json"):
            cli.main(["tasks"])
        return
    assert cli.main(["tasks"]) == 2
    assert "[cli]" in run.capture.readouterr().err
    assert cli.main(["--version"]) == 0


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (MissingExtraError("cli", "rich"), 2, f"{MissingExtraError('cli', 'rich')}\n"),
        (
            KeyboardInterrupt(), 130,
            "stop:  interrupted; nothing was done\nnext:  run it again\n",
        ),
    ],
)  # fmt: skip
def test_what_prevents_the_import_of_the_commands_is_said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    text: str,
) -> None:
    def require(extra: str) -> NoReturn:
        assert extra == "cli"
        raise error

    monkeypatch.setattr("cometapi_runway._extras.requires_extra", require)
    assert cli.main(["tasks"]) == code
    assert capsys.readouterr() == ("", text)


def test_an_interruption_of_the_import_is_said(
    run: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        def find_spec(self, module: str, *_: object) -> None:
            if module == "cometapi_runway.cli._run_command":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "cometapi_runway.cli._run_command")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert cli.main(["tasks"]) == ExitCode.INTERRUPTED
    assert "nothing was done" in run.capture.readouterr().err


def test_an_interrupted_demo_leaves_no_task(run: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cometapi_runway.cli._actions.create_task.create_task", interrupt)
    result = run("demo")
    assert result.code == ExitCode.INTERRUPTED
    assert "the local gateway has stopped, its task is gone" in result.err
    assert result.err.splitlines()[-1] == "next:  cometapi-runway demo"


@pytest.mark.parametrize(
    "address", ["https://h.example", "https://h.example/", "https://h.example//"]
)
def test_a_gateway_is_the_same_with_and_without_a_slash(address: str) -> None:
    assert ConnectionOptions(base_url=address).gateway == "https://h.example"
    assert ConnectionOptions(base_url="https://h.example/X").gateway == "https://h.example/X"
