"""The names by which rules address requests: operations, resources, tags and downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cometapi_runway._core.suggestions import find_similar_name

if TYPE_CHECKING:
    from cometapi_runway.validation import Contract, Operation

DOWNLOAD: Final = "download"
"""The name of requests for output files."""

EVERYTHING: Final = "*"
"""The name of all requests."""


def name_request(operation: Operation, resource: str) -> frozenset[str]:
    """Returns the names of a request for an operation, without `EVERYTHING`."""
    return frozenset((operation.id, resource, operation.tag))


def collect_names(contract: Contract) -> frozenset[str]:
    """Returns all names that rules may use: ids, resources and tags of operations, downloads."""
    names = {EVERYTHING, DOWNLOAD}
    for operation in contract.operations:
        names |= {operation.id, operation.resource, operation.tag, *operation.variants}
    return frozenset(names)


def check_name(names: frozenset[str], name: str) -> None:
    """Checks that a name is one of those allowed.

    Raises:
        ValueError: It is not; the message lists those that are.
    """
    if name not in names:
        close = find_similar_name(name, sorted(names))
        advice = f"did you mean {close!r}? " if close else ""
        raise ValueError(f"unknown name {name!r}; {advice}known names: {', '.join(sorted(names))}")
