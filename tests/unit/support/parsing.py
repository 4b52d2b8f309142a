"""Parse a JSON object as a response, in one call."""

from cometapi_runway._core.json_values import Object
from cometapi_runway._core.task import Task
from cometapi_runway._flows.parse_task import parse_created_id, parse_task
from cometapi_runway._flows.response_layers import ResponseLayers


def task_from(payload: Object, known: Task | None = None) -> Task:
    return parse_task(ResponseLayers.split(payload), known)


def created_id_from(payload: Object) -> str:
    return parse_created_id(ResponseLayers.split(payload))
