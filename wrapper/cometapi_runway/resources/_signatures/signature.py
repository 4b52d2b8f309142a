"""What a signature is, and what every ``create`` takes beside its own arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import Parameter, signature
from typing import Any, Generic, ParamSpec, TypedDict

from attrs import define

from cometapi_runway._core.task import Route
from cometapi_runway.resources._inputs import Model

P = ParamSpec("P")


class CallOptions(TypedDict, total=False):
    """What every ``create`` takes beside its operation's own arguments.

    Attributes:
        runway_version: ``X-Runway-Version`` for this call.
        timeout: Seconds for one request.
        extra_headers: Header fields to add.
        extra_body: Body fields to add or replace, for what is newer than the contract.
        validate: Whether to check the request against the contract.
    """

    runway_version: str | None
    timeout: float | None
    extra_headers: Mapping[str, str] | None
    extra_body: Mapping[str, Any] | None
    validate: bool | None


OPTIONS = frozenset(CallOptions.__annotations__)


@define
class Signature(Generic[P]):
    """How one operation is called from Python.

    Attributes:
        operation: The operation's id in the contract.
        build: Turns arguments into the request model.
        route: Where its tasks are polled.
    """

    operation: str
    build: Callable[P, Model]
    route: Route = "tasks"

    @property
    def name(self) -> str:
        """What the resource is called on a client, such as ``compat.act_one``."""
        return self.build.__name__.replace("compat_", "compat.", 1)

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The operation's own arguments, options left out."""
        own = signature(self.build).parameters
        return {name: p for name, p in own.items() if p.kind is Parameter.KEYWORD_ONLY}

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the arguments without a default."""
        return frozenset(n for n, p in self.parameters.items() if p.default is Parameter.empty)


def creates(operation: str, route: Route = "tasks") -> Callable[[Callable[P, Model]], Signature[P]]:
    """Make a signature of a function that builds the request model of an operation."""

    def make(build: Callable[P, Model]) -> Signature[P]:
        return Signature(operation, build, route)

    return make
