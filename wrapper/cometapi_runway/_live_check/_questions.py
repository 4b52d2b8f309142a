"""Questions that cost nothing, derived from the contract.

Each reads a task that does not exist, or uses a method that creates nothing where the contract
has only ``POST``. `ask` refuses every other request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from attrs import evolve, field, frozen

from cometapi_runway._core.json_values import Object
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.steps import Flow, Send
from cometapi_runway.errors import APIConnectionError
from cometapi_runway.validation import Contract, Operation

UNKNOWN_ID: Final = "00000000-0000-4000-8000-000000000000"
"""The id of no task, in the form of the ids that the pages show."""
WRONG_KEY: Final = "sk-wrong-on-purpose"

MAX_DEPTH: Final = 100
"""Objects and lists inside each other, above which a response is not read as JSON."""
_BRACKET: Final = re.compile(rb"[\[\]{}]")

Topic: TypeAlias = Literal["unknown-id", "without-headers", "wrong-key", "GET", "OPTIONS"]

_TEXTS: Final[Mapping[Topic, str]] = {
    "unknown-id": "unknown id",
    "without-headers": "unknown id, no version",
    "wrong-key": "unknown id, wrong key",
    "GET": "GET instead of POST",
    "OPTIONS": "OPTIONS",
}


@frozen(eq=False)
class Question:
    """One request that creates no task.

    Attributes:
        topic: What it is to show.
        operation: The operation whose path it uses.
        method: HTTP method.
        path: Path from the gateway's root.
        headers: Header fields, without the key.
        body: JSON body, or None.
    """

    topic: Topic
    operation: Operation
    method: str
    path: str
    headers: Mapping[str, str] = field(factory=dict[str, str])
    body: Object | None = None

    @property
    def text(self) -> str:
        """The question in words."""
        return _TEXTS[self.topic]

    @property
    def is_read(self) -> bool:
        """Whether it is a read of the contract, which answers for a task."""
        return self.operation.is_read and self.method == self.operation.method

    @property
    def is_free(self) -> bool:
        """Whether it can create nothing."""
        return self.is_read or self.method in {"GET", "OPTIONS"}


@frozen
class Reply:
    """What came of a question.

    Attributes:
        response: The response, or None.
        error: Why there is none, or None.
        seconds: How long it took.
    """

    response: RawResponse | None = None
    error: APIConnectionError | None = None
    seconds: float = 0.0

    @classmethod
    def from_step(cls, step: Send, seconds: float) -> Reply:
        """The reply to a question that was sent."""
        response = step.response
        if response is not None and _is_too_deep(response.body):
            # JSON that the parser takes, and that comparing and redacting cannot walk.
            response = evolve(response, body=b"nested too deeply")
        return cls(response, step.error, seconds)


def make_questions(contract: Contract, runway_version: str) -> tuple[Question, ...]:
    """Every question about a contract's operations: reads first."""
    reads = [one for one in contract.operations if one.is_read]
    others = [one for one in contract.operations if not one.is_read]
    tags: set[str] = set()
    questions: list[Question] = []
    for operation in (*reads, *others):
        if operation.is_read:
            questions += _make_reads(contract, operation, runway_version)
        if operation.method == "POST":
            questions += _make_method_questions(
                contract, operation, with_options=operation.tag not in tags
            )
            tags.add(operation.tag)
    return tuple(questions)


def ask(question: Question, timeout: float) -> Flow[Send]:
    """Send a question once; returns the step with what came.

    Raises:
        ValueError: The question could create a task; nothing is sent.
    """
    if not question.is_free:
        raise ValueError(f"{question.method} {question.path} could create a task")
    request = PreparedRequest(
        question.operation.id, question.method, question.path, question.headers, question.body
    )
    step = Send(request, timeout)
    yield step
    return step


def _make_reads(
    contract: Contract, operation: Operation, runway_version: str
) -> Iterator[Question]:
    path = operation.path
    for parameter in operation.parameters_in("path"):
        path = path.replace(f"{{{parameter.name}}}", UNKNOWN_ID)
    body = _make_body(contract, operation)
    headers = {one.name: runway_version for one in operation.parameters_in("header")}
    yield Question("unknown-id", operation, operation.method, path, headers, body)
    if headers:
        yield Question("without-headers", operation, operation.method, path, {}, body)
    if operation.security:
        yield Question("wrong-key", operation, operation.method, path, headers, body)


def _make_body(contract: Contract, operation: Operation) -> Object | None:
    """The body of a read: every required field is the id."""
    if operation.body_schema is None:
        return None
    required = contract.resolve(operation.body_schema).get("required")
    return {str(name): UNKNOWN_ID for name in required} if isinstance(required, list) else {}


def _make_method_questions(
    contract: Contract, operation: Operation, *, with_options: bool
) -> Iterator[Question]:
    methods: tuple[Literal["GET", "OPTIONS"], ...] = (
        ("GET", "OPTIONS") if with_options else ("GET",)
    )
    for method in methods:
        # A contract that has the method too says itself what it does.
        if contract.match(method, operation.path) is None:
            yield Question(method, operation, method, operation.path)


def _is_too_deep(body: bytes) -> bool:
    depth = 0
    for bracket in _BRACKET.findall(body):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False
