"""What is asked of the wrapper is what it sends, in both clients."""

from __future__ import annotations

import json

import pytest

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._settings import BASE_URL_VARIABLE

from . import laws
from .breaches import report
from .bridge import squeeze
from .wrapped import WAYS, keywords, property_names, resources
from .wrapper_laws import (
    asked_id,
    check_create,
    check_question,
    create_breach,
    prepare,
    question_breach,
    sayable,
    serves,
)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_asked_is_sent(bench, wrapped, creating, way):
    prepare(bench, creating)
    serving = serves(wrapped, way, creating)
    assert serving, f"{creating.id}: no resource of the {way} client serves it"
    for name, signature in serving:
        calls = sayable(bench, signature)
        assert calls, f"{creating.id}: no drawn body can be said with {name}'s arguments"
        report(create_breach(bench, wrapped, way, name, call) for call in calls
               if check_create(bench, wrapped, way, name, call))  # fmt: skip


def test_both_clients_send_the_same(bench, wrapped, creating):
    prepare(bench, creating)
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


def test_whoever_names_no_address_asks_the_contract_s_server(bench, monkeypatch):
    monkeypatch.delenv(BASE_URL_VARIABLE, raising=False)
    for kind in (RunwayClient, AsyncRunwayClient):
        assert kind("sk-contract-suite").settings.base_url == bench.contract.servers[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_question_about_a_task_is_sent_as_asked(bench, wrapped, reading, way):
    prepare(bench, reading)
    for call in laws.calls(bench.source, reading):
        if check_question(bench, wrapped, reading, way, asked_id(bench, reading, call)):
            report(iter([question_breach(bench, wrapped, reading, way, call)]))


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
