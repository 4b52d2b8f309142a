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

from . import laws, mirror, st
from .conftest import READS
from .mirror.app import DESCRIPTION, Mirror
from .mirror.doors import Creating, doors
from .wire import Sent
from .wrapped import resources

CONFIG = Path(mirror.__file__).with_name("schemathesis.toml")
FUZZ = 3


@pytest.fixture(scope="module")
def reflected(bench, wrapped):
    return Mirror(bench.contract, doors(bench, wrapped, READS))


@pytest.fixture(scope="module")
def tester(reflected):
    return st.Tester(reflected, DESCRIPTION, CONFIG)


def test_what_is_asked_of_the_mirror_comes_back(reflected, tester, operation):
    doors = [one for one in reflected.doors.values() if one.operation.id == operation.id]
    assert doors, f"{operation.id} has no door"
    for door in doors:
        statuses = Counter()
        for status, found in tester.tried(operation.method, door.prefix + operation.path, FUZZ):
            statuses[status] += 1
            assert not found, f"{operation.id}, {door.prefix}: {found}"
        # A mirror that refuses everything, or nothing, would show nothing.
        assert statuses[200] >= 2, (door.prefix, statuses)
        assert statuses[405] >= 1, (door.prefix, statuses)
        if isinstance(door, Creating):
            assert statuses[422] >= 10, (door.prefix, statuses)


def test_links_lead_from_a_created_task_to_the_question_about_it(tester):
    tester.walk(scenarios=5)


def test_every_operation_and_every_resource_is_a_door(bench, wrapped, reflected):
    served = [(one.prefix, one.operation.id) for one in reflected.doors.values()]
    wanted = [("/generated", one.id) for one in bench.contract.operations]
    wanted += [(f"/wrapper/{name}", signature.operation)
               for name, signature in resources(wrapped.clients["blocking"])]  # fmt: skip
    wanted += [(f"/wrapper/{one.resource}", one.id) for one in bench.contract.operations
               if one.resource in READS]  # fmt: skip
    assert sorted(served) == sorted(wanted)


def ask(reflected, bench, door, **changed):
    """A right request to a door, with parts of it changed."""
    operation = door.operation
    call = laws.calls(bench.source, operation)[0].arguments
    parts = {
        "method": operation.method,
        "url": f"http://mirror{door.prefix}{operation.path}",
        "headers": {str(k): str(v) for k, v in call.get("header", {}).items()},
        "json": call.get("body"),
        **changed,
    }
    for name, value in call.get("path", {}).items():
        parts["url"] = parts["url"].replace(f"{{{name}}}", value)
    return reflected.answer(Sent.of(httpx.Request(**parts)))


class Liar:
    """A door whose client answers as told."""

    def __init__(self, door, *verdicts):
        self.prefix, self.operation = door.prefix, door.operation
        self.drive = lambda call, blamed: iter(verdicts)


SAME = mirror.doors.Verdict("same", answer={"id": "1"})


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([SAME, SAME], 200),
        ([SAME, mirror.doors.Verdict("same", answer={"id": "2"})], 500),
        ([SAME, mirror.doors.Verdict("refused", "no")], 500),
        ([mirror.doors.Verdict("refused", "no")], 422),
        ([mirror.doors.Verdict("changed", "another")], 422),
        ([mirror.doors.Verdict("different", "/seed: asked 1, sent 2")], 500),
    ],
)
def test_the_status_says_how_the_client_did(bench, reflected, verdicts, status):
    name, door = next(iter(reflected.doors.items()))
    reflected.doors[name] = Liar(door, *verdicts)
    try:
        reply = ask(reflected, bench, door)
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
def test_what_no_call_could_ask_for_is_refused(bench, reflected, changed, words):
    door = next(one for one in reflected.doors.values() if one.operation.body_required)
    if changed.get("content", b"")[:1] == b"{":
        changed = {**changed, "headers": {"Content-Type": "application/json"}}
    reply = ask(reflected, bench, door, **changed)
    assert (reply.status, words in reply.body["refused"]) == (422, True), reply.body


def test_addresses_that_are_no_operation_s_are_not_found(reflected):
    for path, status in (("/", 404), ("/generated", 404), (DESCRIPTION, 200)):
        sent = Sent.of(httpx.Request("GET", f"http://mirror{path}"))
        assert reflected.answer(sent).status == status, path


def test_a_client_that_sends_something_else_is_found_out(bench, reflected, monkeypatch):
    door = next(one for one in reflected.doors.values() if one.operation.body_required)
    module = bench.bridge.module(door.operation)
    honest = module._get_kwargs

    def forgetful(**arguments):
        return {**honest(**arguments), "url": "/elsewhere"}

    assert ask(reflected, bench, door).status == 200
    monkeypatch.setattr(module, "_get_kwargs", forgetful)
    reply = ask(reflected, bench, door)
    assert reply.status == 500
    assert "has no POST /elsewhere" in reply.body["different"]


def test_the_command_line_runs_against_it(tmp_path):
    only = ["--include-operation-id-regex", r"^generated\..*tasks?"]
    run = [sys.executable, "-m", "tests.contract.mirror", "--phases", "coverage", *only,
           "--report-dir", tmp_path]  # fmt: skip
    root = Path(mirror.__file__).parents[3]
    paths = os.pathsep.join(str(root / one) for one in ("wrapper", "generated"))
    done = subprocess.run(run, cwd=root, env={**os.environ, "PYTHONPATH": paths},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout
    assert list(tmp_path.glob("junit*.xml"))
