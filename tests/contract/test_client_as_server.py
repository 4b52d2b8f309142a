"""schemathesis tests the client through a server that repeats each request with the client.

`make contract-deep` does the same with more requests, on the command line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from . import client_as_server
from .checks.harness import valid_requests
from .client_as_server.app import DOCUMENT_PATH, ClientServer
from .client_as_server.endpoints import CreateEndpoint, EndpointResult, make_endpoints
from .client_as_server.in_process import BASE_URL, make_session
from .conftest import ROUTES
from .drivers.request_capture import SentRequest
from .drivers.wrapper_driver import client_resources
from .generation import value_source

CONFIG = Path(client_as_server.__file__).with_name("schemathesis.toml")
EXAMPLES = 3


@pytest.fixture(scope="module")
def server(harness, wrapper):
    return ClientServer(harness.contract, make_endpoints(harness, wrapper, ROUTES))


@pytest.fixture(scope="module")
def tester(server):
    return value_source.ServerTester(server.document, BASE_URL, make_session(server), CONFIG)


def test_every_endpoint_passes_schemathesis(server, tester, operation):
    endpoints = [one for one in server.endpoints.values() if one.operation.id == operation.id]
    assert endpoints, f"{operation.id} has no endpoint"
    for endpoint in endpoints:
        statuses = Counter()
        for status, found in tester.test_operation(
            operation.method, endpoint.prefix + operation.path, EXAMPLES
        ):
            statuses[status] += 1
            assert not found, f"{operation.id}, {endpoint.prefix}: {found}"
        # A server that rejected everything, or nothing, would prove nothing.
        assert statuses[200] >= 2, (endpoint.prefix, statuses)
        assert statuses[405] >= 1, (endpoint.prefix, statuses)
        if isinstance(endpoint, CreateEndpoint):
            assert statuses[422] >= 10, (endpoint.prefix, statuses)


def test_links_lead_from_a_created_task_to_its_status(tester):
    tester.follow_links(scenarios=5)


def test_every_operation_and_resource_has_an_endpoint(harness, wrapper, server):
    served = [(one.prefix, one.operation.id) for one in server.endpoints.values()]
    wanted = [("/generated", one.id) for one in harness.contract.operations]
    wanted += [(f"/wrapper/{name}", signature.operation)
               for name, signature in client_resources(wrapper.clients["sync"])]  # fmt: skip
    wanted += [(f"/wrapper/{one.resource}", one.id) for one in harness.contract.operations
               if one.resource in ROUTES]  # fmt: skip
    assert sorted(served) == sorted(wanted)


def send(server, harness, endpoint, **changed):
    """Send a valid request to an endpoint, with some parts changed."""
    operation = endpoint.operation
    arguments = valid_requests(harness.source, operation)[0].arguments
    parts = {
        "method": operation.method,
        "url": f"{BASE_URL}{endpoint.prefix}{operation.path}",
        "headers": {str(k): str(v) for k, v in arguments.get("header", {}).items()},
        "json": arguments.get("body"),
        **changed,
    }
    for name, value in arguments.get("path", {}).items():
        parts["url"] = parts["url"].replace(f"{{{name}}}", value)
    return server.respond(SentRequest.of(httpx.Request(**parts)))


class FakeEndpoint:
    """An endpoint with given results."""

    def __init__(self, endpoint, *results):
        self.prefix, self.operation = endpoint.prefix, endpoint.operation
        self.call = lambda request, issues: iter(results)


SAME = EndpointResult("same", response={"id": "1"})


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([SAME, SAME], 200),
        ([SAME, EndpointResult("same", response={"id": "2"})], 500),
        ([SAME, EndpointResult("rejected", "no")], 500),
        ([EndpointResult("rejected", "no")], 422),
        ([EndpointResult("changed", "another")], 422),
        ([EndpointResult("different", "/seed: expected 1, got 2")], 500),
    ],
)
def test_the_status_reflects_the_client_results(harness, server, results, status):
    name, endpoint = next(iter(server.endpoints.items()))
    server.endpoints[name] = FakeEndpoint(endpoint, *results)
    try:
        reply = send(server, harness, endpoint)
    finally:
        server.endpoints[name] = endpoint
    assert reply.status == status
    assert all(one.message in json.dumps(reply.body) for one in results)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"json": None, "content": b"{"}, "is not JSON"),
        ({"json": None, "content": b'{"seed": NaN}'}, "NaN"),
        ({"json": None, "content": b"seed=1"}, "is not supported"),
        ({"params": {"limit": "1"}}, "there is no query parameter limit"),
        ({"headers": [("X-Runway-Version", "1"), ("X-Runway-Version", "2")]}, "is repeated"),
    ],
    ids=["truncated body", "NaN", "form", "unknown parameter", "repeated header"],
)
def test_requests_that_no_call_can_express_are_rejected(harness, server, changed, message):
    endpoint = next(one for one in server.endpoints.values() if one.operation.body_required)
    if changed.get("content", b"")[:1] == b"{":
        changed = {**changed, "headers": {"Content-Type": "application/json"}}
    reply = send(server, harness, endpoint, **changed)
    assert (reply.status, message in reply.body["rejected"]) == (422, True), reply.body


def test_unknown_paths_are_not_found(server):
    for path, status in (("/", 404), ("/generated", 404), (DOCUMENT_PATH, 200)):
        sent = SentRequest.of(httpx.Request("GET", f"{BASE_URL}{path}"))
        assert server.respond(sent).status == status, path


def test_a_changed_request_is_detected(harness, server, monkeypatch):
    endpoint = next(one for one in server.endpoints.values() if one.operation.body_required)
    module = harness.driver.module(endpoint.operation)
    original = module._get_kwargs

    def changed(**arguments):
        return {**original(**arguments), "url": "/elsewhere"}

    assert send(server, harness, endpoint).status == 200
    monkeypatch.setattr(module, "_get_kwargs", changed)
    reply = send(server, harness, endpoint)
    assert reply.status == 500
    assert "has no POST /elsewhere" in reply.body["different"]


def test_the_schemathesis_command_line_passes(tmp_path):
    only = ["--include-operation-id-regex", r"^generated\..*tasks?"]
    run = [sys.executable, "-m", "tests.contract.client_as_server", "--phases", "coverage", *only,
           "--report-dir", tmp_path]  # fmt: skip
    root = Path(client_as_server.__file__).parents[3]
    paths = os.pathsep.join(str(root / one) for one in ("wrapper", "generated"))
    done = subprocess.run(run, cwd=root, env={**os.environ, "PYTHONPATH": paths},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout
    assert list(tmp_path.glob("junit*.xml"))
