"""The resources of the client that create tasks, read from the contract: one command each.

A batch names its operations by them, and the command line has one command for each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway._core.naming import kebab_case
from cometapi_runway.resources._resolved_schema import resolve_schema
from cometapi_runway.validation import Contract, Operation
from cometapi_runway.validation import contract as load_contract

if TYPE_CHECKING:
    from cometapi_runway.resources._signatures import Signature

_TAG_WITHOUT_GROUP: Final = "official"
R_co = TypeVar("R_co", covariant=True)


class ResourceOwner(Protocol[R_co]):
    """Either client."""

    def operation(self, operation_id: str) -> R_co:
        """The resource of an operation without a hand-written signature."""
        ...


@frozen(eq=False)
class ClientResource:
    """One resource of the client that creates tasks.

    Attributes:
        attribute: The attribute of the client, or of the client's group.
        operation: The operation behind it; two resources may share one.
        body_schema: The schema of its request body, references resolved.
        contract: The contract it is read from.
    """

    attribute: str
    operation: Operation
    body_schema: Object
    contract: Contract

    @property
    def groups(self) -> tuple[str, ...]:
        """Attributes of the client that lead to the resource."""
        return () if self.operation.tag == _TAG_WITHOUT_GROUP else (self.operation.tag,)

    @property
    def name(self) -> str:
        """Its name on a client: ``compat.act_one``."""
        return ".".join((*self.groups, self.attribute))

    @property
    def command_words(self) -> tuple[str, ...]:
        """The words of its command: ``character-performance``, or ``compat act-one``."""
        return (*self.groups, kebab_case(self.attribute))

    @property
    def python_name(self) -> str:
        """A Python identifier for it: ``compat__act_one``."""
        return "__".join((*self.groups, self.attribute))

    @property
    def description(self) -> str:
        """What it does, from its page in the contract."""
        document = self.operation.document
        summary = as_text(document.get("summary")) or ""
        shared = (self._distinguish(summary), as_text(document.get("description")))
        return "\n\n".join(text for text in (self._own_description, *shared) if text)

    @property
    def signature(self) -> Signature[...]:
        """The signature of its ``create``; made from the contract where none is hand-written."""
        module = import_module("cometapi_runway.resources._signatures.from_contract")
        from_contract: Callable[[str, Contract], Signature[...]] = module.from_contract
        return self._written_signature or from_contract(self.operation.id, self.contract)

    def get_from(self, client: ResourceOwner[R_co]) -> R_co:
        """The resource of a client."""
        if self._written_signature is None:
            return client.operation(self.operation.id)
        value: Any = client
        for name in (*self.groups, self.attribute):
            value = getattr(value, name)
        resource: R_co = value
        return resource

    @property
    def example(self) -> Object:
        """The example request of its page; empty if there is none."""
        # Where two resources share an operation, examples are named after their resource.
        prefix = self.operation.variants.get(self.attribute, "")
        content = as_object(_get_nested(self.operation.document, "requestBody", "content")) or {}
        for media in content.values():
            for name, example in (as_object(_get_nested(media, "examples")) or {}).items():
                if name.startswith(prefix):
                    return as_object(_get_nested(example, "value")) or {}
        return {}

    @property
    def _written_signature(self) -> Signature[...] | None:
        for signature in _group_signatures().get(self.operation.id, ()):
            # Two signatures of one operation differ in their names.
            if not self.operation.variants or signature.build.__name__.endswith(self.attribute):
                return signature
        return None

    @property
    def _own_description(self) -> str:
        """The description of this body alone, where several share the operation."""
        return (as_text(self.body_schema.get("description")) or "") if self._is_variant else ""

    @property
    def _is_variant(self) -> bool:
        return bool(self.operation.variants)

    def _distinguish(self, summary: str) -> str:
        """The summary, with the resource's name where two share it and neither is described."""
        if self._own_description or not self._is_variant:
            return summary
        title = self.attribute.replace("_", " ").capitalize()
        return f"{title}: {summary[:1].lower()}{summary[1:]}" if summary else title


def list_client_resources(contract: Contract | None = None) -> tuple[ClientResource, ...]:
    """Every resource that creates tasks, in the contract's order.

    Args:
        contract: The contract; the packaged one if None.
    """
    source = load_contract() if contract is None else contract
    return tuple(
        ClientResource(attribute, operation, resolve_schema(source, schema), source)
        for operation in source.operations
        if operation.resource and not operation.is_read
        for attribute, schema in _list_body_schemas(operation).items()
    )


def get_client_resource(python_name: str) -> ClientResource:
    """The resource of that Python name.

    Raises:
        KeyError: There is none.
    """
    for resource in list_client_resources():
        if resource.python_name == python_name:
            return resource
    raise KeyError(python_name)


def _list_body_schemas(operation: Operation) -> Mapping[str, JSON]:
    """The body's schema of each resource."""
    if not operation.variants:
        return {operation.resource: operation.body_schema or {}}
    return {
        attribute: {"$ref": f"#/components/schemas/{schema}"}
        for attribute, schema in operation.variants.items()
    }


def _get_nested(value: JSON, *keys: str) -> JSON:
    """The value at a path of keys, or None."""
    for key in keys:
        value = (as_object(value) or {}).get(key)
    return value


@cache
def _group_signatures() -> Mapping[str, tuple[Signature[...], ...]]:
    """The hand-written signatures by operation."""
    # Imported late: `--help` needs the names of the commands only.
    module = import_module("cometapi_runway.resources._signatures")
    signatures = [value for value in vars(module).values() if isinstance(value, module.Signature)]
    by_operation: defaultdict[str, tuple[Signature[...], ...]] = defaultdict(tuple)
    for signature in signatures:
        by_operation[signature.operation] += (signature,)
    return by_operation
