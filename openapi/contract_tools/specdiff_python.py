"""What a part of the contract is called in Python, and what a change does to that name.

The names follow openapi-python-client's rules for components, properties and parameters; a test
holds them against the generated package. Arguments of the wrapper follow its convention: the
resource of the operation, and the field in snake case.
"""

from __future__ import annotations

import builtins
import keyword
import re
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools.values import entries, members

if TYPE_CHECKING:
    from contract_tools.specdiff_edits import Edit
    from contract_tools.values import JsonObject

# How tasks are asked about: one `client.tasks` for both.
_ROUTES = frozenset({"tasks", "feed"})
_TYPED = re.compile(r"^(type|enum|const|format|items|additionalProperties)\b|allowed values|"
                    r"^changed from|(any|one|all)Of:")  # fmt: skip
_RESERVED = ({*dir(builtins)} | {"self", "true", "false", "datetime"}) - {"id"}


@frozen
class Effect:
    """What happens to one name.

    Attributes:
        name: the class, field, argument or function.
        what: what happens to it.
        breaking: whether a program that used it has to be changed.
    """

    name: str
    what: str
    breaking: bool


def snake_case(name: str) -> str:
    """The Python name that the generator gives to a property or parameter."""
    words = re.sub(r"[^A-Za-z0-9_ ]+", "_", name.replace("-", "_").replace(".", "_"))
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", words)
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words)
    snake = re.sub(r"[ _]+", "_", words).strip("_").lower()
    return f"{snake}_" if keyword.iskeyword(snake) or snake in _RESERVED else snake


def module(operation: JsonObject) -> str:
    """The generated module of an operation."""
    tags = entries(operation.get("tags")) or ["default"]
    return f"cometapi_runway_api.api.{snake_case(str(tags[0]))}.{operation.get('operationId')}"


def resources(operation: JsonObject, owner: str = "") -> list[str]:
    """What the wrapper calls an operation: ``client.compat.act_one``.

    Args:
        operation: the operation object.
        owner: of an operation that several resources share, the schema of the one meant.
    """
    named = operation.get("x-resource")
    if isinstance(named, dict):
        names = [name for name, schema in named.items() if owner in {"", schema}]
    else:
        names = [named] if isinstance(named, str) and named not in _ROUTES else []
    group = "compat." if "compat" in entries(operation.get("tags")) else ""
    return [f"client.{group}{name}" for name in names]


def of_edit(edit: Edit, operation: JsonObject, *, is_body: bool) -> list[Effect]:
    """What a change of a schema does to models and arguments."""
    effects: list[Effect] = []
    if edit.owner and edit.name:
        model = f"models.{edit.owner}"
        effects += _of_field(f"{model}.{snake_case(edit.name)}", edit, f"{model}.")
        if is_body and edit.place.count("/") == 1:
            for resource in resources(operation, edit.owner):
                create = f"{resource}.create"
                effects += _of_field(f"{create}({snake_case(edit.name)}=…)", edit, f"{create} ")
    elif edit.owner:
        effects += _of_field(f"models.{edit.owner}", edit, "models.")
    return effects


def _of_field(name: str, edit: Edit, prefix: str) -> list[Effect]:
    match edit.kind:
        case "removed":
            return [Effect(name, "is gone", breaking=True)]
        case "renamed":
            return [Effect(name, f"is called {prefix}{snake_case(edit.after)}", breaking=True)]
        case "added":
            needed = "required" in edit.what
            return [Effect(name, f"is new{', and required' if needed else ''}", breaking=needed)]
        case "required":
            return [Effect(name, "must be given", breaking=True)]
        case "optional":
            return [Effect(name, "may be left out", breaking=False)]
        case _:
            # Bounds, patterns and lengths are nothing that a type says.
            is_typed = bool(_TYPED.search(edit.what))
            return [Effect(name, edit.what, breaking=_breaks(edit.what))] if is_typed else []


def _breaks(what: str) -> bool:
    """Whether annotations that were right can be wrong now."""
    return bool(re.search(r"\btype\b|changed from|values removed|no longer", what))


def of_parameter(name: str, what: str, operation: JsonObject, *, breaking: bool) -> Effect:
    """What a change of a parameter does to the generated functions."""
    return Effect(f"{module(operation)}({snake_case(name)}=…)", what, breaking)


def models(document: JsonObject) -> dict[str, list[str]]:
    """Every model with its fields, as the generator names them."""
    schemas = members(members(document.get("components")).get("schemas"))
    return {
        name: [snake_case(key) for key in members(members(schema).get("properties"))]
        for name, schema in schemas.items()
        if "properties" in members(schema)
    }
