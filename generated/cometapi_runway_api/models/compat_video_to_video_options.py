from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="CompatVideoToVideoOptions")


@_attrs_define
class CompatVideoToVideoOptions:
    """Strength and length.

    Attributes:
        structure_transformation (float | Unset): How far the result may leave the source. Begin with little, such as
            0.5.
        flip (bool | Unset): The page does not say what it does.
        seconds (int | Unset): Length in seconds, for example 5.
    """

    structure_transformation: float | Unset = UNSET
    flip: bool | Unset = UNSET
    seconds: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        structure_transformation = self.structure_transformation

        flip = self.flip

        seconds = self.seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if structure_transformation is not UNSET:
            field_dict["structure_transformation"] = structure_transformation
        if flip is not UNSET:
            field_dict["flip"] = flip
        if seconds is not UNSET:
            field_dict["seconds"] = seconds

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        structure_transformation = d.pop("structure_transformation", UNSET)

        flip = d.pop("flip", UNSET)

        seconds = d.pop("seconds", UNSET)

        compat_video_to_video_options = cls(
            structure_transformation=structure_transformation,
            flip=flip,
            seconds=seconds,
        )

        compat_video_to_video_options.additional_properties = d
        return compat_video_to_video_options

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
