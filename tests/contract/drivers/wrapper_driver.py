"""Calls the wrapper's two clients with JSON arguments.

The resources and their operations are read from the clients, so a new operation is driven as soon
as it has a resource, and a test fails until then.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

from attrs import define, frozen

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._core.task import Task
from cometapi_runway._settings import DEFAULT_RUNWAY_VERSION
from cometapi_runway.errors import RunwayError
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import Contract, resolve_reference

from .generated_driver import API_KEY, normalize_name
from .request_capture import RecordingTransport, SentRequest

CLIENT_KINDS = ("sync", "async")


@define
class ManualClock:
    """A clock that advances only when the client sleeps."""

    time: float = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class AsyncManualClock(ManualClock):
    """The same for the asynchronous client."""

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@frozen
class CallOutcome:
    """The result of one call: a task or a `RunwayError`, and the requests that were sent."""

    task: Task | None
    error: RunwayError | None
    sent: list[SentRequest]

    @property
    def kind(self) -> str:
        """The class of the error or the status of the task, to compare the two clients."""
        return type(self.error).__name__ if self.error else f"Task {self.task.status}"


class WrapperDriver:
    """Both clients, created once: creating a client takes longer than a hundred calls.

    Args:
        contract: has the server and the operations.
        transport: records the requests.
    """

    def __init__(self, contract: Contract, transport: RecordingTransport) -> None:
        self.transport = transport
        self._runner = asyncio.Runner()
        common = {"base_url": contract.servers[0], "runway_version": DEFAULT_RUNWAY_VERSION}
        mock = transport.mock_transport()
        self.clients = {
            "sync": RunwayClient(API_KEY, transport=mock, clock=ManualClock(), **common),
            "async": AsyncRunwayClient(API_KEY, transport=mock, clock=AsyncManualClock(), **common),
        }

    def close(self) -> None:
        """Close both clients and the event loop."""
        self.clients["sync"].close()
        self._runner.run(self.clients["async"].close())
        self._runner.close()

    def create(self, kind: str, resource: str, arguments: Mapping[str, Any]) -> CallOutcome:
        """Call `create` of one resource."""
        create = attrgetter(f"{resource}.create")(self.clients[kind])
        return self._run(lambda: create(**arguments))

    def retrieve(self, kind: str, route: str, task_id: str) -> CallOutcome:
        """Request the status of a task once, on a route."""
        task = Task(task_id, "PENDING", route=route)
        return self._run(lambda: self.clients[kind].bind(task).refresh())

    def _run(self, call: Any) -> CallOutcome:
        """Only a `RunwayError` is an outcome; any other exception propagates and fails the test."""
        self.transport.take_requests()
        try:
            result = call()
            if inspect.iscoroutine(result):
                # `Runner.run` replaces the handler of Ctrl-C for each call.
                result = self._runner.get_loop().run_until_complete(result)
        except RunwayError as error:
            return CallOutcome(None, error, self.transport.take_requests())
        return CallOutcome(result, None, self.transport.take_requests())


def client_resources(holder: Any, prefix: str = "") -> Iterator[tuple[str, Signature]]:
    """Every resource of a client with its signature; grouped ones as ``compat.act_one``."""
    for name in dir(type(holder)):
        if name.startswith("_") or name == "session":
            continue
        found = getattr(holder, name)
        if hasattr(found, "create"):
            yield prefix + name, found.signature
        elif not prefix and getattr(found, "session", None) is holder.session:
            yield from client_resources(found, f"{name}.")


def body_to_arguments(
    contract: Contract, signature: Signature, body: Mapping[str, JSON]
) -> dict[str, Any] | None:
    """The `create` arguments for a JSON body; fields without an argument go to `extra_body`.

    Null values go to `extra_body` too, because None means "not given". Returns None if a required
    argument has no value in the body.
    """
    schema = contract.operation(signature.operation).body_schema
    declared = frozenset(top_level_properties(contract.document, schema or {}))
    names = {normalize_name(name): name for name in signature.parameters}
    own = {
        key: names[normalize_name(key)]
        for key, value in body.items()
        if key in declared and normalize_name(key) in names and value is not None
    }
    if signature.required - set(own.values()):
        return None
    arguments: dict[str, Any] = {name: body[key] for key, name in own.items()}
    if extra := {key: value for key, value in body.items() if key not in own}:
        arguments["extra_body"] = extra
    return arguments


def top_level_properties(document: Object, schema: Object) -> Iterator[str]:
    """The top-level property names of a schema and of all its branches."""
    schema = resolve_reference(document, schema)
    yield from schema.get("properties", {})
    for union in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(union, []):
            yield from top_level_properties(document, branch)
