"""Sends a reply over ASGI: with its delay, in pieces, or with a connection reset.

ASGI has no message for a connection reset. With `reset_protocol.ResettingProtocol`, which the
simulator's own server uses, the scope has a function that resets the connection. Elsewhere (in
process, or with another server) the application raises `ConnectionDropped`: an in-process
transport converts it into its own connection error, and a server closes the connection.
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

    from cometapi_runway.simulator._clock import SimClock
    from cometapi_runway.simulator._responses.reply import Reply

RESET: Final = "cometapi_runway.reset"
"""The name of the scope's extension that resets the connection."""

Reset: TypeAlias = Callable[[], None]

_PIECES: Final = 16


class ConnectionDropped(ConnectionError):  # noqa: N818 - named like its siblings
    """A fault of the simulator dropped the connection."""


@frozen
class Delivery:
    """Sends one reply to one client.

    Attributes:
        clock: Measures delays.
        scope: The request's ASGI scope.
        receive: Receives ASGI messages from the server.
        send: Sends ASGI messages to the server.
    """

    clock: SimClock
    scope: Scope
    receive: Receive
    send: Send

    async def send_reply(self, reply: Reply) -> None:
        """Sends a reply; stops as soon as the client disconnects.

        Raises:
            ConnectionDropped: The reply resets the connection, and the server cannot do it.
        """
        if not (reply.delay or reply.drip):
            await self._send(reply)
            return
        async with anyio.create_task_group() as group:

            async def send_then_cancel() -> None:
                await self._send(reply)
                group.cancel_scope.cancel()

            group.start_soon(send_then_cancel)
            await self._wait_for_disconnect()
            group.cancel_scope.cancel()

    async def _wait_for_disconnect(self) -> None:
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
            await self._send_piece(body[: len(body) // 2], more=True)
            await self._reset()
        elif reply.drip:
            await self._send_slowly(body, reply.drip)
        else:
            await self._send_piece(body, more=False)

    async def _send_slowly(self, body: bytes, seconds: float) -> None:
        """Sends a body in equal pieces; a jump of the clock sends all pieces that are due."""
        began = self.clock.now()
        cuts = [len(body) * number // _PIECES for number in range(_PIECES + 1)]
        for number, (start, stop) in enumerate(pairwise(cuts), 1):
            await self.clock.sleep_until(began + seconds * number / _PIECES)
            await self._send_piece(body[start:stop], more=number < _PIECES)

    async def _send_piece(self, body: bytes, *, more: bool) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def _reset(self) -> None:
        extensions: dict[str, Reset] = self.scope.get("extensions") or {}
        reset = extensions.get(RESET)
        if reset is None:
            raise ConnectionDropped("the simulator dropped the connection")
        reset()
        # If this returned before the server noticed, the server would send its own error.
        await self._wait_for_disconnect()


def wire_headers(reply: Reply, now: float) -> list[tuple[bytes, bytes]]:
    """Returns the header fields of a reply as they are sent, at a moment in Unix seconds."""
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers
    ]
    if _may_have_body(reply.status) and reply.header("content-length") is None:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    if reply.header("date") is None:
        # In simulated time, because clients compare a Retry-After date with it.
        headers.append((b"date", formatdate(now, usegmt=True).encode()))
    headers.append((b"server", b"cometapi-runway-simulator"))
    return headers


def _may_have_body(status: int) -> bool:
    return status not in (204, 304)


def _start(reply: Reply, now: float) -> dict[str, object]:
    return {
        "type": "http.response.start",
        "status": reply.status,
        "headers": wire_headers(reply, now),
    }
