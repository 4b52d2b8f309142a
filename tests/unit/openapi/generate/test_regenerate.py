"""Regenerating writes the same bytes everywhere, or changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract_tools.__main__ import vendor
from contract_tools._common import atomic_files
from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.build.contract import build_contract
from contract_tools.generate import regenerate

from ..conftest import amend_overlay

MODEL = "models/character_performance_request.py"


def derived(workspace: Workspace) -> dict[str, bytes]:
    """Read everything that regenerating writes."""
    return atomic_files.read_tree(workspace.package) | {"contract": workspace.contract.read_bytes()}


def run_tools(workspace: Workspace, *arguments: str, **environment: str) -> Iterator[str]:
    """Run the command line in a separate process, in the workspace."""
    code = (
        "import sys; from pathlib import Path; from contract_tools.__main__ import main; "
        "from contract_tools._common.workspace import Workspace; "
        "sys.exit(main(sys.argv[2:], Workspace(Path(sys.argv[1]))))"
    )
    ran = subprocess.run(
        [sys.executable, "-B", "-c", code, str(workspace.root), *arguments],
        env={**os.environ, "PYTHONPATH": str(tools_folder()), **environment},
        cwd=workspace.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    yield from ran.stdout.splitlines()


def tools_folder() -> Path:
    return Path(regenerate.__file__).parents[2]


def test_the_committed_files_are_what_regenerating_makes(repository: Workspace) -> None:
    (line,) = regenerate.check(repository)
    assert line.endswith("derived files are what `make regenerate` makes")


def test_the_environment_does_not_affect_the_result(workspace: Workspace) -> None:
    """Decoys on PATH and in the working folder and other settings above it change no byte."""
    expected = derived(workspace)
    decoys = workspace.root / "decoys"
    decoys.mkdir()
    for name in ("ruff", "openapi-python-client"):
        program = decoys / name
        program.write_text("#!/bin/sh\necho ruff 99.0.0\nexit 1\n")
        program.chmod(0o755)
    (workspace.root / "openapi_python_client.py").write_text("raise SystemExit('decoy')\n")
    hostile = "line-length = 40\nindent-width = 8\n[format]\nquote-style = 'single'\n"
    (workspace.root / "ruff.toml").write_text(hostile)
    (workspace.root.parent / "ruff.toml").write_text(hostile)
    (workspace.root.parent / "pyproject.toml").write_text("[tool.ruff]\nline-length = 40\n")
    shutil.rmtree(workspace.package)
    workspace.contract.unlink()
    list(
        run_tools(
            workspace,
            "regenerate",
            PATH=f"{decoys}:{os.environ['PATH']}",
            PYTHONHASHSEED="4242",
            RUFF_CONFIG=str(workspace.root / "ruff.toml"),
        )
    )
    assert derived(workspace) == expected
    assert list(workspace.scratch.iterdir()) == [], "the scratch folder is cleared"


def test_a_renamed_and_a_new_required_field_flow_through(
    workspace: Workspace, write_page: Callable[..., str]
) -> None:
    vendor(
        workspace,
        write_page(
            ("                bodyControl:\n", "                bodyMotion:\n"),
            ("                - bodyControl\n", ""),
            ("                - ratio\n", "                - ratio\n                - voice\n"),
            (
                "              properties:\n                character:\n",
                "              properties:\n                voice: {type: string}\n"
                "                character:\n",
            ),
        ),
    )
    amend_overlay(workspace, ("@ == 'bodyControl' || ", ""))
    warning, *written = regenerate.regenerate(workspace)
    assert warning.startswith("warning: /paths/~1runwayml~1v1~1character_performance/post/")
    assert warning.endswith("example is not valid: 'voice' is a required property")
    assert [line.rpartition(": ")[2] for line in written] == ["written", "written"]
    with pytest.raises(ContractError, match=r"examples contradict their schemas:\n.*'voice'"):
        regenerate.check(workspace)
    model = (workspace.package / MODEL).read_text("utf-8")
    assert "body_motion: bool | Unset = UNSET" in model
    assert "body_control" not in model
    assert "    voice: str\n" in model
    assert "bodyMotion" in workspace.contract.read_text("utf-8")
    assert b"bodyMotion" in (workspace.package / "contract.json").read_bytes()


def test_a_value_removed_from_a_list_flows_through(
    workspace: Workspace, write_page: Callable[..., str]
) -> None:
    line = "                  type: boolean\n"
    for values in ("[true, false]", "[true]"):
        vendor(workspace, write_page((line, f"{line}                  enum: {values}\n")))
        document = build_contract(workspace).yaml
    assert "enum:\n            - true\n" in document
    assert "- false" not in document


@pytest.mark.parametrize(
    ("field", "fix"),
    [
        ("expressionIntensity", "properties.expressionIntensity"),
        ("seed", "properties.seed"),
        ("character", "properties.character"),
    ],
)
def test_a_fix_for_a_renamed_field_stops_the_build_by_name(
    workspace: Workspace, write_page: Callable[..., str], field: str, fix: str
) -> None:
    vendor(workspace, write_page((f"                {field}:\n", f"                {field}2:\n")))
    before = derived(workspace)
    with pytest.raises(ContractError, match=r"matches nothing|selects 0") as caught:
        regenerate.regenerate(workspace)
    assert "20-character-performance.overlay.yaml: action " in str(caught.value)
    assert fix in str(caught.value)
    assert derived(workspace) == before


def test_the_package_holds_the_contract_and_is_typed(repository: Workspace) -> None:
    contract = build_contract(repository)
    assert (repository.package / "contract.json").read_text("utf-8") == contract.json
    assert (repository.package / "py.typed").read_bytes() == b""
    assert not (repository.package / ".ruff_cache").exists()


def test_a_contract_that_the_generator_would_truncate_changes_nothing(
    workspace: Workspace,
) -> None:
    overlay = workspace.overlays / "90-lossy.overlay.yaml"
    overlay.write_text(
        "overlay: '1.1.0'\n"
        "info: {title: 'Lossy', version: '1.0.0'}\n"
        "actions:\n"
        "  - target: '$.components.schemas.Task.properties.output'\n"
        "    description: 'An array without items makes the generator drop the response.'\n"
        "    x-evidence: 'openapi-python-client 0.29.1'\n"
        "    update: {anyOf: [{type: 'array'}]}\n"
    )
    before = derived(workspace)
    with pytest.raises(ContractError, match="openapi-python-client refused the contract:\n"):
        regenerate.regenerate(workspace)
    assert derived(workspace) == before
    assert list(workspace.scratch.iterdir()) == []


def test_check_names_and_shows_the_differences(workspace: Workspace) -> None:
    model = workspace.package / MODEL
    model.write_text(model.read_text("utf-8").replace("seed", "sead"), "utf-8")
    (workspace.package / "types.py").unlink()
    (workspace.package / "extra.py").write_text("")
    workspace.contract.write_bytes(workspace.contract.read_bytes() + b"\n")
    before = derived(workspace)
    with pytest.raises(ContractError) as caught:
        regenerate.check(workspace)
    lines = str(caught.value).splitlines()
    package = "generated/cometapi_runway_api"
    assert lines[:5] == [
        "not what `make regenerate` makes:",
        f"{package}/extra.py: not generated",
        f"{package}/{MODEL}: differs",
        f"{package}/types.py: missing",
        "openapi/runway.yaml: differs",
    ]
    assert lines[5:7] == [
        f"--- {package}/{MODEL} (here)",
        f"+++ {package}/{MODEL} (made)",
    ]
    assert len(lines) == 1 + 4 + regenerate.SHOWN_LINES + 2
    assert lines[-2].endswith("more lines)")
    assert lines[-1] == "4 files differ from what `make regenerate` makes; run it"
    assert derived(workspace) == before, "checking writes nothing"


def test_check_needs_neither_git_nor_the_derived_files(workspace: Workspace) -> None:
    shutil.rmtree(workspace.package)
    workspace.contract.unlink()
    with pytest.raises(ContractError, match=r"openapi/runway\.yaml: missing"):
        regenerate.check(workspace)
