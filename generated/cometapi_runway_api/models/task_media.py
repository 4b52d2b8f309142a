from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="TaskMedia")


@_attrs_define
class TaskMedia:
    """What a provider says of a task in other words; each field may be missing.

    Attributes:
        id (str | Unset): The provider's id.
        status (str | Unset): The provider's word for the state.
        video_url (None | str | Unset): Where the finished video is.
        poster (None | str | Unset): Where a still of it is.
        last_frame (None | str | Unset): Where its last frame is.
    """

    id: str | Unset = UNSET
    status: str | Unset = UNSET
    video_url: None | str | Unset = UNSET
    poster: None | str | Unset = UNSET
    last_frame: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        status = self.status

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

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if id is not UNSET:
            field_dict["id"] = id
        if status is not UNSET:
            field_dict["status"] = status
        if video_url is not UNSET:
            field_dict["video_url"] = video_url
        if poster is not UNSET:
            field_dict["poster"] = poster
        if last_frame is not UNSET:
            field_dict["last_frame"] = last_frame

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id", UNSET)

        status = d.pop("status", UNSET)

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

        task_media = cls(
            id=id,
            status=status,
            video_url=video_url,
            poster=poster,
            last_frame=last_frame,
        )

        task_media.additional_properties = d
        return task_media

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
