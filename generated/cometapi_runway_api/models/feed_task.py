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


T = TypeVar("T", bound="FeedTask")


@_attrs_define
class FeedTask:
    """A task as the feed gives it without an envelope.

    Example:
        {'task_id': '4156043d-9ea5-47c5-9e38-3f8446a0b20d'}

    Attributes:
        task_id (str): The task id.
        action (None | str | Unset): What the task does.
        status (KnownRecordStatus | str | Unset): The gateway's own state of a task; a word that is not known yet is
            allowed.
        fail_reason (None | str | Unset): Why the task failed; empty otherwise.
        result_url (None | str | Unset): Where the result is.
        video_url (None | str | Unset): Where the finished video is.
        poster (None | str | Unset): Where a still of it is.
        submit_time (int | None | str | Unset): Unix time in seconds; 0 until it happened.
        start_time (int | None | str | Unset): Unix time in seconds; 0 until it happened.
        finish_time (int | None | str | Unset): Unix time in seconds; 0 until it happened.
        progress (float | None | str | Unset): How far the task has come: a share of 1, or a percentage as text.
        data (None | Task | TaskMedia | Unset): What the provider says of the task.
    """

    task_id: str
    action: None | str | Unset = UNSET
    status: KnownRecordStatus | str | Unset = UNSET
    fail_reason: None | str | Unset = UNSET
    result_url: None | str | Unset = UNSET
    video_url: None | str | Unset = UNSET
    poster: None | str | Unset = UNSET
    submit_time: int | None | str | Unset = UNSET
    start_time: int | None | str | Unset = UNSET
    finish_time: int | None | str | Unset = UNSET
    progress: float | None | str | Unset = UNSET
    data: None | Task | TaskMedia | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.task import Task  # noqa: PLC0415
        from ..models.task_media import TaskMedia  # noqa: PLC0415

        task_id = self.task_id

        action: None | str | Unset
        if isinstance(self.action, Unset):
            action = UNSET
        else:
            action = self.action

        status: str | Unset
        if isinstance(self.status, Unset):
            status = UNSET
        elif isinstance(self.status, str):
            status = self.status
        else:
            status = self.status

        fail_reason: None | str | Unset
        if isinstance(self.fail_reason, Unset):
            fail_reason = UNSET
        else:
            fail_reason = self.fail_reason

        result_url: None | str | Unset
        if isinstance(self.result_url, Unset):
            result_url = UNSET
        else:
            result_url = self.result_url

        video_url: None | str | Unset
        if isinstance(self.video_url, Unset):
            video_url = UNSET
        else:
            video_url = self.video_url

        poster: None | str | Unset
        if isinstance(self.poster, Unset):
            poster = UNSET
        else:
            poster = self.poster

        submit_time: int | None | str | Unset
        if isinstance(self.submit_time, Unset):
            submit_time = UNSET
        else:
            submit_time = self.submit_time

        start_time: int | None | str | Unset
        if isinstance(self.start_time, Unset):
            start_time = UNSET
        else:
            start_time = self.start_time

        finish_time: int | None | str | Unset
        if isinstance(self.finish_time, Unset):
            finish_time = UNSET
        else:
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
            }
        )
        if action is not UNSET:
            field_dict["action"] = action
        if status is not UNSET:
            field_dict["status"] = status
        if fail_reason is not UNSET:
            field_dict["fail_reason"] = fail_reason
        if result_url is not UNSET:
            field_dict["result_url"] = result_url
        if video_url is not UNSET:
            field_dict["video_url"] = video_url
        if poster is not UNSET:
            field_dict["poster"] = poster
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

        def _parse_action(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        action = _parse_action(d.pop("action", UNSET))

        def _parse_status(data: object) -> KnownRecordStatus | str | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                componentsschemas_record_status_type_0 = check_known_record_status(data)

                return componentsschemas_record_status_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(KnownRecordStatus | str | Unset, data)

        status = _parse_status(d.pop("status", UNSET))

        def _parse_fail_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        fail_reason = _parse_fail_reason(d.pop("fail_reason", UNSET))

        def _parse_result_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        result_url = _parse_result_url(d.pop("result_url", UNSET))

        def _parse_video_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        video_url = _parse_video_url(d.pop("video_url", UNSET))

        def _parse_poster(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        poster = _parse_poster(d.pop("poster", UNSET))

        def _parse_submit_time(data: object) -> int | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | str | Unset, data)

        submit_time = _parse_submit_time(d.pop("submit_time", UNSET))

        def _parse_start_time(data: object) -> int | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | str | Unset, data)

        start_time = _parse_start_time(d.pop("start_time", UNSET))

        def _parse_finish_time(data: object) -> int | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | str | Unset, data)

        finish_time = _parse_finish_time(d.pop("finish_time", UNSET))

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

        feed_task = cls(
            task_id=task_id,
            action=action,
            status=status,
            fail_reason=fail_reason,
            result_url=result_url,
            video_url=video_url,
            poster=poster,
            submit_time=submit_time,
            start_time=start_time,
            finish_time=finish_time,
            progress=progress,
            data=data,
        )

        feed_task.additional_properties = d
        return feed_task

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
