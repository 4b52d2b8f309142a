"""The requests of `tests/data/samples` as arguments of `create`, for operations without a case."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from cometapi_runway.resources._argument_fields import list_argument_fields
from cometapi_runway.resources._client_resources import ClientResource

FOLDER = Path(__file__).parent / "data" / "samples"


@cache
def read_sample(operation: str) -> dict[str, Any]:
    """The body of the first valid sample of an operation."""
    for file in sorted(FOLDER.glob("*.json")):
        sample = json.loads(file.read_text("utf-8"))
        if (sample["operation"], sample["verdict"]) == (operation, "valid"):
            body: dict[str, Any] = sample["body"]
            return body
    raise LookupError(f"write a valid sample of {operation} into {FOLDER}")


def list_required_arguments(resource: ClientResource) -> dict[str, Any]:
    """The arguments that a resource requires, with the values of the sample."""
    sample = read_sample(resource.operation.id)
    fields = list_argument_fields(resource)
    return {one.argument.name: sample[one.field] for one in fields if one.is_required}
