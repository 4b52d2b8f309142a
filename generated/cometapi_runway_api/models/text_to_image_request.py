from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.content_moderation import ContentModeration
    from ..models.reference_image import ReferenceImage


T = TypeVar("T", bound="TextToImageRequest")


@_attrs_define
class TextToImageRequest:
    """
    Attributes:
        prompt_text (str): What is to be seen; at most 1000 characters.
        ratio (str): Width:height, in pixels or as a proportion.
        model (str): A model's id; the gateway passes on those it does not know.
        reference_images (list[ReferenceImage]): One to three pictures to go by.
        seed (int | Unset): An unsigned 32-bit number.
        content_moderation (ContentModeration | Unset):
    """

    prompt_text: str
    ratio: str
    model: str
    reference_images: list[ReferenceImage]
    seed: int | Unset = UNSET
    content_moderation: ContentModeration | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        prompt_text = self.prompt_text

        ratio = self.ratio

        model = self.model

        reference_images = []
        for reference_images_item_data in self.reference_images:
            reference_images_item = reference_images_item_data.to_dict()
            reference_images.append(reference_images_item)

        seed = self.seed

        content_moderation: dict[str, Any] | Unset = UNSET
        if not isinstance(self.content_moderation, Unset):
            content_moderation = self.content_moderation.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "promptText": prompt_text,
                "ratio": ratio,
                "model": model,
                "referenceImages": reference_images,
            }
        )
        if seed is not UNSET:
            field_dict["seed"] = seed
        if content_moderation is not UNSET:
            field_dict["contentModeration"] = content_moderation

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.content_moderation import ContentModeration  # noqa: PLC0415
        from ..models.reference_image import ReferenceImage  # noqa: PLC0415

        d = dict(src_dict)
        prompt_text = d.pop("promptText")

        ratio = d.pop("ratio")

        model = d.pop("model")

        reference_images = []
        _reference_images = d.pop("referenceImages")
        for reference_images_item_data in _reference_images:
            reference_images_item = ReferenceImage.from_dict(reference_images_item_data)

            reference_images.append(reference_images_item)

        seed = d.pop("seed", UNSET)

        _content_moderation = d.pop("contentModeration", UNSET)
        content_moderation: ContentModeration | Unset
        if isinstance(_content_moderation, Unset):
            content_moderation = UNSET
        else:
            content_moderation = ContentModeration.from_dict(_content_moderation)

        text_to_image_request = cls(
            prompt_text=prompt_text,
            ratio=ratio,
            model=model,
            reference_images=reference_images,
            seed=seed,
            content_moderation=content_moderation,
        )

        text_to_image_request.additional_properties = d
        return text_to_image_request

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
