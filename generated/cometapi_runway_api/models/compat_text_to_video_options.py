from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.motion_vector import MotionVector


T = TypeVar("T", bound="CompatTextToVideoOptions")


@_attrs_define
class CompatTextToVideoOptions:
    """Length and camera movement.

    Attributes:
        seconds (int): Length in seconds, for example 10.
        motion_vector (MotionVector): How the camera moves. No page names bounds.
    """

    seconds: int
    motion_vector: MotionVector
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        seconds = self.seconds

        motion_vector = self.motion_vector.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "seconds": seconds,
                "motion_vector": motion_vector,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.motion_vector import MotionVector  # noqa: PLC0415

        d = dict(src_dict)
        seconds = d.pop("seconds")

        motion_vector = MotionVector.from_dict(d.pop("motion_vector"))

        compat_text_to_video_options = cls(
            seconds=seconds,
            motion_vector=motion_vector,
        )

        compat_text_to_video_options.additional_properties = d
        return compat_text_to_video_options

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
