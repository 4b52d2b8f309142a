"""One resource per operation, on either client, from the operation's one signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, overload

from cometapi_runway import operations
from cometapi_runway.flows import submit
from cometapi_runway.signatures import Signature

if TYPE_CHECKING:
    from cometapi_runway.bound import AsyncBoundTask, BoundTask
    from cometapi_runway.client import AsyncRunwayClient, RunwayClient

P = ParamSpec("P")
C_co = TypeVar("C_co", covariant=True)


class Resource(Generic[P]):
    """One operation of the blocking client.

    Attributes:
        create: Submits one task; its parameters are those of the operation's signature.
        signature: The operation and its parameters.
    """

    create: Callable[P, BoundTask]

    def __init__(self, client: RunwayClient, signature: Signature[P]) -> None:
        def create(*args: P.args, **arguments: P.kwargs) -> BoundTask:
            order = operations.submission(signature, arguments, client.settings, args)
            now = client.driver.clock.now()
            task = client.driver.run(submit(order, started=now, rng=client.rng))
            return client.bind(task, accepted=client.driver.clock.now())

        self.signature = signature
        self.create = create
        _present(create, signature, "BoundTask")


class AsyncResource(Generic[P]):
    """One operation of the asynchronous client.

    Attributes:
        create: Submits one task; its parameters are those of the operation's signature.
        signature: The operation and its parameters.
    """

    create: Callable[P, Coroutine[Any, Any, AsyncBoundTask]]

    def __init__(self, client: AsyncRunwayClient, signature: Signature[P]) -> None:
        async def create(*args: P.args, **arguments: P.kwargs) -> AsyncBoundTask:
            order = operations.submission(signature, arguments, client.settings, args)
            now = client.driver.clock.now()
            task = await client.driver.run(submit(order, started=now, rng=client.rng))
            return client.bind(task, accepted=client.driver.clock.now())

        self.signature = signature
        self.create = create
        _present(create, signature, "AsyncBoundTask")


class Holder(Protocol[C_co]):
    """Whatever a resource hangs on: a client, or a group of resources of one."""

    @property
    def client(self) -> C_co:
        """The client that carries the resource's calls."""
        ...


class On(Generic[P]):
    """Puts the resource of a signature on both clients: `name = On(signature)`."""

    def __init__(self, signature: Signature[P]) -> None:
        self._signature = signature
        self.__doc__ = (signature.build.__doc__ or "").partition("\n")[0]

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, holder: Holder[RunwayClient], owner: type) -> Resource[P]: ...
    @overload
    def __get__(self, holder: Holder[AsyncRunwayClient], owner: type) -> AsyncResource[P]: ...
    @overload
    def __get__(self, holder: None, owner: type) -> On[P]: ...
    def __get__(
        self, holder: Holder[RunwayClient] | Holder[AsyncRunwayClient] | None, owner: type
    ) -> Resource[P] | AsyncResource[P] | On[P]:
        """The resource, made when first asked for and kept on its holder."""
        if holder is None:
            return self
        made = resource(holder.client, self._signature)
        vars(holder)[self._name] = made
        return made


@overload
def resource(client: RunwayClient, signature: Signature[P]) -> Resource[P]: ...
@overload
def resource(client: AsyncRunwayClient, signature: Signature[P]) -> AsyncResource[P]: ...
@overload
def resource(
    client: RunwayClient | AsyncRunwayClient, signature: Signature[P]
) -> Resource[P] | AsyncResource[P]: ...
def resource(
    client: RunwayClient | AsyncRunwayClient, signature: Signature[P]
) -> Resource[P] | AsyncResource[P]:
    """The resource of a signature on a client."""
    if client.is_async is True:
        return AsyncResource(client, signature)
    return Resource(client, signature)


def _present(create: Callable[..., object], signature: Signature[P], returns: str) -> None:
    """Show the operation's own signature and documentation, in `help` and in editors."""
    build = signature.build
    create.__doc__ = build.__doc__
    create.__name__ = "create"
    create.__qualname__ = f"{build.__name__}.create"
    own = inspect.signature(build).replace(return_annotation=returns)
    create.__signature__ = own  # type: ignore[attr-defined] # what inspect looks for
