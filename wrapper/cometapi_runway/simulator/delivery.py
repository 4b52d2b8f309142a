"""Puts an answer on the wire: with its delays, in its pieces, or not at all.

ASGI has no word for a reset connection. Under `protocol.ResettingProtocol`, which the simulator's
own server uses, the scope carries a function that resets the real one. Elsewhere (in process, or
under another server) `ConnectionDropped` is raised out of the application instead: an in-process
transport turns it into its own kind of lost connection, and a server closes the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio
from attrs import frozen

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from cometapi_runway.simulator.clock import SimClock
    from cometapi_runway.simulator.reply import Reply

RESET: Final = "cometapi_runway.reset"
"""The scope's extension that resets the connection."""

Reset: TypeAlias = Callable[[], None]

_PIECES: Final = 16


class ConnectionDropped(ConnectionError):  # noqa: N818 - named for what happened, as its siblings
    """The simulator dropped the connection, as a fault told it to."""


@frozen
class Delivery:
    """The way of one answer to one client.

    Attributes:
        clock: Measures delays.
        scope: The request's ASGI scope.
        receive: Its incoming messages.
        send: Its outgoing ones.
    """

    clock: SimClock
    scope: Scope
    receive: Receive
    send: Send

    async def carry(self, reply: Reply) -> None:
        """Sends an answer; gives up as soon as the client has gone.

        Raises:
            ConnectionDropped: The connection is to be reset, and no server is there to do it.
        """
        if not (reply.delay or reply.drip):
            await self._send(reply)
            return
        async with anyio.create_task_group() as group:

            async def until_sent() -> None:
                await self._send(reply)
                group.cancel_scope.cancel()

            group.start_soon(until_sent)
            await self._until_gone()
            group.cancel_scope.cancel()

    async def _until_gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _send(self, reply: Reply) -> None:
        if reply.delay:
            await self.clock.sleep(reply.delay)
        if reply.drop == "before":
            await self._reset()
            return
        await self.send(_start(reply, self.clock.now()))
        has_body = _may_have_body(reply.status) and self.scope["method"] != "HEAD"
        body = reply.body if has_body else b""
        if reply.drop == "midway":
            await self._piece(body[: len(body) // 2], more=True)
            await self._reset()
        elif reply.drip:
            await self._drip(body, reply.drip)
        else:
            await self._piece(body, more=False)

    async def _drip(self, body: bytes, seconds: float) -> None:
        """Sends a body evenly over its time, by the clock: a jump brings all that is due."""
        began = self.clock.now()
        cuts = [len(body) * number // _PIECES for number in range(_PIECES + 1)]
        for number, (start, stop) in enumerate(pairwise(cuts), 1):
            await self.clock.sleep_until(began + seconds * number / _PIECES)
            await self._piece(body[start:stop], more=number < _PIECES)

    async def _piece(self, body: bytes, *, more: bool) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def _reset(self) -> None:
        extensions: dict[str, Reset] = self.scope.get("extensions") or {}
        reset = extensions.get(RESET)
        if reset is None:
            raise ConnectionDropped("the simulator dropped the connection")
        reset()
        # Until the server has noticed, returning would make it answer with an error of its own.
        await self._until_gone()


def fields(reply: Reply, now: float) -> list[tuple[bytes, bytes]]:
    """The header fields of an answer as they go out, at a moment in Unix seconds."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers
    ]
    if _may_have_body(reply.status) and reply.header("content-length") is None:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    if reply.header("date") is None:
        # By the simulator's clock: a Retry-After date must be read against it.
        headers.append((b"date", formatdate(now, usegmt=True).encode()))
    headers.append((b"server", b"cometapi-runway-simulator"))
    return headers


def _may_have_body(status: int) -> bool:
    return status not in (204, 304)


def _start(reply: Reply, now: float) -> dict[str, object]:
    return {
        "type": "http.response.start",
        "status": reply.status,
        "headers": fields(reply, now),
    }
