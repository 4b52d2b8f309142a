"""Share polls between the waits of one asynchronous client; see `poll_coalescer`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.steps import Send
from cometapi_runway._io.poll_coalescer import SharedPolls, copy_error, poll_timeout


class AsyncPollCoalescer(SharedPolls["asyncio.Future[RawResponse]"]):
    """Shares polls in the asynchronous client."""

    async def poll(
        self, step: Send, now: float, send: Callable[[], Awaitable[RawResponse]]
    ) -> RawResponse:
        """Return the response of another wait's poll if one can be reused, else send.

        Raises:
            APIConnectionError: The poll failed.
        """
        if not self.is_shared(step.task):
            return await send()
        shared = self.find_reusable(step, now)
        if shared is None:
            own = asyncio.get_running_loop().create_future()
            return await _send_shared(self.start(step, own, now), send)
        try:
            async with asyncio.timeout(step.timeout):
                # Shielded: cancelling a follower must not cancel the poll of another wait.
                return await asyncio.shield(shared)
        except TimeoutError:
            raise poll_timeout(step) from None


async def _send_shared(
    poll: asyncio.Future[RawResponse], send: Callable[[], Awaitable[RawResponse]]
) -> RawResponse:
    try:
        response = await send()
    except BaseException as error:
        poll.set_exception(copy_error(error))
        # Marks the exception as retrieved: without a follower, asyncio would log it.
        poll.exception()
        raise
    poll.set_result(response)
    return response
