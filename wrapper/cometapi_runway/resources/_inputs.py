"""What callers may write for an asset, a ratio or a moderation setting, and what it becomes.

Everything here turns a convenient value into the generated model that goes on the wire. A value
that cannot be understood is refused with the field's path; whether an understood one is allowed
is the contract's business.
"""

from __future__ import annotations

import base64
import mimetypes
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from attrs import frozen

from cometapi_runway._core.redaction import redact_url
from cometapi_runway.errors import InvalidRequestError, Issue

if TYPE_CHECKING:
    from cometapi_runway_api.types import Unset

MEGABYTE = 1024 * 1024
# Runway's limits on data URIs; CometAPI names none of its own. Runway does not say whether they
# mean the file or its text in base64, a third longer; the text is the safe reading.
_LARGEST = {"image": 5 * MEGABYTE, "video": 16 * MEGABYTE}
_LONGEST_HEAD = 64
# The image-to-video page ends its range here, the others at 2**32.
_SEEDS = 10**9
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
ReferencesInput: TypeAlias = "Sequence[AssetInput]"
"""Several assets, in a list."""
PromptImageInput: TypeAlias = "UriInput | Sequence[Mapping[str, object] | Model]"
"""One picture, or a list of ``{"uri", "position"}``."""
FieldsInput: TypeAlias = "Mapping[str, object] | Model"
"""An object with fields of its own, as on the wire."""
RatioInput: TypeAlias = str | tuple[int, int]
"""``"1280:720"`` or ``(1280, 720)``."""
ModerationInput: TypeAlias = "str | Mapping[str, object] | Model"
"""The threshold for public figures, ``{"publicFigureThreshold": …}`` (or in snake case), or the
model."""

M = TypeVar("M", bound=Model)
T = TypeVar("T")


@frozen
class AssetParts:
    """An asset taken apart."""

    type: Any
    uri: Any
    rest: Mapping[str, Any]


def asset_parts(value: AssetInput, path: str, allowed: tuple[str, ...]) -> AssetParts:
    """Take an asset apart, finding its type where it is not given.

    Args:
        value: The asset as the caller wrote it.
        path: JSON pointer of the field, for messages.
        allowed: The types that the contract allows there.

    Raises:
        InvalidRequestError: It is no asset, has no ``uri``, or its type cannot be told.
    """
    given = asset_fields(value, path)
    uri = uri_text(given["uri"], f"{path}/uri", allowed)
    kind = given.get("type")
    if kind is None:
        kind = _type_of(uri, path, allowed)
    return AssetParts(kind, uri, {k: v for k, v in given.items() if k not in {"type", "uri"}})


def asset_fields(value: AssetInput, path: str) -> Mapping[str, Any]:
    """An asset as the object it stands for, its ``uri`` as given.

    Raises:
        InvalidRequestError: It is no asset, or has no ``uri``.
    """
    if isinstance(value, str | Path):
        return {"uri": value}
    given = fields(value, path, "must be an address, a file, or {'type': …, 'uri': …}")
    if "uri" not in given:
        _refuse(f"{path}/uri", "required", None, f"is required; given were {_names(given)}")
    return given


def _names(given: Mapping[Any, Any]) -> list[str]:
    return sorted(map(str, given))


def fields(
    value: FieldsInput, path: str, words: str = "must be an object with fields"
) -> dict[str, Any]:
    """The fields of an object or of a model, in a dictionary of its own.

    Raises:
        InvalidRequestError: It is neither.
    """
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    _refuse(path, "type", value, words)


def items(value: Sequence[T], path: str) -> list[T]:
    """The items of a list.

    Raises:
        InvalidRequestError: It is no list.
    """
    if isinstance(value, list | tuple):
        return list(value)
    _refuse(path, "type", value, "must be a list")


def uri_text(value: Any, path: str, allowed: tuple[str, ...] = ("image", "video")) -> Any:
    """An address as it is; a local file as a data URI.

    Args:
        value: The address, the data URI or the file.
        path: JSON pointer of the field, for messages.
        allowed: What the field may hold.

    Raises:
        InvalidRequestError: The file cannot be read, is of another type, or it or the data URI
            is too large.
    """
    if isinstance(value, Path):
        return _file_text(value, path, allowed)
    if isinstance(value, str) and value[:5].lower() == "data:":
        kind = _guess(value)
        if kind is not None and len(value) > _LARGEST[kind]:
            _too_large(path, redact_url(value), kind, f"has {len(value)} characters")
    return value


def address(value: Any, path: str) -> Any:
    """An address as it is.

    Raises:
        InvalidRequestError: It is a local file, which this route has no way to take.
    """
    if isinstance(value, Path):
        _refuse(path, "type", str(value), "is a local file; this route takes addresses only")
    return value


def _file_text(file: Path, path: str, allowed: tuple[str, ...]) -> str:
    # Names may hold halves of characters, which no message could be printed with.
    name = str(file).encode(errors="backslashreplace").decode()
    extension = file.suffix.lower().lstrip(".")
    kind = _KINDS.get(extension)
    if kind is None or kind not in allowed:
        words = " or ".join(allowed)
        _refuse(path, "type", name, f"{name} has an extension of no known {words} type")
    most = (_LARGEST[kind] - _LONGEST_HEAD) // 4 * 3
    try:
        size = file.stat().st_size
        if size > most:
            _too_large(path, name, kind, f"{name} has {size} bytes, and {most} is the most")
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        # A ValueError is for a character that no system has in a name.
        why = error.strerror if isinstance(error, OSError) else error
        _refuse(path, "readable", name, f"{name} cannot be read: {why}")
    if not content:
        _refuse(path, "minBytes", name, f"{name} is empty")
    media = (
        _KNOWN_TYPES.get(extension) or mimetypes.guess_type(file.name)[0] or f"{kind}/{extension}"
    )
    return f"data:{media};base64,{base64.b64encode(content).decode()}"


def _too_large(path: str, value: str, kind: str, words: str) -> NoReturn:
    limit = _LARGEST[kind] // MEGABYTE
    advice = f"a data URI may have {limit} MiB of {kind}, base64 included. Give an https address"
    _refuse(path, "maxBytes", value, f"{words}; {advice}")


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
    given = fields(value, "/contentModeration", "must be a threshold or an object")
    names = ("publicFigureThreshold", "public_figure_threshold")
    found = next((given[name] for name in names if name in given), None)
    if found is None:
        pointer = "/contentModeration/publicFigureThreshold"
        _refuse(pointer, "required", None, f"is required; given were {_names(given)}")
    return found, {k: v for k, v in given.items() if k not in names}


def with_rest(model: M, rest: Mapping[str, Any]) -> M:
    """The model, carrying fields that the contract does not know."""
    model.additional_properties.update(rest)
    return model


def optional(value: T | None) -> T | Unset:
    """The value, or what the generated models take for an absent one."""
    # Only here: the generated package loads httpx.
    from cometapi_runway_api.types import UNSET  # noqa: PLC0415

    return UNSET if value is None else value


def fresh_seed() -> int:
    """A seed that nobody has chosen, so that two runs differ and each can be repeated."""
    return secrets.randbelow(_SEEDS)


def _type_of(uri: Any, path: str, allowed: tuple[str, ...]) -> str:
    kind = _guess(uri) if isinstance(uri, str) else None
    if kind is None and len(allowed) == 1:
        return allowed[0]
    if kind is None:
        words = " or ".join(repr(name) for name in allowed)
        shown = redact_url(uri) if isinstance(uri, str) else repr(uri)
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
        path = urlsplit(uri).path
        path = unquote(path) if "%" in path else path
    except ValueError:
        return None
    stem, _, extension = path.rpartition("/")[2].rpartition(".")
    return _KINDS.get(extension.lower()) if stem else None


def _refuse(path: str, rule: str, value: object, words: str) -> NoReturn:
    raise InvalidRequestError([Issue(path, rule, value, f"{path}: {words}")])
