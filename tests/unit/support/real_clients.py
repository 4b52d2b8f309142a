"""Either client on a real socket, called as if it were blocking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from cometapi_runway import AsyncRunwayClient, RunwayClient, RunwayError

from .both_clients import KEY, Mode

VIDEO = "https://example.com/clip.mp4"


def call(mode: Mode, base_url: str, use: Callable[[Any], Any], **options: Any) -> Any:
    """Call a client in a mode; `use` gets the client and may return a coroutine."""
    if mode == "blocking":
        with RunwayClient(KEY, base_url=base_url, **options) as client:
            return use(client)

    async def run() -> Any:
        async with AsyncRunwayClient(KEY, base_url=base_url, **options) as client:
            result = use(client)
            return await result if isinstance(result, Coroutine) else result

    return asyncio.run(run())


def error_of(mode: Mode, base_url: str, use: Callable[[Any], Any], **options: Any) -> RunwayError:
    """The error that a call raises."""
    try:
        result = call(mode, base_url, use, **options)
    except RunwayError as error:
        return error
    raise AssertionError(f"no error, but {result!r}")


def create(client: Any, **arguments: Any) -> Any:
    """Create a task with the smallest request there is."""
    return client.video_upscale.create(video_uri=VIDEO, **arguments)
