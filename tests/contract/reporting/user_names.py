"""The names by which a user of the wrapper knows an operation."""

from __future__ import annotations

from cometapi_runway.validation import Operation

_READERS = {"tasks": "tasks.retrieve", "feed": "compat.tasks.retrieve"}


def user_names(operation: Operation) -> list[str]:
    """Where a client has an operation, such as ``client.compat.act_one``.

    An operation without a resource of its own is called by its id.
    """
    if operation.resource in _READERS:
        return [f"client.{_READERS[operation.resource]}"]
    group = "compat." if operation.tag == "compat" else ""
    names = list(operation.variants) or [operation.resource]
    return [f"client.{group}{name}" for name in names if name] or [
        f'client.operation("{operation.id}")'
    ]
