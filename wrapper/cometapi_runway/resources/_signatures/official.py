"""The official-format routes: Runway's own request bodies, under Runway's own names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack

from cometapi_runway.resources import _inputs as inputs
from cometapi_runway.resources._inputs import (
    AssetInput,
    ModerationInput,
    PromptImageInput,
    RatioInput,
    ReferencesInput,
    UriInput,
)
from cometapi_runway.resources._signatures.models import models
from cometapi_runway.resources._signatures.signature import CallOptions, creates

if TYPE_CHECKING:
    from cometapi_runway_api.types import Unset


@creates("control_a_character")
def character_performance(
    *,
    character: AssetInput,
    reference: AssetInput,
    model: Literal["act_two"] = "act_two",
    ratio: RatioInput = "1280:720",
    body_control: bool = True,
    expression_intensity: int = 3,
    seed: int | None = None,
    content_moderation: ModerationInput = "auto",
    **options: Unpack[CallOptions],
) -> models.CharacterPerformanceRequest:
    """Transfer a performance from a clip onto a character.

    Every field that the vendored page calls required is sent, so the body is valid by the page's
    schema, which requires eight, and by its samples, which send four.

    Args:
        character: Who is animated: an image or a video. An https address or a data URI, whose
            type is told from its name; ``{"type": "image" | "video", "uri": …}``; a local file
            as a `pathlib.Path`; or the generated model.
        reference: The video that holds the performance, in the same forms.
        model: The model; the page allows one.
        ratio: Frame shape of the output, ``"W:H"`` or ``(W, H)`` in pixels. The page names
            1280:720 and 720:1280 and allows what the model accepts.
        body_control: Whether body motion is transferred beside the face.
        expression_intensity: Strength of the expressions, 1 to 5 (bounds and default are
            Runway's; the page has none).
        seed: 0 to 4294967295, to repeat a result; a fresh random one below 10**9 if None.
        content_moderation: Threshold for public figures, ``"auto"`` or ``"low"``.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    figure = inputs.asset_parts(character, "/character", ("image", "video"))
    clip = inputs.asset_parts(reference, "/reference", ("video",))
    return models.CharacterPerformanceRequest(
        character=inputs.with_rest(models.CharacterAsset(figure.type, figure.uri), figure.rest),
        reference=inputs.with_rest(models.ReferenceAsset(clip.type, clip.uri), clip.rest),
        model=model,
        ratio=inputs.ratio_text(ratio),
        body_control=body_control,
        expression_intensity=expression_intensity,
        seed=inputs.fresh_seed() if seed is None else seed,
        content_moderation=_moderation(content_moderation),
    )


@creates("runway_images_raw_video")
def image_to_video(
    *,
    prompt_image: PromptImageInput,
    model: str,
    prompt_text: str | None = None,
    ratio: RatioInput | None = None,
    duration: int | None = None,
    watermark: bool | None = None,
    seed: int | None = None,
    **options: Unpack[CallOptions],
) -> models.ImageToVideoRequest:
    """Make a video that begins with a picture.

    What is None is left out of the request, for the gateway and the model to settle.

    Args:
        prompt_image: The picture: an https address, a data URI, or a local file as a
            `pathlib.Path`. CometAPI's page has one address; Runway also takes a list of
            ``{"uri": …, "position": "first" | "last"}``, which a caller of the gateway sends.
        model: The model, such as ``"gen3a_turbo"``, the page's, or ``"gen4_turbo"``.
        prompt_text: What is to move and how, at most 512 characters.
        ratio: Frame shape, ``"W:H"`` or ``(W, H)``. The page lists eight in pixels and begins
            with 1280:720 or, in its newer text, 1280:768; which are allowed depends on the model.
        duration: Length in seconds. It depends on the model; 5 is what the page falls back to.
        watermark: Whether the video bears one.
        seed: To repeat a result: the page ends at 999999999, and its own older sample at
            4294967295. A fresh random one below 10**9 if None.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    return models.ImageToVideoRequest(
        prompt_image=_prompt_image(prompt_image),
        model=model,
        prompt_text=inputs.optional(prompt_text),
        ratio=inputs.optional(None if ratio is None else inputs.ratio_text(ratio)),
        duration=inputs.optional(duration),
        watermark=inputs.optional(watermark),
        seed=inputs.fresh_seed() if seed is None else seed,
    )


@creates("generate_an_image_from_text")
def text_to_image(
    *,
    prompt_text: str,
    reference_images: ReferencesInput,
    model: str = "gen4_image",
    ratio: RatioInput = "1280:720",
    seed: int | None = None,
    content_moderation: ModerationInput | None = None,
    **options: Unpack[CallOptions],
) -> models.TextToImageRequest:
    """Make a picture from words and reference pictures.

    Args:
        prompt_text: What the picture shows, 1 to 1000 characters. ``@tag`` speaks of a reference.
        reference_images: One to three pictures: https addresses, data URIs, local files as
            `pathlib.Path`, or ``{"uri": …, "tag": …}``. Runway takes words alone; the gateway
            answers them with ``reference_images_empty``, so they are refused here.
        model: The model; the page names one.
        ratio: Frame shape, ``"W:H"`` or ``(W, H)`` in pixels; the default is the page's example.
        seed: 0 to 4294967295, to repeat a result; a fresh random one below 10**9 if None.
        content_moderation: Threshold for public figures, ``"auto"`` or ``"low"``; left out if
            None. The page that was read does not show it; Runway has it.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    pictures = inputs.items(reference_images, "/referenceImages")
    return models.TextToImageRequest(
        prompt_text=prompt_text,
        reference_images=[
            _reference_image(picture, f"/referenceImages/{index}")
            for index, picture in enumerate(pictures)
        ],
        model=model,
        ratio=inputs.ratio_text(ratio),
        seed=inputs.fresh_seed() if seed is None else seed,
        content_moderation=_optional_moderation(content_moderation),
    )


@creates("generate_a_video_from_a_video")
def video_to_video(
    *,
    video_uri: UriInput,
    prompt_text: str,
    model: str = "gen4_aleph",
    ratio: RatioInput = "1280:720",
    references: ReferencesInput | None = None,
    seed: int | None = None,
    content_moderation: ModerationInput | None = None,
    **options: Unpack[CallOptions],
) -> models.VideoToVideoRequest:
    """Change a video as the words say.

    Args:
        video_uri: The video: an https address, a data URI, or a local file as a `pathlib.Path`.
        prompt_text: What is to change, at most 1000 characters.
        model: The model; the default is the page's.
        ratio: Frame shape of the result, ``"W:H"`` or ``(W, H)`` in pixels; the page says to
            begin with 1280:720, and that ``1280x720`` is not accepted everywhere.
        references: Pictures to go by: addresses, data URIs, files, or ``{"type": "image",
            "uri": …}``.
        seed: 0 to 4294967295, to repeat a result; a fresh random one below 10**9 if None.
        content_moderation: Threshold for public figures, ``"auto"`` or ``"low"``; left out if
            None.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    return models.VideoToVideoRequest(
        video_uri=inputs.uri_text(video_uri, "/videoUri", ("video",)),
        prompt_text=prompt_text,
        model=model,
        ratio=inputs.ratio_text(ratio),
        references=inputs.optional(None if references is None else _references(references)),
        seed=inputs.fresh_seed() if seed is None else seed,
        content_moderation=_optional_moderation(content_moderation),
    )


@creates("upscale_a_video")
def video_upscale(
    *,
    video_uri: UriInput,
    model: str = "upscale_v1",
    **options: Unpack[CallOptions],
) -> models.VideoUpscaleRequest:
    """Enlarge a video four times, to at most 4096 pixels along its longest edge.

    Args:
        video_uri: The video: an https address, a data URI, or a local file as a `pathlib.Path`.
            Runway took up to 40 seconds.
        model: The model; the page names one.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    return models.VideoUpscaleRequest(
        model=model, video_uri=inputs.uri_text(video_uri, "/videoUri", ("video",))
    )


def _moderation(value: ModerationInput) -> models.ContentModeration:
    limit, beside = inputs.threshold(value)
    return inputs.with_rest(models.ContentModeration(limit), beside)


def _optional_moderation(value: ModerationInput | None) -> models.ContentModeration | Unset:
    return inputs.optional(None if value is None else _moderation(value))


def _prompt_image(value: PromptImageInput) -> str | list[models.PromptImage]:
    if not isinstance(value, list | tuple):
        address: str = inputs.uri_text(value, "/promptImage", ("image",))
        return address
    return [
        _placed(picture, f"/promptImage/{index}", is_alone=len(value) == 1)
        for index, picture in enumerate(value)
    ]


def _placed(value: AssetInput, path: str, *, is_alone: bool) -> models.PromptImage:
    """A picture at its place; a single one without a place is the first."""
    given = dict(inputs.asset_fields(value, path))
    uri = inputs.uri_text(given.pop("uri"), f"{path}/uri", ("image",))
    place = given.pop("position", "first" if is_alone else None)
    return inputs.with_rest(models.PromptImage(uri, place), given)


def _reference_image(value: AssetInput, path: str) -> models.ReferenceImage:
    given = dict(inputs.asset_fields(value, path))
    uri = inputs.uri_text(given.pop("uri"), f"{path}/uri", ("image",))
    return inputs.with_rest(models.ReferenceImage(uri), given)


def _references(value: ReferencesInput) -> list[models.VideoReference]:
    parts = (
        inputs.asset_parts(picture, f"/references/{index}", ("image",))
        for index, picture in enumerate(inputs.items(value, "/references"))
    )
    return [inputs.with_rest(models.VideoReference(p.type, p.uri), p.rest) for p in parts]
