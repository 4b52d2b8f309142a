"""Both clients of the wrapper send valid requests with the arguments of the call."""

from __future__ import annotations

import json

import pytest

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._settings import BASE_URL_VARIABLE

from .checks.failures import raise_failures
from .checks.harness import valid_requests
from .checks.wrapper_checks import (
    check_create_request,
    check_retrieve_request,
    create_failure,
    expressible_requests,
    requested_task_id,
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
