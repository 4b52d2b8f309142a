from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.character_performance_request_model import (
    CharacterPerformanceRequestModel,
    check_character_performance_request_model,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.character_asset import CharacterAsset
    from ..models.content_moderation import ContentModeration
    from ..models.reference_asset import ReferenceAsset


T = TypeVar("T", bound="CharacterPerformanceRequest")


@_attrs_define
class CharacterPerformanceRequest:
    """
    Attributes:
        character (CharacterAsset): The character to control. You can either provide a video or an image.
        reference (ReferenceAsset): Reference performance clip. Provide `type` (`video`) and `uri` (HTTPS URL).
        model (CharacterPerformanceRequestModel): The model variant to use. Must be act_two.
        ratio (str): Width:height, in pixels or as a proportion.
        body_control (bool | Unset): Enable body control.
        expression_intensity (int | Unset): Intensity of the expression transfer. Higher values produce more exaggerated
            expressions.
        seed (int | Unset): An unsigned 32-bit number.
        content_moderation (ContentModeration | Unset):
    """

    character: CharacterAsset
    reference: ReferenceAsset
    model: CharacterPerformanceRequestModel
    ratio: str
    body_control: bool | Unset = UNSET
    expression_intensity: int | Unset = UNSET
    seed: int | Unset = UNSET
    content_moderation: ContentModeration | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        character = self.character.to_dict()

        reference = self.reference.to_dict()

        model: str = self.model

        ratio = self.ratio

        body_control = self.body_control

        expression_intensity = self.expression_intensity

        seed = self.seed

        content_moderation: dict[str, Any] | Unset = UNSET
        if not isinstance(self.content_moderation, Unset):
            content_moderation = self.content_moderation.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "character": character,
                "reference": reference,
                "model": model,
                "ratio": ratio,
            }
        )
        if body_control is not UNSET:
            field_dict["bodyControl"] = body_control
        if expression_intensity is not UNSET:
            field_dict["expressionIntensity"] = expression_intensity
        if seed is not UNSET:
            field_dict["seed"] = seed
        if content_moderation is not UNSET:
            field_dict["contentModeration"] = content_moderation

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.character_asset import CharacterAsset  # noqa: PLC0415
        from ..models.content_moderation import ContentModeration  # noqa: PLC0415
        from ..models.reference_asset import ReferenceAsset  # noqa: PLC0415

        d = dict(src_dict)
        character = CharacterAsset.from_dict(d.pop("character"))

        reference = ReferenceAsset.from_dict(d.pop("reference"))

        model = check_character_performance_request_model(d.pop("model"))

        ratio = d.pop("ratio")

        body_control = d.pop("bodyControl", UNSET)

        expression_intensity = d.pop("expressionIntensity", UNSET)

        seed = d.pop("seed", UNSET)

        _content_moderation = d.pop("contentModeration", UNSET)
        content_moderation: ContentModeration | Unset
        if isinstance(_content_moderation, Unset):
            content_moderation = UNSET
        else:
            content_moderation = ContentModeration.from_dict(_content_moderation)

        character_performance_request = cls(
            character=character,
            reference=reference,
            model=model,
            ratio=ratio,
            body_control=body_control,
            expression_intensity=expression_intensity,
            seed=seed,
            content_moderation=content_moderation,
        )

        character_performance_request.additional_properties = d
        return character_performance_request

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
