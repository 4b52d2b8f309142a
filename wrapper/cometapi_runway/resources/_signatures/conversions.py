"""What callers write for objects, lists and other JSON, as values for a generated request model.

The results have the type `Any`, because each stands for a model of the generated package: it
serializes to exactly the fields that the caller wrote, also where the contract requires others. The
contract then names what is missing or wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from cometapi_runway.resources import _inputs as inputs
from cometapi_runway.resources._inputs import (
    AssetInput,
    FieldsInput,
    Model,
    ModerationInput,
    UriInput,
)
from cometapi_runway.resources._signatures.models import models

M = TypeVar("M", bound=Model)


class _JsonObject(dict[str, Any]):
    """A JSON object that serializes like a generated model."""

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


def to_json(value: object) -> Any:
    """Any JSON; an object, or each in a list, is a mapping or a model."""
    if isinstance(value, list | tuple):
        return [_to_json_object(item) for item in cast("Sequence[object]", value)]
    return _to_json_object(value)


def set_json(model: M, fields: Mapping[str, object]) -> M:
    """A model with fields that may hold any JSON; None omits a field.

    A generated union calls `to_dict` on values that its branches may not have.
    """
    present = {name: to_json(value) for name, value in fields.items() if value is not None}
    absent = fields.keys() - present
    body = {name: value for name, value in model.to_dict().items() if name not in absent}
    stand_in: Any = _JsonObject({**body, **present})
    result: M = stand_in
    return result


def to_object(value: FieldsInput, path: str) -> Any:
    """An object.

    Raises:
        InvalidRequestError: The value is neither a mapping nor a model.
    """
    return _JsonObject(inputs.to_fields(value, path))


def to_objects(values: Sequence[FieldsInput], path: str) -> Any:
    """Several objects.

    Raises:
        InvalidRequestError: The value is not a list, or an item is no object.
    """
    return _convert_items(values, path, to_object)


def to_uris(values: Sequence[UriInput], path: str, allowed: tuple[str, ...]) -> Any:
    """Several addresses or files.

    Raises:
        InvalidRequestError: The value is not a list, or a file cannot be read.
    """
    return _convert_items(values, path, lambda value, at: inputs.to_uri(value, at, allowed))


def to_asset(value: AssetInput, path: str, allowed: tuple[str, ...], *, has_type: bool) -> Any:
    """An object with a ``uri``.

    Args:
        value: The object, or its address or file alone.
        path: JSON pointer of the field, for messages.
        allowed: The types that the field may hold.
        has_type: Whether the object has a ``type``, which is then inferred where it is missing.

    Raises:
        InvalidRequestError: The value is not an asset, has no ``uri``, or its type cannot be
            inferred.
    """
    if has_type:
        asset = inputs.split_asset(value, path, allowed)
        return _JsonObject({"type": asset.type, "uri": asset.uri, **asset.extra})
    fields = inputs.asset_fields(value, path)
    return _JsonObject({**fields, "uri": inputs.to_uri(fields["uri"], f"{path}/uri", allowed)})


def to_assets(
    values: Sequence[AssetInput], path: str, allowed: tuple[str, ...], *, has_type: bool
) -> Any:
    """Several objects with a ``uri``; see `to_asset`."""
    return _convert_items(
        values, path, lambda value, at: to_asset(value, at, allowed, has_type=has_type)
    )


def to_moderation(value: ModerationInput) -> Any:
    """The moderation settings.

    Raises:
        InvalidRequestError: The value has no threshold.
    """
    threshold, extra = inputs.split_moderation(value)
    return inputs.add_fields(models.ContentModeration(threshold), extra)


def _to_json_object(value: object) -> Any:
    if isinstance(value, Mapping) or hasattr(value, "to_dict"):
        return _JsonObject(inputs.to_fields(cast("FieldsInput", value), ""))
    return value


def _convert_items(values: Any, path: str, convert: Callable[[Any, str], Any]) -> Any:
    return [
        convert(value, f"{path}/{index}")
        for index, value in enumerate(inputs.to_list(values, path))
    ]
