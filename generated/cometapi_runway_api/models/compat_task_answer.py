from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.compat_task_record import CompatTaskRecord


T = TypeVar("T", bound="CompatTaskAnswer")


@_attrs_define
class CompatTaskAnswer:
    """A task of these routes in their envelope.

    Attributes:
        code (int | str): How the call went: 200 or success, or why it did not.
        msg (str): The code in words.
        data (CompatTaskRecord): A task of these routes as they knew it in 2024 and 2025; numbers are strings. Example:
            {'task_id': 'd51c94db-f7fa-4ad3-a083-b8918686c478', 'status': '3', 'prompt': 'a cat', 'prompt_en': 'a little
            kitten.', 'video_url': 'https://example.com/output.mp4', 'poster': 'https://example.com/poster.png',
            'last_frame': 'https://example.com/last.png', 'msg': None, 'point': '320', 'refund': '0', 'create_time':
            '1728622596', 'update_time': '1728622955'}.
        message (str | Unset): Empty if the call went well.
        exec_time (float | Unset): Seconds that this call took; the video takes longer.
        ip (None | str | Unset): Where the call came from.
    """

    code: int | str
    msg: str
    data: CompatTaskRecord
    message: str | Unset = UNSET
    exec_time: float | Unset = UNSET
    ip: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        code: int | str
        code = self.code

        msg = self.msg

        data = self.data.to_dict()

        message = self.message

        exec_time = self.exec_time

        ip: None | str | Unset
        if isinstance(self.ip, Unset):
            ip = UNSET
        else:
            ip = self.ip

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "code": code,
                "msg": msg,
                "data": data,
            }
        )
        if message is not UNSET:
            field_dict["message"] = message
        if exec_time is not UNSET:
            field_dict["exec_time"] = exec_time
        if ip is not UNSET:
            field_dict["ip"] = ip

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.compat_task_record import CompatTaskRecord  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_code(data: object) -> int | str:
            return cast(int | str, data)

        code = _parse_code(d.pop("code"))

        msg = d.pop("msg")

        data = CompatTaskRecord.from_dict(d.pop("data"))

        message = d.pop("message", UNSET)

        exec_time = d.pop("exec_time", UNSET)

        def _parse_ip(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        ip = _parse_ip(d.pop("ip", UNSET))

        compat_task_answer = cls(
            code=code,
            msg=msg,
            data=data,
            message=message,
            exec_time=exec_time,
            ip=ip,
        )

        compat_task_answer.additional_properties = d
        return compat_task_answer

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
