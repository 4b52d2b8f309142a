"""The wheel in an empty environment, alone and with each extra, installed as users install it.

Versions are those of `requirements-dev.lock`. Needs the package index: `make release-check
OFFLINE=1` leaves these checks out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from .conftest import ROOT, Artifacts

pytestmark = pytest.mark.index

ROOMS: dict[str, tuple[str, ...]] = {
    "": (),
    "batch": ("batch", "journal._postgres"),
    "cli": ("cli",),
    "mcp": ("cli", "mcp"),
    "otel": ("telemetry",),
    "postgres": ("journal._postgres",),
    "simulator": ("simulator",),
    "testing": ("simulator", "testing"),
}
"""Which rooms an extra completes."""
ALL_ROOMS = {room for rooms in ROOMS.values() for room in rooms}

# Without `rich`, which httpx imports where it is installed.
LIBRARIES_OF_EXTRAS = {
    *("cyclopts", "dbos", "fsspec", "jinja2", "mcp", "opentelemetry", "PIL", "platformdirs"),
    *("psycopg", "pytest", "respx", "sqlalchemy", "starlette", "uvicorn"),
}

IMPORT_ALL = """
import importlib, json, pkgutil, sys

def third_party():
    return {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - start

start = {name.partition(".")[0] for name in sys.modules}
import cometapi_runway
at_import = third_party()
cometapi_runway.RunwayClient("a-key").close()
with_client = third_party()
import cometapi_runway_api
failed = {}
for package in (cometapi_runway, cometapi_runway_api):
    modules = pkgutil.walk_packages(
        package.__path__, package.__name__ + ".", onerror=lambda name: None
    )
    for module in modules:
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            failed[module.name] = str(error)
print(json.dumps([sorted(at_import), sorted(with_client), failed]))
"""


def install(artifacts: Artifacts, extra: str, folder: Path) -> Path:
    """Install the wheel with an extra into a new environment; return its interpreter."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    lock = (ROOT / "requirements-dev.lock").read_text()
    constraints = folder / "constraints.txt"
    # Without hashes, or pip would ask for the wheel's own; without extras, which it refuses here.
    pins = re.findall(r"^[a-z0-9].*?(?= \\$)", lock, re.M)
    constraints.write_text("\n".join(re.sub(r"\[.*?\]", "", pin) for pin in pins))
    wheel = f"{artifacts.wheel}[{extra}]" if extra else str(artifacts.wheel)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
            *("--disable-pip-version-check", "--constraint", constraints, wheel),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return python


@pytest.mark.parametrize("extra", ROOMS)
def test_imports_what_it_should(extra: str, artifacts: Artifacts, tmp_path: Path) -> None:
    python = install(artifacts, extra, tmp_path / "environment")
    done = subprocess.run(
        [python, "-I", "-W", "error", "-c", IMPORT_ALL],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    at_import, with_client, failed = json.loads(done.stdout)

    assert at_import == ["cometapi_runway"]
    assert not LIBRARIES_OF_EXTRAS & set(with_client)
    # What fails belongs to an extra that is not installed.
    missing = ALL_ROOMS - set(ROOMS[extra])
    assert all(is_in(name, missing) for name in failed), failed


def test_the_table_names_every_extra(artifacts: Artifacts) -> None:
    assert set(artifacts.metadata.get_all("Provides-Extra", [])) == set(ROOMS) - {""}


def is_in(module: str, rooms: set[str]) -> bool:
    return any(f"{module}.".startswith(f"cometapi_runway.{room}.") for room in rooms)
