"""A new operation is tested by every check once it is in the contract, without further code.

The operation is invented; its client is generated here with the settings of this repository.
"""

from __future__ import annotations

import copy
import sys

import pytest

from cometapi_runway.validation import contract

from .checks.failures import raise_failures
from .checks.generated_checks import (
    check_request,
    check_response,
    compare_request,
    request_failure,
    response_failure,
)
from .checks.harness import open_harness, respond_with_success, valid_requests, valid_responses
from .coverage import coverage_thresholds
from .coverage.covering_source import CoveringSource
from .drivers.generated_driver import FLAVOURS
from .generation.value_source import KEPT_VALUES
from .generator_issues.example_client import generate
from .page_audit.claims import collect_claims
from .reporting.html_page import render_page
from .reporting.report_data import build_report
from .reporting.results import ContractRun

PACKAGE = "invented_for_the_contract_suite"
# In the operation itself, as pages have it; the bodies of the contract are components.
BODY = {
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
}  # fmt: skip
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
    "requestBody": {"required": True, "content": {"application/json": {"schema": BODY}}},
    "x-codeSamples": [{"lang": "Shell", "source": """
        curl -H "Authorization: Bearer $COMETAPI_KEY" \\
            "https://api.cometapi.com/runwayml/v1/albums/7/stills?draft=maybe" \\
            --json '{"promptText": "a cat", "frames": [], "motion": "pan"}'"""}],
    "responses": {
        "201": {"description": "made", "content": {"application/json": {"schema": {
            "$ref": "#/components/schemas/Still"}}}},
        "409": {"description": "busy", "content": {"application/json": {"schema": {
            "type": "array", "items": {"$ref": "#/components/schemas/Still"}}}}},
    },
}  # fmt: skip
SCHEMAS = {
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
    """A harness for the contract with the invented operation, and its generated client."""
    folder = tmp_path_factory.mktemp("invented")
    run = generate(document, PACKAGE, folder, "--fail-on-warning")
    assert run.code == 0, run.output
    sys.path.insert(0, str(folder))
    with open_harness(document, PACKAGE, CoveringSource(document, KEPT_VALUES)) as ready:
        yield ready
    sys.path.remove(str(folder))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_requests_of_the_new_operation_are_checked(invented, flavour):
    operation = invented.contract.operation(OPERATION["operationId"])
    respond_with_success(invented, operation)
    requests = valid_requests(invented.source, operation)
    assert len(requests) > 20
    raise_failures(request_failure(invented, operation, flavour, request) for request in requests
           if check_request(invented, operation, flavour, request))  # fmt: skip


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_responses_of_the_new_operation_are_checked(invented, flavour):
    operation = invented.contract.operation(OPERATION["operationId"])
    request = valid_requests(invented.source, operation)[0]
    raise_failures(response_failure(invented, operation, flavour, status, drawn, request)
           for status, drawn in valid_responses(invented.source, operation)
           if check_response(invented, operation, flavour, status, drawn.value, request)
           )  # fmt: skip


def test_coverage_of_the_new_operation_is_reported(invented, pytestconfig):
    operation = invented.contract.operation(OPERATION["operationId"])
    requests = valid_requests(invented.source, operation)
    respond_with_success(invented, operation)
    for request in requests:
        check_request(invented, operation, "sync", request)
    for status, drawn in valid_responses(invented.source, operation):
        check_response(invented, operation, "sync", status, drawn.value, requests[0])
    run = ContractRun(pytestconfig, invented.contract)
    points = [one for one in invented.coverage.points if one.operation == operation.id]
    run.coverage = coverage_thresholds.evaluate_coverage(
        points, invented.coverage.as_json(), {"requests": 1, "responses": 1}, ()
    )
    assert run.coverage.problems == ()
    labels = {str(one).partition(": ")[2] for one in points}
    assert {"query: (root) lacks draft", "query: /draft is true", "path: /Album at 1",
            'body: /motion is "zoom"', "body: /frames at 1 items", "body: /note is of type null",
            "body: /frames/* has shotAt", "409 application/json: is empty"} <= {
        one.replace("(root) is", "is") for one in labels}  # fmt: skip
    page = render_page(build_report(run))
    assert '<a href="#op-animate_a_still">client.<wbr>still</a>' in page
    assert '<span class="soft id">animate_<wbr>a_<wbr>still</span>' in page
    assert "/runwayml/v1/albums/{Album}/stills" in page


def test_code_samples_of_the_new_operation_are_audited(invented):
    whole = invented.contract
    operation = whole.operation(OPERATION["operationId"])
    found = {(one.place, one.message) for one in collect_claims(whole, whole, operation, operation)
             if one.holds(whole, operation)}  # fmt: skip
    assert found == {
        ("sample Shell", 'query parameter draft must be true or false (type), got "maybe"'),
        ("sample Shell", "/frames must have at least 1 item (minItems), got a list of 0"),
        ("body /frames/*/shotAt", "a number without bounds"),
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("properties", "motion", "enum", ["pan"]), "/motion must be one of"),
        (("properties", "promptText", "maxLength", 3), "/promptText must have at most 3"),
        (("required", ["promptText", "frames", "mood"]), "/mood is required"),
    ],
    ids=["enum value removed", "bound changed", "field required"],
)
def test_a_contract_that_changes_without_the_client_is_detected(
    invented, document, change, message
):
    """Requests drawn for the old contract are checked against a changed one."""
    changed = copy.deepcopy(document)
    *parents, last, value = change
    operation = changed["paths"]["/runwayml/v1/albums/{Album}/stills"]["post"]
    holder = operation["requestBody"]["content"]["application/json"]["schema"]
    for step in parents:
        holder = holder[step]
    holder[last] = value
    newer = type(invented.contract)(changed)
    operation = newer.operation(OPERATION["operationId"])
    respond_with_success(invented, operation)
    found = []
    for request in valid_requests(invented.source, invented.contract.operation(operation.id)):
        invented.transport.take_requests()
        invented.driver.call(operation, "sync", request.arguments)
        found += compare_request(newer, operation, request, invented.transport.take_requests())
    assert any(message in one for one in found), found[:3]
