from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="CompatTaskRecord")


@_attrs_define
class CompatTaskRecord:
    """A task of these routes as they knew it in 2024 and 2025; numbers are strings.

    Example:
        {'task_id': 'd51c94db-f7fa-4ad3-a083-b8918686c478', 'status': '3', 'prompt': 'a cat', 'prompt_en': 'a little
            kitten.', 'video_url': 'https://example.com/output.mp4', 'poster': 'https://example.com/poster.png',
            'last_frame': 'https://example.com/last.png', 'msg': None, 'point': '320', 'refund': '0', 'create_time':
            '1728622596', 'update_time': '1728622955'}

    Attributes:
        task_id (str): The task id, for the feed.
        state (str | Unset): The state in words.
        status (str | Unset): A digit from 0 to 3. The samples have 3 with a finished video, and a client takes 2 for a
            failure; one gateway's page says the opposite of its own sample.
        prompt (None | str | Unset): The prompt as sent.
        prompt_en (None | str | Unset): The prompt in English.
        video_url (None | str | Unset): Where the finished video is.
        poster (None | str | Unset): Where a still of it is.
        last_frame (None | str | Unset): Where its last frame is.
        msg (None | str | Unset): Why it failed.
        point (None | str | Unset): What it cost.
        refund (None | str | Unset): 1 if that was given back.
        create_time (None | str | Unset): Unix time in seconds.
        update_time (None | str | Unset): Unix time in seconds.
    """

    task_id: str
    state: str | Unset = UNSET
    status: str | Unset = UNSET
    prompt: None | str | Unset = UNSET
    prompt_en: None | str | Unset = UNSET
    video_url: None | str | Unset = UNSET
    poster: None | str | Unset = UNSET
    last_frame: None | str | Unset = UNSET
    msg: None | str | Unset = UNSET
    point: None | str | Unset = UNSET
    refund: None | str | Unset = UNSET
    create_time: None | str | Unset = UNSET
    update_time: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        task_id = self.task_id

        state = self.state

        status = self.status

        prompt: None | str | Unset
        if isinstance(self.prompt, Unset):
            prompt = UNSET
        else:
            prompt = self.prompt

        prompt_en: None | str | Unset
        if isinstance(self.prompt_en, Unset):
            prompt_en = UNSET
        else:
            prompt_en = self.prompt_en

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

        last_frame: None | str | Unset
        if isinstance(self.last_frame, Unset):
            last_frame = UNSET
        else:
            last_frame = self.last_frame

        msg: None | str | Unset
        if isinstance(self.msg, Unset):
            msg = UNSET
        else:
            msg = self.msg

        point: None | str | Unset
        if isinstance(self.point, Unset):
            point = UNSET
        else:
            point = self.point

        refund: None | str | Unset
        if isinstance(self.refund, Unset):
            refund = UNSET
        else:
            refund = self.refund

        create_time: None | str | Unset
        if isinstance(self.create_time, Unset):
            create_time = UNSET
        else:
            create_time = self.create_time

        update_time: None | str | Unset
        if isinstance(self.update_time, Unset):
            update_time = UNSET
        else:
            update_time = self.update_time

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "task_id": task_id,
            }
        )
        if state is not UNSET:
            field_dict["state"] = state
        if status is not UNSET:
            field_dict["status"] = status
        if prompt is not UNSET:
            field_dict["prompt"] = prompt
        if prompt_en is not UNSET:
            field_dict["prompt_en"] = prompt_en
        if video_url is not UNSET:
            field_dict["video_url"] = video_url
        if poster is not UNSET:
            field_dict["poster"] = poster
        if last_frame is not UNSET:
            field_dict["last_frame"] = last_frame
        if msg is not UNSET:
            field_dict["msg"] = msg
        if point is not UNSET:
            field_dict["point"] = point
        if refund is not UNSET:
            field_dict["refund"] = refund
        if create_time is not UNSET:
            field_dict["create_time"] = create_time
        if update_time is not UNSET:
            field_dict["update_time"] = update_time

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        task_id = d.pop("task_id")

        state = d.pop("state", UNSET)

        status = d.pop("status", UNSET)

        def _parse_prompt(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        prompt = _parse_prompt(d.pop("prompt", UNSET))

        def _parse_prompt_en(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        prompt_en = _parse_prompt_en(d.pop("prompt_en", UNSET))

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

        def _parse_last_frame(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        last_frame = _parse_last_frame(d.pop("last_frame", UNSET))

        def _parse_msg(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        msg = _parse_msg(d.pop("msg", UNSET))

        def _parse_point(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        point = _parse_point(d.pop("point", UNSET))

        def _parse_refund(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        refund = _parse_refund(d.pop("refund", UNSET))

        def _parse_create_time(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        create_time = _parse_create_time(d.pop("create_time", UNSET))

        def _parse_update_time(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        update_time = _parse_update_time(d.pop("update_time", UNSET))

        compat_task_record = cls(
            task_id=task_id,
            state=state,
            status=status,
            prompt=prompt,
            prompt_en=prompt_en,
            video_url=video_url,
            poster=poster,
            last_frame=last_frame,
            msg=msg,
            point=point,
            refund=refund,
            create_time=create_time,
            update_time=update_time,
        )

        compat_task_record.additional_properties = d
        return compat_task_record

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
