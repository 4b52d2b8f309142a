"""The compatibility-format routes, CometAPI's older ones (it called them reverse).

Their tasks are polled on ``/runway/feed``, and the gateway posts each result to a ``callback_url``,
which it requires (`cometapi_runway.callbacks`). They accept URLs only, no data URIs.
"""

from __future__ import annotations

from typing import Unpack

from cometapi_runway.resources import _inputs as inputs
from cometapi_runway.resources._inputs import FieldsInput, RatioInput
from cometapi_runway.resources._signatures.models import models
from cometapi_runway.resources._signatures.signature import CallOptions, creates

_DEFAULT_SECONDS = 5
_STILL_CAMERA = dict.fromkeys(("x", "y", "z", "r", "bg_x_pan", "bg_y_pan"), 0)


@creates("generate", "feed")
def compat_text_to_video(
    *,
    prompt: str,
    callback_url: str,
    model: str = "gen4_turbo",
    ratio: RatioInput = "16:9",
    style: str = "cinematic",
    options: FieldsInput | None = None,
    **call: Unpack[CallOptions],
) -> models.CompatTextToVideoRequest:
    """Create a video from a prompt.

    Args:
        prompt: What the video shows.
        callback_url: Where the gateway posts the result.
        model: The model. The page's sample has ``gen4``; CometAPI tested the default. Known: gen4,
            gen4_turbo (documented: CometAPI's pages).
        ratio: Frame shape, ``"W:H"`` or ``(W, H)``. Known: 16:9, 9:16, 1:1 (documented: CometAPI's
            page).
        style: The look; the default is the page's.
        options: ``{"seconds": …, "motion_vector": {…}}``, the camera's movement as numbers ``x``,
            ``y``, ``z``, ``r``, ``bg_x_pan``, ``bg_y_pan``. The page requires both, so a missing
            one is filled in: 5 seconds, a still camera. Known seconds: 5, 10 (documented:
            CometAPI's pages).
        **call: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    fields = {} if options is None else inputs.to_fields(options, "/options")
    options_model = models.CompatTextToVideoOptions(
        seconds=fields.pop("seconds", _DEFAULT_SECONDS),
        motion_vector=_motion_vector(fields.pop("motion_vector", _STILL_CAMERA)),
    )
    return models.CompatTextToVideoRequest(
        prompt=prompt,
        callback_url=inputs.to_url(callback_url, "/callback_url"),
        model=model,
        ratio=inputs.format_ratio(ratio),
        style=style,
        options=inputs.add_fields(options_model, fields),
    )


@creates("generate", "feed")
def compat_image_to_video(
    *,
    image: str,
    prompt: str,
    callback_url: str,
    model: str = "gen4",
    ratio: RatioInput = "1280:720",
    style: str | None = None,
    options: FieldsInput | None = None,
    last_image: str | None = None,
    **call: Unpack[CallOptions],
) -> models.CompatImageToVideoRequest:
    """Create a video that begins with a picture.

    Args:
        image: URL of the picture.
        prompt: What moves, and how.
        callback_url: Where the gateway posts the result.
        model: The model; the default is the page's. Known: gen4, gen4_turbo (documented: CometAPI's
            pages).
        ratio: Frame shape, ``"W:H"`` or ``(W, H)``; the page requires it, its sample omits it, and
            the default is the page's. Known: 1280:720, 720:1280 (documented: CometAPI's page).
        style: The look; omitted if None.
        options: ``{"seconds": 5 or 10}`` and any other option of the gateway; the page advises to
            start with 5. Omitted if None. Known seconds: 5, 10 (documented: CometAPI's pages).
        last_image: URL of the picture that the video ends with. The page describes the field
            without its name; this name is inferred.
        **call: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    options_model = (
        None
        if options is None
        else inputs.add_fields(
            models.CompatImageToVideoOptions(), inputs.to_fields(options, "/options")
        )
    )
    return models.CompatImageToVideoRequest(
        image=inputs.to_url(image, "/image"),
        prompt=prompt,
        callback_url=inputs.to_url(callback_url, "/callback_url"),
        model=model,
        ratio=inputs.format_ratio(ratio),
        style=inputs.or_unset(style),
        options=inputs.or_unset(options_model),
        last_image=inputs.or_unset(inputs.to_url(last_image, "/last_image")),
    )


@creates("video_to_video_style_redraw", "feed")
def compat_video_to_video(
    *,
    video: str,
    prompt: str,
    callback_url: str,
    model: str = "gen4",
    options: FieldsInput | None = None,
    **call: Unpack[CallOptions],
) -> models.CompatVideoToVideoRequest:
    """Redraw a video in another style.

    Args:
        video: URL of the video.
        prompt: The style.
        callback_url: Where the gateway posts the result.
        model: The model; the default is the page's. Known: gen4 (documented: CometAPI's page).
        options: ``{"seconds": …, "structure_transformation": …, "flip": …}``: length, how far the
            result may differ from the source (start with 0.5), and a flag that the page does not
            explain. If None, 5 seconds: the newer page requires the length. Known seconds: 5
            (documented: CometAPI's page).
        **call: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    fields = (
        {"seconds": _DEFAULT_SECONDS} if options is None else inputs.to_fields(options, "/options")
    )
    return models.CompatVideoToVideoRequest(
        video=inputs.to_url(video, "/video"),
        prompt=prompt,
        callback_url=inputs.to_url(callback_url, "/callback_url"),
        model=model,
        options=inputs.add_fields(models.CompatVideoToVideoOptions(), fields),
    )


@creates("act_one_expression_migration", "feed")
def compat_act_one(
    *,
    video: str,
    image: str,
    callback_url: str,
    **call: Unpack[CallOptions],
) -> models.CompatActOneRequest:
    """Transfer the expressions of a performance onto a picture.

    Args:
        video: URL of the clip with the performance; 16:9 only.
        image: URL of the picture; 16:9 only.
        callback_url: Where the gateway posts the result.
        **call: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids the request; nothing was sent.
        SubmissionUnknownError: It was sent once, and no usable response arrived.
        APIError: The gateway refused it, or could not be reached.
    """
    return models.CompatActOneRequest(
        video=inputs.to_url(video, "/video"),
        image=inputs.to_url(image, "/image"),
        callback_url=inputs.to_url(callback_url, "/callback_url"),
    )


def _motion_vector(value: FieldsInput) -> models.MotionVector:
    # As additional fields the numbers reach the wire unchanged.
    fields = inputs.to_fields(value, "/options/motion_vector")
    return inputs.add_fields(models.MotionVector(), fields)
