"""`spec-diff`: what is compared with what, and how the command fails."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from contract_tools.__main__ import main
from contract_tools._common.errors import ContractError
from contract_tools.diff import spec_diff

from ..conftest import amend_overlay

if TYPE_CHECKING:
    from contract_tools._common.workspace import Workspace

    from ..conftest import WritePage


def test_the_command_compares_with_a_file(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = workspace.root / "earlier.yaml"
    text = workspace.contract.read_text("utf-8")
    assert "maximum: 5" in text
    earlier.write_text(text.replace("maximum: 5", "maximum: 6", 1), "utf-8")
    assert main(["spec-diff", str(earlier)], workspace) == 0
    output = capsys.readouterr().out
    assert "maximum changed from 6 to 5" in output
    written = json.loads((workspace.scratch / "spec-diff.json").read_text("utf-8"))
    assert written["breaking"] >= 1
    assert (workspace.scratch / "spec-diff.html").exists()


@pytest.fixture
def committed(workspace: Workspace) -> Workspace:
    """A workspace whose contract is committed to git."""

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=workspace.root, check=True,
                       capture_output=True)  # fmt: skip

    git("init", "-q")
    git("add", "openapi/runway.yaml")
    git("commit", "-q", "-m", "before")
    return workspace


RENAMED = (("                bodyControl:\n", "                bodyMotion:\n"),
           ("- bodyControl\n", "- bodyMotion\n"))  # fmt: skip
STALE = "Run `make regenerate` to update it"


def test_a_page_is_compared_before_anything_is_regenerated(
    committed: Workspace, write_page: WritePage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The order that the README gives: vendor, spec-diff, regenerate."""
    before = committed.contract.read_bytes()
    assert main(["vendor", write_page(*RENAMED)], committed) == 0
    amend_overlay(committed, ("'bodyControl'", "'bodyMotion'"))
    assert main(["spec-diff", "HEAD"], committed) == 0
    assert committed.contract.read_bytes() == before
    early = capsys.readouterr().out
    assert "1 change since HEAD: 1 breaking, 0 undecided, 0 compatible." in early
    assert STALE in early
    page, data = (committed.scratch / f"spec-diff.{kind}" for kind in ("html", "json"))
    assert "regenerate" in page.read_text("utf-8")
    written = json.loads(data.read_text("utf-8"))
    assert STALE in written["note"]
    assert main(["build"], committed) == 0
    assert main(["spec-diff", "HEAD"], committed) == 0
    assert STALE not in capsys.readouterr().out
    assert json.loads(data.read_text("utf-8")) == written | {"note": ""}


def test_what_the_pages_make_is_compared_and_not_the_file(
    committed: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file may be outdated, or edited by hand."""
    assert main(["spec-diff", "HEAD"], committed) == 0
    output = capsys.readouterr().out
    assert "Nothing that matters has changed since HEAD." in output
    assert STALE not in output
    text = committed.contract.read_text("utf-8")
    committed.contract.write_text(text.replace("maximum: 5", "maximum: 4", 1), "utf-8")
    assert main(["spec-diff", "HEAD"], committed) == 0
    output = capsys.readouterr().out
    assert "Nothing that matters has changed since HEAD." in output
    assert STALE in output
    committed.contract.unlink()
    assert main(["spec-diff", "HEAD"], committed) == 0
    assert STALE in capsys.readouterr().out


def test_a_contract_that_cannot_be_built_is_an_error_and_not_no_change(
    committed: Workspace, write_page: WritePage, capsys: pytest.CaptureFixture[str]
) -> None:
    """An overlay action targets a field that the page renamed."""
    assert main(["spec-diff", "HEAD"], committed) == 0
    gone = ("                expressionIntensity:\n", "                intensity:\n")
    assert main(["vendor", write_page(gone)], committed) == 0
    capsys.readouterr()
    assert main(["spec-diff", "HEAD"], committed) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "nothing was compared with HEAD" in output.err
    assert "20-character-performance.overlay.yaml: action" in output.err
    assert "expressionIntensity" in output.err
    assert "matches nothing" in output.err
    # Else `make contract` would show the report of before.
    assert list(committed.scratch.glob("spec-diff.*")) == []


@pytest.mark.parametrize("base", ["no-such-revision", "--output=x"])
def test_a_base_that_is_no_file_and_no_revision_is_an_error(
    workspace: Workspace, base: str
) -> None:
    with pytest.raises(ContractError, match="is not a file, and git says"):
        spec_diff.load_contract(workspace, base)
