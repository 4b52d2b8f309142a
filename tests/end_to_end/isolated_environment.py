"""A virtual environment that holds one wheel and its dependencies only.

The dependencies are linked from the environment that runs the tests, so no package index is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def build_wheel(folder: Path) -> Path:
    """Build the project's wheel into a folder."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_alone(wheel: Path, folder: Path) -> Path:
    """Create an environment with the wheel and its dependencies; return its interpreter."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run(
        [
            # pip takes a second; the checks of a release install with it.
            *(sys.executable, "-m", "uv", "pip", "install", "--python", str(python), str(wheel)),
            *("--offline", "--no-deps", "--no-cache", "--no-config"),
        ],
        check=True,
        capture_output=True,
    )
    (site,) = folder.glob("lib/python*/site-packages")
    for name in sorted(_needed(_requirements(site))):
        _link(metadata.distribution(name), site)
    return python


def _requirements(site: Path) -> list[str]:
    (info,) = site.glob("cometapi_runway-*.dist-info")
    return metadata.PathDistribution(info).requires or []


def _needed(requirements: list[str], seen: frozenset[str] = frozenset()) -> set[str]:
    found: set[str] = set()
    for requirement in map(Requirement, requirements):
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in seen | found:
            found.add(requirement.name)
            below = metadata.distribution(requirement.name).requires or []
            found |= _needed(below, seen | found)
    return found


def _link(distribution: metadata.Distribution, site: Path) -> None:
    for top in set(_tops(distribution)):
        source = Path(str(distribution.locate_file(top)))
        if source.exists() and not (site / top).exists():
            (site / top).symlink_to(source)


def _tops(distribution: metadata.Distribution) -> Iterator[str]:
    for file in distribution.files or []:
        if file.parts[0] not in {"..", "__pycache__"}:
            yield file.parts[0]
