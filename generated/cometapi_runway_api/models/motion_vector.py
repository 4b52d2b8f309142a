from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="MotionVector")


@_attrs_define
class MotionVector:
    """How the camera moves. No page names bounds.

    Attributes:
        x (float | Unset): Along the width.
        y (float | Unset): Along the height.
        z (float | Unset): Into the picture.
        r (float | Unset): Rotation.
        bg_x_pan (float | Unset): The background along the width.
        bg_y_pan (float | Unset): The background along the height.
    """

    x: float | Unset = UNSET
    y: float | Unset = UNSET
    z: float | Unset = UNSET
    r: float | Unset = UNSET
    bg_x_pan: float | Unset = UNSET
    bg_y_pan: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        x = self.x

        y = self.y

        z = self.z

        r = self.r

        bg_x_pan = self.bg_x_pan

        bg_y_pan = self.bg_y_pan

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if x is not UNSET:
            field_dict["x"] = x
        if y is not UNSET:
            field_dict["y"] = y
        if z is not UNSET:
            field_dict["z"] = z
        if r is not UNSET:
            field_dict["r"] = r
        if bg_x_pan is not UNSET:
            field_dict["bg_x_pan"] = bg_x_pan
        if bg_y_pan is not UNSET:
            field_dict["bg_y_pan"] = bg_y_pan

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        x = d.pop("x", UNSET)

        y = d.pop("y", UNSET)

        z = d.pop("z", UNSET)

        r = d.pop("r", UNSET)

        bg_x_pan = d.pop("bg_x_pan", UNSET)

        bg_y_pan = d.pop("bg_y_pan", UNSET)

        motion_vector = cls(
            x=x,
            y=y,
            z=z,
            r=r,
            bg_x_pan=bg_x_pan,
            bg_y_pan=bg_y_pan,
        )

        motion_vector.additional_properties = d
        return motion_vector

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
