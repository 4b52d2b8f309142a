"""The Python names of parts of the contract, and what a change does to them.

The names follow openapi-python-client's rules for components, properties and parameters; a test
compares them with the generated package. Arguments of the wrapper follow its convention: the
resource of the operation, and the field in snake case.
"""

from __future__ import annotations

import builtins
import keyword
import re
from typing import TYPE_CHECKING

from contract_tools._common.json_values import entries, members
from contract_tools.diff.changes import Effect
from contract_tools.diff.schema_edits import TYPE_KEYWORDS

if TYPE_CHECKING:
    from contract_tools._common.json_values import JsonObject
    from contract_tools.diff.schema_edits import Edit

# The resources that read tasks; the wrapper has `client.tasks` for both.
_READERS = frozenset({"tasks", "feed"})
_RESERVED = ({*dir(builtins)} | {"self", "true", "false", "datetime"}) - {"id"}


def snake_case(name: str) -> str:
    """Return the Python name that the generator gives to a property or parameter."""
    words = re.sub(r"[^A-Za-z0-9_ ]+", "_", name.replace("-", "_").replace(".", "_"))
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", words)
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words)
    snake = re.sub(r"[ _]+", "_", words).strip("_").lower()
    return f"{snake}_" if keyword.iskeyword(snake) or snake in _RESERVED else snake


def module(operation: JsonObject) -> str:
    """Return the generated module of an operation."""
    tags = entries(operation.get("tags")) or ["default"]
    return f"cometapi_runway_api.api.{snake_case(str(tags[0]))}.{operation.get('operationId')}"


def resources(operation: JsonObject, owner: str = "") -> list[str]:
    """Return the wrapper's names of an operation, such as ``client.compat.act_one``.

    Args:
        operation: the operation object.
        owner: for an operation that several resources share, the body schema of one of them.
    """
    named = operation.get("x-resource")
    if isinstance(named, dict):
        names = [name for name, schema in named.items() if owner in {"", schema}]
    else:
        names = [named] if isinstance(named, str) and named not in _READERS else []
    group = "compat." if "compat" in entries(operation.get("tags")) else ""
    return [f"client.{group}{name}" for name in names]


def calls(operation: JsonObject) -> list[str]:
    """Return how any client calls an operation by its id; readers of tasks have no such call."""
    return [f'client.operation("{operation.get("operationId")}")'] if resources(operation) else []


def effects_of_edit(edit: Edit, operation: JsonObject, *, is_body: bool) -> list[Effect]:
    """Return what a change of a schema does to models and arguments."""
    effects: list[Effect] = []
    if edit.owner and edit.name:
        effects += _effects_on_field(f"models.{edit.owner}.{{}}", edit)
        if is_body and edit.place.count("/") == 1:
            for resource in resources(operation, edit.owner):
                effects += _effects_on_field(f"{resource}.create({{}}=…)", edit)
    elif edit.owner:
        effects += _effects_on_field(f"models.{edit.owner}", edit)
    return effects


def _effects_on_field(pattern: str, edit: Edit) -> list[Effect]:
    """Return what a change does to a name, in which ``{}`` stands for the field's."""
    name = pattern.format(snake_case(edit.name))
    match edit.kind:
        case "removed":
            return [Effect(name, "is gone", breaking=True)]
        case "renamed":
            new_name = pattern.format(snake_case(edit.new_name))
            return [Effect(name, f"is called {new_name}", breaking=True)]
        case "added":
            what = "is new, and required" if edit.is_required else "is new"
            return [Effect(name, what, breaking=edit.is_required)]
        case "required":
            return [Effect(name, "must be passed", breaking=True)]
        case "optional":
            return [Effect(name, "may be left out", breaking=False)]
        case _:
            # Annotations say nothing about bounds, patterns and lengths.
            changes_type = bool(edit.keywords & TYPE_KEYWORDS)
            return [Effect(name, edit.what, breaking=edit.narrows_type)] if changes_type else []


def effect_on_parameter(name: str, what: str, operation: JsonObject, *, breaking: bool) -> Effect:
    """Return what a change of a parameter does to the generated functions."""
    return Effect(f"{module(operation)}({snake_case(name)}=…)", what, breaking)


def models(document: JsonObject) -> dict[str, list[str]]:
    """Return every model with its fields, as the generator names them."""
    schemas = members(members(document.get("components")).get("schemas"))
    return {
        name: [snake_case(key) for key in members(members(schema).get("properties"))]
        for name, schema in schemas.items()
        if "properties" in members(schema)
    }
