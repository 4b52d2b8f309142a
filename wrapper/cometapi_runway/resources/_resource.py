"""One resource per operation, for both clients, from the operation's one signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, overload

from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._io.session import AsyncSession, Session
from cometapi_runway.resources._bound_task import AsyncBoundTask, BoundTask, bind, bind_async
from cometapi_runway.resources._signatures import Signature

if TYPE_CHECKING:
    from cometapi_runway._flows import submit as submit_flow
    from cometapi_runway._flows.submit import SubmitRequest
    from cometapi_runway.resources import _prepare_request as prepare_request
else:
    # The first call loads them, not the client.
    submit_flow = LazyModule("cometapi_runway._flows.submit")
    prepare_request = LazyModule("cometapi_runway.resources._prepare_request")

P = ParamSpec("P")
S_co = TypeVar("S_co", covariant=True)


class Resource(Generic[P]):
    """One operation of the blocking client.

    Attributes:
        create: Submits one task; its parameters are those of the operation's signature.
        signature: The operation and its parameters.
    """

    create: Callable[P, BoundTask]

    def __init__(self, session: Session, signature: Signature[P]) -> None:
        def create(*args: P.args, **arguments: P.kwargs) -> BoundTask:
            request = _prepare(session, signature, arguments, args)
            driver = session.driver
            flow = submit_flow.submit(request, started=driver.clock.now(), rng=session.rng)
            submission = driver.run(flow)
            accepted_at = driver.clock.now() - submission.age
            return bind(session, submission.task, accepted_at, is_reused=submission.is_reused)

        self.signature = signature
        self.create = create
        _set_signature(create, signature, "BoundTask")


class AsyncResource(Generic[P]):
    """One operation of the asynchronous client.

    Attributes:
        create: Submits one task; its parameters are those of the operation's signature.
        signature: The operation and its parameters.
    """

    create: Callable[P, Coroutine[Any, Any, AsyncBoundTask]]

    def __init__(self, session: AsyncSession, signature: Signature[P]) -> None:
        async def create(*args: P.args, **arguments: P.kwargs) -> AsyncBoundTask:
            request = _prepare(session, signature, arguments, args)
            driver = session.driver
            flow = submit_flow.submit(request, started=driver.clock.now(), rng=session.rng)
            submission = await driver.run(flow)
            accepted_at = driver.clock.now() - submission.age
            return bind_async(session, submission.task, accepted_at, is_reused=submission.is_reused)

        self.signature = signature
        self.create = create
        _set_signature(create, signature, "AsyncBoundTask")


class ResourceHolder(Protocol[S_co]):
    """The owner of a resource: a client, or a group of resources of one."""

    @property
    def session(self) -> S_co:
        """The session that carries the resource's calls."""
        ...


class ResourceDescriptor(Generic[P]):
    """Adds a signature's resource to both clients: ``name = ResourceDescriptor(signature)``."""

    def __init__(self, signature: Signature[P]) -> None:
        self._signature = signature
        self.__doc__ = (signature.build.__doc__ or "").partition("\n")[0]

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, holder: ResourceHolder[Session], owner: type) -> Resource[P]: ...
    @overload
    def __get__(self, holder: ResourceHolder[AsyncSession], owner: type) -> AsyncResource[P]: ...
    @overload
    def __get__(self, holder: None, owner: type) -> ResourceDescriptor[P]: ...
    def __get__(
        self, holder: ResourceHolder[Session] | ResourceHolder[AsyncSession] | None, owner: type
    ) -> Resource[P] | AsyncResource[P] | ResourceDescriptor[P]:
        """The resource, created at first access and cached on its holder."""
        if holder is None:
            return self
        resource = make_resource(holder.session, self._signature)
        vars(holder)[self._name] = resource
        return resource


@overload
def make_resource(session: Session, signature: Signature[P]) -> Resource[P]: ...
@overload
def make_resource(session: AsyncSession, signature: Signature[P]) -> AsyncResource[P]: ...
@overload
def make_resource(
    session: Session | AsyncSession, signature: Signature[P]
) -> Resource[P] | AsyncResource[P]: ...
def make_resource(
    session: Session | AsyncSession, signature: Signature[P]
) -> Resource[P] | AsyncResource[P]:
    """The resource of a signature, for the client of the session."""
    if isinstance(session, AsyncSession):
        return AsyncResource(session, signature)
    return Resource(session, signature)


def _prepare(
    session: Session | AsyncSession,
    signature: Signature[P],
    arguments: Mapping[str, Any],
    positional: tuple[object, ...],
) -> SubmitRequest:
    return prepare_request.prepare_create(
        signature,
        arguments,
        session.settings,
        positional,
        reservation=session.reserve(signature.name, signature.operation),
        has_journal=session.driver.journal is not None,
    )


def _set_signature(create: Callable[..., object], signature: Signature[P], returns: str) -> None:
    """Set the operation's own signature and docstring on `create`, for `help` and editors."""
    build = signature.build
    create.__doc__ = build.__doc__
    create.__name__ = "create"
    create.__qualname__ = f"{build.__name__}.create"
    own = inspect.signature(build).replace(return_annotation=returns)
    create.__signature__ = own  # type: ignore[attr-defined] # for inspect
