"""JSON compared as JSON: 59 is 59.0, but true is not 1, and every difference has a place."""

from __future__ import annotations

from collections.abc import Iterator

from cometapi_runway.validation._messages import describe_value as show


def differences(asked: object, sent: object, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, in words: ``/seed: asked 3, sent 4``."""
    if isinstance(asked, dict) and isinstance(sent, dict):
        for key in {**asked, **sent}:
            place = f"{path}/{key}"
            if key not in sent:
                yield f"{place}: asked {show(asked[key])}, not sent"
            elif key not in asked:
                yield f"{place}: not asked, sent {show(sent[key])}"
            else:
                yield from differences(asked[key], sent[key], place)
    elif isinstance(asked, list) and isinstance(sent, list) and len(asked) == len(sent):
        for index, (one, other) in enumerate(zip(asked, sent, strict=True)):
            yield from differences(one, other, f"{path}/{index}")
    elif _kind(asked) is not _kind(sent) or asked != sent:
        yield f"{path or 'the body'}: asked {show(asked)}, sent {show(sent)}"


def _kind(value: object) -> type:
    return float if type(value) is int else type(value)
