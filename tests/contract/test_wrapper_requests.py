"""Both clients of the wrapper send valid requests with the arguments of the call."""

from __future__ import annotations

import copy
import inspect
import json
import re

import pytest

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._settings import BASE_URL_VARIABLE
from cometapi_runway.validation import resolve_reference

from .checks.failures import raise_failures
from .checks.harness import valid_requests
from .checks.wrapper_checks import (
    check_create_request,
    check_retrieve_request,
    create_failure,
    expressible_requests,
    requested_task_id,
    resource_schema,
    resources_for,
    respond_with_task,
    retrieve_failure,
)
from .drivers.generated_driver import API_KEY, normalize_name
from .drivers.wrapper_driver import (
    CLIENT_KINDS,
    body_to_arguments,
    client_resources,
    top_level_properties,
)

UNIONS = ("allOf", "anyOf", "oneOf")


@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
def test_arguments_are_sent_unchanged(harness, wrapper, creating, client_kind):
    respond_with_task(harness, creating)
    resources = resources_for(wrapper, client_kind, creating)
    assert resources, f"{creating.id}: the {client_kind} client has no resource for it"
    for name, signature in resources:
        requests = expressible_requests(harness, signature)
        assert requests, f"{creating.id}: {name}.create can express no drawn body"
        raise_failures(create_failure(harness, wrapper, client_kind, name, request)
               for request in requests
               if check_create_request(harness, wrapper, client_kind, name, request))  # fmt: skip


def test_both_clients_send_the_same_request(harness, wrapper, creating):
    respond_with_task(harness, creating)
    for name, signature in resources_for(wrapper, "sync", creating):
        for request in valid_requests(harness.source, creating):
            arguments = body_to_arguments(harness.contract, signature, request.arguments["body"])
            if arguments is None:
                continue
            one, other = (
                wrapper.create(client_kind, name, arguments) for client_kind in CLIENT_KINDS
            )
            # Without a seed argument each call draws a new seed.
            assert [comparable(sent, request) for sent in one.sent] == [
                comparable(sent, request) for sent in other.sent
            ], f"{creating.id}: {name}.create(**{arguments!r:.600})"


def comparable(sent, request):
    body = json.loads(sent.content)
    if "seed" not in request.arguments["body"]:
        body.pop("seed", None)
    headers = sorted((k.lower(), v) for k, v in sent.headers if k.lower() != "content-length")
    return sent.method, sent.url, headers, body


def test_the_default_base_url_is_the_contract_server(harness, monkeypatch):
    monkeypatch.delenv(BASE_URL_VARIABLE, raising=False)
    for kind in (RunwayClient, AsyncRunwayClient):
        assert kind(API_KEY).settings.base_url == harness.contract.servers[0]


@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
def test_retrieve_sends_the_task_id(harness, wrapper, reading, client_kind):
    respond_with_task(harness, reading)
    for request in valid_requests(harness.source, reading):
        if check_retrieve_request(
            harness, wrapper, reading, client_kind, requested_task_id(harness, reading, request)
        ):
            raise_failures(
                iter([retrieve_failure(harness, wrapper, reading, client_kind, request)])
            )


def test_resources_have_the_contract_names(harness, wrapper):
    for client_kind in CLIENT_KINDS:
        found = list(client_resources(wrapper.clients[client_kind]))
        assert found, f"the {client_kind} client has no resources"
        for name, signature in found:
            operation = harness.contract.operation(signature.operation)
            group, _, own = name.rpartition(".")
            # Two resources may share a compatibility route, which has the name of one of them.
            assert own == operation.resource or group == operation.tag, (
                f"{name} sends {operation.id}, which the contract names {operation.resource}"
            )


def test_create_arguments_are_declared_fields_in_snake_case(harness, wrapper, creating):
    """Every parameter of `create` is a field that the contract declares."""
    names = top_level_properties(harness.contract.document, creating.body_schema)
    declared = {normalize_name(key) for key in names}
    for name, signature in resources_for(wrapper, "sync", creating):
        unknown = {one for one in signature.parameters if normalize_name(one) not in declared}
        assert not unknown, f"{creating.id}: {name}.create has undeclared arguments {unknown}"


def test_documented_bounds_are_those_of_the_contract(harness, wrapper, creating):
    """A docstring that says "1 to 5" repeats the contract, and changes with it."""
    document = harness.contract.document
    for _, signature in resources_for(wrapper, "sync", creating):
        assert list(outdated_bounds(document, signature)) == []


def test_a_narrowed_bound_makes_its_docstring_outdated(harness, wrapper):
    seen = 0
    for name, signature in client_resources(wrapper.clients["sync"]):
        schema = resource_schema(signature)
        for argument, _, last in documented_bounds(signature):
            document = copy.deepcopy(dict(harness.contract.document))
            for key, field in top_level_fields(document, schema):
                if normalize_name(key) == normalize_name(argument):
                    narrow(document, field, last)
            (found,) = outdated_bounds(document, signature)
            assert found.startswith(f"{name}.create documents {argument} as ")
            seen += 1
    assert seen >= 3


def narrow(document, schema, last):
    """Lower an upper bound by one, wherever a schema has it."""
    schema = resolve_reference(document, schema)
    schema |= {key: last - 1 for key in ("maximum", "maxLength") if schema.get(key) == last}
    for union in UNIONS:
        for branch in schema.get(union, ()):
            narrow(document, branch, last)


def outdated_bounds(document, signature):
    """The ranges in a docstring that are not the contract's, each in a sentence."""
    fields = list(top_level_fields(document, resource_schema(signature)))
    for argument, first, last in documented_bounds(signature):
        bounds = [one for key, field in fields if normalize_name(key) == normalize_name(argument)
                  for one in stated_bounds(document, field)]  # fmt: skip
        lows, highs = (
            {one for one in side if one is not None} for side in zip(*bounds, strict=True)
        )
        if first not in lows or last not in highs:
            low, high = (" or ".join(map(str, sorted(side))) for side in (lows, highs))
            yield (f"{signature.name}.create documents {argument} as {first} to {last}, "
                   f"the contract allows {low} to {high}")  # fmt: skip


def documented_bounds(signature):
    """Each argument whose documentation holds a range, with the range."""
    text = inspect.getdoc(signature.build) or ""
    for block in re.split(r"\n    (?=\w+: )", text):
        argument, _, words = block.partition(": ")
        found = (
            re.search(r"\b(\d+) to (\d+)\b", words) if argument in signature.parameters else None
        )
        if found:
            yield argument, int(found[1]), int(found[2])


def top_level_fields(document, schema):
    """The top-level fields of a schema and of all its branches, with their schemas."""
    schema = resolve_reference(document, schema)
    yield from schema.get("properties", {}).items()
    for union in UNIONS:
        for branch in schema.get(union, ()):
            yield from top_level_fields(document, branch)


def stated_bounds(document, schema):
    """Both bounds of numbers and of lengths, in a schema and its branches."""
    schema = resolve_reference(document, schema)
    for first, last in (("minimum", "maximum"), ("minLength", "maxLength")):
        if first in schema or last in schema:
            yield schema.get(first), schema.get(last)
    for union in UNIONS:
        for branch in schema.get(union, ()):
            yield from stated_bounds(document, branch)
