from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.motion_vector import MotionVector


T = TypeVar("T", bound="CompatImageToVideoOptions")


@_attrs_define
class CompatImageToVideoOptions:
    """Length and camera movement.

    Attributes:
        seconds (int | Unset): Length in seconds, 5 or 10. Begin with 5.
        motion_vector (MotionVector | Unset): How the camera moves. No page names bounds.
    """

    seconds: int | Unset = UNSET
    motion_vector: MotionVector | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        seconds = self.seconds

        motion_vector: dict[str, Any] | Unset = UNSET
        if not isinstance(self.motion_vector, Unset):
            motion_vector = self.motion_vector.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if seconds is not UNSET:
            field_dict["seconds"] = seconds
        if motion_vector is not UNSET:
            field_dict["motion_vector"] = motion_vector

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.motion_vector import MotionVector  # noqa: PLC0415

        d = dict(src_dict)
        seconds = d.pop("seconds", UNSET)

        _motion_vector = d.pop("motion_vector", UNSET)
        motion_vector: MotionVector | Unset
        if isinstance(_motion_vector, Unset):
            motion_vector = UNSET
        else:
            motion_vector = MotionVector.from_dict(_motion_vector)

        compat_image_to_video_options = cls(
            seconds=seconds,
            motion_vector=motion_vector,
        )

        compat_image_to_video_options.additional_properties = d
        return compat_image_to_video_options

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
