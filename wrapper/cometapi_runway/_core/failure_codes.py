"""What Runway's failure codes mean for whoever wants to try again.

The codes are dotted, the general part first (``SAFETY.INPUT.TEXT``). The table is Runway's, from
its page on task failures; CometAPI passes the codes on and explains none. A code that the table
does not hold is read by the longest part of it that the table does hold.
"""

from __future__ import annotations

from attrs import frozen

from cometapi_runway._core.json_values import Object, as_object


@frozen
class FailureAdvice:
    """What a failure code means.

    Attributes:
        code: The part of the code that is known, or None where no part is.
        can_retry: Whether the same request may do better later; None where nobody says.
        advice: What to do, in one sentence.
    """

    code: str | None
    can_retry: bool | None
    advice: str


_LATER = "Send the same request again after a minute or more"
_REFUSED = "Moderation refused {}; the same request is refused again"
# Runway says that the last part of a SAFETY code may name the wrong input.
_TABLE: dict[str, tuple[bool, str]] = {
    "SAFETY": (False, _REFUSED.format("an input or the result") + ": change the inputs"),
    "SAFETY.INPUT": (False, _REFUSED.format("an input") + ": change the inputs"),
    "SAFETY.INPUT.TEXT": (
        False,
        _REFUSED.format("an input, most likely the prompt") + ": reword it",
    ),
    "SAFETY.INPUT.IMAGE": (
        False,
        _REFUSED.format("an input, most likely an image") + ": give a different one",
    ),
    "SAFETY.INPUT.VIDEO": (
        False,
        _REFUSED.format("an input, most likely a video") + ": give a different one",
    ),
    "SAFETY.OUTPUT": (False, _REFUSED.format("the result") + ": change the prompt or the inputs"),
    "INPUT_PREPROCESSING.SAFETY": (False, _REFUSED.format("an input") + ": change the inputs"),
    "INPUT_PREPROCESSING.SAFETY.TEXT": (False, _REFUSED.format("the prompt") + ": reword it"),
    "INPUT_PREPROCESSING.INTERNAL": (True, f"The moderation itself had trouble. {_LATER}"),
    "ASSET.INVALID": (
        False,
        "A file does not fit: check its format, length, dimensions and size, and that its "
        "address can be fetched",
    ),
    "THIRD_PARTY.UNAVAILABLE": (True, f"A provider behind Runway is down. {_LATER}"),
    "INTERNAL": (True, f"Runway had trouble of its own. {_LATER}"),
    "INTERNAL.BAD_OUTPUT": (
        True,
        "The result was too poor to be handed out. The same request may be sent again but "
        "seldom does better: change the inputs, above all text or graphics laid over them",
    ),
}
# Runway: trouble of its own, as INTERNAL.
_NO_CODE = FailureAdvice(None, True, f"Runway names no cause. {_LATER}")
_NOT_PASSED_ON = FailureAdvice(None, None, "The gateway passes on no code: judge by its words")
_UNKNOWN = FailureAdvice(None, None, "This package does not know the code: judge by the words")


def explain_failure(code: str | None, *, by_runway: bool = True) -> FailureAdvice:
    """Explain a failure code.

    Args:
        code: The code as answered, or None.
        by_runway: Whether Runway's own account of the failure is at hand. Only then does the
            absence of a code mean what Runway says it means; the gateway's shapes never have one.
    """
    if code is None or not code.strip():
        return _NO_CODE if by_runway else _NOT_PASSED_ON
    parts = code.strip().upper().split(".")
    for length in range(len(parts), 0, -1):
        head = ".".join(parts[:length])
        if head in _TABLE:
            return FailureAdvice(head, *_TABLE[head])
    return _UNKNOWN


def has_runway_failure(payload: Object | None) -> bool:
    """Whether an answer about a task holds Runway's own account of its failure."""
    while payload is not None:
        if "failure" in payload:
            return True
        payload = as_object(payload.get("data"))
    return False
