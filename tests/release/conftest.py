"""The files of a release: built from this tree, and a second time from what was built."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]


@frozen
class Artifacts:
    """What one build makes."""

    wheel: Path
    sdist: Path

    def read_from_wheel(self, name: str) -> str:
        """The text of a file in the wheel's folder of metadata."""
        with zipfile.ZipFile(self.wheel) as archive:
            (path,) = (path for path in archive.namelist() if path.endswith(f".dist-info/{name}"))
            return archive.read(path).decode()

    @property
    def metadata(self) -> Message:
        """The wheel's metadata."""
        return HeaderParser().parsestr(self.read_from_wheel("METADATA"))


def build(source: Path, folder: Path, umask: int = 0o022, **environment: str) -> Artifacts:
    """Build both files out of a source tree."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder],
        cwd=source,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        umask=umask,
    )
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Artifacts(wheel, sdist)


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """Built from this tree."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def unpacked(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source tree in the sdist."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(artifacts.sdist) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    return tree


@pytest.fixture(scope="session")
def rebuilt(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """Built from the sdist, elsewhere, with other times, permissions, language and time zone."""
    for path in unpacked.rglob("*"):
        if path.is_file():
            os.utime(path, (1_600_000_000, 1_600_000_000))
            # What runs still runs.
            path.chmod(path.stat().st_mode & 0o700)
    surroundings = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    return build(unpacked, tmp_path_factory.mktemp("again"), umask=0o077, **surroundings)
