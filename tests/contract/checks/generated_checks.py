"""What must hold between the contract and the client generated from it, for every operation."""

from __future__ import annotations

import json
from collections.abc import Iterator

import attrs
import httpx

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Contract, Operation

from ..drivers import generated_driver
from ..drivers.request_capture import (
    PARAMETER_LOCATIONS,
    SentRequest,
    find_request_issues,
    parameter_schema,
    parse_request,
)
from ..generation.value_source import DrawnValue
from ..json_diff import find_differences
from .failures import ContractFailure, add_field_names, format_test
from .harness import Harness, RequestArguments, component_properties, validity_test
from .shrinking import shrink
from .unions import find_wrong_branches


def check_request(
    harness: Harness, operation: Operation, flavour: str, request: RequestArguments
) -> list[str]:
    """The arguments are sent unchanged, once, and the request is valid."""
    harness.transport.take_requests()
    try:
        harness.driver.call(operation, flavour, request.arguments)
    except Exception as error:  # any exception is a failure
        return [f"{type(error).__name__}: {error}"]
    sent = harness.transport.take_requests()
    found = compare_request(harness.contract, operation, request, sent)
    if not found:
        harness.coverage.record_request(operation, sent[0], "generated")
    return found


def compare_request(
    contract: Contract, operation: Operation, request: RequestArguments, sent: list[SentRequest]
) -> list[str]:
    """Compare the recorded requests with the arguments of the call."""
    if len(sent) != 1:
        return [f"{len(sent)} requests were sent instead of one"]
    found = find_request_issues(contract, operation, sent[0])
    parsed = parse_request(contract, operation, sent[0])
    if "body" in request.arguments or "body" in parsed:
        found += find_differences(request.arguments.get("body"), parsed.get("body"))
    for location in PARAMETER_LOCATIONS:
        given = {name: _text(value) for name, value in request.arguments.get(location, {}).items()}
        found += [f"{location} {one[1:]}" for one in find_differences(given, parsed[location])]
    return found


def _text(value: JSON) -> JSON:
    return value if isinstance(value, str) else json.dumps(value)


def check_response(
    harness: Harness,
    operation: Operation,
    flavour: str,
    status: int,
    body: JSON,
    request: RequestArguments,
) -> list[str]:
    """A documented response is parsed without loss, in every flavour."""
    harness.respond_with(status, body)
    harness.transport.take_requests()
    try:
        result = harness.driver.call(operation, flavour, request.arguments)
        found = list(_find_losses(harness, operation, flavour, status, body, result))
    except Exception as error:  # any exception is a failure
        return [f"{type(error).__name__}: {error}"]
    if not found:
        content = json.dumps(body).encode()
        harness.coverage.record_response(
            operation, status, "application/json", content, "generated"
        )
    return found


def _find_losses(
    harness: Harness, operation: Operation, flavour: str, status: int, body: JSON, result: object
) -> Iterator[str]:
    if flavour.endswith("detailed"):
        yield from _wrong_details(result, harness.scripted.make())
        result = result.parsed
    if result is None:
        yield "the response was not parsed"
        return
    yield from find_differences(body, generated_driver.to_json(result))
    yield from find_unmodelled_properties(harness, result)
    yield from find_wrong_branches(
        harness.contract, operation.response(status).schema, body, result
    )
    returned = harness.driver.module(operation)._parse_response.__annotations__["return"]
    yield from generated_driver.find_type_mismatches(harness.driver, returned, result)


def _wrong_details(result: object, received: httpx.Response) -> Iterator[str]:
    if result.status_code != received.status_code:
        yield f"status_code is {result.status_code}"
    if result.content != received.content:
        yield "content differs from the received bytes"
    if result.headers != received.headers:
        yield "headers differ from the received ones"


def find_unmodelled_properties(harness: Harness, parsed: object, path: str = "") -> Iterator[str]:
    """Declared properties that are not attributes of their model.

    A property that the model lost survives the round trip in `additional_properties`.
    """
    if isinstance(parsed, list):
        for index, item in enumerate(parsed):
            yield from find_unmodelled_properties(harness, item, f"{path}/{index}")
    if not attrs.has(type(parsed)):
        return
    declared = component_properties(harness.contract, type(parsed).__name__)
    for name in getattr(parsed, "additional_properties", {}):
        if name in declared:
            yield f"{path}/{name} is declared but not modelled in {type(parsed).__name__}"
    for one in attrs.fields(type(parsed)):
        if one.init:
            yield from find_unmodelled_properties(
                harness, getattr(parsed, one.name), f"{path}/{one.name}"
            )


def request_failure(
    harness: Harness, operation: Operation, flavour: str, request: RequestArguments
) -> ContractFailure:
    """A failed request check with the smallest arguments that fail."""
    valid = {location: validity_test(harness.contract, schema)
             for location in PARAMETER_LOCATIONS
             if (schema := parameter_schema(operation, location))}  # fmt: skip
    if operation.body_schema is not None:
        valid["body"] = validity_test(harness.contract, operation.body_schema)

    def fails(arguments: JSON) -> bool:
        is_valid = arguments.keys() == request.arguments.keys() and all(
            valid[location](value) for location, value in arguments.items()
        )
        return is_valid and bool(
            check_request(harness, operation, flavour, RequestArguments(arguments, ""))
        )

    small = RequestArguments(shrink(request.arguments, fails), "shrunk")
    found = check_request(harness, operation, flavour, small)
    return ContractFailure(
        operation.id, flavour, tuple(found), request.origin, json.dumps(small.arguments),
        harness.last_curl(),
        format_test(f"{operation.id} {flavour}", "harness",
                f'operation = harness.contract.operation("{operation.id}")\n'
                "respond_with_success(harness, operation)\n"
                'request = RequestArguments(arguments, "shrunk")',
                f'generated_checks.check_request(harness, operation, "{flavour}", request)',
                arguments=small.arguments),
    )  # fmt: skip


def response_failure(
    harness: Harness,
    operation: Operation,
    flavour: str,
    status: int,
    drawn: DrawnValue,
    request: RequestArguments,
) -> ContractFailure:
    """A failed response check with the smallest body that fails."""
    is_valid = validity_test(harness.contract, operation.response(status).schema)

    def fails(body: JSON) -> bool:
        return is_valid(body) and bool(
            check_response(harness, operation, flavour, status, body, request)
        )

    small = shrink(drawn.value, fails)
    others = (one.value for one in harness.source.valid(operation.response(status).schema))
    found = add_field_names(
        check_response(harness, operation, flavour, status, small, request), small, others,
        lambda body: is_valid(body) and not fails(body),
    )  # fmt: skip
    return ContractFailure(
        operation.id, flavour, found, f"response {status} by {drawn.origin}",
        f"HTTP {status} {json.dumps(small)}",
        harness.last_curl(),
        format_test(f"{operation.id} {flavour} status {status}", "harness",
                f'operation = harness.contract.operation("{operation.id}")\n'
                "request = valid_requests(harness.source, operation)[0]",
                "generated_checks.check_response(\n"
                f'    harness, operation, "{flavour}", {status}, body, request\n)',
                body=small),
    )  # fmt: skip
