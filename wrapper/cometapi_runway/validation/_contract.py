"""The contract as the rest of the library uses it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cometapi_runway._core.naming import count_noun
from cometapi_runway.validation import _strict_json
from cometapi_runway.validation._document import read_operations, read_servers
from cometapi_runway.validation._json_types import ContractError
from cometapi_runway.validation._messages import name_place
from cometapi_runway.validation._references import resolve_reference
from cometapi_runway.validation._requests import RequestChecker
from cometapi_runway.validation._responses import ResponseComparer, ShapeDifference
from cometapi_runway.validation._routes import Route, Router
from cometapi_runway.validation._schemas import (
    PatternMeanings,
    check_value,
    collect_pattern_meanings,
    compile_schema,
)
from cometapi_runway.validation._security import read_schemes

if TYPE_CHECKING:
    from jsonschema_rs import Validator

    from cometapi_runway._core.json_values import JSON, Object
    from cometapi_runway.errors import Issue
    from cometapi_runway.validation._document import Operation

_PACKAGE = "cometapi_runway_api"
_RESOURCE = "contract.json"


class Contract:
    """An OpenAPI 3.1 document that requests and responses are checked against.

    Args:
        document: The document as parsed JSON. It must not change afterwards.

    Attributes:
        document: The document.
        operations: Its operations, in the document's order.
        servers: Its server addresses; if empty, every server is accepted.
        schemes: Its security schemes by name.

    Raises:
        ContractError: The document uses a feature that is not supported here.
    """

    def __init__(self, document: Object) -> None:
        self.document = document
        self.operations = read_operations(document)
        self.servers = read_servers(document)
        self.schemes = read_schemes(document, self.operations)
        self._by_id = {operation.id: operation for operation in self.operations}
        self._router = Router(self.operations)
        self._validators: dict[tuple[str, str], Validator] = {}
        self._requests = RequestChecker(
            document, self.servers, self.schemes, self._router, self.check_body
        )

    def __repr__(self) -> str:
        return f"Contract({count_noun(len(self.operations), 'operation')})"

    def operation(self, operation_id: str) -> Operation:
        """Return the operation with an ``operationId``.

        Raises:
            KeyError: There is no such operation; the message lists the known ones.
        """
        try:
            return self._by_id[operation_id]
        except KeyError:
            known = ", ".join(self._by_id)
            raise KeyError(f"no operation {operation_id!r}; the contract has: {known}") from None

    def match(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        """Return the operation that a request line reaches, with its decoded path parameters.

        Args:
            method: As sent.
            path: As sent: percent-encoded, dot segments unresolved, without a query.
        """
        found = self._router.find(method, path)
        return (found.operation, found.arguments) if isinstance(found, Route) else None

    def route(self, method: str, path: str) -> Route | Issue:
        """Return what a request line reaches, or the reason why it reaches no operation."""
        return self._router.find(method, path)

    def resolve(self, value: JSON) -> Object:
        """Return the object that a value stands for: itself, or the target of its ``$ref``.

        Raises:
            ContractError: The value is not an object, or the reference leaves the document, leads
                nowhere or refers to itself.
        """
        return resolve_reference(self.document, value)

    def fits(self, name: str, value: object) -> bool:
        """Whether a JSON value is valid against a component schema.

        Args:
            name: The name of the schema under ``components/schemas``.
            value: The value.

        Raises:
            ContractError: There is no such schema.
        """
        reference: Object = {"$ref": f"#/components/schemas/{name}"}
        self.resolve(reference)
        return not self._check_json(self._validator(("", name), reference), value)

    def check_body(self, operation_id: str, body: object) -> tuple[Issue, ...]:
        """Check the JSON value of a request body.

        Args:
            operation_id: The operation that the body is sent to.
            body: The value. None is JSON's null, not a missing body.

        Returns:
            One issue for each fault, with the JSON pointer of its field; empty if the body is
            valid.

        Raises:
            KeyError: There is no such operation.
            ContractError: The operation takes no JSON body.
        """
        operation = self.operation(operation_id)
        schema = operation.body_schema
        if schema is None:
            raise ContractError(f"{operation_id} takes no JSON body")
        return self._check_json(self._validator((operation.id, "body"), schema), body)

    def check_response(self, operation_id: str, status: int, body: object) -> tuple[Issue, ...]:
        """Check a response's JSON body against the schema documented for its status.

        Raises:
            KeyError: There is no such operation.
            ContractError: No JSON response is documented for that status.
        """
        operation = self.operation(operation_id)
        response = operation.response(status)
        if response is None or response.schema is None:
            raise ContractError(f"{operation_id} documents no JSON response for {status}")
        validator = self._validator((operation.id, response.status), response.schema)
        return self._check_json(validator, body)

    def compare_response(
        self, operation_id: str, status: int, content_type: str, body: JSON, *, is_json: bool
    ) -> tuple[ShapeDifference, ...]:
        """Return what the contract lacks of a response, though its schemas may allow it.

        Args:
            operation_id: The operation that the response is to.
            status: HTTP status.
            content_type: The media type without parameters, in lower case; may be empty.
            body: The JSON value, if there is one.
            is_json: Whether there is one.

        Raises:
            KeyError: There is no such operation.
        """
        operation = self.operation(operation_id)
        return self._comparer.compare(operation, status, content_type, body, is_json=is_json)

    def check_parameters(
        self, operation: Operation, location: str, values: Mapping[str, list[str]]
    ) -> tuple[Issue, ...]:
        """Check an operation's parameters of one location, as text.

        Args:
            operation: The operation.
            location: ``path``, ``query``, ``header`` or ``cookie``.
            values: Name to values, repeated ones repeated; header names in lower case.
        """
        return tuple(self._requests.check_parameters(operation, location, values))

    def check_request(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]],
        content: bytes,
        *,
        operation_id: str | None = None,
    ) -> tuple[Issue, ...]:
        """Check a whole request as it goes over the wire.

        Args:
            method: As sent.
            url: As sent, percent-encoded. Without a host (``/runwayml/v1/tasks/x``) the server is
                not checked, because simulators and proxies have their own addresses.
            headers: As sent, repeated ones repeated.
            content: The body as sent.
            operation_id: The operation that the caller means, if known.

        Returns:
            One issue for each fault. The path of an issue is a JSON pointer into the body, or the
            name of the header or parameter, or ``method``, ``server``, ``path``. Credentials are
            never shown.
        """
        return self._requests.check((method, url, headers, content), operation_id)

    def _validator(self, key: tuple[str, str], schema: Object) -> Validator:
        found = self._validators.get(key)
        if found is None:
            found = self._validators[key] = compile_schema(self.document, schema)
        return found

    @cached_property
    def _comparer(self) -> ResponseComparer:
        return ResponseComparer(self.document)

    @cached_property
    def _pattern_meanings(self) -> PatternMeanings:
        return collect_pattern_meanings(self.document)

    def _check_json(self, validator: Validator, value: object) -> tuple[Issue, ...]:
        if not _strict_json.is_plain_json(value) and (issues := _strict_json.check_json(value)):
            return issues
        try:
            return check_value(validator, value, name_place, self._pattern_meanings)
        except ValueError:
            # The engine refuses string subclasses, tuples and the like, which JSON writers accept.
            plain = _strict_json.to_plain_json(value)
            return check_value(validator, plain, name_place, self._pattern_meanings)


@cache
def contract() -> Contract:
    """Load the contract that this library was generated from, once per process.

    Raises:
        ContractError: The generated package is not installed or carries no contract.
    """
    return Contract(json.loads(_read_packaged_contract()))


def _read_packaged_contract() -> bytes:
    # importlib.resources would import the generated package, and with it httpx.
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ContractError(f"{_PACKAGE} is not installed")
    try:
        return Path(spec.origin).with_name(_RESOURCE).read_bytes()
    except OSError as error:
        raise ContractError(f"{_PACKAGE} carries no {_RESOURCE}") from error
