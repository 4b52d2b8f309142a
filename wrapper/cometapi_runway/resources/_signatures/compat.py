"""The compatibility-format routes, CometAPI's older ones (it called them reverse).

Their tasks are polled on ``/runway/feed``, and each posts its result to a ``callback_url``, which
the gateway demands (`cometapi_runway.callbacks`). They take addresses only, no data URIs.
"""

from __future__ import annotations

from typing import Unpack

from cometapi_runway.resources import _inputs as inputs
from cometapi_runway.resources._inputs import FieldsInput, RatioInput
from cometapi_runway.resources._signatures.models import models
from cometapi_runway.resources._signatures.signature import CallOptions, creates

_SECONDS = 5
_STILL = dict.fromkeys(("x", "y", "z", "r", "bg_x_pan", "bg_y_pan"), 0)


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
    """Make a video from words.

    Args:
        prompt: What the video shows.
        callback_url: Where the gateway posts the result.
        model: The model. The page's sample has ``gen4``; the default is what CometAPI tried.
        ratio: Frame shape, ``"W:H"`` or ``(W, H)``, such as 16:9, 9:16 or 1:1.
        style: The look; the default is the page's.
        options: ``{"seconds": …, "motion_vector": {…}}``, the camera's movement as numbers ``x``,
            ``y``, ``z``, ``r``, ``bg_x_pan``, ``bg_y_pan``. The page demands both, so what is
            left out is filled in: 5 seconds, a camera that stands still.
        **call: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    given = {} if options is None else inputs.fields(options, "/options")
    made = models.CompatTextToVideoOptions(
        seconds=given.pop("seconds", _SECONDS),
        motion_vector=_motion(given.pop("motion_vector", _STILL)),
    )
    return models.CompatTextToVideoRequest(
        prompt=prompt,
        callback_url=inputs.address(callback_url, "/callback_url"),
        model=model,
        ratio=inputs.ratio_text(ratio),
        style=style,
        options=inputs.with_rest(made, given),
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
    """Make a video that begins with a picture.

    Args:
        image: Address of the picture.
        prompt: What is to move and how.
        callback_url: Where the gateway posts the result.
        model: The model; the default is the page's.
        ratio: Frame shape, ``"W:H"`` or ``(W, H)``; the page demands it, its sample leaves it
            out, and the default is the page's.
        style: The look; left out if None.
        options: ``{"seconds": 5 or 10}`` and whatever else the gateway takes; the page says to
            begin with 5. Left out if None.
        last_image: Address of the picture that the video moves towards. The page describes the
            field and does not show its name: this one is inferred.
        **call: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    given = None if options is None else inputs.fields(options, "/options")
    made = models.CompatImageToVideoOptions()
    return models.CompatImageToVideoRequest(
        image=inputs.address(image, "/image"),
        prompt=prompt,
        callback_url=inputs.address(callback_url, "/callback_url"),
        model=model,
        ratio=inputs.ratio_text(ratio),
        style=inputs.optional(style),
        options=inputs.optional(None if given is None else inputs.with_rest(made, given)),
        last_image=inputs.optional(inputs.address(last_image, "/last_image")),
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
        video: Address of the video.
        prompt: The style.
        callback_url: Where the gateway posts the result.
        model: The model; the default is the page's.
        options: ``{"seconds": …, "structure_transformation": …, "flip": …}``: length, how far
            the result may leave the source (begin with 0.5), and a switch that the page does not
            explain. If None, 5 seconds: the newer page says that the length is to be given.
        **call: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    given = {"seconds": _SECONDS} if options is None else inputs.fields(options, "/options")
    return models.CompatVideoToVideoRequest(
        video=inputs.address(video, "/video"),
        prompt=prompt,
        callback_url=inputs.address(callback_url, "/callback_url"),
        model=model,
        options=inputs.with_rest(models.CompatVideoToVideoOptions(), given),
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
        video: Address of the clip that holds the performance; 16:9 only.
        image: Address of the picture; 16:9 only.
        callback_url: Where the gateway posts the result.
        **call: See `CallOptions`.

    Returns:
        The accepted task.

    Raises:
        InvalidRequestError: The contract forbids it; nothing was sent.
        SubmissionUnknownError: It was sent once and the answer did not arrive.
        APIError: The gateway refused it, or was never reached.
    """
    return models.CompatActOneRequest(
        video=inputs.address(video, "/video"),
        image=inputs.address(image, "/image"),
        callback_url=inputs.address(callback_url, "/callback_url"),
    )


def _motion(given: FieldsInput) -> models.MotionVector:
    # All of it goes beside the model's own fields, and so onto the wire as it was given.
    return inputs.with_rest(models.MotionVector(), inputs.fields(given, "/options/motion_vector"))
