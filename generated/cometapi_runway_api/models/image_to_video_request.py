from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.prompt_image import PromptImage


T = TypeVar("T", bound="ImageToVideoRequest")


@_attrs_define
class ImageToVideoRequest:
    """
    Attributes:
        prompt_image (list[PromptImage] | str): Where the source picture is. It should be an https URL that stays valid.
        model (str): A model's id; the gateway passes on those it does not know.
        seed (int | Unset): An unsigned 32-bit number.
        prompt_text (str | Unset): What is to move and how. At most 512 characters.
        watermark (bool | Unset): Whether to put a watermark on the video.
        duration (int | Unset): Length in seconds. What is allowed depends on the model and the version; 5 and 10 are
            safe.
        ratio (str | Unset): Width:height, in pixels or as a proportion.
    """

    prompt_image: list[PromptImage] | str
    model: str
    seed: int | Unset = UNSET
    prompt_text: str | Unset = UNSET
    watermark: bool | Unset = UNSET
    duration: int | Unset = UNSET
    ratio: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        prompt_image: list[dict[str, Any]] | str
        if isinstance(self.prompt_image, list):
            prompt_image = []
            for prompt_image_type_1_item_data in self.prompt_image:
                prompt_image_type_1_item = prompt_image_type_1_item_data.to_dict()
                prompt_image.append(prompt_image_type_1_item)

        else:
            prompt_image = self.prompt_image

        model = self.model

        seed = self.seed

        prompt_text = self.prompt_text

        watermark = self.watermark

        duration = self.duration

        ratio = self.ratio

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "promptImage": prompt_image,
                "model": model,
            }
        )
        if seed is not UNSET:
            field_dict["seed"] = seed
        if prompt_text is not UNSET:
            field_dict["promptText"] = prompt_text
        if watermark is not UNSET:
            field_dict["watermark"] = watermark
        if duration is not UNSET:
            field_dict["duration"] = duration
        if ratio is not UNSET:
            field_dict["ratio"] = ratio

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.prompt_image import PromptImage  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_prompt_image(data: object) -> list[PromptImage] | str:
            try:
                if not isinstance(data, list):
                    raise TypeError()
                prompt_image_type_1 = []
                _prompt_image_type_1 = data
                for prompt_image_type_1_item_data in _prompt_image_type_1:
                    prompt_image_type_1_item = PromptImage.from_dict(prompt_image_type_1_item_data)

                    prompt_image_type_1.append(prompt_image_type_1_item)

                return prompt_image_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[PromptImage] | str, data)

        prompt_image = _parse_prompt_image(d.pop("promptImage"))

        model = d.pop("model")

        seed = d.pop("seed", UNSET)

        prompt_text = d.pop("promptText", UNSET)

        watermark = d.pop("watermark", UNSET)

        duration = d.pop("duration", UNSET)

        ratio = d.pop("ratio", UNSET)

        image_to_video_request = cls(
            prompt_image=prompt_image,
            model=model,
            seed=seed,
            prompt_text=prompt_text,
            watermark=watermark,
            duration=duration,
            ratio=ratio,
        )

        image_to_video_request.additional_properties = d
        return image_to_video_request

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
