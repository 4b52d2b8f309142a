"""What a signature is, and the call options that every ``create`` takes."""

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
    """The keyword arguments that every ``create`` takes in addition to its operation's own.

    Attributes:
        runway_version: ``X-Runway-Version`` for this request.
        timeout: Seconds for one request.
        extra_headers: Header fields to add.
        extra_body: Body fields to add or replace, for fields newer than the contract.
        validate: Whether to check the request against the contract.
        idempotency_key: Your name for this request, under which it buys one task, from whatever
            process that shares the journal it is made; 1 to 255 characters. It needs a journal.
        label: A text to find the task by in the journal; 1 to 255 characters.
    """

    runway_version: str | None
    timeout: float | None
    extra_headers: Mapping[str, str] | None
    extra_body: Mapping[str, Any] | None
    validate: bool | None
    idempotency_key: str | None
    label: str | None


OPTIONS = frozenset(CallOptions.__annotations__)


@define
class Signature(Generic[P]):
    """The Python signature of one operation.

    Attributes:
        operation: The operation's id in the contract.
        build: Turns arguments into the request model.
        route: Where its tasks are polled.
    """

    operation: str
    build: Callable[P, Model]
    route: Route

    @cached_property
    def name(self) -> str:
        """The resource's name on a client, such as ``compat.act_one``."""
        return self.build.__name__.replace("compat_", "compat.")

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The operation's own arguments, without the call options."""
        own = signature(self.build).parameters
        return {
            name: parameter
            for name, parameter in own.items()
            if parameter.kind is Parameter.KEYWORD_ONLY
        }

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the arguments without a default."""
        return frozenset(
            name
            for name, parameter in self.parameters.items()
            if parameter.default is Parameter.empty
        )


def creates(operation: str, route: Route = "tasks") -> Callable[[Callable[P, Model]], Signature[P]]:
    """Decorate a function that builds an operation's request model: it becomes a `Signature`."""

    def make_signature(build: Callable[P, Model]) -> Signature[P]:
        return Signature(operation, build, route)

    return make_signature
