"""Loads what a client loads and prepares when it is used: its parent does it once for all forks."""

from __future__ import annotations

import gc

import httpx

from cometapi_runway import RunwayClient
from cometapi_runway._io.http_client import _tls_verification

_ANSWER = {"id": "used", "status": "RUNNING", "createdAt": "2026-01-01T00:00:00Z"}


def use_client() -> None:
    """Create a task and read it, without a network."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json=_ANSWER))
    with RunwayClient("a-key", transport=transport) as client:
        client.character_performance.create(
            character="https://example.com/face.png", reference="https://example.com/clip.mp4"
        )
        client.tasks.retrieve("used")
    # Nothing takes longer, and a client with a transport of its own does not need it.
    _tls_verification(None)


use_client()
gc.collect()
# A fork would copy what the collector of garbage visits.
gc.freeze()
