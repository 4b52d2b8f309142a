"""A new operation is under every law as soon as it is in the contract, with no further code.

The operation is invented; the client for it is generated here, with the repository's own settings.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cometapi_runway.validation import contract

from . import laws
from .breaches import report
from .bridge import FLAVOURS

CONFIG = Path(__file__).parents[2] / "openapi" / "generator.yaml"
PACKAGE = "invented_for_the_contract_suite"
OPERATION = {
    "operationId": "animate_a_still",
    "tags": ["official"],
    "x-resource": "still",
    "security": [{"bearerAuth": []}],
    "parameters": [
        {"name": "Album", "in": "path", "required": True,
         "schema": {"type": "integer", "minimum": 1}},
        {"name": "draft", "in": "query", "schema": {"type": "boolean"}},
        {"name": "X-Trace-Id", "in": "header", "schema": {"type": "string", "minLength": 1}},
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "$ref": "#/components/schemas/StillRequest"}}}},
    "responses": {
        "201": {"description": "made", "content": {"application/json": {"schema": {
            "$ref": "#/components/schemas/Still"}}}},
        "409": {"description": "busy", "content": {"application/json": {"schema": {
            "type": "array", "items": {"$ref": "#/components/schemas/Still"}}}}},
    },
}  # fmt: skip
SCHEMAS = {
    "StillRequest": {
        "type": "object",
        "required": ["promptText", "frames"],
        "properties": {
            "promptText": {"type": "string", "minLength": 1, "maxLength": 100},
            "frames": {"type": "array", "minItems": 1, "items": {
                "$ref": "#/components/schemas/Still"}},
            "motion": {"type": "string", "enum": ["pan", "zoom"]},
            "strength": {"type": "number", "minimum": 0, "maximum": 1},
            "note": {"type": ["string", "null"]},
        },
    },
    "Still": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}, "shotAt": {"type": ["integer", "null"]}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def document():
    whole = copy.deepcopy(dict(contract().document))
    whole["paths"]["/runwayml/v1/albums/{Album}/stills"] = {"post": OPERATION}
    whole["components"]["schemas"].update(SCHEMAS)
    return whole


@pytest.fixture(scope="module")
def invented(document, tmp_path_factory):
    """A bench of the contract with the invented operation and the client generated from it."""
    folder = tmp_path_factory.mktemp("invented")
    generate(document, folder)
    sys.path.insert(0, str(folder))
    with laws.bench(document, PACKAGE) as ready:
        yield ready
    sys.path.remove(str(folder))


def generate(document, folder):
    source = folder / "contract.json"
    source.write_text(json.dumps(document), "utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-m", "openapi_python_client", "generate", "--meta", "none",
         "--fail-on-warning", "--path", source, "--config", CONFIG,
         "--output-path", folder / PACKAGE],
        env={"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])},
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_its_calls_are_held_to_the_contract(invented, flavour):
    operation = invented.contract.operation(OPERATION["operationId"])
    laws.prepare(invented, operation)
    calls = laws.calls(invented.source, operation)
    assert len(calls) > 20
    report(laws.call_breach(invented, operation, flavour, call) for call in calls
           if laws.check_call(invented, operation, flavour, call))  # fmt: skip


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_its_answers_are_held_to_the_contract(invented, flavour):
    operation = invented.contract.operation(OPERATION["operationId"])
    call = laws.calls(invented.source, operation)[0]
    report(laws.answer_breach(invented, operation, flavour, status, drawn, call)
           for status, drawn in laws.answers(invented.source, operation)
           if laws.check_answer(invented, operation, flavour, status, drawn.value, call)
           )  # fmt: skip


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        (("properties", "motion", "enum", ["pan"]), "/motion must be one of"),
        (("properties", "promptText", "maxLength", 3), "/promptText must have at most 3"),
        (("required", ["promptText", "frames", "mood"]), "/mood is required"),
    ],
    ids=["a value gone", "a bound moved", "a field required"],
)
def test_a_contract_that_moved_on_without_the_client_is_noticed(invented, document, moved, words):
    """The calls drawn for the old contract, judged by one that has changed since."""
    changed = copy.deepcopy(document)
    *way, last, value = moved
    holder = changed["components"]["schemas"]["StillRequest"]
    for step in way:
        holder = holder[step]
    holder[last] = value
    newer = type(invented.contract)(changed)
    operation = newer.operation(OPERATION["operationId"])
    laws.prepare(invented, operation)
    found = []
    for call in laws.calls(invented.source, invented.contract.operation(operation.id)):
        invented.wire.take()
        invented.bridge.call(operation, "sync", call.arguments)
        found += laws.check_sent(newer, operation, call, invented.wire.take())
    assert any(words in one for one in found), found[:3]
