"""Merging: pages are as recorded, and do not contradict each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import at_pointer, members
from contract_tools._common.workspace import Workspace
from contract_tools.build.merge import merge_pages
from contract_tools.pages import register

PAGE = """\
openapi: 3.1.0
info: {title: Thing, version: 1.0.0}
servers: [{url: 'https://api.cometapi.com'}]
security: [{bearerAuth: []}]
paths:
  /thing:
    get:
      operationId: get_thing
      responses: {'200': {description: ok}}
components:
  securitySchemes:
    bearerAuth:
      type: http
      scheme: bearer
      description: Bearer token authentication. Use your CometAPI key.
"""

AddPage = Callable[..., register.Entry]


@pytest.fixture
def add_page(workspace: Workspace) -> AddPage:
    """Add a page to those of the repository, with a correct entry in the register."""

    def add(text: str = PAGE, method: str = "GET", path: str = "/thing") -> register.Entry:
        content = text.encode()
        entry = register.Entry(
            "x/get-thing.openapi.json", method, path, register.sha256(content), "page"
        )
        (workspace.vendor / entry.file_name).write_bytes(content)
        workspace.register.write_bytes(
            register.render_register([*register.read_register(workspace), entry])
        )
        return entry

    return add


def test_each_operation_states_how_its_page_was_obtained(workspace: Workspace) -> None:
    document = merge_pages(workspace)
    created = members(at_pointer(document, "/paths/~1runwayml~1v1~1character_performance/post"))
    polled = members(at_pointer(document, "/paths/~1runwayml~1v1~1tasks~1{id}/get"))
    assert members(created["x-page"])["obtained"] == "page"
    assert "x-confidence" not in created
    assert members(polled["x-page"])["obtained"] == "transcribed"
    assert members(polled["x-confidence"])["responses.200.progress"] == "inferred"


def test_another_page_is_merged(workspace: Workspace, add_page: AddPage) -> None:
    before = set(members(merge_pages(workspace)["paths"]))
    add_page()
    assert set(members(merge_pages(workspace)["paths"])) == before | {"/thing"}


def test_two_operations_may_share_a_path(workspace: Workspace, add_page: AddPage) -> None:
    route = "/runwayml/v1/character_performance"
    add_page(PAGE.replace("/thing", route), path=route)
    assert set(members(members(merge_pages(workspace)["paths"])[route])) == {"get", "post"}


def test_the_members_of_a_path_are_kept(workspace: Workspace, add_page: AddPage) -> None:
    add_page(PAGE.replace("  /thing:\n", "  /thing:\n    summary: shared\n"))
    assert at_pointer(merge_pages(workspace), "/paths/~1thing/summary") == "shared"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("get_thing", "control_a_character", "control_a_character is already claimed by openapi/v"),
        ("openapi: 3.1.0", "openapi: 3.0.3", r"openapi is .*3\.1\.0.*|openapi is '3\.0\.3'"),
        ("https://api.", "https://api2.", "servers is .*, the other pages have"),
        ("[{bearerAuth: []}]", "[{other: []}]", "security is .*, the other pages have"),
        ("scheme: bearer", "scheme: basic", "securitySchemes.bearerAuth: differs"),
        ("security: [{bearerAuth: []}]\n", "", "security is missing or empty"),
        ("servers: [{url: 'https://api.cometapi.com'}]\n", "", "servers is missing or empty"),
        ("/thing:", "/things:", "GET /thing: expected an object, found nothing"),
    ],
)
def test_pages_that_contradict_each_other_are_refused(
    workspace: Workspace, add_page: AddPage, old: str, new: str, message: str
) -> None:
    add_page(PAGE.replace(old, new))
    with pytest.raises(ContractError, match=message):
        merge_pages(workspace)


def test_one_operation_has_one_page(workspace: Workspace, add_page: AddPage) -> None:
    route = "/runwayml/v1/character_performance"
    add_page(PAGE.replace("/thing", route).replace("get:", "post:"), "POST", route)
    with pytest.raises(ContractError, match=f"POST {route} is already claimed by openapi/vendor"):
        merge_pages(workspace)


def test_an_edited_vendored_file_is_refused(workspace: Workspace) -> None:
    file = workspace.vendor / "post-control-a-character.openapi.yaml"
    file.write_bytes(file.read_bytes().replace(b"act_two", b"act_three"))
    with pytest.raises(ContractError, match=r"sha256 is \w{64}, pages\.toml says \w{64}; vendored"):
        merge_pages(workspace)


def test_a_missing_vendored_file_is_refused(workspace: Workspace) -> None:
    (workspace.vendor / "post-control-a-character.openapi.yaml").unlink()
    with pytest.raises(ContractError, match=r"listed in pages\.toml, but missing"):
        merge_pages(workspace)


def test_an_unlisted_file_is_refused(workspace: Workspace) -> None:
    (workspace.vendor / "stray.openapi.yaml").write_text(PAGE)
    with pytest.raises(ContractError, match=r"stray\.openapi\.yaml: not listed in pages\.toml"):
        merge_pages(workspace)


def test_without_pages_there_is_no_contract(empty_workspace: Workspace) -> None:
    with pytest.raises(ContractError, match=r"pages\.toml: no page has been vendored yet"):
        merge_pages(empty_workspace)
