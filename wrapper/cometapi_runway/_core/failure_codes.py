"""What Runway's failure codes mean for a caller who considers a retry.

The codes are dotted, the general part first (``SAFETY.INPUT.TEXT``). The table is Runway's, from
its page on task failures; CometAPI passes the codes on and explains none. A code that is not in
the table is explained by its longest prefix that is.
"""

from __future__ import annotations

from attrs import frozen

from cometapi_runway._core.json_values import Object, as_object


@frozen
class FailureAdvice:
    """What a failure code means.

    Attributes:
        code: The prefix of the code that is in the table, or None.
        can_retry: Whether the same request may succeed later; None if that is unknown.
        advice: What to do, in one sentence.
    """

    code: str | None
    can_retry: bool | None
    advice: str


_RETRY_LATER = "Send the same request again after a minute or more"
_REFUSED = "Moderation refused {}, and will refuse the same request again: {}"
# Runway says that the last part of a SAFETY code may name the wrong input.
_TABLE: dict[str, tuple[bool, str]] = {
    "SAFETY": (False, _REFUSED.format("an input or the result", "change the inputs")),
    "SAFETY.INPUT": (False, _REFUSED.format("an input", "change the inputs")),
    "SAFETY.INPUT.TEXT": (
        False,
        _REFUSED.format("an input, most likely the prompt", "reword it"),
    ),
    "SAFETY.INPUT.IMAGE": (
        False,
        _REFUSED.format("an input, most likely an image", "use a different one"),
    ),
    "SAFETY.INPUT.VIDEO": (
        False,
        _REFUSED.format("an input, most likely a video", "use a different one"),
    ),
    "SAFETY.OUTPUT": (False, _REFUSED.format("the result", "change the prompt or the inputs")),
    "INPUT_PREPROCESSING.SAFETY": (False, _REFUSED.format("an input", "change the inputs")),
    "INPUT_PREPROCESSING.SAFETY.TEXT": (False, _REFUSED.format("the prompt", "reword it")),
    "INPUT_PREPROCESSING.INTERNAL": (True, f"Runway's moderation failed. {_RETRY_LATER}"),
    "ASSET.INVALID": (
        False,
        "An input file is unsuitable: check its format, length, dimensions and size, and that "
        "its URL can be fetched",
    ),
    "THIRD_PARTY.UNAVAILABLE": (
        True,
        f"A provider that Runway depends on is unavailable. {_RETRY_LATER}",
    ),
    "INTERNAL": (True, f"Runway had an internal error. {_RETRY_LATER}"),
    "INTERNAL.BAD_OUTPUT": (
        True,
        "Runway withheld the result because of its poor quality. The same request may be sent "
        "again but seldom does better: change the inputs, above all overlaid text or graphics",
    ),
}
# Runway documents a missing code as an internal error.
_NO_CODE = FailureAdvice(None, True, f"Runway names no cause. {_RETRY_LATER}")
_NOT_PASSED_ON = FailureAdvice(
    None, None, "The gateway passes on no failure code: decide by its message"
)
_UNKNOWN = FailureAdvice(
    None, None, "The failure code is unknown to this package: decide by the message"
)


def explain_failure(code: str | None, *, by_runway: bool = True) -> FailureAdvice:
    """Explain a failure code.

    Args:
        code: The code as received, or None.
        by_runway: Whether the response contains Runway's own failure fields. Only then does a
            missing code mean an internal error; the gateway's own shapes never have a code.
    """
    if code is None or not code.strip():
        return _NO_CODE if by_runway else _NOT_PASSED_ON
    parts = code.strip().upper().split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        if prefix in _TABLE:
            return FailureAdvice(prefix, *_TABLE[prefix])
    return _UNKNOWN


def has_runway_failure(payload: Object | None) -> bool:
    """Whether a task's response contains Runway's own ``failure`` field, at any depth."""
    while payload is not None:
        if "failure" in payload:
            return True
        payload = as_object(payload.get("data"))
    return False
