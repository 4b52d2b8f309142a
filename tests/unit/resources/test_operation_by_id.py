"""Calling an operation by its id."""

from __future__ import annotations

import inspect
import json
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError
from cometapi_runway.resources import _signatures as signatures
from cometapi_runway.resources._client_resources import list_client_resources
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import Contract, contract

from ..support.both_clients import ID, ClientHarness
from ..support.contracts import make_contract
from ..support.operation_cases import (
    ACCEPTED,
    CASES,
    IMAGE,
    VIDEO,
    OperationCase,
    body,
    each,
    snake,
)
from ..support.scripted_transport import json_reply

SHARED = {"x-resource": {"a_clip": "Clip", "a_face": "Face"}}


@each
def test_an_operation_is_called_by_its_id(case: OperationCase, harness: ClientHarness) -> None:
    signature = case.on(harness.client).signature
    harness.respond_with(json_reply(ACCEPTED[case.route]))
    wanted = case.body | ({"seed": 7} if case.seeded else {})
    said = {snake(field): value for field, value in wanted.items()}
    task = harness.run(harness.client.operation(signature.operation).create(**said))
    (sent,) = harness.network.sent
    assert (sent.url.path, sent.json) == (case.path, wanted)
    assert (task.id, task.route, task.operation) == (ID, case.route, signature.operation)


def test_an_operation_by_its_id_fills_in_nothing(harness: ClientHarness) -> None:
    create = harness.client.operation("generate_an_image_from_text").create
    with pytest.raises(InvalidRequestError) as no:
        harness.run(create(prompt_text="a cat"))
    assert {issue.path for issue in no.value.issues} == {"ratio", "model", "reference_images"}


@each_case(
    ("operation", "words"),
    [
        ("upscale_video", "did you mean 'upscale_a_video'"),
        ("", "use one of"),
        (None, "use one of"),
        ("feed_get_task", "creates no task"),
        ("runway_to_get_task_details", "creates no task"),
    ],
)
def test_an_unknown_operation_is_refused(
    operation: Any, words: str, harness: ClientHarness
) -> None:
    with pytest.raises(InvalidRequestError, match=words) as no:
        harness.client.operation(operation)
    assert [(one.path, one.rule) for one in no.value.issues] == [("operation_id", "unknown")]


def test_models_may_stand_for_objects(harness: ClientHarness) -> None:
    models = pytest.importorskip("cometapi_runway_api.models")
    create = harness.client.operation("generate_a_video_from_a_video").create
    harness.respond_with(json_reply(ACCEPTED["tasks"]))
    said = {"video_uri": VIDEO, "prompt_text": "x", "model": "m", "ratio": "1:1"}
    harness.run(create(**said, references=[models.VideoReference("image", IMAGE)]))
    assert harness.network.sent[0].json["references"] == [{"type": "image", "uri": IMAGE}]
    sent = body(
        harness,
        "text_to_image",
        reference_images=[models.ReferenceImage(IMAGE, tag="cat")],
        content_moderation=models.ContentModeration("low"),
    )
    assert sent["referenceImages"] == [{"uri": IMAGE, "tag": "cat"}]
    assert sent["contentModeration"] == {"publicFigureThreshold": "low"}


def test_every_signature_is_on_the_clients(harness: ClientHarness) -> None:
    known = {one.name for one in vars(signatures).values() if isinstance(one, Signature)}
    assert known == {case.resource for case in CASES}


def test_an_operation_without_a_signature_of_its_own_is_found_by_its_id() -> None:
    document: Any = json.loads(json.dumps(contract().document))
    path = json.dumps(document["paths"]["/runwayml/v1/text_to_image"])
    new = path.replace("generate_an_image_from_text", "new").replace("text_to_image", "brand_new")
    document["paths"]["/runwayml/v1/brand_new"] = json.loads(new)
    found = {one.operation.id: one for one in list_client_resources(Contract(document))}
    client: Any = SimpleNamespace(operation=lambda name: f"by id: {name}", text_to_image="written")
    assert found["new"].get_from(client) == "by id: new"
    assert found["generate_an_image_from_text"].get_from(client) == "written"
    signature = found["new"].signature
    assert signature.operation == "new"
    *_, options = inspect.signature(signature.build).parameters.values()
    assert str(options) == "**call_options: 'Unpack[CallOptions]'"


@each_case(
    ("operation", "expected"),
    [
        ({}, {"it": ""}),
        ({"summary": "Make it."}, {"it": "Make it."}),
        ({"summary": "Make it.", "description": "More."}, {"it": "Make it.\n\nMore."}),
        (
            {"summary": "Make it.", "description": "More.", **SHARED},
            {"a_clip": "A clip.\n\nMake it.\n\nMore.", "a_face": "A face: make it.\n\nMore."},
        ),
        (
            {"description": "More.", **SHARED},
            {"a_clip": "A clip.\n\nMore.", "a_face": "A face\n\nMore."},
        ),
    ],
)
def test_a_resource_is_described_as_its_page_does(
    operation: dict[str, Any], expected: dict[str, str]
) -> None:
    schemas = {"Clip": {"description": "A clip."}, "Face": {}}
    found = list_client_resources(make_contract({}, schemas=schemas, **operation))
    assert {one.attribute: one.description for one in found} == expected
