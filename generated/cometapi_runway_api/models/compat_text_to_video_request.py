from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.compat_text_to_video_options import CompatTextToVideoOptions


T = TypeVar("T", bound="CompatTextToVideoRequest")


@_attrs_define
class CompatTextToVideoRequest:
    """
    Attributes:
        callback_url (str): An http or https URL.
        ratio (str): Width:height, in pixels or as a proportion.
        prompt (str): What the video shows.
        style (str): The look, for example cinematic.
        model (str): A model's id; the gateway passes on those it does not know.
        options (CompatTextToVideoOptions): Length and camera movement.
    """

    callback_url: str
    ratio: str
    prompt: str
    style: str
    model: str
    options: CompatTextToVideoOptions
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        callback_url = self.callback_url

        ratio = self.ratio

        prompt = self.prompt

        style = self.style

        model = self.model

        options = self.options.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "callback_url": callback_url,
                "ratio": ratio,
                "prompt": prompt,
                "style": style,
                "model": model,
                "options": options,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.compat_text_to_video_options import CompatTextToVideoOptions  # noqa: PLC0415

        d = dict(src_dict)
        callback_url = d.pop("callback_url")

        ratio = d.pop("ratio")

        prompt = d.pop("prompt")

        style = d.pop("style")

        model = d.pop("model")

        options = CompatTextToVideoOptions.from_dict(d.pop("options"))

        compat_text_to_video_request = cls(
            callback_url=callback_url,
            ratio=ratio,
            prompt=prompt,
            style=style,
            model=model,
            options=options,
        )

        compat_text_to_video_request.additional_properties = d
        return compat_text_to_video_request

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
