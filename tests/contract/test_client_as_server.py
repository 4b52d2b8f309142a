"""schemathesis tests a server that is the client: every request comes back as the client sends it.

The command line does the same with more patience: `make contract-deep`.
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
from .client_as_server.endpoints import CreateEndpoint, make_endpoints
from .conftest import READS
from .drivers.request_capture import SentRequest
from .drivers.wrapper_driver import client_resources
from .generation import value_source

CONFIG = Path(client_as_server.__file__).with_name("schemathesis.toml")
FUZZ = 3


@pytest.fixture(scope="module")
def reflected(harness, wrapper):
    return ClientServer(harness.contract, make_endpoints(harness, wrapper, READS))


@pytest.fixture(scope="module")
def tester(reflected):
    return value_source.ServerTester(reflected, DOCUMENT_PATH, CONFIG)


def test_every_endpoint_passes_schemathesis(reflected, tester, operation):
    make_endpoints = [one for one in reflected.doors.values() if one.operation.id == operation.id]
    assert make_endpoints, f"{operation.id} has no door"
    for door in make_endpoints:
        statuses = Counter()
        for status, found in tester.tried(operation.method, door.prefix + operation.path, FUZZ):
            statuses[status] += 1
            assert not found, f"{operation.id}, {door.prefix}: {found}"
        # A mirror that refuses everything, or nothing, would show nothing.
        assert statuses[200] >= 2, (door.prefix, statuses)
        assert statuses[405] >= 1, (door.prefix, statuses)
        if isinstance(door, CreateEndpoint):
            assert statuses[422] >= 10, (door.prefix, statuses)


def test_links_lead_from_a_created_task_to_its_status(tester):
    tester.walk(scenarios=5)


def test_every_operation_and_resource_has_an_endpoint(harness, wrapper, reflected):
    served = [(one.prefix, one.operation.id) for one in reflected.doors.values()]
    wanted = [("/generated", one.id) for one in harness.contract.operations]
    wanted += [(f"/wrapper/{name}", signature.operation)
               for name, signature in client_resources(wrapper.clients["blocking"])]  # fmt: skip
    wanted += [(f"/wrapper/{one.resource}", one.id) for one in harness.contract.operations
               if one.resource in READS]  # fmt: skip
    assert sorted(served) == sorted(wanted)


def ask(reflected, harness, door, **changed):
    """A right request to a door, with parts of it changed."""
    operation = door.operation
    call = valid_requests(harness.source, operation)[0].arguments
    parts = {
        "method": operation.method,
        "url": f"http://mirror{door.prefix}{operation.path}",
        "headers": {str(k): str(v) for k, v in call.get("header", {}).items()},
        "json": call.get("body"),
        **changed,
    }
    for name, value in call.get("path", {}).items():
        parts["url"] = parts["url"].replace(f"{{{name}}}", value)
    return reflected.answer(SentRequest.of(httpx.Request(**parts)))


class Liar:
    """A door whose client answers as told."""

    def __init__(self, door, *verdicts):
        self.prefix, self.operation = door.prefix, door.operation
        self.drive = lambda call, blamed: iter(verdicts)


SAME = client_as_server.doors.Verdict("same", answer={"id": "1"})


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([SAME, SAME], 200),
        ([SAME, client_as_server.doors.Verdict("same", answer={"id": "2"})], 500),
        ([SAME, client_as_server.doors.Verdict("refused", "no")], 500),
        ([client_as_server.doors.Verdict("refused", "no")], 422),
        ([client_as_server.doors.Verdict("changed", "another")], 422),
        ([client_as_server.doors.Verdict("different", "/seed: asked 1, sent 2")], 500),
    ],
)
def test_the_status_reflects_the_client_results(harness, reflected, verdicts, status):
    name, door = next(iter(reflected.doors.items()))
    reflected.doors[name] = Liar(door, *verdicts)
    try:
        reply = ask(reflected, harness, door)
    finally:
        reflected.doors[name] = door
    assert reply.status == status
    assert all(one.words in json.dumps(reply.body) for one in verdicts)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"json": None, "content": b"{"}, "is no JSON"),
        ({"json": None, "content": b'{"seed": NaN}'}, "NaN"),
        ({"json": None, "content": b"seed=1"}, "cannot be asked for"),
        ({"params": {"limit": "1"}}, "there is no query parameter limit"),
        ({"headers": [("X-Runway-Version", "1"), ("X-Runway-Version", "2")]}, "given twice"),
    ],
    ids=["half a body", "NaN", "a form", "a strange parameter", "a header twice"],
)
def test_requests_that_no_call_can_express_are_rejected(harness, reflected, changed, words):
    door = next(one for one in reflected.doors.values() if one.operation.body_required)
    if changed.get("content", b"")[:1] == b"{":
        changed = {**changed, "headers": {"Content-Type": "application/json"}}
    reply = ask(reflected, harness, door, **changed)
    assert (reply.status, words in reply.body["refused"]) == (422, True), reply.body


def test_unknown_paths_are_not_found(reflected):
    for path, status in (("/", 404), ("/generated", 404), (DOCUMENT_PATH, 200)):
        sent = SentRequest.of(httpx.Request("GET", f"http://mirror{path}"))
        assert reflected.answer(sent).status == status, path


def test_a_changed_request_is_detected(harness, reflected, monkeypatch):
    door = next(one for one in reflected.doors.values() if one.operation.body_required)
    module = harness.driver.module(door.operation)
    honest = module._get_kwargs

    def forgetful(**arguments):
        return {**honest(**arguments), "url": "/elsewhere"}

    assert ask(reflected, harness, door).status == 200
    monkeypatch.setattr(module, "_get_kwargs", forgetful)
    reply = ask(reflected, harness, door)
    assert reply.status == 500
    assert "has no POST /elsewhere" in reply.body["different"]


def test_the_schemathesis_command_line_passes(tmp_path):
    only = ["--include-operation-id-regex", r"^generated\..*tasks?"]
    run = [sys.executable, "-m", "tests.contract.mirror", "--phases", "coverage", *only,
           "--report-dir", tmp_path]  # fmt: skip
    root = Path(client_as_server.__file__).parents[3]
    paths = os.pathsep.join(str(root / one) for one in ("wrapper", "generated"))
    done = subprocess.run(run, cwd=root, env={**os.environ, "PYTHONPATH": paths},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout
    assert list(tmp_path.glob("junit*.xml"))
