"""The files of a release: the same each time, complete, and accepted by the index."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from cometapi_runway import __version__

from .conftest import ROOT, Artifacts

PROGRAMS = Path(sys.executable).parent


def run(program: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [PROGRAMS / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_are_equal_byte_for_byte(
    kind: str, artifacts: Artifacts, rebuilt: Artifacts
) -> None:
    first, second = getattr(artifacts, kind), getattr(rebuilt, kind)
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_the_sdist_holds_every_file_of_the_repository_and_no_other(artifacts: Artifacts) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a repository")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with tarfile.open(artifacts.sdist) as archive:
        files = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert files - {"PKG-INFO"} == set(filter(None, listed.stdout.split("\0")))


def test_the_index_accepts_metadata_and_description(artifacts: Artifacts) -> None:
    run("twine", "check", "--strict", artifacts.wheel, artifacts.sdist)


def test_the_wheel_contains_what_it_should(artifacts: Artifacts) -> None:
    run("check-wheel-contents", artifacts.wheel)


def test_the_project_file_is_valid() -> None:
    run("validate-pyproject", "pyproject.toml")


def test_zizmor_finds_nothing_in_the_workflows_at_its_strictest() -> None:
    run("zizmor", "--offline", "--no-config", "--no-ignores", "--persona", "auditor", ".github")


class TestVersion:
    def test_is_the_newest_dated_one_of_the_changelog(self, artifacts: Artifacts) -> None:
        headings = re.findall(r"^## \[(.*?)\](.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
        assert headings[0][0] in {"Unreleased", __version__}
        dated = [version for version, rest in headings if re.fullmatch(r" - \d{4}-\d\d-\d\d", rest)]
        assert dated[0] == __version__ == artifacts.metadata["Version"]

    @pytest.mark.skipif(not os.environ.get("RELEASE_TAG"), reason="no RELEASE_TAG")
    def test_is_the_tag_and_leaves_nothing_unreleased(self) -> None:
        assert os.environ["RELEASE_TAG"] == f"v{__version__}"
        changelog = (ROOT / "CHANGELOG.md").read_text()
        assert not re.search(r"^## \[Unreleased\]\n+(?!\n|## )", changelog, re.M)
