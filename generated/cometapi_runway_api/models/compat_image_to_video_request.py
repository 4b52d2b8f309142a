from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.compat_image_to_video_options import CompatImageToVideoOptions


T = TypeVar("T", bound="CompatImageToVideoRequest")


@_attrs_define
class CompatImageToVideoRequest:
    """
    Attributes:
        callback_url (str): An http or https URL.
        prompt (str): What is to move and how.
        model (str): A model's id; the gateway passes on those it does not know.
        image (str): An http or https URL.
        ratio (str | Unset): Width:height, in pixels or as a proportion.
        style (str | Unset): The look, for example cinematic.
        options (CompatImageToVideoOptions | Unset): Length and camera movement.
        last_image (str | Unset): An http or https URL.
    """

    callback_url: str
    prompt: str
    model: str
    image: str
    ratio: str | Unset = UNSET
    style: str | Unset = UNSET
    options: CompatImageToVideoOptions | Unset = UNSET
    last_image: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        callback_url = self.callback_url

        prompt = self.prompt

        model = self.model

        image = self.image

        ratio = self.ratio

        style = self.style

        options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.options, Unset):
            options = self.options.to_dict()

        last_image = self.last_image

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "callback_url": callback_url,
                "prompt": prompt,
                "model": model,
                "image": image,
            }
        )
        if ratio is not UNSET:
            field_dict["ratio"] = ratio
        if style is not UNSET:
            field_dict["style"] = style
        if options is not UNSET:
            field_dict["options"] = options
        if last_image is not UNSET:
            field_dict["last_image"] = last_image

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.compat_image_to_video_options import CompatImageToVideoOptions  # noqa: PLC0415

        d = dict(src_dict)
        callback_url = d.pop("callback_url")

        prompt = d.pop("prompt")

        model = d.pop("model")

        image = d.pop("image")

        ratio = d.pop("ratio", UNSET)

        style = d.pop("style", UNSET)

        _options = d.pop("options", UNSET)
        options: CompatImageToVideoOptions | Unset
        if isinstance(_options, Unset):
            options = UNSET
        else:
            options = CompatImageToVideoOptions.from_dict(_options)

        last_image = d.pop("last_image", UNSET)

        compat_image_to_video_request = cls(
            callback_url=callback_url,
            prompt=prompt,
            model=model,
            image=image,
            ratio=ratio,
            style=style,
            options=options,
            last_image=last_image,
        )

        compat_image_to_video_request.additional_properties = d
        return compat_image_to_video_request

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
