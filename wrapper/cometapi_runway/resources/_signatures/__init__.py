"""The signature of every ``create``, once, for both clients.

Each is a function that turns its arguments into the generated request model. A test compares its
names, required arguments, types and values with the contract. The defaults are its own: the
defaults that the pages print are those of their interactive form. The module `from_contract`
derives the signature of an operation that has none here.
"""

from cometapi_runway.resources._signatures.compat import (
    compat_act_one,
    compat_image_to_video,
    compat_text_to_video,
    compat_video_to_video,
)
from cometapi_runway.resources._signatures.official import (
    character_performance,
    image_to_video,
    text_to_image,
    video_to_video,
    video_upscale,
)
from cometapi_runway.resources._signatures.signature import (
    OPTIONS,
    CallOptions,
    P,
    Signature,
    creates,
)

__all__ = [
    "OPTIONS",
    "CallOptions",
    "P",
    "Signature",
    "character_performance",
    "compat_act_one",
    "compat_image_to_video",
    "compat_text_to_video",
    "compat_video_to_video",
    "creates",
    "image_to_video",
    "text_to_image",
    "video_to_video",
    "video_upscale",
]
