"""An OpenAPI document as a flat list of subjects and what is said about each.

A subject is something a person would name: an operation, a header, a field of the body, an
answer. Comparing two such lists tells a change in those words, whatever the layout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from contract_tools.page import operations
from contract_tools.values import JsonObject, entries, members

if TYPE_CHECKING:
    from contract_tools.values import Json

Facts: TypeAlias = "dict[str, Json]"
Subjects: TypeAlias = "dict[str, Facts]"

VARIANTS = ("oneOf", "anyOf", "allOf")
# These hold further subjects, or are told as facts of those.
NESTED = frozenset({"properties", "items", "required", "additionalProperties", *VARIANTS})
# A name that is required of an object has its word at the property, unless there is none.
UNDESCRIBED = "required names without a property"


def subjects(document: JsonObject) -> Subjects:
    """List the subjects of a document, in its order."""
    found: Subjects = {"document": _document_facts(document)}
    for method, path in operations(document):
        item = members(members(document["paths"])[path])
        operation = members(item[method.lower()])
        shared = entries(item.get("parameters"))
        _Reader(document, found, f"{method} {path}").read(operation, shared)
    return found


def _document_facts(document: JsonObject) -> Facts:
    facts = {key: value for key, value in document.items() if key not in {"paths", "components"}}
    schemes = members(document.get("components")).get("securitySchemes")
    return facts if schemes is None else {**facts, "securitySchemes": schemes}


class _Reader:
    """Reads one operation into subjects."""

    def __init__(self, document: JsonObject, found: Subjects, name: str) -> None:
        self._document = document
        self._found = found
        self._name = name

    def read(self, operation: JsonObject, shared: list[Json]) -> None:
        inner = {"parameters", "requestBody", "responses"}
        self._found[self._name] = {k: v for k, v in operation.items() if k not in inner}
        for parameter in [*shared, *entries(operation.get("parameters"))]:
            self._parameter(members(self._resolved(parameter)))
        if "requestBody" in operation:
            self._content(f"{self._name}: body", operation["requestBody"])
        for status, answer in members(operation.get("responses")).items():
            self._content(f"{self._name}: answer {status}", answer)

    def _parameter(self, parameter: JsonObject) -> None:
        name = f"{self._name}: {parameter.get('in')} parameter {parameter.get('name')}"
        facts = {k: v for k, v in parameter.items() if k not in {"name", "in", "schema"}}
        facts.setdefault("required", False)
        schema = members(self._resolved(parameter.get("schema")))
        self._found[name] = {**facts, **_own(schema)}
        self._children(name, "", schema, ())

    def _content(self, name: str, holder: Json) -> None:
        value = members(self._resolved(holder))
        self._found[name] = {k: v for k, v in value.items() if k != "content"}
        for media_type, media in members(value.get("content")).items():
            label = name if media_type == "application/json" else f"{name} ({media_type})"
            facts = {k: v for k, v in members(media).items() if k != "schema"}
            schema = members(self._resolved(members(media).get("schema")))
            known = self._found.get(label, {})
            self._found[label] = {**known, "media": media_type, **facts, **_own(schema)}
            self._children(label, "", schema, ())

    def _children(
        self, name: str, prefix: str, schema: JsonObject, above: tuple[JsonObject, ...]
    ) -> None:
        """Add a subject for each field below a schema; `above` stops circular references."""
        if any(schema is other for other in above):
            return
        above = (*above, schema)
        required = entries(schema.get("required"))
        for key, child in members(schema.get("properties")).items():
            field = f"{prefix}.{key}" if prefix else key
            self._field(name, field, child, above, {"required": key in required})
        if "items" in schema:
            self._field(name, f"{prefix}[]", schema["items"], above, {})
        if isinstance(schema.get("additionalProperties"), dict):
            self._field(name, f"{prefix}{{*}}", schema["additionalProperties"], above, {})
        for kind in VARIANTS:
            for number, variant in enumerate(entries(schema.get(kind)), 1):
                label = f"{prefix}<{kind} {number}>"
                self._field(name, label, variant, above, {})

    def _field(
        self, name: str, field: str, schema: Json, above: tuple[JsonObject, ...], facts: Facts
    ) -> None:
        value = members(self._resolved(schema))
        self._found[f"{name} field {field}"] = {**facts, **_own(value)}
        self._children(name, field, value, above)

    def _resolved(self, value: Json) -> Json:
        """Follow references inside the document; anything else is returned as it is."""
        for _ in range(20):
            reference = members(value).get("$ref")
            if not isinstance(reference, str) or not reference.startswith("#/"):
                return value
            target: Json = self._document
            for step in reference[2:].split("/"):
                target = members(target).get(step.replace("~1", "/").replace("~0", "~"))
            value = target
        return value


def _own(schema: JsonObject) -> Facts:
    """What a schema says of itself; what lies in it are subjects of their own."""
    own: Facts = {key: value for key, value in schema.items() if key not in NESTED}
    if isinstance(schema.get("additionalProperties"), bool):
        own["additionalProperties"] = schema["additionalProperties"]
    described = list(members(schema.get("properties")))
    undescribed = [name for name in entries(schema.get("required")) if name not in described]
    return {**own, UNDESCRIBED: undescribed} if undescribed else own
