"""Find a task id in what arrived of a response to a paid request, however broken it is.

The gateway accepted the task before it sent the id. A connection that breaks after that, a wrong
length, one byte that is not UTF-8, or a proxy's status must not cost the only trace of a paid task.
"""

from __future__ import annotations

import re

from cometapi_runway._core.json_values import as_object, parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._flows.response_layers import ResponseLayers

_ID_FIELD = re.compile(r'"(?:task_id|id)"\s*:\s*(?:"([^"\\\s]{1,512})"|([0-9]{1,64})(?=[,}\s]))')


def salvage_task_id(response: RawResponse | None) -> str | None:
    """The task id in a response that is no usable answer to a create request, or None.

    Args:
        response: The response as far as it arrived, with whatever status, or None.
    """
    if response is None:
        return None
    try:
        payload = as_object(parse_json(response.body))
    except ValueError:
        # Broken JSON: truncated, followed by something, not UTF-8, a number that is too long.
        found = _ID_FIELD.search(response.body.decode("utf-8", "replace"))
        return None if found is None else found[1] or found[2]
    return None if payload is None else ResponseLayers.split(payload).task_id
