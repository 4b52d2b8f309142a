from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.content_moderation import ContentModeration
    from ..models.video_reference import VideoReference


T = TypeVar("T", bound="VideoToVideoRequest")


@_attrs_define
class VideoToVideoRequest:
    """
    Attributes:
        video_uri (str): Where a video is: an https URL, or a base64 data URI.
        prompt_text (str): What is to be seen; at most 1000 characters.
        model (str): A model's id; the gateway passes on those it does not know.
        ratio (str): Width:height, in pixels or as a proportion.
        seed (int | Unset): An unsigned 32-bit number.
        references (list[VideoReference] | Unset): Pictures to go by, if any.
        content_moderation (ContentModeration | Unset):
    """

    video_uri: str
    prompt_text: str
    model: str
    ratio: str
    seed: int | Unset = UNSET
    references: list[VideoReference] | Unset = UNSET
    content_moderation: ContentModeration | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        video_uri = self.video_uri

        prompt_text = self.prompt_text

        model = self.model

        ratio = self.ratio

        seed = self.seed

        references: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.references, Unset):
            references = []
            for references_item_data in self.references:
                references_item = references_item_data.to_dict()
                references.append(references_item)

        content_moderation: dict[str, Any] | Unset = UNSET
        if not isinstance(self.content_moderation, Unset):
            content_moderation = self.content_moderation.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "videoUri": video_uri,
                "promptText": prompt_text,
                "model": model,
                "ratio": ratio,
            }
        )
        if seed is not UNSET:
            field_dict["seed"] = seed
        if references is not UNSET:
            field_dict["references"] = references
        if content_moderation is not UNSET:
            field_dict["contentModeration"] = content_moderation

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.content_moderation import ContentModeration  # noqa: PLC0415
        from ..models.video_reference import VideoReference  # noqa: PLC0415

        d = dict(src_dict)
        video_uri = d.pop("videoUri")

        prompt_text = d.pop("promptText")

        model = d.pop("model")

        ratio = d.pop("ratio")

        seed = d.pop("seed", UNSET)

        _references = d.pop("references", UNSET)
        references: list[VideoReference] | Unset = UNSET
        if _references is not UNSET:
            references = []
            for references_item_data in _references:
                references_item = VideoReference.from_dict(references_item_data)

                references.append(references_item)

        _content_moderation = d.pop("contentModeration", UNSET)
        content_moderation: ContentModeration | Unset
        if isinstance(_content_moderation, Unset):
            content_moderation = UNSET
        else:
            content_moderation = ContentModeration.from_dict(_content_moderation)

        video_to_video_request = cls(
            video_uri=video_uri,
            prompt_text=prompt_text,
            model=model,
            ratio=ratio,
            seed=seed,
            references=references,
            content_moderation=content_moderation,
        )

        video_to_video_request.additional_properties = d
        return video_to_video_request

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
