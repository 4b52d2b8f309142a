"""Without its extra, a module says at its import which extra to install."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.cases import each_case

from cometapi_runway import ConfigurationError, MissingExtraError
from cometapi_runway._extras import LIBRARIES, requires_extra

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
# Where the package to import has another name than the distribution.
PACKAGES = {"pillow": {"PIL"}, "mcp": {"mcp", "mcp_types"}, "opentelemetry-api": {"opentelemetry"}}
IMPORTS = {
    "batch": "batch import Batch; Batch('a', '.', api_key='k')",
    "cli": "cli import main; sys.exit(main(['tasks']))",
    "mcp": "mcp import AgentTools",
    "otel": "telemetry import instrument",
    "postgres": "journal import Journal; Journal('postgresql://u@h/d')",
    "simulator": "simulator import SimulatorServer",
    "testing": "testing import Mock",
}
PROGRAM = """
import importlib.abc, sys, traceback

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name.partition(".")[0] in libraries:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
for extra, libraries, statement in %r:
    for name in [one for one in sys.modules if one.partition(".")[0] in libraries]:
        del sys.modules[name]
    for name in [one for one in sys.modules if one.startswith("cometapi_runway.")]:
        del sys.modules[name]
    sys.modules.pop("cometapi_runway", None)
    try:
        exec("from cometapi_runway." + statement)
    except ImportError as error:
        assert type(error).__name__ == "MissingExtraError", error
        print(extra, error)
    except SystemExit as error:
        assert error.code == 2
        print(extra, "exit", file=sys.stdout)
"""


def list_libraries(extra: str) -> set[str]:
    found: set[str] = set()
    for requirement in EXTRAS[extra]:
        inner = re.fullmatch(r"cometapi-runway\[(.*)\]", requirement)
        name = re.split(r"[\[<>=]", requirement)[0]
        found |= list_libraries(inner[1]) if inner else PACKAGES.get(name, {name})
    return found


def test_the_libraries_of_each_extra_are_those_of_the_package() -> None:
    assert {extra: list_libraries(extra) for extra in EXTRAS} == LIBRARIES


def test_every_import_that_needs_an_extra_names_it(tmp_path: Path) -> None:
    cases = [(extra, sorted(LIBRARIES[extra]), code) for extra, code in IMPORTS.items()]  # type: ignore[index]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM % cases],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = (done.stdout + done.stderr).splitlines()
    assert EXTRAS.keys() == IMPORTS.keys()
    for extra in EXTRAS:
        assert any(f"pip install 'cometapi-runway[{extra}]'" in line for line in shown), shown


def test_a_missing_extra_is_an_import_error_and_a_wrong_setting() -> None:
    with pytest.raises(ImportError) as caught, requires_extra("cli", setting="batch"):
        raise ModuleNotFoundError("gone", name="rich.text")
    error = caught.value
    assert isinstance(error, MissingExtraError)
    assert isinstance(error, ConfigurationError)
    assert (error.extra, error.library, error.name, error.setting) == (
        *("cli", "rich", "rich", "batch"),
    )


@each_case("name", ["json", "cometapi_runway.simulator", "mcp", None])
def test_another_missing_module_is_an_error_of_the_program(name: str | None) -> None:
    missing = ModuleNotFoundError("gone", name=name)
    with pytest.raises(ModuleNotFoundError) as caught, requires_extra("simulator"):
        raise missing
    assert caught.value is missing
