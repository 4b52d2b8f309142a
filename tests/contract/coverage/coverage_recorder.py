"""Which coverage points of a contract a run covered, by direction and by client.

An exchange is recorded only after it passed its checks: a choice that was sent wrongly is not
covered. Each worker process has its own recorder; `merge_coverage` adds them up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal, TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation, resolve_reference
from cometapi_runway.validation._document import is_json_media_type

from ..drivers.request_capture import (
    PARAMETER_LOCATIONS,
    SentRequest,
    parameter_schema,
    parse_request,
)
from ..generation.schema_targets import declared_types
from .coverage_points import CoveragePoint, CoverageTree, build_trees_once

Direction: TypeAlias = Literal["requests", "responses"]
Client: TypeAlias = Literal["generated", "wrapper"]
# Covered points as JSON: the text of each point with the clients that covered it.
CoverageEntries: TypeAlias = dict[str, list[str]]


@frozen(order=True)
class LocatedPoint:
    """A coverage point and where in the contract it belongs.

    Attributes:
        operation: the operation's id.
        direction: whether it is part of requests or of responses.
        part: ``body``, a parameter location, or a documented response: ``200 application/json``.
        point: the choice itself.
    """

    operation: str
    direction: Direction
    part: str
    point: CoveragePoint

    def __str__(self) -> str:
        return f"{self.operation}, {self.direction}: {self.part}: {self.point}"


BODY_PRESENT = CoveragePoint("", "is present", "optional")
BODY_ABSENT = CoveragePoint("", "is absent", "optional")
RESPONSE_RECEIVED = CoveragePoint("", "is received", "status")


class CoverageRecorder:
    """Records which client covered which points of one contract.

    Args:
        contract: the contract whose points are counted.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        # Many operations document the same errors.
        tree_of = build_trees_once(contract.document)
        self._trees = {
            (operation.id, part): tree_of(schema)
            for operation in contract.operations
            for part, schema in _parts(operation)
        }
        self._covered: dict[LocatedPoint, set[Client]] = {}
        self._seen: set[tuple[object, ...]] = set()

    @cached_property
    def points(self) -> tuple[LocatedPoint, ...]:
        """Every coverage point of the contract."""
        return tuple(_all_points(self._contract, self._trees))

    def record_request(self, operation: Operation, sent: SentRequest, client: Client) -> None:
        """Record a request that passed its checks."""
        if not self._is_new(operation.id, client, sent.target, sent.headers, sent.content):
            return
        arguments = parse_request(self._contract, operation, sent)
        for location in PARAMETER_LOCATIONS:
            if tree := self._trees.get((operation.id, location)):
                values = _typed(self._contract.document, operation, location, arguments[location])
                self._add(operation, "requests", location, tree.points_of(values), client)
        if "body" in arguments:
            tree = self._trees[operation.id, "body"]
            self._add(operation, "requests", "body", tree.points_of(arguments["body"]), client)
        presence = [BODY_PRESENT if "body" in arguments else BODY_ABSENT]
        self._add(operation, "requests", "body", presence, client)

    def record_response(
        self, operation: Operation, status: int, media_type: str, content: bytes, client: Client
    ) -> None:
        """Record a response that the client understood."""
        response = operation.response(status)
        essence = media_type.partition(";")[0]
        if response is None or not self._is_new(operation.id, client, response.status, content):
            return
        part = f"{response.status} {essence}"
        if essence not in response.content:
            return
        self._add(operation, "responses", part, [RESPONSE_RECEIVED], client)
        if tree := self._trees.get((operation.id, part)):
            points = tree.points_of(json.loads(content))
            self._add(operation, "responses", part, points, client)

    def as_json(self) -> CoverageEntries:
        """The covered points, to merge with those of other workers."""
        return {str(point): sorted(clients) for point, clients in self._covered.items()}

    def _is_new(self, *exchange: object) -> bool:
        new = exchange not in self._seen
        self._seen.add(exchange)
        return new

    def _add(
        self,
        operation: Operation,
        direction: Direction,
        part: str,
        points: Iterable[CoveragePoint],
        client: Client,
    ) -> None:
        for point in points:
            located = LocatedPoint(operation.id, direction, part, point)
            self._covered.setdefault(located, set()).add(client)


def merge_coverage(records: Iterable[CoverageEntries]) -> CoverageEntries:
    """Merge the records of several workers."""
    merged: dict[str, set[str]] = {}
    for entries in records:
        for key, clients in entries.items():
            merged.setdefault(key, set()).update(clients)
    return {key: sorted(clients) for key, clients in merged.items()}


def clients_by_point(
    points: Iterable[LocatedPoint], entries: CoverageEntries
) -> dict[LocatedPoint, list[str]]:
    """Every point with the clients that covered it; an empty list for an uncovered point."""
    return {one: entries.get(str(one), []) for one in points}


def _all_points(
    contract: Contract, trees: Mapping[tuple[str, str], CoverageTree]
) -> Iterator[LocatedPoint]:
    for (operation, part), tree in trees.items():
        in_request = part in {*PARAMETER_LOCATIONS, "body"}
        direction: Direction = "requests" if in_request else "responses"
        for point in dict.fromkeys(one.point for one in tree.all_targets()):
            yield LocatedPoint(operation, direction, part, point)
    for operation in contract.operations:
        if operation.content and not operation.body_required:
            yield LocatedPoint(operation.id, "requests", "body", BODY_PRESENT)
            yield LocatedPoint(operation.id, "requests", "body", BODY_ABSENT)
        for response in operation.responses:
            for media_type in response.content:
                part = f"{response.status} {media_type}"
                yield LocatedPoint(operation.id, "responses", part, RESPONSE_RECEIVED)


def _parts(operation: Operation) -> Iterator[tuple[str, Object]]:
    for location in PARAMETER_LOCATIONS:
        if schema := parameter_schema(operation, location):
            yield location, schema
    if operation.body_schema is not None:
        yield "body", operation.body_schema
    for response in operation.responses:
        for media_type, schema in response.content.items():
            if is_json_media_type(media_type):
                yield f"{response.status} {media_type}", schema


def _typed(
    document: Object, operation: Operation, location: str, values: Mapping[str, str]
) -> dict[str, JSON]:
    """Parameters with the types of their schemas; on the wire they are all text."""
    types = {one.name: declared_types(resolve_reference(document, one.schema))
             for one in operation.parameters_in(location)}  # fmt: skip
    text = {name for name, listed in types.items() if not listed or "string" in listed}
    return {name: value if name in text else json.loads(value) for name, value in values.items()}
