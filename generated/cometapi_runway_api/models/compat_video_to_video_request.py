from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.compat_video_to_video_options import CompatVideoToVideoOptions


T = TypeVar("T", bound="CompatVideoToVideoRequest")


@_attrs_define
class CompatVideoToVideoRequest:
    """
    Attributes:
        callback_url (str): An http or https URL.
        video (str): An http or https URL.
        model (str): A model's id; the gateway passes on those it does not know.
        prompt (str): The style.
        options (CompatVideoToVideoOptions | Unset): Strength and length.
    """

    callback_url: str
    video: str
    model: str
    prompt: str
    options: CompatVideoToVideoOptions | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        callback_url = self.callback_url

        video = self.video

        model = self.model

        prompt = self.prompt

        options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.options, Unset):
            options = self.options.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "callback_url": callback_url,
                "video": video,
                "model": model,
                "prompt": prompt,
            }
        )
        if options is not UNSET:
            field_dict["options"] = options

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.compat_video_to_video_options import CompatVideoToVideoOptions  # noqa: PLC0415

        d = dict(src_dict)
        callback_url = d.pop("callback_url")

        video = d.pop("video")

        model = d.pop("model")

        prompt = d.pop("prompt")

        _options = d.pop("options", UNSET)
        options: CompatVideoToVideoOptions | Unset
        if isinstance(_options, Unset):
            options = UNSET
        else:
            options = CompatVideoToVideoOptions.from_dict(_options)

        compat_video_to_video_request = cls(
            callback_url=callback_url,
            video=video,
            model=model,
            prompt=prompt,
            options=options,
        )

        compat_video_to_video_request.additional_properties = d
        return compat_video_to_video_request

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
