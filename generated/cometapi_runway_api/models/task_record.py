from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.known_record_status import KnownRecordStatus, check_known_record_status
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.task import Task
    from ..models.task_media import TaskMedia


T = TypeVar("T", bound="TaskRecord")


@_attrs_define
class TaskRecord:
    """The gateway's own record of a task, around what Runway says about it.

    Attributes:
        task_id (str): The task id.
        status (KnownRecordStatus | str): The gateway's own state of a task; a word that is not known yet is allowed.
        action (str | Unset): What the task does.
        fail_reason (str | Unset): Why the task failed; empty otherwise.
        submit_time (int | Unset): Unix time in seconds; 0 until it happened.
        start_time (int | Unset): Unix time in seconds; 0 until it happened.
        finish_time (int | Unset): Unix time in seconds; 0 until it happened.
        progress (float | None | str | Unset): How far the task has come: a share of 1, or a percentage as text.
        data (None | Task | TaskMedia | Unset): The task as the provider reports it.
    """

    task_id: str
    status: KnownRecordStatus | str
    action: str | Unset = UNSET
    fail_reason: str | Unset = UNSET
    submit_time: int | Unset = UNSET
    start_time: int | Unset = UNSET
    finish_time: int | Unset = UNSET
    progress: float | None | str | Unset = UNSET
    data: None | Task | TaskMedia | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.task import Task  # noqa: PLC0415
        from ..models.task_media import TaskMedia  # noqa: PLC0415

        task_id = self.task_id

        status: str
        if isinstance(self.status, str):
            status = self.status
        else:
            status = self.status

        action = self.action

        fail_reason = self.fail_reason

        submit_time = self.submit_time

        start_time = self.start_time

        finish_time = self.finish_time

        progress: float | None | str | Unset
        if isinstance(self.progress, Unset):
            progress = UNSET
        else:
            progress = self.progress

        data: dict[str, Any] | None | Unset
        if isinstance(self.data, Unset):
            data = UNSET
        elif isinstance(self.data, Task):
            data = self.data.to_dict()
        elif isinstance(self.data, TaskMedia):
            data = self.data.to_dict()
        else:
            data = self.data

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_id": task_id,
                "status": status,
            }
        )
        if action is not UNSET:
            field_dict["action"] = action
        if fail_reason is not UNSET:
            field_dict["fail_reason"] = fail_reason
        if submit_time is not UNSET:
            field_dict["submit_time"] = submit_time
        if start_time is not UNSET:
            field_dict["start_time"] = start_time
        if finish_time is not UNSET:
            field_dict["finish_time"] = finish_time
        if progress is not UNSET:
            field_dict["progress"] = progress
        if data is not UNSET:
            field_dict["data"] = data

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.task import Task  # noqa: PLC0415
        from ..models.task_media import TaskMedia  # noqa: PLC0415

        d = dict(src_dict)
        task_id = d.pop("task_id")

        def _parse_status(data: object) -> KnownRecordStatus | str:
            try:
                if not isinstance(data, str):
                    raise TypeError()
                componentsschemas_record_status_type_0 = check_known_record_status(data)

                return componentsschemas_record_status_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(KnownRecordStatus | str, data)

        status = _parse_status(d.pop("status"))

        action = d.pop("action", UNSET)

        fail_reason = d.pop("fail_reason", UNSET)

        submit_time = d.pop("submit_time", UNSET)

        start_time = d.pop("start_time", UNSET)

        finish_time = d.pop("finish_time", UNSET)

        def _parse_progress(data: object) -> float | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | str | Unset, data)

        progress = _parse_progress(d.pop("progress", UNSET))

        def _parse_data(data: object) -> None | Task | TaskMedia | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                data_type_0 = Task.from_dict(data)

                return data_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                data_type_1 = TaskMedia.from_dict(data)

                return data_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Task | TaskMedia | Unset, data)

        data = _parse_data(d.pop("data", UNSET))

        task_record = cls(
            task_id=task_id,
            status=status,
            action=action,
            fail_reason=fail_reason,
            submit_time=submit_time,
            start_time=start_time,
            finish_time=finish_time,
            progress=progress,
            data=data,
        )

        task_record.additional_properties = d
        return task_record

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
