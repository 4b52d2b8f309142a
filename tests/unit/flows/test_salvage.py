"""The id of a paid task is found in whatever arrived of its response."""

from __future__ import annotations

import pytest
from tests.cases import each_case

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.salvage import salvage_task_id


@each_case(
    ("body", "task_id"),
    [
        # JSON that is whole, whatever its status.
        (b'{"id": "a"}', "a"),
        (b'{"data": {"task_id": 12}}', "12"),
        (b'{"message": "id"}', None),
        (b'["id"]', None),
        # Cut off, followed by something, not UTF-8, or with a number that is too long.
        (b'{"id": "a", "sta', "a"),
        (b'{"code": "success", "data": {"task_id" : "a"', "a"),
        (b'{"id": 12, "status', "12"),
        (b'{"id":12} trailing', "12"),
        (b'{"id":"a"}{"id":"b"}', "a"),
        (b'{"id":"a","x":"\xff"}', "a"),
        (b'{"n":' + b"9" * 5000 + b',"id":"a"}', "a"),
        (b'{"id":"' + b"a" * 512 + b'",', "a" * 512),
        # What may be a part of an id is none.
        (b'{"id": "a', None),
        (b'{"id": 12', None),
        (b'{"id": "", ', None),
        (b'{"id": "a b", ', None),
        (b'{"id":"' + b"a" * 513 + b'",', None),
        (b'{"id":' + b"1" * 64 + b",", "1" * 64),
        (b'{"id":' + b"1" * 65 + b",", None),
        (b'{"uuid": "a", ', None),
        (b"", None),
    ],
)
def test_the_id_is_found_in_a_response_that_is_no_answer(body: bytes, task_id: str | None) -> None:
    response = RawResponse("POST", "/x", 502, {}, body, 0.0)
    assert salvage_task_id(response) == task_id


def test_without_a_response_there_is_no_id() -> None:
    assert salvage_task_id(None) is None


@pytest.mark.parametrize("name", ["id", "task_id"])
def test_either_name_of_the_field_will_do(name: str) -> None:
    response = RawResponse("POST", "/x", 200, {}, f'{{"{name}": "a",'.encode(), 0.0)
    assert salvage_task_id(response) == "a"
