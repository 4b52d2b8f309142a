"""Sends the callbacks that compatibility routes are given an address for.

Only on request (setting `deliver_callbacks`), and only to this machine: sample bodies are full of
other people's addresses. One attempt each, without a key or a signature: no page promises more.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

if TYPE_CHECKING:
    from cometapi_runway.jsonvalue import JSON
    from cometapi_runway.simulator.gateway import Gateway

_log = logging.getLogger(__name__)

_LOOK_EVERY: Final = 0.05
_PATIENCE: Final = 5.0


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine: ``localhost``, 127.0.0.0/8 or ``::1``."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme == "http" and (
            host == "localhost" or ipaddress.ip_address(host).is_loopback
        )
    except ValueError:
        return False


def post(url: str, body: JSON) -> int:
    """Sends one callback and returns the status that it was answered with.

    Raises:
        OSError: Nobody listens there, or the answer does not come.
        http.client.HTTPException: The answer is not HTTP.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE)
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        content = json.dumps(body, ensure_ascii=False).encode()
        connection.request("POST", target, content, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


async def deliver_forever(gateway: Gateway) -> None:
    """Sends each callback once when it is due, until cancelled."""
    done = 0
    while True:
        due = gateway.callbacks
        # A reset of the gateway empties the list.
        done = min(done, len(due))
        for callback in due[done:]:
            await to_thread.run_sync(_try, gateway, callback.task_id, callback.url)
        done = len(due)
        await anyio.sleep(_LOOK_EVERY)


def _try(gateway: Gateway, task_id: str, url: str) -> None:
    if not is_loopback(url):
        _log.warning("the callback of task %s is not sent: not a loopback address", task_id)
        return
    try:
        status = post(url, gateway.callback_body(task_id))
    except (OSError, http.client.HTTPException) as error:
        _log.warning("the callback of task %s failed: %s", task_id, error)
    else:
        _log.info("the callback of task %s was answered with HTTP %d", task_id, status)
