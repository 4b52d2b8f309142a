"""Transcriptions: their confidence levels, and their replacement by real pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tools.__main__ import vendor
from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import JsonObject, as_object, at_pointer, members
from contract_tools._common.openapi import operations
from contract_tools._common.workspace import Workspace
from contract_tools.build.contract import build_contract
from contract_tools.build.merge import merge_pages
from contract_tools.pages import register

TASKS_SOURCE = (
    "api/openapi/video/runway/official-format/get-runway-to-get-task-details.openapi.json"
)
PATHS = {
    "GET /runwayml/v1/tasks/{id}",
    "POST /runway/feed",
    "POST /runway/pro/act_one",
    "POST /runway/pro/generate",
    "POST /runway/pro/video2video",
    "POST /runwayml/v1/character_performance",
    "POST /runwayml/v1/image_to_video",
    "POST /runwayml/v1/text_to_image",
    "POST /runwayml/v1/video_to_video",
    "POST /runwayml/v1/video_upscale",
}


def test_every_route_of_the_gateway_is_there(repository: Workspace) -> None:
    document = merge_pages(repository)
    routes = {operation.route for operation in operations(document)}
    assert routes >= PATHS
    assert routes == {entry.route for entry in register.read_register(repository)}


def test_of_the_known_routes_only_the_saved_page_is_marked_as_a_page(
    repository: Workspace,
) -> None:
    listed = register.read_register(repository)
    claimed = {one.file_name for one in listed if one.obtained == "page" and one.route in PATHS}
    assert claimed == {"post-control-a-character.openapi.yaml"}


@pytest.mark.parametrize(
    ("file_name", "part", "level"),
    [
        ("post-upscale-a-video.openapi.yaml", "operationId", "documented"),
        ("post-upscale-a-video.openapi.yaml", "body.model.required", "observed"),
        ("post-generate-an-image-from-text.openapi.yaml", "operationId", "inferred"),
        ("post-generate-an-image-from-text.openapi.yaml", "body.referenceImages[].uri", "upstream"),
        ("post-generate-an-image-from-text.openapi.yaml", "body.contentModeration", "inferred"),
        ("post-image-to-video.openapi.yaml", "body.last_image", "inferred"),
        ("post-runway-images-raw-video.openapi.yaml", "body.ratio", "documented"),
    ],
)
def test_what_no_page_shows_is_not_marked_as_documented(
    repository: Workspace, file_name: str, part: str, level: str
) -> None:
    entry = next(e for e in register.read_register(repository) if e.file_name == file_name)
    assert entry.confidence[part] == level


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"body.seed" = "documented"\n', "", "no level for body.seed$"),
        ('"body.seed" =', '"body.sead" =', "no level for body.seed$"),
        (
            '"body.seed" = "documented"\n',
            '"body.seed" = "documented"\n"body.sead" = "documented"\n',
            "names body.sead, which does not exist",
        ),
        (
            '"responses.200.id" = "documented"\n',
            '"responses.200.id" = "documented"\n"responses.201.id" = "inferred"\n',
            "names responses.201.id, which does not exist",
        ),
        ('"parameters.X-Runway-Version" = "documented"\n', "", "level for parameters.X-Runway-V"),
    ],
)
def test_the_confidence_table_covers_every_field_and_no_other(
    workspace: Workspace, old: str, new: str, message: str
) -> None:
    before, head, tail = workspace.register.read_text("utf-8").partition(
        'path = "/runwayml/v1/image_to_video"'
    )
    assert old in tail
    workspace.register.write_text(before + head + tail.replace(old, new, 1))
    with pytest.raises(ContractError, match=message) as caught:
        merge_pages(workspace)
    assert "post-runway-images-raw-video.openapi.yaml: the confidence table" in str(caught.value)


def test_every_transcription_is_replaced_by_a_page_like_the_saved_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    """With another source name, playground defaults and samples, in another order."""
    committed = build_contract(workspace).document
    for entry in register.read_register(workspace):
        if entry.obtained == "transcribed":
            file = tmp_path / entry.file_name
            file.write_text(as_real_page(workspace, entry), "utf-8")
            report = vendor(workspace, str(file), entry.variant)
            assert report[0] == f"{entry.route}: the page replaces its transcription"
    assert {entry.obtained for entry in register.read_register(workspace)} == {"page"}
    contract = build_contract(workspace)
    assert contract.warnings == ()
    assert contract.document["components"] == committed["components"]
    assert not [one for one in operations(contract.document) if "x-confidence" in one.raw]


def as_real_page(workspace: Workspace, entry: register.Entry) -> str:
    """Return a page as the site writes it, with the content of a transcription."""
    document = register.load_vendored(workspace, entry)
    operation = register.operation_of(document, entry, entry.file_name)
    operation["x-codeSamples"] = [{"lang": "Shell", "source": "curl …"}]
    media = members(members(operation.get("requestBody")).get("content"))
    if media:
        schema = members(members(media["application/json"])["schema"])
        add_defaults(schema)
        schema["default"] = {"model": "prefilled"}
    block = portable_yaml.dump(document)
    source = entry.source.replace("/post-", "/post-the-").replace("/get-", "/get-the-")
    return f"# Page\n\n````yaml {source} {entry.method} {entry.path}\n{block}````\n"


def add_defaults(schema: JsonObject) -> None:
    for name, field in members(schema.get("properties")).items():
        child = as_object(field, name)
        add_defaults(child)
        child["default"] = "prefilled"


# The real page of the task route, whatever its shape, replaces the transcription.

HEAD = """\
openapi: 3.1.0
info: {title: Get Task Details API, version: 1.0.0}
servers:
  - url: https://api.cometapi.com
security:
  - bearerAuth: []
paths:
  /runwayml/v1/tasks/{id}:
    get:
      summary: Poll a Runway official-format task
      operationId: runway_to_get_task_details
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: X-Runway-Version, in: header, schema: {type: string}}
      responses:
        '200':
          description: Current task state.
"""
TAIL = """\
      x-codeSamples: [{lang: Shell, source: curl}]
components:
  securitySchemes:
    bearerAuth:
      type: http
      scheme: bearer
      description: Bearer token authentication. Use your CometAPI key.
"""
RAW = """\
          content:
            application/json:
              schema:
                type: object
                required: [id, status]
                properties:
                  id: {type: string}
                  status: {type: string, enum: [PENDING, RUNNING, SUCCEEDED, FAILED]}
                  progress: {type: number}
              example: {id: a, status: PENDING}
"""
WRAPPED = """\
          content:
            application/json:
              schema:
                type: object
                properties:
                  code: {type: string}
                  data: {type: object, properties: {status: {type: string}}}
              examples: {Default: {value: {code: success, data: {status: QUEUED}}}}
"""
UNTYPED = """\
          content:
            application/json:
              schema: {type: object}
"""
EMPTY = ""


@pytest.mark.parametrize(
    ("response", "source"),
    [
        (RAW, TASKS_SOURCE),
        (WRAPPED, TASKS_SOURCE),
        (UNTYPED, TASKS_SOURCE),
        (EMPTY, TASKS_SOURCE),
        (RAW, TASKS_SOURCE.replace("get-", "poll-", 1)),
    ],
    ids=["raw", "wrapped", "untyped", "empty", "under another name"],
)
def test_the_real_task_page_replaces_the_transcription(
    workspace: Workspace, tmp_path: Path, response: str, source: str
) -> None:
    committed = build_contract(workspace).document
    before = {file.name for file in workspace.vendor.glob("*.yaml")}
    file = tmp_path / "tasks.md"
    block = HEAD + response + TAIL
    file.write_text(
        f"# Get a task\n\n````yaml {source} GET /runwayml/v1/tasks/{{id}}\n{block}````\n"
    )
    report = vendor(workspace, str(file))
    assert report[0] == "GET /runwayml/v1/tasks/{id}: the page replaces its transcription"
    assert len(report) > 2, "the differences to the transcription are reported"
    entry = next(e for e in register.read_register(workspace) if e.method == "GET")
    assert (entry.source, entry.obtained, entry.confidence) == (source, "page", {})
    after = {file.name for file in workspace.vendor.glob("*.yaml")}
    retired = register.vendored_name(TASKS_SOURCE)
    assert after == before - {retired} | {register.vendored_name(source)}
    document = build_contract(workspace).document
    operation = members(at_pointer(document, "/paths/~1runwayml~1v1~1tasks~1{id}/get"))
    assert operation["x-page"] == {"source": source, "obtained": "page"}
    assert "x-confidence" not in operation
    assert document["components"] == committed["components"]
