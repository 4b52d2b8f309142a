"""`vendor PAGE`: the page is stored byte for byte and its changes reported, or it is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from contract_tools.__main__ import vendor
from contract_tools._common.errors import ContractError
from contract_tools._common.workspace import Workspace
from contract_tools.pages import register
from contract_tools.pages.saved_page import CRLF_NOTE, read_page

Snapshot = Callable[[Path], dict[str, bytes]]

STORED = "openapi/vendor/post-control-a-character.openapi.yaml"
INFO_SOURCE = "official-format/post-control-a-character.openapi.json"
ID = "control_a_character"
ROUTE = "POST /runwayml/v1/character_performance"
TASKS_SOURCE = (
    "api/openapi/video/runway/official-format/get-runway-to-get-task-details.openapi.json"
)


def test_a_first_page_is_stored_byte_for_byte(empty_workspace: Workspace, seed_page: Path) -> None:
    report = vendor(empty_workspace, str(seed_page))
    stored = (empty_workspace.root / STORED).read_bytes()
    assert stored in seed_page.read_bytes()
    assert stored == read_page(str(seed_page)).block
    assert report == [
        f"{ROUTE}: new page, operationId control_a_character",
        f"{STORED}: stored; next: make operation PAGE={seed_page}",
    ]
    assert tomllib.loads(empty_workspace.register.read_text("utf-8"))["page"] == [
        {
            "source": f"api/openapi/video/runway/{INFO_SOURCE}",
            "method": "POST",
            "path": "/runwayml/v1/character_performance",
            "sha256": register.sha256(stored),
            "obtained": "page",
        }
    ]


def test_the_repository_holds_the_seed_page(repository: Workspace, seed_page: Path) -> None:
    assert (repository.root / STORED).read_bytes() == read_page(str(seed_page)).block


def test_the_same_page_again_changes_nothing(
    workspace: Workspace, seed_page: Path, snapshot: Snapshot
) -> None:
    before = snapshot(workspace.root)
    assert vendor(workspace, str(seed_page)) == [f"{STORED}: unchanged"]
    assert snapshot(workspace.root) == before


def test_the_same_page_saved_on_windows_changes_nothing(
    workspace: Workspace, seed_page: Path, tmp_path: Path, snapshot: Snapshot
) -> None:
    file = tmp_path / "windows.md"
    file.write_bytes(seed_page.read_bytes().replace(b"\n", b"\r\n"))
    before = snapshot(workspace.root)
    assert vendor(workspace, str(file)) == [f"note: {CRLF_NOTE}", f"{STORED}: unchanged"]
    assert snapshot(workspace.root) == before


@pytest.mark.parametrize("damage", ["edited", "gone"])
def test_the_same_page_repairs_a_damaged_copy(
    workspace: Workspace, seed_page: Path, damage: str
) -> None:
    stored = workspace.root / STORED
    content = stored.read_bytes()
    if damage == "gone":
        stored.unlink()
    else:
        stored.write_bytes(content + b"x: 1\n")
    report = vendor(workspace, str(seed_page))
    assert "the same page; its entry or file had been changed" in report[0]
    assert stored.read_bytes() == content


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        (
            [("                bodyControl:\n", "                bodyMotion:\n")],
            f"{ID}: body /bodyControl: looks renamed to bodyMotion",
        ),
        (
            [("                - contentModeration\n", "")],
            f"{ID}: body /contentModeration: no longer required",
        ),
        (
            [
                ("                - ratio\n", "                - ratio\n                - voice\n"),
                (
                    "              properties:\n                character:\n",
                    "              properties:\n                voice: {type: string}\n"
                    "                character:\n",
                ),
            ],
            f"{ID}: body /voice: added (string, required)",
        ),
        (
            [("                  type: boolean\n", "                  type: string\n")],
            f'{ID}: body /bodyControl: type changed from "boolean" to "string"',
        ),
        (
            [
                (
                    "          required: true\n          desc",
                    "          required: false\n          desc",
                )
            ],
            f"{ID}: header X-Runway-Version: no longer required",
        ),
        (
            [
                (
                    "                - bodyControl\n",
                    "                - bodyControl\n                - motionScale\n",
                )
            ],
            f"{ID}: body /motionScale: now required",
        ),
        (
            [
                (
                    "            schema:\n              type: object\n",
                    "            schema:\n"
                    "              type: object\n              additionalProperties: false\n",
                )
            ],
            f"{ID}: body: additionalProperties added: false",
        ),
        (
            [("components:\n", "components:\n  x-anything: 1\n")],
            "at /components/x-anything: added: 1",
        ),
        (
            [("        '200':\n", "        '201':\n")],
            f"{ID}: response 201: the success moved from 200 to 201",
        ),
        (
            [("operationId: control_a_character", "operationId: control_character")],
            "control_character: the operation: operationId or tag changed (operationId was "
            "control_a_character)",
        ),
        (
            [("  - url: https://api.cometapi.com\n", "  - url: https://api2.cometapi.com\n")],
            "server: https://api.cometapi.com is gone",
        ),
    ],
)
def test_a_changed_page_is_reported_and_stored(
    workspace: Workspace,
    write_page: Callable[..., str],
    edits: list[tuple[str, str]],
    expected: str,
) -> None:
    file = write_page(*edits)
    report = vendor(workspace, file)
    assert expected in report
    assert "layout only" not in "".join(report)
    assert (workspace.root / STORED).read_bytes() == read_page(file).block
    assert vendor(workspace, file) == [f"{STORED}: unchanged"]


def test_a_change_of_layout_only_is_reported_as_that(
    workspace: Workspace, write_page: Callable[..., str]
) -> None:
    file = write_page(("openapi: 3.1.0\n", "# a comment\nopenapi: 3.1.0\n"))
    assert "layout only" in vendor(workspace, file)[0]


@pytest.mark.parametrize("damage", ["edited", "gone"])
def test_a_new_version_of_a_damaged_page_has_nothing_to_be_compared_with(
    workspace: Workspace, write_page: Callable[..., str], damage: str
) -> None:
    stored = workspace.root / STORED
    if damage == "gone":
        stored.unlink()
    else:
        stored.write_bytes(stored.read_bytes() + b"x: 1\n")
    file = write_page(("                bodyControl:\n", "                bodyMotion:\n"))
    assert vendor(workspace, file)[0].startswith(
        f"{ROUTE}: no comparison with the earlier version: "
    )
    assert stored.read_bytes() == read_page(file).block


def test_a_page_with_another_route_is_a_moved_operation(
    workspace: Workspace, write_page: Callable[..., str]
) -> None:
    text = "/runwayml/v1/character_performance"
    file = write_page(
        (f"POST {text}\n", "POST /runwayml/v2/cp\n"), (f"  {text}:", "  /runwayml/v2/cp:")
    )
    report = vendor(workspace, file)
    assert report[0] == f"{ID}: the operation: {ROUTE} moved to POST /runwayml/v2/cp"


def test_values_removed_from_a_list_are_named(
    workspace: Workspace, write_page: Callable[..., str]
) -> None:
    line = "                  default: act_two\n"
    vendor(workspace, write_page((line, line + "                  enum: [act_two, act_one]\n")))
    report = vendor(workspace, write_page((line, line + "                  enum: [act_two]\n")))
    assert f'{ID}: body /model: allowed value removed: "act_one"' in report


def test_another_source_cannot_claim_the_operation(
    workspace: Workspace, write_page: Callable[..., str], snapshot: Snapshot
) -> None:
    before = snapshot(workspace.root)
    file = write_page((INFO_SOURCE, "official-format/post-other.openapi.json"))
    with pytest.raises(ContractError, match=f"{ROUTE} is already claimed by .*{INFO_SOURCE}"):
        vendor(workspace, file)
    assert snapshot(workspace.root) == before


def test_another_page_cannot_claim_the_operation_id(
    workspace: Workspace, write_page: Callable[..., str], snapshot: Snapshot
) -> None:
    before = snapshot(workspace.root)
    route = "/runwayml/v1/character_performance"
    file = write_page(
        (INFO_SOURCE, "official-format/post-other.openapi.json"),
        (f"POST {route}\n", "POST /other\n"),
        (f"  {route}:\n", "  /other:\n"),
    )
    with pytest.raises(ContractError, match="operationId control_a_character is already claimed"):
        vendor(workspace, file)
    assert snapshot(workspace.root) == before


def test_two_sources_of_one_name_are_refused(
    workspace: Workspace, write_page: Callable[..., str], snapshot: Snapshot
) -> None:
    before = snapshot(workspace.root)
    route = "/runwayml/v1/character_performance"
    file = write_page(
        (INFO_SOURCE, "compatibility-format/post-control-a-character.openapi.json"),
        (f"POST {route}\n", "POST /other\n"),
        (f"  {route}:\n", "  /other:\n"),
    )
    with pytest.raises(
        ContractError, match=r"post-control-a-character\.openapi\.yaml already holds"
    ):
        vendor(workspace, file)
    assert snapshot(workspace.root) == before


@pytest.mark.parametrize(
    "edit",
    [
        ("````yaml", "```yaml"),
        ("openapi: 3.1.0", "openapi: 2.0.0"),
        ("      summary:", "     summary: ["),
    ],
)
def test_a_refused_page_writes_nothing(
    workspace: Workspace,
    write_page: Callable[..., str],
    snapshot: Snapshot,
    edit: tuple[str, str],
) -> None:
    before = snapshot(workspace.root)
    with pytest.raises(ContractError):
        vendor(workspace, write_page(edit))
    assert snapshot(workspace.root) == before


def test_page_and_register_are_written_together_or_not_at_all(
    workspace: Workspace,
    write_page: Callable[..., str],
    snapshot: Snapshot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = snapshot(workspace.root)
    real = Path.replace

    def fail_on_register(self: Path, target: Path) -> Path:
        if target == workspace.register:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", fail_on_register)
    with pytest.raises(OSError, match="No space left"):
        vendor(workspace, write_page(("bodyControl:\n", "bodyMotion:\n")))
    assert snapshot(workspace.root) == before


def test_a_transcription_is_replaced_only_by_its_own_operation(
    workspace: Workspace, write_page: Callable[..., str]
) -> None:
    vendor(workspace, write_page(("bodyControl:\n", "bodyMotion:\n")))
    assert {e.obtained for e in register.read_register(workspace)} == {"page", "transcribed"}
