"""Every response that the contract shows for reading a task is understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import APIStatusError, TaskNotFoundError
from cometapi_runway.validation import contract, resolve_reference

from ..support.both_clients import ClientHarness
from ..support.scripted_transport import json_reply

DOCUMENT = contract().document
READS = [one for one in contract().operations if one.resource in {"tasks", "feed"}]


def shown_examples(media: Any) -> Iterator[tuple[str, Any]]:
    """The examples of a response, and of each schema that it may have."""
    for name, example in media["examples"].items():
        yield name, example["value"]
    for branch in media["schema"]["anyOf"]:
        schema = resolve_reference(DOCUMENT, branch)
        if "example" in schema:
            yield branch["$ref"].rpartition("/")[2], schema["example"]


EXAMPLES = [
    pytest.param(operation.resource, value, id=f"{operation.resource}-{name}")
    for operation in READS
    for name, value in shown_examples(
        operation.document["responses"]["200"]["content"]["application/json"]
    )
]


def find_id(example: Any) -> str | None:
    """The id of the task that an example describes; None if it describes none."""
    record = example.get("data") if "code" in example else example
    return (record.get("task_id") or record.get("id")) if isinstance(record, dict) else None


def test_both_reads_have_examples() -> None:
    assert {one.resource for one in READS} == {"tasks", "feed"}
    assert {find_id(example.values[1]) is None for example in EXAMPLES} == {True, False}


@each_case(("resource", "example"), EXAMPLES)
def test_every_documented_example_of_a_read_parses_into_a_task(
    resource: str, example: Any, harness: ClientHarness
) -> None:
    client = harness.client
    tasks = client.tasks if resource == "tasks" else client.compat.tasks
    task_id = find_id(example)
    harness.respond_with(json_reply(example))
    if task_id is None:
        with pytest.raises((TaskNotFoundError, APIStatusError)):
            harness.run(tasks.retrieve("a-task"))
    else:
        task = harness.run(tasks.retrieve(task_id))
        assert (task.id, task.raw) == (task_id, example)


def test_a_task_without_a_status_is_waited_for(harness: ClientHarness) -> None:
    """The feed's page requires an id only; so the gateway knows the task, and does not say more."""
    url = "https://example.com/output.mp4"
    harness.respond_with(
        json_reply({"task_id": "a-task"}),
        json_reply({"task_id": "a-task", "status": "SUCCESS", "result_url": url}),
    )
    seen: list[str] = []
    task = harness.run(
        harness.client.compat.tasks.wait("a-task", on_update=lambda task: seen.append(task.status))
    )
    assert task.output == (url,)
    assert seen == ["UNKNOWN", "SUCCEEDED"]
