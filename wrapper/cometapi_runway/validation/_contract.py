"""The contract as the rest of the library asks it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cometapi_runway.validation import _json
from cometapi_runway.validation._document import (
    ContractError,
    read_operations,
    read_schemes,
    read_servers,
    resolve,
)
from cometapi_runway.validation._parameters import ParameterJudge
from cometapi_runway.validation._routes import Route, Routes
from cometapi_runway.validation._schemas import (
    Meanings,
    body_subject,
    compile_schema,
    judge,
    meanings,
)

if TYPE_CHECKING:
    from jsonschema_rs import Validator

    from cometapi_runway._core.json_values import JSON, Object
    from cometapi_runway.errors import Issue
    from cometapi_runway.validation._document import Operation

_PACKAGE = "cometapi_runway_api"
_RESOURCE = "contract.json"


class Contract:
    """An OpenAPI 3.1 document that requests can be judged by.

    Args:
        document: the document, as parsed JSON. It must not change afterwards.

    Attributes:
        document: the document.
        operations: what it offers, in the document's order.
        servers: the addresses it names; empty: any server will do.
        schemes: its security schemes by name.

    Raises:
        ContractError: the document uses something that could only be judged in part.
    """

    def __init__(self, document: Object) -> None:
        self.document = document
        self.operations = read_operations(document)
        self.servers = read_servers(document)
        self.schemes = read_schemes(document, self.operations)
        self._by_id = {operation.id: operation for operation in self.operations}
        self._routes = Routes(self.operations)
        self._validators: dict[tuple[str, str], Validator] = {}
        self._parameters: dict[tuple[str, str], tuple[ParameterJudge, ...]] = {}

    def __repr__(self) -> str:
        return f"Contract({len(self.operations)} operations)"

    def operation(self, operation_id: str) -> Operation:
        """The operation of that ``operationId``.

        Raises:
            KeyError: the contract has none of that name; the message lists those it has.
        """
        try:
            return self._by_id[operation_id]
        except KeyError:
            known = ", ".join(self._by_id)
            raise KeyError(f"no operation {operation_id!r}; the contract has: {known}") from None

    def match(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
        """The operation that a request line hits, with its decoded path parameters.

        Args:
            method: as sent.
            path: as sent: percent-encoded, dot segments unresolved, without a query.
        """
        hit = self._routes.find(method, path)
        return (hit.operation, hit.arguments) if isinstance(hit, Route) else None

    def resolve(self, value: JSON) -> Object:
        """The object that a value stands for: itself, or what its ``$ref`` leads to.

        Raises:
            ContractError: the value is no object; the reference leaves the document, leads nowhere
                or in a circle.
        """
        return resolve(self.document, value)

    def fits(self, name: str, value: object) -> bool:
        """Whether a JSON value is of a schema among the components, by the schema's name.

        Raises:
            ContractError: the contract has no such schema.
        """
        reference: Object = {"$ref": f"#/components/schemas/{name}"}
        self.resolve(reference)
        return not self._judge_json(self._validator(("", name), reference), value)

    def check_body(self, operation_id: str, body: object) -> tuple[Issue, ...]:
        """Judge a request body, given as the JSON value it will be.

        Args:
            operation_id: the operation it is meant for.
            body: the value; None is JSON's null, not an absent body.

        Returns:
            What is wrong, each with the JSON pointer of the field; empty: nothing.

        Raises:
            KeyError: the contract has no such operation.
            ContractError: the operation takes no JSON body.
        """
        operation = self.operation(operation_id)
        schema = operation.body_schema
        if schema is None:
            raise ContractError(f"{operation_id} takes no JSON body")
        return self._judge_json(self._validator((operation.id, "body"), schema), body)

    def check_response(self, operation_id: str, status: int, body: object) -> tuple[Issue, ...]:
        """Judge an answer's JSON body against what is documented for its status.

        Raises:
            KeyError: the contract has no such operation.
            ContractError: no JSON answer is documented for that status.
        """
        operation = self.operation(operation_id)
        response = operation.response(status)
        if response is None or response.schema is None:
            raise ContractError(f"{operation_id} documents no JSON answer for {status}")
        validator = self._validator((operation.id, response.status), response.schema)
        return self._judge_json(validator, body)

    def check_request(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]],
        content: bytes,
        *,
        operation_id: str | None = None,
    ) -> tuple[Issue, ...]:
        """Judge a whole request as it would go over the wire.

        Args:
            method: as sent.
            url: as sent, percent-encoded. Without a host (``/runwayml/v1/tasks/x``) the server
                is not judged: a simulator or a proxy has an address of its own.
            headers: as sent, repeated ones repeated.
            content: the body as sent.
            operation_id: the operation it is meant for, when the caller knows.

        Returns:
            What is wrong. Body issues carry JSON pointers; the others the name of the header or
            parameter, or ``method``, ``server``, ``path``. Credentials are never shown.
        """
        # Imported here because it needs the urllib machinery that check_body does without.
        from cometapi_runway.validation._requests import judge_request  # noqa: PLC0415

        return judge_request(self, (method, url, headers, content), operation_id)

    def parameter_judges(self, operation: Operation, location: str) -> tuple[ParameterJudge, ...]:
        """The judges of an operation's parameters in one place, built when first asked for."""
        key = (operation.id, location)
        found = self._parameters.get(key)
        if found is None:
            parameters = operation.parameters_in(location)
            found = tuple(ParameterJudge(self.document, parameter) for parameter in parameters)
            self._parameters[key] = found
        return found

    def _validator(self, key: tuple[str, str], schema: Object) -> Validator:
        found = self._validators.get(key)
        if found is None:
            found = self._validators[key] = compile_schema(self.document, schema)
        return found

    def route(self, method: str, path: str) -> Route | Issue:
        """What a request line hits, or why it hits nothing."""
        return self._routes.find(method, path)

    @cached_property
    def _meanings(self) -> Meanings:
        return meanings(self.document)

    def _judge_json(self, validator: Validator, value: object) -> tuple[Issue, ...]:
        if not _json.is_regular(value) and (issues := _json.irregular(value)):
            return issues
        try:
            return judge(validator, value, body_subject, self._meanings)
        except ValueError:
            # The engine refuses string subclasses and the like, which any JSON writer takes.
            return judge(validator, _json.plain(value), body_subject, self._meanings)


@cache
def contract() -> Contract:
    """The contract this library was generated from, read once.

    Raises:
        ContractError: the generated package is not installed or carries no contract.
    """
    return Contract(json.loads(_packaged()))


def _packaged() -> bytes:
    # Not importlib.resources: that would import the generated package, and with it httpx.
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ContractError(f"{_PACKAGE} is not installed")
    try:
        return Path(spec.origin).with_name(_RESOURCE).read_bytes()
    except OSError as error:
        raise ContractError(f"{_PACKAGE} carries no {_RESOURCE}") from error
