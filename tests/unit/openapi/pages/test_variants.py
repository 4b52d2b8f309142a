"""Several pages for one operation: only with variants, and each replaceable by its real page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contract_tools.__main__ import main, vendor
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import JsonObject, at_pointer, entries, members
from contract_tools._common.workspace import Workspace
from contract_tools.build.contract import build_contract
from contract_tools.build.merge import merge_pages
from contract_tools.pages import register, variants

Snapshot = Callable[[Path], dict[str, bytes]]

TEXT, IMAGE = "CompatTextToVideoRequest", "CompatImageToVideoRequest"
FOLDER = "api/openapi/video/runway/compatibility-format/"
ROUTE = "POST /runway/pro/generate"
GENERATE = "/paths/~1runway~1pro~1generate/post"


@pytest.fixture
def save_page(workspace: Workspace, tmp_path: Path) -> Callable[..., str]:
    """Save a page with a vendored block, in which each (old, new) pair is replaced once."""

    def save(variant: str, *edits: tuple[str, str], source: str = FOLDER + "post-real") -> str:
        entry = next(one for one in register.read_register(workspace) if one.variant == variant)
        block = (workspace.vendor / entry.file_name).read_text("utf-8")
        for old, new in edits:
            assert old in block
            block = block.replace(old, new, 1)
        file = tmp_path / "page.md"
        file.write_text(f"# Page\n\n````yaml {source}.openapi.json {ROUTE}\n{block}````\n")
        return str(file)

    return save


def pages(workspace: Workspace) -> dict[str, tuple[str, str]]:
    """Return the source of each variant, and how it was obtained."""
    return {
        one.variant: (one.source, one.obtained)
        for one in register.read_register(workspace)
        if one.route == ROUTE
    }


def generate_of(document: JsonObject) -> JsonObject:
    return members(at_pointer(document, GENERATE))


def test_each_body_is_a_component_and_the_operation_takes_any(workspace: Workspace) -> None:
    document = merge_pages(workspace)
    operation = generate_of(document)
    schema = at_pointer(operation, "/requestBody/content/application~1json/schema")
    assert members(schema) == {
        "anyOf": [
            {"$ref": f"#/components/schemas/{TEXT}"},
            {"$ref": f"#/components/schemas/{IMAGE}"},
        ]
    }
    assert "style" in entries(at_pointer(document, f"/components/schemas/{TEXT}/required"))
    assert "image" in entries(at_pointer(document, f"/components/schemas/{IMAGE}/required"))
    shown = members(at_pointer(operation, "/requestBody/content/application~1json/examples"))
    assert list(shown) == [f"{TEXT} Default", f"{IMAGE} Default"]


def test_the_operation_says_how_each_of_its_pages_was_obtained(workspace: Workspace) -> None:
    operation = generate_of(merge_pages(workspace))
    found = {name: members(page)["obtained"] for name, page in members(operation["x-page"]).items()}
    assert found == {TEXT: "transcribed", IMAGE: "transcribed"}
    confidence = members(members(operation["x-confidence"])[IMAGE])
    assert confidence["body.last_image"] == "inferred"
    assert operation["operationId"] == "generate"


@pytest.mark.parametrize("variant", [TEXT, IMAGE])
def test_the_real_page_replaces_the_transcription_of_its_variant(
    workspace: Workspace, save_page: Callable[..., str], variant: str
) -> None:
    before = pages(workspace)
    committed = build_contract(workspace).document
    file = save_page(variant, ("summary:", "deprecated: false\n      summary:"))
    report = vendor(workspace, file, variant)
    assert report[0] == f"{ROUTE}: the page replaces its transcription"
    source = FOLDER + "post-real.openapi.json"
    assert pages(workspace) == {**before, variant: (source, "page")}
    document = build_contract(workspace).document
    operation = generate_of(document)
    assert members(operation["x-page"])[variant] == {"source": source, "obtained": "page"}
    assert list(members(operation["x-confidence"])) == [v for v in (TEXT, IMAGE) if v != variant]
    assert document["components"] == committed["components"]
    assert operation["operationId"] == generate_of(committed)["operationId"]


def test_a_listed_source_keeps_its_variant(
    workspace: Workspace, save_page: Callable[..., str], snapshot: Snapshot
) -> None:
    file = save_page(IMAGE, source=FOLDER + "post-image-to-video")
    vendor(workspace, file)
    assert pages(workspace)[IMAGE] == (FOLDER + "post-image-to-video.openapi.json", "page")
    before = snapshot(workspace.root)
    stored = "openapi/vendor/post-image-to-video.openapi.yaml"
    assert vendor(workspace, file) == [f"{stored}: unchanged"]
    assert snapshot(workspace.root) == before


def test_a_new_page_must_state_its_variant(
    workspace: Workspace, save_page: Callable[..., str], snapshot: Snapshot
) -> None:
    before = snapshot(workspace.root)
    with pytest.raises(ContractError) as caught:
        vendor(workspace, save_page(IMAGE))
    assert f"{ROUTE} is already claimed by" in str(caught.value)
    assert "state which variant this page describes (--variant NAME" in str(caught.value)
    assert snapshot(workspace.root) == before


def test_a_third_page_needs_a_variant_and_a_resource(
    workspace: Workspace, save_page: Callable[..., str]
) -> None:
    report = vendor(workspace, save_page(IMAGE), "CompatExtendRequest")
    assert report[0] == f"{ROUTE}: new page, operationId image_to_video"
    assert set(pages(workspace)) == {TEXT, IMAGE, "CompatExtendRequest"}
    with pytest.raises(ContractError, match="x-resource must name each of the body's schemas"):
        build_contract(workspace)


def test_an_operation_of_one_page_takes_no_variant(
    workspace: Workspace, write_page: Callable[..., str], snapshot: Snapshot
) -> None:
    before = snapshot(workspace.root)
    file = write_page(("post-control-a-character.openapi", "post-other.openapi"))
    with pytest.raises(ContractError, match=r"character_performance is already claimed by \S+$"):
        vendor(workspace, file, "OtherRequest")
    assert snapshot(workspace.root) == before


@pytest.mark.parametrize("name", ["other", "other_request", "Other Request", "../Other", "Ö"])
def test_a_variant_is_named_like_a_class(
    workspace: Workspace, save_page: Callable[..., str], name: str
) -> None:
    with pytest.raises(ContractError, match="a variant must be named like a class, is "):
        vendor(workspace, save_page(IMAGE), name)
    listed = workspace.register.read_text("utf-8")
    assert IMAGE in listed
    workspace.register.write_text(listed.replace(f'"{IMAGE}"', f'"{name}"'))
    with pytest.raises(ContractError, match=r"pages\.toml: page \d+: variant: a variant must"):
        register.read_register(workspace)


def test_two_pages_of_one_variant_are_refused(workspace: Workspace) -> None:
    register = workspace.register.read_text("utf-8")
    workspace.register.write_text(register.replace(IMAGE, TEXT))
    with pytest.raises(ContractError, match=f"{ROUTE} is already claimed by openapi/vendor/post-"):
        merge_pages(workspace)


def test_a_page_without_a_body_is_no_variant(
    workspace: Workspace, save_page: Callable[..., str], snapshot: Snapshot
) -> None:
    before = snapshot(workspace.root)
    media = "        content:\n          application/json:\n"
    file = save_page(IMAGE, (media, media.replace("application/json", "text/plain")))
    with pytest.raises(ContractError, match=f"variant {IMAGE} needs a JSON body to name"):
        vendor(workspace, file, IMAGE)
    assert snapshot(workspace.root) == before


def test_a_variant_does_not_hide_a_component_of_its_page(
    workspace: Workspace, save_page: Callable[..., str]
) -> None:
    schemas = f"components:\n  schemas:\n    {IMAGE}: {{type: object}}\n"
    with pytest.raises(ContractError, match=f"variant {IMAGE} is already a component"):
        vendor(workspace, save_page(IMAGE, ("components:\n", schemas)), IMAGE)


def test_the_command_line_takes_the_variant(
    workspace: Workspace, save_page: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = save_page(TEXT)
    assert main(["vendor", file], workspace) == 1
    assert "--variant" in capsys.readouterr().err
    assert main(["vendor", file, "--variant", TEXT], workspace) == 0
    assert pages(workspace)[TEXT][1] == "page"


def test_each_example_is_named_after_its_variant() -> None:
    one, two = {"example": {"a": 1}}, {"examples": {"Default": {"value": {"a": 2}}}}
    assert variants._examples({}, "V") == {}
    assert variants._examples(one, "V") == {"examples": {"V": {"value": {"a": 1}}}}
    assert variants._examples(two, "V") == {"examples": {"V Default": {"value": {"a": 2}}}}
    assert list(members(variants._examples({**one, **two}, "V")["examples"])) == ["V Default", "V"]
