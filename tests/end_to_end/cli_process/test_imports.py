"""What a process imports, and what it says if an extra is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cometapi_runway import __version__
from cometapi_runway.cli._output.exit_codes import ExitCode

from .processes import (
    TIMEOUT,
    run_new,
)


@pytest.mark.parametrize(
    "words",
    [("--version",), ("--help",), ("image-to-video", "--help"), ("tasks", "wait", "--help")],
)
def test_help_and_version_load_neither_httpx_nor_the_generated_package(
    words: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    program = (
        "import sys; from cometapi_runway.cli import main; code = main(sys.argv[1:]); "
        "sys.stderr.write(' '.join(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )

    assert done.returncode == 0
    loaded = set(done.stderr.split())
    assert not {"httpx", "cometapi_runway_api", "starlette"} & loaded
    if words == ("--version",):
        assert done.stdout == f"{__version__}\n"
        assert "cyclopts" not in loaded


def test_without_the_extra_one_line_says_what_to_install(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "cyclopts.py").write_text("raise ModuleNotFoundError(name='cyclopts')\n")
    paths = f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"

    done = run_new(("--help",), {**environment, "PYTHONPATH": paths}, tmp_path)

    assert done.returncode == ExitCode.USAGE
    assert done.stderr == (
        "the extra 'cli' is not installed: pip install 'cometapi-runway[cli]' "
        "(cyclopts is missing)\n"
    )


def test_without_the_simulator_extra_the_demo_says_what_to_install(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ModuleNotFoundError(name='uvicorn')\n")
    paths = f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"

    done = run_new(("demo",), {**environment, "PYTHONPATH": paths}, tmp_path)

    assert done.returncode == ExitCode.USAGE
    assert "pip install 'cometapi-runway[simulator]'" in done.stderr
