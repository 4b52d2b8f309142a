"""Every JSON object is a task or an error of the package."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given

from cometapi_runway._core.task import Task
from cometapi_runway.errors import ResponseDecodeError

from ..support.both_clients import ID
from ..support.parsing import created_id_from, task_from
from ..support.strategies import deterministic, json_objects


@deterministic
@given(payload=json_objects)
def test_every_object_is_a_task_or_an_error_of_the_package(payload: dict[str, Any]) -> None:
    for known in (None, Task(ID, "PENDING")):
        try:
            task = task_from(payload, known)
        except ResponseDecodeError as error:
            str(error).encode()
            continue
        assert task.id
        assert task.status
        assert task.progress is None or 0 <= task.progress <= 1
        assert all(one.lower().startswith(("http://", "https://")) for one in task.output)
        assert task.created_at is None or task.created_at.tzinfo is not None
        assert task.status != "SUCCEEDED" or task.output
        repr(task).encode()
        json.dumps([task.id, task.status, task.failure], ensure_ascii=False).encode()


@deterministic
@given(payload=json_objects)
def test_every_creation_is_an_id_or_an_error_of_the_package(payload: dict[str, Any]) -> None:
    try:
        assert created_id_from(payload)
    except ResponseDecodeError as error:
        str(error).encode()
