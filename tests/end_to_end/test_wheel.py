"""The wheel in an empty environment, used as the README describes."""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
from pathlib import Path

import av
import pytest

from cometapi_runway.simulator import SimClock, SimulatorServer

from .isolated_environment import ROOT, build_wheel, install_alone


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_alone(wheel, tmp_path_factory.mktemp("environment") / "env")


def run(
    python: Path, code: str, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [python, "-I", "-W", "error", "-c", code],
        cwd=folder,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def readme_python() -> str:
    (first, *_) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return first


def test_holds_exactly_the_two_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    packages = {top for top in tops if not top.endswith(".dist-info")}
    assert packages == {"cometapi_runway", "cometapi_runway_api"}
    assert {"cometapi_runway/py.typed", "cometapi_runway_api/py.typed"} <= set(names)
    assert "cometapi_runway_api/contract.json" in names
    assert {"cometapi_runway/simulator/_media/1280x720" + end for end in (".mp4", ".png")} <= set(
        names
    )
    assert {f"cometapi_runway/batch/report.{end}" for end in ("css", "html.jinja")} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_imports_every_module_that_needs_no_extra(python: Path, tmp_path: Path) -> None:
    code = (
        "import importlib, pkgutil, cometapi_runway as w, cometapi_runway_api as g\n"
        "names = ('batch', 'cli', 'journal._postgres', 'mcp', 'simulator', 'telemetry',"
        " 'testing')\n"
        "extra = tuple('cometapi_runway.' + name for name in names)\n"
        "for package in (w, g):\n"
        "    for m in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not m.name.startswith(extra): importlib.import_module(m.name)\n"
        "print(w.__version__)"
    )
    done = run(python, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_runs_the_readme_against_the_simulator(python: Path, tmp_path: Path) -> None:
    with SimulatorServer(clock=SimClock.scaled(40)) as server:
        done = run(
            python,
            readme_python(),
            tmp_path,
            COMETAPI_KEY="a-key-of-the-readme",
            COMETAPI_RUNWAY_BASE_URL=server.base_url,
        )
    assert done.returncode == 0, done.stderr
    (video,) = (tmp_path / "out").iterdir()
    assert str(video.name) in done.stdout
    with av.open(str(video)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 1
