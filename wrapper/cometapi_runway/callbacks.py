"""Webhook bodies that the gateway posts to a ``callback_url``.

A callback proves nothing: CometAPI documents no signature, no secret and no sender address, so
anyone who knows the URL can post to it. Treat it as a hint, and ask the gateway with `confirm`.
CometAPI documents one body in full (the old feed's record, with digits as status), shows another in
an older guide, and says in the newer one that there is no common form. `parse` accepts every body
that names a task and its state. A callback may arrive more than once, late, or never.

::

    seen = callbacks.Seen()

    def hook(request):                              # any web framework
        task = callbacks.parse(request.body)
        if task.is_terminal and seen.is_news(task):
            queue.put(task.id)                      # respond first, confirm later
        return 204

    def worker(client):
        task = callbacks.confirm(client, queue.get())
        task.download("out/")
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, overload

from attrs import define, evolve, field

from cometapi_runway._core.json_values import Object, as_object, parse_json
from cometapi_runway._core.task import TERMINAL, Task
from cometapi_runway._flows.parse_task import parse_task
from cometapi_runway._flows.response_layers import ResponseLayers
from cometapi_runway.errors import ResponseDecodeError

if TYPE_CHECKING:
    from cometapi_runway._async_client import AsyncRunwayClient
    from cometapi_runway._client import RunwayClient
    from cometapi_runway.resources._bound_task import AsyncBoundTask, BoundTask

__all__ = ["Seen", "confirm", "parse"]


def parse(body: bytes | str | Mapping[str, object]) -> Task:
    """Parse the task out of a callback's body.

    Args:
        body: The body as received, or the JSON object in it.

    Returns:
        The task as the body describes it, to be polled on the feed. It is unverified.

    Raises:
        ResponseDecodeError: The body is not JSON, or describes no task.
    """
    return evolve(parse_task(ResponseLayers.split(_parse_object(body))), route="feed")


def _parse_object(body: bytes | str | Mapping[str, object]) -> Object:
    if isinstance(body, Mapping):
        # The web framework has parsed it into JSON values; a Mapping's type cannot say so.
        parsed: Any = body
    else:
        try:
            parsed = parse_json(body)
        except (TypeError, ValueError) as error:
            # A framework passes None for a request without a body.
            raise ResponseDecodeError(f"the callback is not JSON: {error}") from None
    payload = as_object(parsed)
    if payload is None:
        raise ResponseDecodeError("the callback is JSON, but not an object")
    return payload


@overload
def confirm(client: RunwayClient, callback: Task | str) -> BoundTask: ...
@overload
def confirm(
    client: AsyncRunwayClient, callback: Task | str
) -> Coroutine[Any, Any, AsyncBoundTask]: ...
def confirm(
    client: RunwayClient | AsyncRunwayClient, callback: Task | str
) -> BoundTask | Coroutine[Any, Any, AsyncBoundTask]:
    """Ask the gateway for the state of the task that a callback names.

    Args:
        client: Either client; with the asynchronous one, await the result.
        callback: What `parse` returned, or the task's id.

    Raises:
        InvalidRequestError: The task id is malformed.
        TaskNotFoundError: The gateway does not know the task: the callback is forged, or arrived
            before the feed has the task.
        APIError: The request brought no usable response.
    """
    task_id = callback.id if isinstance(callback, Task) else callback
    return client.compat.tasks.retrieve(task_id)


@define
class Seen:
    """Remembers the last state of each task, to recognise repeated and late callbacks.

    Callbacks may arrive in any order, so after a terminal state nothing is news. It remembers in
    this process only, may be used by many threads, and forgets the oldest tasks.

    Attributes:
        size: How many tasks are remembered.
    """

    size: int = 10_000
    _states: OrderedDict[str, str] = field(init=False, factory=OrderedDict[str, str])
    _lock: threading.Lock = field(init=False, factory=threading.Lock, repr=False, eq=False)

    def is_news(self, task: Task) -> bool:
        """Whether this state of the task is new; the state is remembered."""
        with self._lock:
            last = self._states.get(task.id)
            if last is not None:
                self._states.move_to_end(task.id)
            if last == task.status or last in TERMINAL:
                return False
            self._states[task.id] = task.status
            if len(self._states) > self.size:
                self._states.popitem(last=False)
            return True
