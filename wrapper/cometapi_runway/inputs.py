"""What callers may write for an asset, a ratio or a moderation setting, and what it becomes.

Everything here turns a convenient value into the generated model that goes on the wire. A value
that cannot be understood is refused with the field's path; whether an understood one is allowed
is the contract's business.
"""

from __future__ import annotations

import base64
import mimetypes
import secrets
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn, Protocol, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from attrs import frozen

from cometapi_runway import redaction
from cometapi_runway.errors import InvalidRequestError, Issue

MEGABYTE = 1024 * 1024
# Runway's limits on data URIs; CometAPI names none of its own.
_LARGEST = {"image": 5 * MEGABYTE, "video": 16 * MEGABYTE}
_SEEDS = 2**32
_KINDS = {
    **dict.fromkeys(("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif"), "image"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm", "mkv", "avi", "ogv", "mpg", "mpeg"), "video"),
}
_KNOWN_TYPES = {"webp": "image/webp", "mkv": "video/x-matroska", "m4v": "video/mp4"}


class Model(Protocol):
    """A generated request model."""

    additional_properties: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that it stands for."""
        ...


UriInput: TypeAlias = str | Path
"""An https address, a data URI, or a local file, which is sent as a data URI."""
AssetInput: TypeAlias = "UriInput | Mapping[str, object] | Model"
"""An address or file, whose type is told from its name; ``{"type", "uri"}``; or the model."""
RatioInput: TypeAlias = str | tuple[int, int]
"""``"1280:720"`` or ``(1280, 720)``."""
ModerationInput: TypeAlias = "str | Mapping[str, object] | Model"
"""The threshold for public figures, ``{"publicFigureThreshold": …}`` (or in snake case), or the
model."""

M = TypeVar("M", bound=Model)


@frozen
class Parts:
    """An asset taken apart."""

    type: Any
    uri: Any
    rest: Mapping[str, Any]


def asset_parts(value: AssetInput, path: str, allowed: tuple[str, ...]) -> Parts:
    """Take an asset apart, finding its type where it is not given.

    Args:
        value: The asset as the caller wrote it.
        path: JSON pointer of the field, for messages.
        allowed: The types that the contract allows there.

    Raises:
        InvalidRequestError: It is no asset, has no ``uri``, or its type cannot be told.
    """
    given: Mapping[str, Any]
    if isinstance(value, str | Path):
        given = {"uri": value}
    elif isinstance(value, Mapping):
        given = value
    elif hasattr(value, "to_dict"):
        given = value.to_dict()
    else:
        _refuse(path, "type", value, "must be an address, a file, or {'type': …, 'uri': …}")
    if "uri" not in given:
        _refuse(f"{path}/uri", "required", None, f"is required; given were {sorted(given)}")
    uri = uri_text(given["uri"], f"{path}/uri")
    kind = given.get("type")
    if kind is None:
        kind = _type_of(uri, path, allowed)
    return Parts(kind, uri, {k: v for k, v in given.items() if k not in {"type", "uri"}})


def uri_text(value: Any, path: str) -> Any:
    """An address as it is; a local file as a data URI.

    Raises:
        InvalidRequestError: The file cannot be read, is of no known type, or is too large.
    """
    if not isinstance(value, Path):
        return value
    file = value
    extension = file.suffix.lower().lstrip(".")
    kind = _KINDS.get(extension)
    if kind is None:
        _refuse(path, "type", str(file), "has an extension of no known image or video type")
    try:
        size = file.stat().st_size
        if size > _LARGEST[kind]:
            most = _LARGEST[kind] // MEGABYTE
            _refuse(
                path,
                "maxBytes",
                str(file),
                f"has {size} bytes; a data URI may hold {most} MiB of {kind}. Give an address",
            )
        content = file.read_bytes()
    except OSError as error:
        _refuse(path, "readable", str(file), f"cannot be read: {error.strerror}")
    media = (
        _KNOWN_TYPES.get(extension) or mimetypes.guess_type(file.name)[0] or f"{kind}/{extension}"
    )
    return f"data:{media};base64,{base64.b64encode(content).decode()}"


def ratio_text(value: RatioInput) -> str:
    """``(1280, 720)`` as ``"1280:720"``; anything else as it is, for the contract to judge."""
    return value if isinstance(value, str) else _joined(value)


def _joined(pair: Any) -> Any:
    try:
        width, height = pair
    except (TypeError, ValueError):
        return pair
    return f"{width}:{height}"


def threshold(value: ModerationInput) -> tuple[Any, Mapping[str, Any]]:
    """The threshold for public figures, and whatever else was given beside it."""
    if isinstance(value, str):
        return value, {}
    given: Mapping[str, Any]
    if isinstance(value, Mapping):
        given = value
    elif hasattr(value, "to_dict"):
        given = value.to_dict()
    else:
        _refuse("/contentModeration", "type", value, "must be a threshold or an object")
    names = ("publicFigureThreshold", "public_figure_threshold")
    found = next((given[name] for name in names if name in given), None)
    if found is None:
        pointer = "/contentModeration/publicFigureThreshold"
        _refuse(pointer, "required", None, f"is required; given were {sorted(given)}")
    return found, {k: v for k, v in given.items() if k not in names}


def with_rest(model: M, rest: Mapping[str, Any]) -> M:
    """The model, carrying fields that the contract does not know."""
    model.additional_properties.update(rest)
    return model


def fresh_seed() -> int:
    """A seed that nobody has chosen, so that two runs differ and each can be repeated."""
    return secrets.randbelow(_SEEDS)


def _type_of(uri: Any, path: str, allowed: tuple[str, ...]) -> str:
    if len(allowed) == 1:
        return allowed[0]
    kind = _guess(uri) if isinstance(uri, str) else None
    if kind is None:
        words = " or ".join(repr(name) for name in allowed)
        shown = redaction.url(uri) if isinstance(uri, str) else repr(uri)
        _refuse(
            f"{path}/type",
            "required",
            shown,
            f"cannot be told from {shown!r}; give {{'type': {words}, 'uri': …}}",
        )
    return kind


def _guess(uri: str) -> str | None:
    if uri[:5].lower() == "data:":
        main = uri[5:].partition("/")[0].lower()
        return main if main in _LARGEST else None
    try:
        path = unquote(urlsplit(uri).path)
    except ValueError:
        return None
    return _KINDS.get(PurePosixPath(path).suffix.lower().lstrip("."))


def _refuse(path: str, rule: str, value: object, words: str) -> NoReturn:
    raise InvalidRequestError([Issue(path, rule, value, f"{path}: {words}")])
