from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.task_not_exist_status import TaskNotExistStatus, check_task_not_exist_status

T = TypeVar("T", bound="TaskNotExist")


@_attrs_define
class TaskNotExist:
    """A task that the gateway does not know, or does not know yet.

    Example:
        {'status': 'task_not_exist'}

    Attributes:
        status (TaskNotExistStatus):
    """

    status: TaskNotExistStatus
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status: str = self.status

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = check_task_not_exist_status(d.pop("status"))

        task_not_exist = cls(
            status=status,
        )

        task_not_exist.additional_properties = d
        return task_not_exist

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
