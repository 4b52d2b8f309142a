"""The official-format routes, whose request bodies are Runway's own."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from cometapi_runway.resources import _inputs as inputs
from cometapi_runway.resources._inputs import (
    AssetInput,
    ModerationInput,
    PromptImageInput,
    RatioInput,
    ReferencesInput,
    UriInput,
)
from cometapi_runway.resources._signatures import conversions
from cometapi_runway.resources._signatures.models import models
from cometapi_runway.resources._signatures.signature import CallOptions, creates


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

    Every field that the vendored page requires is sent, so the body is valid by the page's schema,
    which requires eight fields, and by its samples, which send four.

    Args:
        character: The character to animate, an image or a video: an https URL or a data URI,
            whose type is inferred; ``{"type": "image" | "video", "uri": …}``; a local file as a
            `pathlib.Path`; or the generated model.
        reference: The video with the performance, in the same forms.
        model: The model. Known: act_two (documented: CometAPI's page).
        ratio: Frame shape of the output, ``"W:H"`` or ``(W, H)`` in pixels. The model decides which
            are allowed. Known: 1280:720, 720:1280 (documented: CometAPI's page); 960:960, 1104:832,
            832:1104, 1584:672 (upstream: Runway, for act_two).
        body_control: Whether body motion is transferred as well as the face.
        expression_intensity: Strength of the expressions, 1 to 5 (bounds and default are
            Runway's; the page has none).
        seed: 0 to 4294967295, to repeat a result; a random one below 10**9 if None.
        content_moderation: Threshold for public figures, ``"auto"`` or ``"low"``.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    face = inputs.split_asset(character, "/character", ("image", "video"))
    clip = inputs.split_asset(reference, "/reference", ("video",))
    return models.CharacterPerformanceRequest(
        character=inputs.add_fields(models.CharacterAsset(face.type, face.uri), face.extra),
        reference=inputs.add_fields(models.ReferenceAsset(clip.type, clip.uri), clip.extra),
        model=model,
        ratio=inputs.format_ratio(ratio),
        body_control=body_control,
        expression_intensity=expression_intensity,
        seed=inputs.draw_seed() if seed is None else seed,
        content_moderation=conversions.to_moderation(content_moderation),
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
    """Create a video that begins with a picture.

    An argument of None is omitted from the request, so the gateway or the model decides.

    Args:
        prompt_image: The picture: an https URL, a data URI, or a local file as a
            `pathlib.Path`. CometAPI's page has one URL; Runway also takes a list of
            ``{"uri": …, "position": "first" | "last"}``, which users of the gateway send too.
        model: The model. Known: gen3a_turbo (documented: CometAPI's page); gen4_turbo (observed: a
            client in production).
        prompt_text: What moves, and how; at most 512 characters.
        ratio: Frame shape, ``"W:H"`` or ``(W, H)``. The model decides which are allowed; the page
            advises to start with 1280:720 or, in its newer text, 1280:768. Known: 1280:720,
            720:1280, 1104:832, 832:1104, 960:960, 1584:672, 1280:768, 768:1280 (documented:
            CometAPI's page); 16:9, 9:16 (documented: CometAPI's page, for older API versions).
        duration: Length in seconds. It depends on the model; the page's default is 5. Known: 5, 10
            (documented: CometAPI's page); 2, 3, 4, 6, 7, 8, 9 (upstream: Runway, for gen4_turbo).
        watermark: Whether the video has a watermark.
        seed: To repeat a result. The page's maximum is 999999999, that of its older sample
            4294967295. A random one below 10**9 if None.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    return models.ImageToVideoRequest(
        prompt_image=_prompt_image(prompt_image),
        model=model,
        prompt_text=inputs.or_unset(prompt_text),
        ratio=inputs.or_unset(None if ratio is None else inputs.format_ratio(ratio)),
        duration=inputs.or_unset(duration),
        watermark=inputs.or_unset(watermark),
        seed=inputs.draw_seed() if seed is None else seed,
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
    """Create a picture from a prompt and reference pictures.

    Args:
        prompt_text: What the picture shows, 1 to 1000 characters. ``@tag`` names a reference.
        reference_images: One to three pictures: https URLs, data URIs, local files as
            `pathlib.Path`, or ``{"uri": …, "tag": …}``. Runway accepts a prompt alone; the
            gateway refuses that with ``reference_images_empty``, so it is refused here.
        model: The model. Known: gen4_image (documented: CometAPI's page); gen4_image_turbo
            (inferred: CometAPI's list of models).
        ratio: Frame shape, ``"W:H"`` or ``(W, H)`` in pixels. Known: 1280:720 (documented:
            CometAPI's page); 720:1280, 1024:1024, 1080:1080, 1168:880, 1360:768, 1440:1080,
            1080:1440, 1808:768, 1920:1080, 1080:1920, 2112:912, 720:720, 960:720, 720:960, 1680:720
            (upstream: Runway, for gen4_image).
        seed: 0 to 4294967295, to repeat a result; a random one below 10**9 if None.
        content_moderation: Threshold for public figures, ``"auto"`` or ``"low"``; omitted if
            None. Runway documents it, CometAPI's page does not.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    pictures = inputs.to_list(reference_images, "/referenceImages")
    return models.TextToImageRequest(
        prompt_text=prompt_text,
        reference_images=[
            _reference_image(picture, f"/referenceImages/{index}")
            for index, picture in enumerate(pictures)
        ],
        model=model,
        ratio=inputs.format_ratio(ratio),
        seed=inputs.draw_seed() if seed is None else seed,
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
    """Change a video by a prompt.

    Args:
        video_uri: The video: an https URL, a data URI, or a local file as a `pathlib.Path`.
        prompt_text: What to change, at most 1000 characters.
        model: The model. Known: gen4_aleph (documented: CometAPI's page).
        ratio: Frame shape of the result, ``"W:H"`` or ``(W, H)`` in pixels; the page advises to
            start with 1280:720, and says that ``1280x720`` is not accepted everywhere. Known:
            1280:720, 720:1280 (documented: CometAPI's page); 1104:832, 832:1104, 960:960, 1584:672,
            848:480, 640:480 (upstream: Runway, for gen4_aleph).
        references: Reference pictures: URLs, data URIs, files, or ``{"type": "image",
            "uri": …}``.
        seed: 0 to 4294967295, to repeat a result; a random one below 10**9 if None.
        content_moderation: Threshold for public figures, ``"auto"`` or ``"low"``; omitted if
            None.
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    return models.VideoToVideoRequest(
        video_uri=inputs.to_uri(video_uri, "/videoUri", ("video",)),
        prompt_text=prompt_text,
        model=model,
        ratio=inputs.format_ratio(ratio),
        references=inputs.or_unset(None if references is None else _references(references)),
        seed=inputs.draw_seed() if seed is None else seed,
        content_moderation=_optional_moderation(content_moderation),
    )


@creates("upscale_a_video")
def video_upscale(
    *,
    video_uri: UriInput,
    model: str = "upscale_v1",
    **options: Unpack[CallOptions],
) -> models.VideoUpscaleRequest:
    """Upscale a video by four, to at most 4096 pixels along its longest edge.

    Args:
        video_uri: The video: an https URL, a data URI, or a local file as a `pathlib.Path`.
            Runway's limit was 40 seconds.
        model: The model. Known: upscale_v1 (documented: CometAPI's page).
        **options: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    return models.VideoUpscaleRequest(
        model=model, video_uri=inputs.to_uri(video_uri, "/videoUri", ("video",))
    )


def _optional_moderation(value: ModerationInput | None) -> Any:
    return inputs.or_unset(None if value is None else conversions.to_moderation(value))


def _prompt_image(value: PromptImageInput) -> str | list[models.PromptImage]:
    if not isinstance(value, list | tuple):
        uri: str = inputs.to_uri(value, "/promptImage", ("image",))
        return uri
    return [
        _prompt_image_item(picture, f"/promptImage/{index}", is_alone=len(value) == 1)
        for index, picture in enumerate(value)
    ]


def _prompt_image_item(value: AssetInput, path: str, *, is_alone: bool) -> models.PromptImage:
    """A picture and its position; a single one without a position is the first frame."""
    fields = dict(inputs.asset_fields(value, path))
    uri = inputs.to_uri(fields.pop("uri"), f"{path}/uri", ("image",))
    position = fields.pop("position", "first" if is_alone else None)
    return inputs.add_fields(models.PromptImage(uri, position), fields)


def _reference_image(value: AssetInput, path: str) -> models.ReferenceImage:
    fields = dict(inputs.asset_fields(value, path))
    uri = inputs.to_uri(fields.pop("uri"), f"{path}/uri", ("image",))
    return inputs.add_fields(models.ReferenceImage(uri), fields)


def _references(value: ReferencesInput) -> list[models.VideoReference]:
    assets = (
        inputs.split_asset(picture, f"/references/{index}", ("image",))
        for index, picture in enumerate(inputs.to_list(value, "/references"))
    )
    return [
        inputs.add_fields(models.VideoReference(asset.type, asset.uri), asset.extra)
        for asset in assets
    ]
