"""What can be made: one command per resource of the client, read off the contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway.cli.words import kebab
from cometapi_runway.validation import Contract, Operation, contract

if TYPE_CHECKING:
    from cometapi_runway._client import RunwayClient
    from cometapi_runway.resources._resource import Resource
    from cometapi_runway.resources._signatures import Signature

_PLAIN_TAG: Final = "official"


@frozen(eq=False)
class Creation:
    """One resource of the client that makes tasks.

    Attributes:
        resource: The attribute of the client, or of its group.
        operation: The operation behind it; two resources may share one.
        body: The schema of its body, its own reference followed.
        source: The contract that it is read off.
    """

    resource: str
    operation: Operation
    body: Object
    source: Contract

    @property
    def groups(self) -> tuple[str, ...]:
        """Attributes of the client that lead to the resource."""
        return () if self.operation.tag == _PLAIN_TAG else (self.operation.tag,)

    @property
    def words(self) -> tuple[str, ...]:
        """What is typed for it: ``character-performance``, or ``compat act-one``."""
        return (*self.groups, kebab(self.resource))

    @property
    def name(self) -> str:
        """A Python name for it: ``compat__act_one``."""
        return "__".join((*self.groups, self.resource))

    @property
    def description(self) -> str:
        """What it does, in the words of its page."""
        document = self.operation.document
        summary = as_text(document.get("summary")) or ""
        shared = (self._titled(summary), as_text(document.get("description")))
        return "\n\n".join(text for text in (self._own, *shared) if text)

    @property
    def signature(self) -> Signature[...]:
        """How ``create`` is called; made of the contract where nobody has written it yet."""
        module = import_module("cometapi_runway.resources._signatures")
        from_contract: Callable[[str, Contract], Signature[...]] = module.from_contract
        return self._written or from_contract(self.operation.id, self.source)

    def on(self, client: RunwayClient) -> Resource[...]:
        """The client's resource."""
        if self._written is None:
            return client.operation(self.operation.id)
        found: Any = client
        for name in (*self.groups, self.resource):
            found = getattr(found, name)
        resource: Resource[...] = found
        return resource

    @property
    def example(self) -> Object:
        """The request that its page gives as its example; empty if it gives none."""
        # Where two bodies share an operation, an example is named after the one it is of.
        mine = self.operation.variants.get(self.resource, "")
        content = as_object(_within(self.operation.document, "requestBody", "content")) or {}
        for media in content.values():
            for name, one in (as_object(_within(media, "examples")) or {}).items():
                if name.startswith(mine):
                    return as_object(_within(one, "value")) or {}
        return {}

    @property
    def _written(self) -> Signature[...] | None:
        """The signature that somebody wrote for it."""
        for one in _signatures().get(self.operation.id, ()):
            # Two that share an operation are told apart by their names.
            if not self.operation.variants or one.build.__name__.endswith(self.resource):
                return one
        return None

    @property
    def _own(self) -> str:
        """Words about this body alone, where others share the operation."""
        return (as_text(self.body.get("description")) or "") if self.operation.variants else ""

    def _titled(self, summary: str) -> str:
        """A summary, told apart where two share it and the contract says nothing of each."""
        if self._own or not self.operation.variants:
            return summary
        title = self.resource.replace("_", " ").capitalize()
        return f"{title}: {summary[:1].lower()}{summary[1:]}" if summary else title


def creations(source: Contract | None = None) -> tuple[Creation, ...]:
    """Everything that can be made, in the contract's order."""
    known = contract() if source is None else source
    return tuple(
        Creation(resource, operation, resolved(known, schema), known)
        for operation in known.operations
        if operation.resource and not operation.is_read
        for resource, schema in _bodies(operation).items()
    )


def resolved(source: Contract, schema: JSON) -> Object:
    """A schema with its reference followed and its ``allOf`` laid under it."""
    found = dict(as_object(schema) or {})
    reference, parts = as_text(found.pop("$ref", None)), found.pop("allOf", None)
    under: dict[str, JSON] = {}
    if reference is not None:
        under.update(resolved(source, source.resolve({"$ref": reference})))
    for part in parts if isinstance(parts, list) else []:
        under.update(resolved(source, part))
    return {**under, **found}


def _bodies(operation: Operation) -> Mapping[str, JSON]:
    """The schema of each resource's body."""
    if not operation.variants:
        return {operation.resource: operation.body_schema or {}}
    return {
        resource: {"$ref": f"#/components/schemas/{schema}"}
        for resource, schema in operation.variants.items()
    }


def _within(value: JSON, *steps: str) -> JSON:
    """What lies at the end of a path of keys; None where it breaks off."""
    for step in steps:
        value = (as_object(value) or {}).get(step)
    return value


@cache
def _signatures() -> Mapping[str, tuple[Signature[...], ...]]:
    """Every signature, by operation."""
    # Not at the top: the names of the commands are known without them.
    module = import_module("cometapi_runway.resources._signatures")
    every = [value for value in vars(module).values() if isinstance(value, module.Signature)]
    found: defaultdict[str, tuple[Signature[...], ...]] = defaultdict(tuple)
    for one in every:
        found[one.operation] += (one,)
    return found
