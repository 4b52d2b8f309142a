"""Sends the callbacks that compatibility routes are given an address for.

Only on request (setting `deliver_callbacks`), and only to this machine: sample bodies are full of
other people's addresses. One attempt each, without a key or a signature: no page promises more.
"""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING, Final

import anyio
import httpx

if TYPE_CHECKING:
    from cometapi_runway.simulator.gateway import Gateway
    from cometapi_runway.simulator.tasks import Callback

_log = logging.getLogger(__name__)

_LOOK_EVERY: Final = 0.05
_PATIENCE: Final = 5.0
# Addresses are whatever somebody put into a request: one that cannot be used must not end the rest.
_FAILURES: Final = (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError)


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine: ``localhost``, 127.0.0.0/8 or ``::1``."""
    try:
        # Read as it will be sent: two readers of one address may differ about its host.
        parts = httpx.URL(url)
        if parts.scheme != "http" or not 0 < (parts.port or 80) < 65536:
            return False
        return parts.host == "localhost" or ipaddress.ip_address(parts.host).is_loopback
    except (httpx.InvalidURL, ValueError):
        return False


async def deliver_forever(gateway: Gateway) -> None:
    """Sends each callback once when it is due, until cancelled."""
    seen: tuple[Callback, ...] = ()
    # No client around it: redirects, proxies and cookies are nothing that a callback has.
    async with httpx.AsyncHTTPTransport(trust_env=False) as transport:
        while True:
            due = gateway.callbacks
            # A reset of the gateway begins a new list, whose callbacks may equal the old ones.
            is_same_list = due and seen and due[0] is seen[0]
            for callback in due[len(seen) if is_same_list else 0 :]:
                await _try(transport, gateway, callback)
            seen = due
            await anyio.sleep(_LOOK_EVERY)


async def _try(transport: httpx.AsyncHTTPTransport, gateway: Gateway, callback: Callback) -> None:
    task_id, url = callback.task_id, callback.url
    if not is_loopback(url):
        _log.warning("the callback of task %s is not sent: not a loopback address", task_id)
        return
    try:
        request = httpx.Request("POST", url, json=gateway.callback_body(task_id))
        # For all of it: an answer that trickles in would outlast a timeout between two bytes.
        with anyio.fail_after(_PATIENCE):
            answer = await transport.handle_async_request(request)
            await answer.aclose()
    except KeyError:
        _log.warning("the callback of task %s is not sent: the gateway was reset", task_id)
    except _FAILURES as error:
        _log.warning("the callback of task %s failed: %r", task_id, error)
    else:
        _log.info("the callback of task %s was answered: HTTP %d", task_id, answer.status_code)
