"""Every operation of the gateway: the call in Python, the request and the task."""

from __future__ import annotations

import pytest

from cometapi_runway import InvalidRequestError
from cometapi_runway.validation import contract

from ..support.both_clients import ID, KEY, ClientHarness
from ..support.operation_cases import CASES, ENDED, OUTPUT, OperationCase, each, make
from ..support.scripted_transport import json_reply


def test_every_pair_of_method_and_path_has_its_story() -> None:
    told = {("POST", case.path) for case in CASES}
    reads = {("GET", "/runwayml/v1/tasks/{id}"), ("POST", "/runway/feed")}
    assert told | reads == {(one.method, one.path) for one in contract().operations}


@each
def test_the_request(case: OperationCase, harness: ClientHarness) -> None:
    task = make(harness, case)
    (sent,) = harness.network.sent
    assert (sent.method, sent.url.path, sent.url.query) == ("POST", case.path, b"")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-runway-version"] == "2024-11-06"
    assert sent.headers["content-type"] == "application/json"
    seed = {"seed": task.seed} if case.seeded else {}
    assert sent.json == case.body | seed
    # The page that is strictest about it ends at this number.
    assert task.seed in range(10**9) if case.seeded else task.seed is None
    assert (task.id, task.status, task.route) == (ID, "PENDING", case.route)


@each
def test_the_task_is_polled_where_its_kind_is_known(
    case: OperationCase, harness: ClientHarness
) -> None:
    task = make(harness, case)
    harness.respond_with(json_reply(ENDED[case.route]))
    ended = harness.run(task.wait())
    assert (ended.status, ended.output, ended.operation) == ("SUCCEEDED", (OUTPUT,), task.operation)
    poll = harness.network.sent[1]
    if case.route == "feed":
        assert (poll.method, poll.url.path, poll.json) == ("POST", "/runway/feed", {"task_id": ID})
    else:
        assert (poll.method, poll.url.path) == ("GET", f"/runwayml/v1/tasks/{ID}")
    assert poll.headers["x-runway-version"] == "2024-11-06"


@each
def test_the_options_of_one_call(case: OperationCase, harness: ClientHarness) -> None:
    options = {
        "runway_version": "2030-01-01",
        "extra_headers": {"X-Note": "one"},
        "extra_body": {"cfgScale": 0.5},
    }
    make(harness, case, **options, timeout=7)
    (sent,) = harness.network.sent
    assert sent.headers["x-runway-version"] == "2030-01-01"
    assert sent.headers["x-note"] == "one"
    assert sent.json.items() >= case.body.items()
    assert sent.json["cfgScale"] == 0.5


@each
def test_fields_newer_than_the_contract_go_into_extra_body(
    case: OperationCase, harness: ClientHarness
) -> None:
    field = next(iter(case.body))
    newer = {"extra_body": {field: {"newer": True}}}
    with pytest.raises(InvalidRequestError, match=f"/{field}"):
        make(harness, case, **newer)
    assert harness.network.sent == []
    make(harness, case, **newer, validate=False)
    assert harness.network.sent[0].json[field] == {"newer": True}


@each
def test_an_argument_that_is_missing_is_named(case: OperationCase, harness: ClientHarness) -> None:
    for name in case.least:
        rest = {key: value for key, value in case.least.items() if key != name}
        with pytest.raises(InvalidRequestError, match=f"{name}: {case.resource} requires") as no:
            harness.run(case.on(harness.client).create(**rest))
        assert [(issue.path, issue.rule) for issue in no.value.issues] == [(name, "required")]
    assert harness.network.sent == []


@each
def test_an_argument_that_is_misspelt_is_named(case: OperationCase, harness: ClientHarness) -> None:
    name = next(iter(case.least))
    with pytest.raises(InvalidRequestError, match=f"did you mean {name!r}"):
        make(harness, case, **{name + "s": "x"})
    assert harness.network.sent == []
