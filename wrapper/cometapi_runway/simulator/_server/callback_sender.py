"""Sends callbacks to the ``callback_url`` of compatibility tasks that have ended.

Only if the setting `deliver_callbacks` is on, and only to this machine, because example bodies
contain other people's URLs. Each callback is sent once, without a key or a signature: no page
documents retries or signatures.
"""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote, urlsplit

import anyio
import h11

from cometapi_runway.simulator._responses.reply import JSON_TYPE, dump_json

if TYPE_CHECKING:
    from anyio.abc import SocketStream

    from cometapi_runway.simulator._gateway.gateway import Gateway
    from cometapi_runway.simulator._gateway.tasks import Callback

_log = logging.getLogger(__name__)

_POLL_INTERVAL: Final = 0.05
_TIMEOUT: Final = 5.0
_RECEIVE_SIZE: Final = 65_536
# All characters that RFC 3986 allows in path and query, and the percent sign of escapes.
_TARGET_CHARACTERS: Final = "/?:@!$&'()*+,;=-._~%"
# A URL in a request can be anything; a bad one must not stop the other callbacks.
_FAILURES: Final = (
    OSError,
    ValueError,
    h11.ProtocolError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)


def is_loopback(url: str) -> bool:
    """Whether a URL is plain HTTP to ``localhost``, 127.0.0.0/8 or ``::1``."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme != "http" or port == 0:
            return False
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def send_callbacks(gateway: Gateway) -> None:
    """Sends each callback once when it is due, until cancelled."""
    seen: tuple[Callback, ...] = ()
    while True:
        due = gateway.callbacks
        # A reset of the gateway starts a new list, whose callbacks may equal the old ones.
        is_same_list = due and seen and due[0] is seen[0]
        for callback in due[len(seen) if is_same_list else 0 :]:
            await _send_callback(gateway, callback)
        seen = due
        await anyio.sleep(_POLL_INTERVAL)


async def _send_callback(gateway: Gateway, callback: Callback) -> None:
    task_id, url = callback.task_id, callback.url
    if not is_loopback(url):
        _log.warning("the callback of task %s is not sent: not a loopback address", task_id)
        return
    try:
        body = dump_json(gateway.callback_body(task_id))
        # One limit for everything: a timeout per read would not end a response that trickles in.
        with anyio.fail_after(_TIMEOUT):
            status = await _post(urlsplit(url), body)
    except KeyError:
        _log.warning("the callback of task %s is not sent: the gateway was reset", task_id)
    except _FAILURES as error:
        _log.warning("the callback of task %s failed: %r", task_id, error)
    else:
        _log.info("the callback of task %s returned HTTP %d", task_id, status)


async def _post(url: SplitResult, body: bytes) -> int:
    """Sends a JSON body and returns the HTTP status; follows no redirect and uses no proxy."""
    host, port = url.hostname or "", url.port or 80
    target = url.path or "/"
    if url.query:
        target += f"?{url.query}"
    request = h11.Request(
        method="POST",
        target=quote(target, safe=_TARGET_CHARACTERS),
        headers=[
            ("Host", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"),
            ("Content-Type", JSON_TYPE),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ],
    )
    connection = h11.Connection(h11.CLIENT)
    async with await anyio.connect_tcp(host, port) as stream:
        for event in (request, h11.Data(data=body), h11.EndOfMessage()):
            await stream.send(connection.send(event) or b"")
        return await _receive_status(connection, stream)


async def _receive_status(connection: h11.Connection, stream: SocketStream) -> int:
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Response):
            return event.status_code
        if event is h11.NEED_DATA:
            try:
                connection.receive_data(await stream.receive(_RECEIVE_SIZE))
            except anyio.EndOfStream:
                # Before a response h11 takes this for a protocol error.
                connection.receive_data(b"")
