"""A page changes: it is vendored, its changes are reported, the client regenerated, tests fail.

Each test runs the checks in a copy of the project, in a process of their own; the first runs the
tools that write in processes too. The other steps do the same in this process, many times faster.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.hypothesis_tables import link_tables

from contract_tools import __main__ as contract_tools
from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.generate.regenerate import regenerate

pytestmark = pytest.mark.usefixtures("cache_contract_tools")

ROOT = Path(__file__).parents[2]
PAGE = "tests/data/pages/control-a-character.md"
OVERLAY = "openapi/overlays/20-character-performance.overlay.yaml"
COPIED = ("openapi", "generated", "wrapper", "tests", "pyproject.toml", "requirements-dev.lock")
KEPT_VALUES = ROOT / ".build" / "drawn-values"
# These compare the wrapper with the contract; each run takes seconds.
REPORT = ".build/contract"
CHECKS = ("tests/contract/test_wrapper_requests.py", "-k", "control_a_character")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            # With the bytecode: it takes longer to compile the project than to run the checks.
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    link_tables(tmp_path)
    link_drawn_values(tmp_path)
    return tmp_path


def link_drawn_values(project: Path) -> None:
    """Have the checks draw the values of a changed contract once for all runs of the tests.

    They are kept under everything that they depend on, the contract included.
    """
    KEPT_VALUES.mkdir(parents=True, exist_ok=True)
    folder = project / KEPT_VALUES.relative_to(ROOT)
    folder.parent.mkdir()
    folder.symlink_to(KEPT_VALUES, target_is_directory=True)


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        # The checks need none of the plugins that pytest would load.
        env=os.environ | {"PYTHONPATH": "openapi", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def change_page(project: Path, *changes: tuple[str, str]) -> str:
    """Write the seed page with some of its text replaced, and return the file."""
    page = (project / PAGE).read_text()
    for old, new in changes:
        assert old in page
        page = page.replace(old, new)
    changed = project / "changed.md"
    changed.write_text(page)
    return str(changed)


def vendor(project: Path, *changes: tuple[str, str]) -> str:
    """Vendor the changed page and return the report."""
    return "\n".join(contract_tools.vendor(Workspace(project), change_page(project, *changes)))


def amend_overlay(project: Path, old: str, new: str) -> None:
    """Make the edit that a page's change asks of a person; without it nothing is built."""
    with pytest.raises(ContractError) as refused:
        regenerate(Workspace(project))
    (cause,) = str(refused.value).splitlines()
    assert f"{OVERLAY}: action " in cause
    assert f"): {old.removesuffix(' || ')} matches nothing" in cause
    file = project / OVERLAY
    file.write_text(file.read_text().replace(old, new, 1))


def run_checks(project: Path) -> subprocess.CompletedProcess[str]:
    options = ("-q", "-rN", "-x", "-p", "no:cacheprovider")
    return run(project, "pytest", *options, f"--contract-report={REPORT}", *CHECKS)


def last_lines(done: subprocess.CompletedProcess[str]) -> str:
    """What a person sees without scrolling."""
    return "\n".join((done.stdout + done.stderr).splitlines()[-10:])


def commit(project: Path) -> None:
    for command in (
        ("init", "-q"),
        ("add", "openapi"),
        ("-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "-q", "-m", "before"),
    ):
        subprocess.run(["git", *command], cwd=project, check=True, capture_output=True)


def test_a_renamed_field(project: Path) -> None:
    """In the README's order: spec-diff runs before anything is regenerated."""
    commit(project)
    page = change_page(project, ("bodyControl", "bodyMotion"))
    vendored = run(project, "contract_tools", "vendor", page)
    assert vendored.returncode == 0, vendored.stderr
    assert "bodyControl" in vendored.stdout
    assert "bodyMotion" in vendored.stdout
    amend_overlay(project, "@ == 'bodyControl'", "@ == 'bodyMotion'")
    compared = "\n".join(contract_tools.spec_diff(Workspace(project), "HEAD"))
    assert "1 change since HEAD: 1 breaking" in compared
    assert "bodyMotion" in compared
    regenerated = run(project, "contract_tools", "regenerate")
    assert regenerated.returncode == 0, regenerated.stderr
    model = project / "generated/cometapi_runway_api/models/character_performance_request.py"
    assert "body_motion" in model.read_text()
    checked = run_checks(project)
    assert checked.returncode == 1, checked.stdout
    assert "contract: FAILED at " in last_lines(checked)
    assert "client.character_performance (control_a_character): " in last_lines(checked)
    assert "body_control" in last_lines(checked)
    report = (project / REPORT / "index.html").read_text("utf-8")
    assert "body_control" in report
    # The comparison of this very contract; its base had another one.
    assert "1 change since HEAD: 1 breaking" in report


def test_a_new_required_field(project: Path) -> None:
    output = vendor(
        project,
        (
            "                - bodyControl\n",
            "                - mood\n                - bodyControl\n",
        ),
        (
            "                bodyControl:\n",
            "                mood:\n                  type: string\n                bodyControl:\n",
        ),
    )
    assert "mood" in output
    assert "required" in output
    regenerate(Workspace(project))
    checked = run_checks(project)
    assert checked.returncode == 1, checked.stdout
    assert "mood" in last_lines(checked)


def test_a_field_that_is_no_longer_required(project: Path) -> None:
    """The change is reported and taken over, and the wrapper needs no change."""
    output = vendor(project, ("                - seed\n", ""))
    assert "seed" in output
    assert "required" in output
    amend_overlay(project, "@ == 'seed' || ", "")
    regenerate(Workspace(project))
    checked = run_checks(project)
    assert checked.returncode == 0, checked.stdout
