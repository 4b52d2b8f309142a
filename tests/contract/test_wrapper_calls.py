"""What is asked of the wrapper is what it sends, in both clients."""

from __future__ import annotations

import json

import pytest

from cometapi_runway.validation._document import resolve

from . import laws
from .bridge import squeeze
from .compare import differences
from .wire import complaints, read_back
from .wrapped import WAYS, keywords, property_names, resources


@pytest.mark.parametrize("way", WAYS)
def test_what_is_asked_is_sent(bench, wrapped, creating, way):
    laws.prepare(bench, creating)
    serving = serves(wrapped, way, creating)
    assert serving, f"{creating.id}: no resource of the {way} client serves it"
    for name, signature in serving:
        found = failures(bench, wrapped, way, name, signature)
        laws.report(creating, f"{name}.create, {way}", found)


def serves(wrapped, way, operation):
    every = resources(wrapped.clients[way])
    return [(name, one) for name, one in every if one.operation == operation.id]


def failures(bench, wrapped, way, name, signature):
    operation = bench.contract.operation(signature.operation)
    tried = 0
    for call in laws.calls(bench.source, operation):
        given = keywords(bench.contract, signature, call.arguments["body"])
        if given is None:
            continue
        tried += 1
        given["runway_version"] = call.arguments.get("header", {}).get("X-Runway-Version")
        outcome = wrapped.create(way, name, given)
        if found := wrong(bench, operation, signature, call, outcome):
            yield f"{name}.create(**{given!r:.800})\n  drawn: {call.origin}", found
    if not tried:
        yield "no drawn body can be said with its arguments", ["nothing was tried"]


def wrong(bench, operation, signature, call, outcome):
    if outcome.error is not None:
        return [f"refused: {type(outcome.error).__name__}: {outcome.error}"]
    if len(outcome.sent) != 1:
        return [f"{len(outcome.sent)} requests were sent instead of one"]
    sent = outcome.sent[0]
    back = read_back(bench.contract, operation, sent)
    asked = call.arguments["body"]
    filled = {key: value for key, value in back["body"].items() if key not in asked}
    arguments = {squeeze(name) for name in signature.parameters}
    found = complaints(bench.contract, operation, sent)
    found += differences(asked, {k: v for k, v in back["body"].items() if k in asked})
    found += [f"/{key}: not asked, sent" for key in filled if squeeze(key) not in arguments]
    found += [f"header {one}" for one in differences(call.arguments["header"], back["header"])]
    return found


def test_both_clients_send_the_same(bench, wrapped, creating):
    laws.prepare(bench, creating)
    for name, signature in serves(wrapped, "blocking", creating):
        for call in laws.calls(bench.source, creating):
            given = keywords(bench.contract, signature, call.arguments["body"])
            if given is None:
                continue
            one, other = (wrapped.create(way, name, given) for way in WAYS)
            # A seed that nobody chose is a fresh one each time.
            assert [plain(sent, call) for sent in one.sent] == [
                plain(sent, call) for sent in other.sent
            ], f"{creating.id}: {name}.create(**{given!r:.600})"


def plain(sent, call):
    body = json.loads(sent.content)
    if "seed" not in call.arguments["body"]:
        body.pop("seed", None)
    kept = sorted((k.lower(), v) for k, v in sent.headers if k.lower() != "content-length")
    return sent.method, sent.url, kept, body


@pytest.mark.parametrize("way", WAYS)
def test_a_question_about_a_task_is_sent_as_asked(bench, wrapped, reading, way):
    def failures():
        for call in laws.calls(bench.source, reading):
            task_id = asked_id(bench, reading, call)
            outcome = wrapped.read(way, reading.resource, task_id)
            found = [f"refused: {outcome.error}"] * (not outcome.sent)
            for sent in outcome.sent:
                found += complaints(bench.contract, reading, sent)
                back = read_back(bench.contract, reading, sent)
                if task_id not in {*back["path"].values(), *(back.get("body") or {}).values()}:
                    found.append(f"asked about {task_id!r}, sent {sent.url}")
            if len(outcome.sent) > 1:
                found.append(f"{len(outcome.sent)} requests were sent")
            if found:
                yield f"task id {task_id!r}, drawn: {call.origin}", found

    laws.prepare(bench, reading)
    laws.report(reading, way, failures())


def asked_id(bench, operation, call):
    """The one thing a question about a task must say: its id, in the path or in the body."""
    if "path" in call.arguments:
        (value,) = call.arguments["path"].values()
        return value
    (name,) = resolve(bench.contract.document, operation.body_schema)["required"]
    return call.arguments["body"][name]


def test_every_resource_has_the_name_that_the_contract_gives_it(bench, wrapped):
    for way in WAYS:
        found = list(resources(wrapped.clients[way]))
        assert found, f"the {way} client has no resources"
        for name, signature in found:
            operation = bench.contract.operation(signature.operation)
            group, _, own = name.rpartition(".")
            # Two resources may share a compatibility route, which has the name of only one.
            assert own == operation.resource or group == operation.tag, (
                f"{name} serves {operation.id}, which the contract calls {operation.resource}"
            )


def test_arguments_are_the_declared_fields_in_snake_case(bench, wrapped, creating):
    """What a signature requires, the contract requires; what it names, the contract has."""
    names = property_names(bench.contract.document, creating.body_schema)
    declared = {squeeze(key) for key in names}
    for name, signature in serves(wrapped, "blocking", creating):
        unknown = {one for one in signature.parameters if squeeze(one) not in declared}
        assert not unknown, f"{creating.id}: {name}.create has {unknown}, the contract does not"
