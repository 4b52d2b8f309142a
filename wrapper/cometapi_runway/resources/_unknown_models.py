"""A warning before an unknown model is paid for: once for each value and process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from cometapi_runway._core.json_values import as_object
from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.redaction import name_or_none
from cometapi_runway._core.secret import Secret

if TYPE_CHECKING:
    from cometapi_runway.resources import _client_resources as client_resources
    from cometapi_runway.resources import _known_values as known_values
    from cometapi_runway.resources import _resolved_schema as resolved_schema
    from cometapi_runway.resources._client_resources import ClientResource
    from cometapi_runway.resources._known_values import KnownValues
else:
    client_resources = LazyModule("cometapi_runway.resources._client_resources")
    known_values = LazyModule("cometapi_runway.resources._known_values")
    resolved_schema = LazyModule("cometapi_runway.resources._resolved_schema")

logger: Final = logging.getLogger("cometapi_runway.models")
_MODEL: Final = "model"
_MAX_WARNINGS: Final = 1000
"""A service may pass on whatever its users type; memory and log stay bounded."""
_warned: Final[dict[str, object]] = {}


def warn_of_unknown_model(
    name: str, operation: str, body: Mapping[str, object], api_key: Secret
) -> None:
    """Log a warning if a request's model is not known: once per value and process.

    Args:
        name: The resource's name, such as ``compat.act_one``.
        operation: The operation's id in the contract.
        body: The request's body. Nothing of it is shown but the model, if it looks like a name.
        api_key: The key, which is not shown if it was passed as the model.
    """
    warning = describe_unknown_model(name, operation, body, api_key)
    if warning is None:
        return
    # Atomic without a lock, which a forked child could inherit locked.
    mark = object()
    if len(_warned) < _MAX_WARNINGS and _warned.setdefault(warning, mark) is mark:
        logger.warning("%s", warning)


def describe_unknown_model(
    name: str, operation: str, body: Mapping[str, object], api_key: Secret
) -> str | None:
    """The warning of a request whose model is not known, else None; see `warn_of_unknown_model`."""
    model, groups = body.get(_MODEL), _read_known_models(name, operation)
    if not groups or not isinstance(model, str) or any(model in one.values for one in groups):
        return None
    shown = name_or_none(api_key.hide_in_text(model))
    text = shown or "(not shown: it does not look like a model's name)"
    return (
        f"{name}: the model {text} is not known; the gateway may not have it. "
        f"Known: {known_values.join_groups(groups)}"
    )


@cache
def _read_known_models(name: str, operation: str) -> tuple[KnownValues, ...]:
    """The known models of a resource, or of all of an operation's if none has the name."""
    resources = [
        one for one in client_resources.list_client_resources() if one.operation.id == operation
    ]
    own = [one for one in resources if one.name == name]
    return tuple(dict.fromkeys(group for one in own or resources for group in _list_models(one)))


def _list_models(resource: ClientResource) -> tuple[KnownValues, ...]:
    fields = as_object(resource.body_schema.get("properties")) or {}
    schema = resolved_schema.resolve_schema(resource.contract, fields.get(_MODEL))
    return known_values.read_known_values(schema)
