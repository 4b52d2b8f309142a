"""Share polls between the waits of one asynchronous client; see `poll_coalescer`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.steps import Send
from cometapi_runway._io.poll_coalescer import JoinedPolls, TaskPolls, copy_error, poll_timeout


@define(eq=False)
class AsyncPollCoalescer:
    """Shares polls in the asynchronous client."""

    _tasks: dict[str, TaskPolls[asyncio.Future[RawResponse]]] = field(init=False, factory=dict)

    def join(self, *tasks: str) -> JoinedPolls:
        """Count the caller as a wait on each of the tasks, inside a ``with`` block."""
        return JoinedPolls(self, tasks)

    def add_waits(self, tasks: Sequence[str]) -> None:
        """Count one more wait on each of the tasks."""
        for task in tasks:
            self._tasks.setdefault(task, TaskPolls()).waits += 1

    def remove_waits(self, tasks: Sequence[str]) -> None:
        """Count one wait less on each of the tasks."""
        for task in tasks:
            polls = self._tasks[task]
            polls.waits -= 1
            if not polls.waits:
                del self._tasks[task]

    async def poll(
        self, step: Send, now: float, send: Callable[[], Awaitable[RawResponse]]
    ) -> RawResponse:
        """Return the response of another wait's poll if one can be reused, else send.

        Raises:
            APIConnectionError: The poll failed.
        """
        polls = self._tasks.get(step.task or "")
        if polls is None or polls.waits < 2:
            return await send()
        shared = polls.find_reusable(step, now)
        if shared is None:
            polls.last, polls.started_at = asyncio.get_running_loop().create_future(), now
            return await _send_shared(polls.last, send)
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
