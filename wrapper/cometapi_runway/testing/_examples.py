"""The example responses in the contract."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cached_property

from attrs import define

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text, parse_json
from cometapi_runway._core.task import Task
from cometapi_runway._flows.parse_task import parse_created_id, parse_task
from cometapi_runway._flows.response_layers import ResponseLayers
from cometapi_runway.errors import ResponseDecodeError
from cometapi_runway.validation import Contract, ContractError, Operation

_JSON = "application/json"
_BRANCHES = ("anyOf", "oneOf")


@define(eq=False)
class ExampleResponses:
    """Finds example responses.

    Attributes:
        contract: The contract to search.
    """

    contract: Contract

    def find_success(self, operation: Operation) -> JSON:
        """Return an example of success: a new task's id, or a task with its output.

        If an operation has no such example, one of another operation that fits its schema is used,
        because the pages of related routes show a shared response only once.

        Raises:
            LookupError: The contract has no such example.
        """
        for example in (*self.find_all(operation, 200), *self._of_all_operations):
            if _is_success(example, operation) and self._fits(operation, example):
                return example
        raise LookupError(f"the contract has no example of a successful response of {operation.id}")

    def find_all(self, operation: Operation, status: int) -> tuple[JSON, ...]:
        """Return all examples of a response, in the document's order."""
        return tuple(self._iterate(operation, status))

    def find_by_name(self, operation: Operation, status: int, name: str) -> JSON:
        """Return an example by its name in the document, such as ``"wrapped"``.

        Raises:
            LookupError: There is no such name; the message lists the known ones.
        """
        known = self._read_examples(self._find_media(operation, status))
        if name not in known:
            raise LookupError(f"{operation.id} has no example {name!r}; it has: {', '.join(known)}")
        return known[name]

    @cached_property
    def _of_all_operations(self) -> tuple[JSON, ...]:
        return tuple(
            example
            for operation in self.contract.operations
            for example in self.find_all(operation, 200)
        )

    def _fits(self, operation: Operation, example: JSON) -> bool:
        return not self.contract.check_response(operation.id, 200, example)

    def _iterate(self, operation: Operation, status: int) -> Iterator[JSON]:
        media = self._find_media(operation, status)
        yield from self._read_examples(media).values()
        yield from self._iterate_schema(media.get("schema"))

    def _find_media(self, operation: Operation, status: int) -> Object:
        """Return the Media Type Object of a JSON response."""
        response = operation.response(status)
        if response is None:
            raise ContractError(f"{operation.id} documents no response for {status}")
        responses = as_object(operation.document.get("responses")) or {}
        content = as_object(self._resolve(responses.get(response.status)).get("content")) or {}
        return self._resolve(content.get(_JSON))

    def _read_examples(self, media: Object) -> dict[str, JSON]:
        found = as_object(media.get("examples")) or {}
        return {name: self._resolve(one).get("value") for name, one in found.items()}

    def _iterate_schema(self, schema: JSON, seen: frozenset[str] = frozenset()) -> Iterator[JSON]:
        keywords = as_object(schema) or {}
        # One reference at a time, because schemas may be recursive.
        reference = as_text(keywords.get("$ref"))
        if reference is not None:
            if reference not in seen:
                yield from self._iterate_schema(self._resolve(keywords), seen | {reference})
            return
        if "example" in keywords:
            yield keywords["example"]
        for key in _BRANCHES:
            branches = keywords.get(key)
            for branch in branches if isinstance(branches, list) else ():
                yield from self._iterate_schema(branch, seen)

    def _resolve(self, value: JSON) -> Object:
        return self.contract.resolve(as_object(value) or {})


def replace_task_id(example: JSON, task_id: str) -> JSON:
    """Return an example with the id of its task replaced."""
    task = _parse_task(example)
    if task is None:
        return example
    text = json.dumps(example).replace(json.dumps(task.id), json.dumps(task_id))
    return parse_json(text)


def collect_outputs(examples: Iterable[JSON]) -> frozenset[str]:
    """Return the URLs of output files in examples."""
    return frozenset(url for one in examples if (task := _parse_task(one)) for url in task.output)


def _is_success(example: JSON, operation: Operation) -> bool:
    if operation.is_read:
        task = _parse_task(example)
        return task is not None and bool(task.output)
    try:
        return bool(parse_created_id(ResponseLayers.split(as_object(example) or {})))
    except ResponseDecodeError:
        return False


def _parse_task(example: JSON) -> Task | None:
    try:
        return parse_task(ResponseLayers.split(as_object(example) or {}))
    except ResponseDecodeError:
        return None
