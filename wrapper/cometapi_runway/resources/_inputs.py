"""The forms that callers may write assets, ratios and moderation in, and their conversion.

Everything here converts a convenient value into what goes on the wire. A value that cannot be
converted is refused with the field's path. The contract decides whether a converted one is allowed.
"""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from attrs import frozen

from cometapi_runway._core.redaction import redact_url, safe_repr, shorten_text
from cometapi_runway.errors import InvalidRequestError, Issue

if TYPE_CHECKING:
    from cometapi_runway_api.types import Unset

MEGABYTE = 1024 * 1024
# Runway's limits on data URIs; CometAPI names none. Runway does not say whether they apply to the
# file or to its base64 text, which is a third longer; the text is the safe reading.
_MAX_DATA_URI = {"image": 5 * MEGABYTE, "video": 16 * MEGABYTE}
_MAX_DATA_URI_HEAD = 64
# The image-to-video page allows seeds below this, the others below 2**32.
_SEED_LIMIT = 10**9
_ASSET_TYPES = {
    **dict.fromkeys(("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif"), "image"),
    **dict.fromkeys(("mp4", "m4v", "mov", "webm", "mkv", "avi", "ogv", "mpg", "mpeg"), "video"),
}
# The `mimetypes` of some systems lack these.
_MEDIA_TYPES = {"webp": "image/webp", "mkv": "video/x-matroska", "m4v": "video/mp4"}


class Model(Protocol):
    """A generated request model."""

    additional_properties: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object."""
        ...


UriInput: TypeAlias = str | Path
"""An https URL, a data URI, or a local file, which is sent as a data URI."""
AssetInput: TypeAlias = "UriInput | Mapping[str, object] | Model"
"""A URL or file, whose type follows from its extension; ``{"type", "uri"}``; or the model."""
ReferencesInput: TypeAlias = "Sequence[AssetInput]"
"""Several assets, in a list."""
PromptImageInput: TypeAlias = "UriInput | Sequence[Mapping[str, object] | Model]"
"""One picture, or a list of ``{"uri", "position"}``."""
FieldsInput: TypeAlias = "Mapping[str, object] | Model"
"""A JSON object with the fields of the wire, or the model."""
RatioInput: TypeAlias = str | tuple[int, int]
"""``"1280:720"`` or ``(1280, 720)``."""
ModerationInput: TypeAlias = "str | Mapping[str, object] | Model"
"""The threshold for public figures, ``{"publicFigureThreshold": …}`` (or in snake case), or the
model."""

M = TypeVar("M", bound=Model)
T = TypeVar("T")


@frozen
class AssetParts:
    """The fields of an asset.

    Attributes:
        type: ``"image"`` or ``"video"``, or what the caller wrote.
        uri: The URL or data URI, or what the caller wrote.
        extra: Every other field.
    """

    type: Any
    uri: Any
    extra: Mapping[str, Any]


def split_asset(value: AssetInput, path: str, allowed: tuple[str, ...]) -> AssetParts:
    """Split an asset into its fields, and infer its type if it has none.

    Args:
        value: The asset as the caller wrote it.
        path: JSON pointer of the field, for messages.
        allowed: The types that the contract allows there.

    Raises:
        InvalidRequestError: The value is not an asset, has no ``uri``, or its type cannot be
            inferred.
    """
    fields = asset_fields(value, path)
    uri = to_uri(fields["uri"], f"{path}/uri", allowed)
    asset_type = fields.get("type")
    if asset_type is None:
        asset_type = _infer_type(uri, path, allowed)
    extra = {name: item for name, item in fields.items() if name not in {"type", "uri"}}
    return AssetParts(asset_type, uri, extra)


def asset_fields(value: AssetInput, path: str) -> Mapping[str, Any]:
    """An asset as a JSON object, its ``uri`` as the caller wrote it.

    Raises:
        InvalidRequestError: The value is not an asset, or has no ``uri``.
    """
    if isinstance(value, str | Path):
        return {"uri": value}
    fields = to_fields(value, path, "must be a URL, a file, or {'type': …, 'uri': …}")
    if "uri" not in fields:
        _refuse(
            f"{path}/uri",
            "required",
            None,
            f"is required, got only {safe_repr(_sort_names(fields))}",
        )
    return fields


def to_fields(
    value: FieldsInput, path: str, problem: str = "must be an object with fields"
) -> dict[str, Any]:
    """A new dictionary of the fields of an object or of a model.

    Raises:
        InvalidRequestError: The value is neither; the message states the `problem`.
    """
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    _refuse(path, "type", value, problem)


def to_list(value: Sequence[T], path: str) -> list[T]:
    """A new list of the items of a list or tuple.

    Raises:
        InvalidRequestError: The value is neither.
    """
    if isinstance(value, list | tuple):
        return list(value)
    _refuse(path, "type", value, "must be a list")


def to_uri(value: Any, path: str, allowed: tuple[str, ...] = ("image", "video")) -> Any:
    """A local file as a data URI; every other value unchanged.

    Args:
        value: The URL, the data URI or the file.
        path: JSON pointer of the field, for messages.
        allowed: The asset types that the field may hold.

    Raises:
        InvalidRequestError: The file cannot be read or is of another type, or the data URI is too
            large.
    """
    if isinstance(value, Path):
        return _read_as_data_uri(value, path, allowed)
    _refuse_file_name(value, path, "only a pathlib.Path is read and sent")
    if isinstance(value, str) and value[:5].lower() == "data:":
        asset_type = _type_from_uri(value)
        if asset_type is not None and len(value) > _MAX_DATA_URI[asset_type]:
            _refuse_size(path, redact_url(value), asset_type, f"has {len(value)} characters")
    return value


def to_url(value: Any, path: str) -> Any:
    """The value unchanged, if it is not a local file.

    Raises:
        InvalidRequestError: It is a local file, which the compatibility routes do not accept.
    """
    problem = "this route accepts URLs only"
    if isinstance(value, Path):
        _refuse(path, "type", str(value), f"is a local file; {problem}")
    _refuse_file_name(value, path, problem)
    return value


def format_ratio(value: RatioInput) -> str:
    """``(1280, 720)`` as ``"1280:720"``; any other value unchanged, for the contract to check."""
    return value if isinstance(value, str) else _join_pair(value)


def split_moderation(value: ModerationInput) -> tuple[Any, Mapping[str, Any]]:
    """The threshold for public figures, and every other field.

    Raises:
        InvalidRequestError: The value has no threshold.
    """
    if isinstance(value, str):
        return value, {}
    fields = to_fields(value, "/contentModeration", "must be a threshold or an object")
    names = ("publicFigureThreshold", "public_figure_threshold")
    threshold = next((fields[name] for name in names if name in fields), None)
    if threshold is None:
        pointer = "/contentModeration/publicFigureThreshold"
        _refuse(
            pointer, "required", None, f"is required, got only {safe_repr(_sort_names(fields))}"
        )
    return threshold, {name: item for name, item in fields.items() if name not in names}


def add_fields(model: M, extra: Mapping[str, Any]) -> M:
    """The model, with fields that the contract does not describe."""
    model.additional_properties.update(extra)
    return model


def or_unset(value: T | None) -> T | Unset:
    """The value, or the generated models' marker for an absent one instead of None."""
    # Imported late, because the generated package loads httpx.
    from cometapi_runway_api.types import UNSET  # noqa: PLC0415

    return UNSET if value is None else value


def draw_seed() -> int:
    """A random seed, so that results differ and each of them can be repeated."""
    return SystemRandom().randrange(_SEED_LIMIT)


def _sort_names(fields: Mapping[Any, Any]) -> list[str]:
    return sorted(map(str, fields))


def _refuse_file_name(value: Any, path: str, advice: str) -> None:
    """Refuse the name of a local file, which as text can only be meant as an address."""
    if not isinstance(value, str) or "://" in value or value[:5].lower() == "data:":
        return
    try:
        is_file = Path(value).is_file()
    except OSError:
        # Too long for a name.
        return
    if is_file:
        name = shorten_text(value)
        _refuse(path, "type", name, f"{name} is text and the name of a local file; {advice}")


def _read_as_data_uri(file: Path, path: str, allowed: tuple[str, ...]) -> str:
    # File names may hold lone surrogates, which cannot be printed.
    name = shorten_text(str(file).encode(errors="backslashreplace").decode())
    extension = file.suffix.lower().removeprefix(".")
    asset_type = _ASSET_TYPES.get(extension)
    if asset_type is None or asset_type not in allowed:
        types = " or ".join(allowed)
        _refuse(path, "type", name, f"{name} has an extension of no known {types} type")
    content = _read_file(file, name, path, asset_type)
    if not content:
        _refuse(path, "minBytes", name, f"{name} is empty")
    media_type = (
        _MEDIA_TYPES.get(extension)
        or mimetypes.guess_type(file.name)[0]
        or f"{asset_type}/{extension}"
    )
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _read_file(file: Path, name: str, path: str, asset_type: str) -> bytes:
    limit = (_MAX_DATA_URI[asset_type] - _MAX_DATA_URI_HEAD) // 4 * 3
    try:
        size = file.stat().st_size
        if size > limit:
            _refuse_size(path, name, asset_type, f"{name} has {size} bytes, more than {limit}")
        return file.read_bytes()
    except (OSError, ValueError) as error:
        # A ValueError means a character that no system allows in a name.
        reason = error.strerror if isinstance(error, OSError) else error
        _refuse(path, "readable", name, f"{name} cannot be read: {reason}")


def _refuse_size(path: str, value: str, asset_type: str, problem: str) -> NoReturn:
    limit = _MAX_DATA_URI[asset_type] // MEGABYTE
    advice = f"a data URI may hold {limit} MiB of {asset_type} in base64. Use an https URL"
    _refuse(path, "maxBytes", value, f"{problem}; {advice}")


def _join_pair(pair: Any) -> Any:
    try:
        width, height = pair
    except (TypeError, ValueError):
        return pair
    return f"{width}:{height}"


def _infer_type(uri: Any, path: str, allowed: tuple[str, ...]) -> str:
    asset_type = _type_from_uri(uri) if isinstance(uri, str) else None
    if asset_type is None and len(allowed) == 1:
        return allowed[0]
    if asset_type is None:
        types = " or ".join(repr(name) for name in allowed)
        shown = redact_url(uri) if isinstance(uri, str) else repr(uri)
        _refuse(
            f"{path}/type",
            "required",
            shown,
            f"cannot be inferred from {shown!r}; pass {{'type': {types}, 'uri': …}}",
        )
    return asset_type


def _type_from_uri(uri: str) -> str | None:
    if uri[:5].lower() == "data:":
        main_type = uri[5:].partition("/")[0].lower()
        return main_type if main_type in _MAX_DATA_URI else None
    try:
        path = unquote(urlsplit(uri).path)
    except ValueError:
        return None
    stem, _, extension = path.rpartition("/")[2].rpartition(".")
    return _ASSET_TYPES.get(extension.lower()) if stem else None


def _refuse(path: str, rule: str, value: object, problem: str) -> NoReturn:
    raise InvalidRequestError([Issue(path, rule, value, f"{path}: {problem}")])
