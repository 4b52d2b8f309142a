"""OpenAPI documents: their operations, their references, their JSON bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import JsonObject, at_pointer, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools._common.json_values import Json, Path

JSON_MEDIA_TYPE = "application/json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# A reference to a reference is followed; a circle of them ends here.
_MAX_REFERENCES = 20


@frozen
class Operation:
    """One operation of a document.

    Attributes:
        method: HTTP method, upper case.
        path: the route.
        raw: the operation object.
        item: the path item that holds it.
    """

    method: str
    path: str
    raw: JsonObject
    item: JsonObject

    @property
    def id(self) -> str:
        """The operationId; method and path where the document gives none."""
        return str(self.raw.get("operationId") or self.route)

    @property
    def route(self) -> str:
        """Method and path, separated by a space."""
        return f"{self.method} {self.path}"

    @property
    def place(self) -> Path:
        """The path of the operation in its document."""
        return ("paths", self.path, self.method.lower())


def operations(document: JsonObject) -> Iterator[Operation]:
    """Yield the operations of a document, in its order."""
    for path, item in members(document.get("paths")).items():
        for method, raw in members(item).items():
            if method in METHODS:
                yield Operation(method.upper(), path, members(raw), members(item))


def json_media(holder: JsonObject) -> JsonObject:
    """Return the JSON media type object of a request body or response; empty if it has none."""
    return members(members(holder.get("content")).get(JSON_MEDIA_TYPE))


def dereference(document: JsonObject, reference: str) -> Json:
    """Return the value that a `$ref` points at.

    Raises:
        ContractError: it points outside the document, or at nothing.
    """
    if not reference.startswith("#/"):
        raise ContractError(f"a $ref must stay inside the document, is {reference!r}")
    return at_pointer(document, reference.removeprefix("#"))


def resolve(document: JsonObject, value: Json) -> JsonObject:
    """Return an object, following its `$ref` if it is a reference.

    Raises:
        ContractError: the reference points outside the document, or at nothing.
    """
    for _ in range(_MAX_REFERENCES):
        reference = members(value).get("$ref")
        if not isinstance(reference, str):
            break
        value = dereference(document, reference)
    return members(value)
