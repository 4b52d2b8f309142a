"""What the gateway posts to a ``callback_url``, and what it is worth.

Nothing about a callback is signed: no secret, no signature and no sender's address is documented,
so whoever knows the address can post to it. A callback is a hint to look, never a proof.
`confirm` looks. CometAPI documents one body in full (the old feed's record, digits and all), had
another in an older guide, and says in the newer one that there is no common form; whatever names
a task and its state is understood here. It may come more than once, late, or never.

::

    seen = callbacks.Seen()

    def hook(request):                              # any web framework
        task = callbacks.parse(request.body)
        if task.is_terminal and seen.is_news(task):
            queue.put(task.id)                      # answer first, look afterwards
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
    from cometapi_runway._client import AsyncRunwayClient, RunwayClient
    from cometapi_runway.resources._bound_task import AsyncBoundTask, BoundTask

__all__ = ["Seen", "confirm", "parse"]


def parse(body: bytes | str | Mapping[str, object]) -> Task:
    """Read the task out of a callback's body.

    Args:
        body: The body as received, or the JSON object in it.

    Returns:
        The task as the body tells it, to be polled on the feed. Nothing vouches for it.

    Raises:
        ResponseDecodeError: It is not JSON, or tells of no task.
    """
    return evolve(parse_task(ResponseLayers.split(_object(body))), route="feed")


def _object(body: bytes | str | Mapping[str, object]) -> Object:
    if isinstance(body, Mapping):
        # Whoever parsed it got JSON values, which a type cannot say of a mapping.
        parsed: Any = body
    else:
        try:
            parsed = parse_json(body)
        except (TypeError, ValueError) as error:
            # A framework hands over None where no body came.
            raise ResponseDecodeError(f"the callback is not JSON: {error}") from None
    found = as_object(parsed)
    if found is None:
        raise ResponseDecodeError("the callback is JSON, but not an object")
    return found


@overload
def confirm(client: RunwayClient, callback: Task | str) -> BoundTask: ...
@overload
def confirm(
    client: AsyncRunwayClient, callback: Task | str
) -> Coroutine[Any, Any, AsyncBoundTask]: ...
def confirm(
    client: RunwayClient | AsyncRunwayClient, callback: Task | str
) -> BoundTask | Coroutine[Any, Any, AsyncBoundTask]:
    """Ask the gateway itself how a task stands that a callback told of.

    Args:
        client: Either client; the asynchronous one's answer is to be awaited.
        callback: What `parse` returned, or the task's id.

    Raises:
        InvalidRequestError: The id is none.
        TaskNotFoundError: The gateway does not know the task: the callback was a lie, or came
            before the feed knew.
        APIError: The question was not answered.
    """
    task_id = callback.id if isinstance(callback, Task) else callback
    return client.compat.tasks.retrieve(task_id)


@define
class Seen:
    """Remembers which callbacks brought news, so that a repeated one changes nothing.

    One that repeats the last state is no news, nor is anything after the end of a task, whose
    order of arrival nobody vouches for. It remembers in this process only, may be used by many
    threads, and forgets the oldest tasks.

    Attributes:
        size: How many tasks are remembered.
    """

    size: int = 10_000
    _states: OrderedDict[str, str] = field(init=False, factory=OrderedDict[str, str])
    _lock: threading.Lock = field(init=False, factory=threading.Lock, repr=False, eq=False)

    def is_news(self, seen: Task) -> bool:
        """Whether a task has not been told of in this state, and note that it has now."""
        with self._lock:
            last = self._states.get(seen.id)
            if last is not None:
                self._states.move_to_end(seen.id)
            if last == seen.status or last in TERMINAL:
                return False
            self._states[seen.id] = seen.status
            if len(self._states) > self.size:
                self._states.popitem(last=False)
            return True
