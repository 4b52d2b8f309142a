"""Which facets of a contract a run has exercised, in both directions, and by which client.

An exchange is entered once it has been judged and found right: a choice that was sent, but sent
wrongly, has not been exercised. Workers keep a ledger each; `merge` adds them up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal, TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation
from cometapi_runway.validation import resolve_reference as resolve
from cometapi_runway.validation._document import is_json_media_type as is_json

from .choices import types
from .facets import Facet, Tree, grow
from .wire import PLACES, Sent, place_schema, read_back

Direction: TypeAlias = Literal["calls", "responses"]
Client: TypeAlias = Literal["generated", "wrapper"]
# A ledger as JSON: operation, direction, part and facet, each with who exercised it.
Entries: TypeAlias = dict[str, list[str]]


@frozen(order=True)
class Open:
    """A facet, and where in the contract it belongs.

    Attributes:
        operation: its id.
        direction: what the client sends, or what it is answered.
        part: the body, a place of parameters, or a documented answer: ``200 application/json``.
        facet: the choice itself.
    """

    operation: str
    direction: Direction
    part: str
    facet: Facet

    def __str__(self) -> str:
        return f"{self.operation}, {self.direction}: {self.part}: {self.facet}"


class Ledger:
    """The facets of one contract, and who exercised which.

    Args:
        contract: the contract whose choices are counted.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._trees = {
            (operation.id, part): tree
            for operation in contract.operations
            for part, tree in _parts(contract.document, operation)
        }
        self._taken: dict[Open, set[Client]] = {}
        self._seen: set[tuple[object, ...]] = set()

    @cached_property
    def facets(self) -> tuple[Open, ...]:
        """Everything the contract leaves open."""
        return tuple(_everything(self._contract, self._trees))

    def called(self, operation: Operation, sent: Sent, by: Client) -> None:
        """Enter a request that was judged and found right."""
        if not self._is_new(operation.id, by, sent.target, sent.headers, sent.content):
            return
        back = read_back(self._contract, operation, sent)
        for place in PLACES:
            if tree := self._trees.get((operation.id, place)):
                values = _typed(self._contract.document, operation, place, back[place])
                self._enter(operation, "calls", place, tree.taken(values), by)
        if "body" in back:
            tree = self._trees[operation.id, "body"]
            self._enter(operation, "calls", "body", tree.taken(back["body"]), by)
        given = [GIVEN if "body" in back else LEFT_OUT]
        self._enter(operation, "calls", "body", given, by)

    def answered(
        self, operation: Operation, status: int, media_type: str, content: bytes, by: Client
    ) -> None:
        """Enter an answer that was judged and found to be understood."""
        response = operation.response(status)
        essence = media_type.partition(";")[0]
        if response is None or not self._is_new(operation.id, by, response.status, content):
            return
        part = f"{response.status} {essence}"
        if essence not in response.content:
            return
        self._enter(operation, "responses", part, [ANSWERED], by)
        if tree := self._trees.get((operation.id, part)):
            self._enter(operation, "responses", part, tree.taken(json.loads(content)), by)

    def dump(self) -> Entries:
        """The ledger as JSON."""
        return {_key(one): sorted(clients) for one, clients in self._taken.items()}

    def _is_new(self, *exchange: object) -> bool:
        new = exchange not in self._seen
        self._seen.add(exchange)
        return new

    def _enter(
        self,
        operation: Operation,
        direction: Direction,
        part: str,
        facets: Iterable[Facet],
        by: Client,
    ) -> None:
        for facet in facets:
            self._taken.setdefault(Open(operation.id, direction, part, facet), set()).add(by)


GIVEN = Facet("", "is given", "optional")
LEFT_OUT = Facet("", "is left out", "optional")
ANSWERED = Facet("", "is answered", "status")


def merge(ledgers: Iterable[Entries]) -> Entries:
    """Several ledgers as one."""
    merged: dict[str, set[str]] = {}
    for entries in ledgers:
        for key, clients in entries.items():
            merged.setdefault(key, set()).update(clients)
    return {key: sorted(clients) for key, clients in merged.items()}


def exercised(facets: Iterable[Open], entries: Entries) -> dict[Open, list[str]]:
    """Every facet with who exercised it, nobody for those that were not."""
    return {one: entries.get(_key(one), []) for one in facets}


def _key(one: Open) -> str:
    return str(one)


def _everything(contract: Contract, trees: Mapping[tuple[str, str], Tree]) -> Iterator[Open]:
    for (operation, part), tree in trees.items():
        direction: Direction = "calls" if part in {*PLACES, "body"} else "responses"
        for facet in dict.fromkeys(one.facet for one in tree.every()):
            yield Open(operation, direction, part, facet)
    for operation in contract.operations:
        if operation.content and not operation.body_required:
            yield Open(operation.id, "calls", "body", GIVEN)
            yield Open(operation.id, "calls", "body", LEFT_OUT)
        for response in operation.responses:
            for media_type in response.content:
                part = f"{response.status} {media_type}"
                yield Open(operation.id, "responses", part, ANSWERED)


def _parts(document: Object, operation: Operation) -> Iterator[tuple[str, Tree]]:
    for place in PLACES:
        if schema := place_schema(operation, place):
            yield place, grow(document, schema)
    if operation.body_schema is not None:
        yield "body", grow(document, operation.body_schema)
    for response in operation.responses:
        for media_type, schema in response.content.items():
            if is_json(media_type):
                yield f"{response.status} {media_type}", grow(document, schema)


def _typed(
    document: Object, operation: Operation, place: str, values: Mapping[str, str]
) -> dict[str, JSON]:
    """Parameters as what their schemas say they are: on the wire they are all text."""
    declared = {one.name: types(resolve(document, one.schema))
                for one in operation.parameters_in(place)}  # fmt: skip
    text = {name for name, listed in declared.items() if not listed or "string" in listed}
    return {name: value if name in text else json.loads(value) for name, value in values.items()}
