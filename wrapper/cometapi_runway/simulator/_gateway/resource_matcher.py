"""Finds the resource of a request, where several resources share one route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from cometapi_runway._core.json_values import parse_json

if TYPE_CHECKING:
    from cometapi_runway.validation import Contract, Operation


@frozen
class ResourceMatcher:
    """Distinguishes the resources of one route by their bodies.

    Attributes:
        contract: Names the schema of each resource's body.
    """

    contract: Contract

    def match(self, operation: Operation, body: bytes) -> str:
        """Returns the resource of a request; the operation's first if the body fits none."""
        if not operation.variants:
            return operation.resource
        try:
            value = parse_json(body)
        except ValueError:
            return operation.resource
        fitting = (
            resource
            for resource, schema in operation.variants.items()
            if self.contract.fits(schema, value)
        )
        return next(fitting, operation.resource)
