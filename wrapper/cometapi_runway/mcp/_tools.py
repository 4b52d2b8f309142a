"""The tools' names, descriptions and schemas. Those of plans are the contract's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.resources._client_resources import ClientResource
from cometapi_runway.validation import contract
from cometapi_runway.validation._messages import name_place
from cometapi_runway.validation._schemas import (
    check_value,
    collect_pattern_meanings,
    compile_schema,
)

if TYPE_CHECKING:
    from jsonschema_rs import Validator

MAX_WAIT: Final = 45
"""Seconds of one wait, at most: hosts commonly give up on a tool after 60."""
_REFERENCE: Final = "#/components/schemas/"

_INTENT_ID: Final[Object] = {"type": "string", "description": "The intent_id that a plan returned."}
_TASK_ID: Final[Object] = {"type": "string", "minLength": 1, "description": "The task's id."}


@frozen
class ToolDescription:
    """What an agent knows about a tool.

    Attributes:
        name: Its name.
        description: What it does, and what to call next.
        schema: The JSON schema of its arguments; references point into the schema itself.
        is_read_only: Whether it changes nothing, here or at the gateway.
        resource: The resource that it plans tasks of; None for a tool that plans nothing.
    """

    name: str
    description: str
    schema: Object
    is_read_only: bool = True
    resource: ClientResource | None = None

    def check(self, arguments: Object) -> None:
        """Check arguments against the schema.

        Raises:
            InvalidRequestError: They break it.
        """
        meanings = collect_pattern_meanings(contract().document)
        issues = check_value(self._compile(), arguments, name_place, meanings)
        if issues:
            raise InvalidRequestError(issues)

    def _compile(self) -> Validator:
        return compile_schema(self.schema, self.schema)


def make_plan_tool(resource: ClientResource) -> ToolDescription:
    """The tool that plans tasks of a resource: ``plan_compat_act_one``."""
    return ToolDescription(
        f"plan_{resource.name.replace('.', '_')}",
        f"{resource.description}\n\nPlans the request; nothing is sent or charged. Returns an "
        "intent_id, what would be sent, and its price. Then call submit.",
        make_input_schema(resource),
        resource=resource,
    )


def make_input_schema(resource: ClientResource) -> Object:
    """The contract's schema of a resource's body, with the components that it refers to.

    The references are the contract's own. They resolve, because the components are at the same
    place as in the contract.
    """
    components = as_object(resource.contract.document["components"]) or {}
    schemas = as_object(components["schemas"]) or {}
    names = _list_referenced(resource.body_schema, schemas)
    # In the contract's order.
    used = {name: schema for name, schema in schemas.items() if name in names}
    return {**resource.body_schema, "components": {"schemas": used}}


def _list_referenced(schema: JSON, schemas: Object) -> set[str]:
    """The names of the component schemas that a schema refers to, directly or not."""
    found: set[str] = set()
    open_ones: list[JSON] = [schema]
    while open_ones:
        for reference in _list_references(open_ones.pop()):
            name = reference.removeprefix(_REFERENCE)
            if name not in found:
                found.add(name)
                open_ones.append(schemas[name])
    return found


def _list_references(value: JSON) -> Iterator[str]:
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference
        for item in value.values():
            yield from _list_references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _list_references(item)


def list_tools(resources: Sequence[ClientResource]) -> dict[str, ToolDescription]:
    """Every tool by its name; plans are for these resources only."""
    tools = (*map(make_plan_tool, resources), *_FIXED_TOOLS)
    return {tool.name: tool for tool in tools}


def _make_schema(required: Sequence[str] = (), **properties: Object) -> Object:
    schema: Object = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return schema


_FIXED_TOOLS: Final = (
    ToolDescription(
        "submit",
        "Sends a planned request, which the account is charged for, and returns its task_id. An "
        "intent_id buys one task however often it is submitted: if no result arrives, call submit "
        "again with the same intent_id, and do not plan again. Then call wait.",
        _make_schema(["intent_id"], intent_id=_INTENT_ID),
        is_read_only=False,
    ),
    ToolDescription(
        "wait",
        f"Waits for a task for at most {MAX_WAIT} seconds and returns its state. A task takes a "
        "minute or more: while ended is false, call wait again. Then call download.",
        _make_schema(
            ["task_id"],
            task_id=_TASK_ID,
            seconds={
                "type": "number",
                "minimum": 0,
                "maximum": MAX_WAIT,
                "default": MAX_WAIT,
                "description": "Seconds to wait at most.",
            },
        ),
    ),
    ToolDescription(
        "download",
        "Saves the files of a task that succeeded on this machine, and returns their paths. The "
        "gateway keeps them for a day or two.",
        _make_schema(["task_id"], task_id=_TASK_ID),
        is_read_only=False,
    ),
    ToolDescription(
        "list_tasks",
        "Lists submissions, newest first, with their tasks, states and saved files.",
        _make_schema(
            unfinished={
                "type": "boolean",
                "default": False,
                "description": "Only those whose task has no recorded end.",
            },
            limit={
                "type": "integer",
                "minimum": 1,
                "maximum": 100,
                "default": 20,
                "description": "How many at most.",
            },
        ),
    ),
    ToolDescription(
        "unknown",
        "Lists submissions that may have been charged although they returned no task. They are "
        "never sent again; the user has to check them in the account's usage log.",
        _make_schema(),
    ),
)
