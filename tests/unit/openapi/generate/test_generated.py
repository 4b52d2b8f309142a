"""The generated package as the wrapper needs it."""

from __future__ import annotations

import inspect
import typing

import attrs
import pytest

from cometapi_runway_api.api.official import control_a_character, runway_to_get_task_details
from cometapi_runway_api.client import AuthenticatedClient
from cometapi_runway_api.models.character_performance_request import CharacterPerformanceRequest
from cometapi_runway_api.models.known_record_status import KNOWN_RECORD_STATUS_VALUES
from cometapi_runway_api.models.known_task_status import KNOWN_TASK_STATUS_VALUES
from cometapi_runway_api.models.task import Task
from cometapi_runway_api.models.task_envelope import TaskEnvelope
from cometapi_runway_api.types import UNSET

TWINS = ("sync", "sync_detailed", "asyncio", "asyncio_detailed")


@pytest.mark.parametrize("word", [*sorted(KNOWN_TASK_STATUS_VALUES), "A_NEW_WORD", "succeeded", ""])
def test_a_task_of_any_status_is_parsed(word: str) -> None:
    body = {"id": "a", "status": word, "progress": "5%", "output": None, "extra": {"kept": 1}}
    task = Task.from_dict(body)
    assert task.status == word
    assert task.to_dict() == body


@pytest.mark.parametrize("word", [*sorted(KNOWN_RECORD_STATUS_VALUES), "A_NEW_WORD", "3"])
@pytest.mark.parametrize("inner", [None, {"id": "a", "status": "ODD"}, {"no": "task"}])
def test_an_envelope_of_any_status_is_parsed(word: str, inner: dict[str, str] | None) -> None:
    body = {"code": "success", "data": {"task_id": "a", "status": word, "data": inner}}
    envelope = TaskEnvelope.from_dict(body)
    assert envelope.data.status == word
    assert envelope.to_dict() == body


def test_no_default_is_added_to_a_request() -> None:
    optional = {f.name for f in attrs.fields(CharacterPerformanceRequest) if f.default is UNSET}
    assert optional == {"body_control", "expression_intensity", "seed", "content_moderation"}
    required = ["character", "reference", "model", "ratio"]
    fields = attrs.fields(CharacterPerformanceRequest)
    assert [f.name for f in fields if f.default is attrs.NOTHING] == required


@pytest.mark.parametrize("twin", TWINS)
def test_calls_need_a_key_and_creates_need_a_version(twin: str) -> None:
    create = inspect.signature(getattr(control_a_character, twin)).parameters
    read = inspect.signature(getattr(runway_to_get_task_details, twin)).parameters
    assert create["x_runway_version"].default is inspect.Parameter.empty
    assert read["x_runway_version"].default is UNSET
    for module in (control_a_character, runway_to_get_task_details):
        hints = typing.get_type_hints(getattr(module, twin))
        assert hints["client"] is AuthenticatedClient
