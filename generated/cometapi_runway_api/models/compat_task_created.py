from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.compat_task_id import CompatTaskId


T = TypeVar("T", bound="CompatTaskCreated")


@_attrs_define
class CompatTaskCreated:
    """The task was accepted.

    Example:
        {'code': 200, 'message': '', 'msg': 'success', 'data': {'task_id': '196642a0-05e1-441a-981e-eb0c1f5d983b'}}

    Attributes:
        code (int | str): How the call went: 200 or success, or why it did not.
        data (CompatTaskId): The task that was created.
        msg (str | Unset): The code in words.
        message (str | Unset): Empty if the call went well.
        exec_time (float | Unset): Seconds that this call took; the video takes longer.
    """

    code: int | str
    data: CompatTaskId
    msg: str | Unset = UNSET
    message: str | Unset = UNSET
    exec_time: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code: int | str
        code = self.code

        data = self.data.to_dict()

        msg = self.msg

        message = self.message

        exec_time = self.exec_time

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "data": data,
            }
        )
        if msg is not UNSET:
            field_dict["msg"] = msg
        if message is not UNSET:
            field_dict["message"] = message
        if exec_time is not UNSET:
            field_dict["exec_time"] = exec_time

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.compat_task_id import CompatTaskId  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_code(data: object) -> int | str:
            return cast(int | str, data)

        code = _parse_code(d.pop("code"))

        data = CompatTaskId.from_dict(d.pop("data"))

        msg = d.pop("msg", UNSET)

        message = d.pop("message", UNSET)

        exec_time = d.pop("exec_time", UNSET)

        compat_task_created = cls(
            code=code,
            data=data,
            msg=msg,
            message=message,
            exec_time=exec_time,
        )

        compat_task_created.additional_properties = d
        return compat_task_created

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
