"""Which resource a request is for, where the contract lets several share one route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field
from jsonschema_rs import Draft202012Validator

from cometapi_runway.jsonvalue import parse

if TYPE_CHECKING:
    from cometapi_runway.validation import Contract, Operation


@define
class Variants:
    """Tells the resources of one route apart by their bodies.

    Attributes:
        contract: Names the schema of each resource's body.
    """

    contract: Contract
    _judges: dict[str, Draft202012Validator] = field(factory=dict[str, Draft202012Validator])

    def resource(self, operation: Operation, body: bytes) -> str:
        """The resource that a request is for; the operation's first one if its body fits none."""
        if not operation.variants:
            return operation.resource
        try:
            value = parse(body)
        except ValueError:
            return operation.resource
        fitting = (
            resource
            for resource, schema in operation.variants.items()
            if self._judge(schema).is_valid(value)
        )
        return next(fitting, operation.resource)

    def _judge(self, schema: str) -> Draft202012Validator:
        if schema not in self._judges:
            components = self.contract.document.get("components")
            self._judges[schema] = Draft202012Validator(
                {"$ref": f"#/components/schemas/{schema}", "components": components}
            )
        return self._judges[schema]
