"""Which resource a request is for, where the contract lets several share one route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from cometapi_runway._core.json_values import parse_json

if TYPE_CHECKING:
    from cometapi_runway.validation import Contract, Operation


@frozen
class Variants:
    """Tells the resources of one route apart by their bodies.

    Attributes:
        contract: Names the schema of each resource's body.
    """

    contract: Contract

    def resource(self, operation: Operation, body: bytes) -> str:
        """The resource that a request is for; the operation's first one if its body fits none."""
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
