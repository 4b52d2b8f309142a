"""The answers that the contract itself gives as examples."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property

from attrs import define

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway._core.task import Task
from cometapi_runway._flows.parse_task import parse_created_id, parse_task
from cometapi_runway._flows.response_layers import ResponseLayers
from cometapi_runway.errors import ResponseDecodeError
from cometapi_runway.validation import Contract, ContractError, Operation

_JSON = "application/json"
_BRANCHES = ("anyOf", "oneOf")


@define(eq=False)
class Examples:
    """Finds documented answers.

    Attributes:
        contract: Where to look.
    """

    contract: Contract

    def success(self, operation: Operation) -> JSON:
        """The answer to give when all goes well: a task's id, or a task with its output.

        Where an operation has no such example, one of another operation is taken that fits its
        schema: the pages of sister routes show the same answer once.

        Raises:
            LookupError: The contract has none.
        """
        for example in (*self.documented(operation, 200), *self._everywhere):
            if _succeeds(example, operation) and self._fits(operation, example):
                return example
        raise LookupError(f"the contract shows no successful answer of {operation.id}")

    def documented(self, operation: Operation, status: int) -> tuple[JSON, ...]:
        """All examples of an operation's answers with a status, in the document's order."""
        return tuple(self._of(operation, status))

    def named(self, operation: Operation, status: int, name: str) -> JSON:
        """An example by its name in the document, such as ``"wrapped"``.

        Raises:
            LookupError: There is none of that name; the message lists those there are.
        """
        known = self._examples(self._media(operation, status))
        if name not in known:
            raise LookupError(f"{operation.id} has no example {name!r}; it has: {', '.join(known)}")
        return known[name]

    @cached_property
    def _everywhere(self) -> tuple[JSON, ...]:
        return tuple(
            found for one in self.contract.operations for found in self.documented(one, 200)
        )

    def _fits(self, operation: Operation, example: JSON) -> bool:
        return not self.contract.check_response(operation.id, 200, example)

    def _of(self, operation: Operation, status: int) -> Iterator[JSON]:
        media = self._media(operation, status)
        yield from self._examples(media).values()
        yield from self._in_schema(media.get("schema"))

    def _media(self, operation: Operation, status: int) -> Object:
        """The JSON answer of a status as the document writes it."""
        response = operation.response(status)
        if response is None:
            raise ContractError(f"{operation.id} documents no answer for {status}")
        written = self._follow(_at(operation.document, "responses", response.status))
        return self._follow(_at(written, "content", _JSON))

    def _examples(self, media: Object) -> dict[str, JSON]:
        found = as_object(media.get("examples")) or {}
        return {name: self._follow(one).get("value") for name, one in found.items()}

    def _in_schema(self, schema: JSON, seen: frozenset[str] = frozenset()) -> Iterator[JSON]:
        written = as_object(schema) or {}
        name = as_text(written.get("$ref"))
        if name is not None:
            if name not in seen:
                yield from self._in_schema(self._follow(written), seen | {name})
            return
        if "example" in written:
            yield written["example"]
        for key in _BRANCHES:
            branches = written.get(key)
            for branch in branches if isinstance(branches, list) else ():
                yield from self._in_schema(branch, seen)

    def _follow(self, value: JSON) -> Object:
        return self.contract.resolve(as_object(value) or {})


def _at(holder: Object, *keys: str) -> Object:
    found = holder
    for key in keys:
        found = as_object(found.get(key)) or {}
    return found


def about(example: JSON, asked: str) -> JSON:
    """A documented answer as it would be about another task."""
    text = json.dumps(example)
    own = _task(example)
    return json.loads(text.replace(json.dumps(own.id), json.dumps(asked))) if own else example


def outputs(examples: Iterable[JSON]) -> frozenset[str]:
    """The addresses of output files in documented answers."""
    return frozenset(url for one in examples if (found := _task(one)) for url in found.output)


def _succeeds(example: JSON, operation: Operation) -> bool:
    if operation.is_read:
        found = _task(example)
        return found is not None and bool(found.output)
    try:
        return bool(parse_created_id(ResponseLayers.split(as_object(example) or {})))
    except ResponseDecodeError:
        return False


def _task(example: JSON) -> Task | None:
    try:
        return parse_task(ResponseLayers.split(as_object(example) or {}))
    except ResponseDecodeError:
        return None
