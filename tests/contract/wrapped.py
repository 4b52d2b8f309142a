"""The wrapper's two clients behind one wire, driven from JSON like the generated client.

Which resource serves which operation is read off the clients themselves, so a new operation is
driven as soon as it has one, and missed by a test until then.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, frozen

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._core.task import Task
from cometapi_runway._settings import DEFAULT_RUNWAY_VERSION
from cometapi_runway.errors import RunwayError
from cometapi_runway.resources._signatures import Signature
from cometapi_runway.validation import Contract
from cometapi_runway.validation._document import resolve

from .bridge import squeeze
from .wire import Sent, Wire

WAYS = ("blocking", "awaiting")


@define
class StoppedClock:
    """Time that passes only when someone sleeps, for both kinds of client."""

    time: float = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class AwaitableClock(StoppedClock):
    """The same for the asynchronous client."""

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@frozen
class Outcome:
    """How one call ended: a task or an error of the tree, and what went over the wire."""

    task: Task | None
    error: RunwayError | None
    sent: list[Sent]

    @property
    def kind(self) -> str:
        """One word for it, by which the two clients are compared."""
        return type(self.error).__name__ if self.error else f"Task {self.task.status}"


class Wrapped:
    """Both clients, built once: a client costs more than a hundred calls through it.

    Args:
        contract: names the server and the operations.
        wire: where requests go.
    """

    def __init__(self, contract: Contract, wire: Wire) -> None:
        self.wire = wire
        self._runner = asyncio.Runner()
        common = {"base_url": contract.servers[0], "runway_version": DEFAULT_RUNWAY_VERSION}
        transport = wire.transport()
        self.clients = {
            "blocking": RunwayClient(
                "sk-contract-suite", transport=transport, clock=StoppedClock(), **common
            ),
            "awaiting": AsyncRunwayClient(
                "sk-contract-suite", transport=transport, clock=AwaitableClock(), **common
            ),
        }

    def close(self) -> None:
        """Close both clients and the loop."""
        self.clients["blocking"].close()
        self._runner.run(self.clients["awaiting"].close())
        self._runner.close()

    def create(self, way: str, resource: str, keywords: Mapping[str, Any]) -> Outcome:
        """Call one resource's `create`."""
        return self._ending(lambda: _find(self.clients[way], resource).create(**keywords))

    def read(self, way: str, route: str, task_id: str) -> Outcome:
        """Ask once how a task of a route stands."""
        known = Task(task_id, "PENDING", route=route)
        return self._ending(lambda: self.clients[way].bind(known).refresh())

    def _ending(self, call: Any) -> Outcome:
        """Only errors of the tree are an outcome; any other comes through, and is a finding."""
        self.wire.take()
        try:
            result = call()
            task = self._runner.run(result) if inspect.iscoroutine(result) else result
        except RunwayError as error:
            return Outcome(None, error, self.wire.take())
        return Outcome(task, None, self.wire.take())


def _find(client: object, resource: str) -> Any:
    found = client
    for name in resource.split("."):
        found = getattr(found, name)
    return found


def resources(holder: Any, prefix: str = "") -> Iterator[tuple[str, Signature]]:
    """Every resource of a client with its signature, those of its groups as ``compat.act_one``."""
    for name in dir(type(holder)):
        if name.startswith("_") or name == "session":
            continue
        found = getattr(holder, name)
        if hasattr(found, "create"):
            yield prefix + name, found.signature
        elif not prefix and getattr(found, "session", None) is holder.session:
            yield from resources(found, f"{name}.")


def keywords(
    contract: Contract, signature: Signature, body: Mapping[str, JSON]
) -> dict[str, Any] | None:
    """A JSON body as the arguments a caller would write; what has no argument, as extra_body.

    A null has no argument either: None in Python means "not given". None is returned where the
    resource requires an argument that the body has no value for.
    """
    schema = contract.operation(signature.operation).body_schema
    declared = frozenset(property_names(contract.document, schema or {}))
    names = {squeeze(name): name for name in signature.parameters}
    own = {
        key: names[squeeze(key)]
        for key, value in body.items()
        if key in declared and squeeze(key) in names and value is not None
    }
    if signature.required - set(own.values()):
        return None
    made: dict[str, Any] = {name: body[key] for key, name in own.items()}
    if extra := {key: value for key, value in body.items() if key not in own}:
        made["extra_body"] = extra
    return made


def property_names(document: Object, schema: Object) -> Iterator[str]:
    """The top-level property names of a schema, over all its branches."""
    schema = resolve(document, schema)
    yield from schema.get("properties", {})
    for union in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(union, []):
            yield from property_names(document, branch)
