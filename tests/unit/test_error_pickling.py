"""Errors of waits cross process boundaries."""

from __future__ import annotations

import pickle

import pytest

from cometapi_runway import (
    RunwayError,
    TaskFailedError,
)

from .support.both_clients import ID, ClientHarness
from .support.fault_table import RUNNING
from .support.scripted_transport import json_reply


def test_an_error_of_a_wait_crosses_processes(harness: ClientHarness) -> None:
    """A task that knows its client would not: pools pickle what a worker raises."""
    failed = json_reply({"id": ID, "status": "FAILED", "failure": "no", "failureCode": "X.Y"})
    harness.respond_with(RUNNING, failed)
    task = harness.run(harness.client.tasks.retrieve(ID))
    with pytest.raises(TaskFailedError) as caught:
        harness.run(task.wait())
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert isinstance(again, TaskFailedError)
    assert (again.task_id, again.task_details.failure) == (ID, "no")
    assert str(again) == str(caught.value)


def test_every_error_of_many_waits_crosses_processes(harness: ClientHarness) -> None:
    harness.respond_with(json_reply({"error": {"message": "no", "code": ""}}, 401))
    for task in harness.run(harness.client.tasks.wait_all(["a", ".."])):
        assert isinstance(pickle.loads(pickle.dumps(task.error)), RunwayError)  # noqa: S301
