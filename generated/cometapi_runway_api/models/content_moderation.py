from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.content_moderation_public_figure_threshold import (
    ContentModerationPublicFigureThreshold,
    check_content_moderation_public_figure_threshold,
)

T = TypeVar("T", bound="ContentModeration")


@_attrs_define
class ContentModeration:
    """
    Attributes:
        public_figure_threshold (ContentModerationPublicFigureThreshold): Threshold for public-figure detection. Use
            `auto` for default behavior.
    """

    public_figure_threshold: ContentModerationPublicFigureThreshold
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        public_figure_threshold: str = self.public_figure_threshold

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "publicFigureThreshold": public_figure_threshold,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        public_figure_threshold = check_content_moderation_public_figure_threshold(d.pop("publicFigureThreshold"))

        content_moderation = cls(
            public_figure_threshold=public_figure_threshold,
        )

        content_moderation.additional_properties = d
        return content_moderation

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
