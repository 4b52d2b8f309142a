from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.task_record import TaskRecord


T = TypeVar("T", bound="TaskEnvelope")


@_attrs_define
class TaskEnvelope:
    """A task record in the wrapper of the gateway's task family.

    Example:
        {'code': 'success', 'message': '', 'data': {'task_id': '3d957031-9a2a-45e2-9dc7-bc8513059c50', 'action':
            'IMAGE_TO_VIDEO', 'status': 'QUEUED', 'fail_reason': '', 'submit_time': 1773366766, 'start_time': 0,
            'finish_time': 0, 'progress': '0%', 'data': {'id': '3d957031-9a2a-45e2-9dc7-bc8513059c50', 'status': 'PENDING',
            'createdAt': '2026-03-13T09:52:46+08:00'}}}

    Attributes:
        code (int | str): How the call went: success.
        data (TaskRecord): The gateway's own record of a task, around what Runway says about it.
        message (str | Unset): Empty if the call went well.
    """

    code: int | str
    data: TaskRecord
    message: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code: int | str
        code = self.code

        data = self.data.to_dict()

        message = self.message

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "data": data,
            }
        )
        if message is not UNSET:
            field_dict["message"] = message

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task_record import TaskRecord  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_code(data: object) -> int | str:
            return cast(int | str, data)

        code = _parse_code(d.pop("code"))

        data = TaskRecord.from_dict(d.pop("data"))

        message = d.pop("message", UNSET)

        task_envelope = cls(
            code=code,
            data=data,
            message=message,
        )

        task_envelope.additional_properties = d
        return task_envelope

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
