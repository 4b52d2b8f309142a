"""Contradictions that a page's samples, examples, defaults and descriptions may have.

Each is a claim that holds of a contract or not, so that the same claim can be tested on the page
itself and on the contract derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation, resolve_reference
from cometapi_runway.validation._messages import describe_value

from ..drivers.request_capture import SentRequest
from ..generation.schema_targets import declared_types
from .code_samples import read_samples
from .description_rules import DescribedRule, described_requirement, described_rules
from .schema_locations import SchemaLocation, has_keyword, schema_locations

Holds: TypeAlias = Callable[[Contract, Operation], bool]
# Beyond any bound that a page could state.
_OUT_OF_RANGE = (-(10**15), 10**15)


@frozen(eq=False)
class Claim:
    """One possible contradiction.

    Attributes:
        place: the part of the page: a sample, an example, the description of a field.
        message: the contradiction in words.
        holds: whether a contract has the contradiction.
    """

    place: str
    message: str
    holds: Holds


def collect_claims(page: Contract, target: Contract, operation: Operation, same: Operation
           ) -> Iterator[Claim]:  # fmt: skip
    """Every possible contradiction of a page or of the contract derived from it.

    Args:
        page: the contract of the page alone.
        target: the contract derived from all pages.
        operation: the operation of the page.
        same: the same operation in the derived contract.
    """
    yield from _sample_claims(page, target, operation)
    yield from _example_claims(page, target, operation, same)
    if operation.body_schema is not None:
        for place, schema in schema_locations(page.document, operation.body_schema, "body"):
            yield from _field_claims(place, schema)
    for raw in operation.document.get("parameters", ()):
        declared = resolve_reference(page.document, raw)
        description = declared.get("description")
        schema = {
            **resolve_reference(page.document, declared["schema"]),
            "description": description,
        }
        yield from _description_claims(SchemaLocation(declared["in"], (declared["name"],)), schema)
    yield Claim("responses", "only success is documented",
                lambda _, one: all(r.status.startswith("2") for r in one.responses))  # fmt: skip


def _sample_claims(page: Contract, target: Contract, operation: Operation) -> Iterator[Claim]:
    for sample in read_samples(operation.document):
        name = f"sample {sample.name}"
        if sample.sent is None:
            yield Claim(name, f"not supported: {sample.problem}", lambda _, __: True)
            continue
        found = {
            (issue.path, issue.rule): issue.message
            for contract in (target, page)
            for issue in _issues(contract, sample.sent)
        }
        for key, message in found.items():
            yield Claim(name, message, _sample_has(sample.sent, key))


def _issues(contract: Contract, sent: SentRequest):
    return contract.check_request(sent.method, sent.url, sent.headers, sent.content)


def _sample_has(sent: SentRequest, key: tuple[str, str]) -> Holds:
    return lambda contract, _: key in {(one.path, one.rule) for one in _issues(contract, sent)}


def _example_claims(
    page: Contract, target: Contract, operation: Operation, same: Operation
) -> Iterator[Claim]:
    for name, part, value in _examples(page.document, operation):
        found = {(issue.path, issue.rule): issue.message
                 for contract, one in ((target, same), (page, operation))
                 for issue in _check_example(contract, one, part, value)}  # fmt: skip
        for key, message in found.items():
            yield Claim(name, message, _example_has(part, value, key))


def _example_has(part: str, value: JSON, key: tuple[str, str]) -> Holds:
    return lambda contract, operation: (
        key
        in {(issue.path, issue.rule) for issue in _check_example(contract, operation, part, value)}
    )


def _check_example(contract: Contract, operation: Operation, part: str, value: JSON):
    if part == "body":
        return contract.check_body(operation.id, value)
    return contract.check_response(operation.id, int(part), value)


def _examples(document: Object, operation: Operation) -> Iterator[tuple[str, str, JSON]]:
    """The examples of bodies and responses: name, part and value."""
    raw = operation.document
    media = [("body", resolve_reference(document, raw.get("requestBody", {})))]
    media += [
        (status, resolve_reference(document, one)) for status, one in raw["responses"].items()
    ]
    for part, holder in media:
        one = holder.get("content", {}).get("application/json", {})
        listed = {name: value["value"] for name, value in one.get("examples", {}).items()}
        if "example" in one:
            listed[""] = one["example"]
        schema = resolve_reference(document, one.get("schema", {}))
        if "example" in schema:
            listed["of the schema"] = schema["example"]
        yield from ((f"example {name} ({part})".replace("  ", " "), part, value)
                    for name, value in listed.items())  # fmt: skip


def _field_claims(place: SchemaLocation, schema: Object) -> Iterator[Claim]:
    if "default" in schema:
        yield from _default_claims(place, schema["default"])
    numeric = {"integer", "number"} & set(declared_types(schema))
    if numeric and "enum" not in schema:
        yield Claim(str(place), "a number without bounds", lambda contract, one: any(
            place.allows(contract, one, number) for number in _OUT_OF_RANGE))  # fmt: skip
    yield from _description_claims(place, schema)


def _default_claims(place: SchemaLocation, default: JSON) -> Iterator[Claim]:
    def has_default(contract: Contract, operation: Operation) -> bool:
        schema = place.schema(contract, operation)
        return schema is not None and has_keyword(contract.document, schema, "default")

    yield Claim(f"default of {place}", "is required but has a default",
                lambda contract, one: bool(place.steps) and has_default(contract, one)
                and place.is_required(contract, one))  # fmt: skip
    yield Claim(f"default of {place}", f"{describe_value(default)} is not allowed",
                lambda contract, one: place.schema(contract, one) is not None
                and not place.allows(contract, one, default))  # fmt: skip


def _description_claims(place: SchemaLocation, schema: Object) -> Iterator[Claim]:
    name = f"description of {place}"
    for rule in described_rules(schema):
        target = SchemaLocation(place.part, (*place.steps, *rule.field))
        yield from _rule_claims(name, target, rule)
    required = described_requirement(schema.get("description"))
    if required is not None and place.steps:
        message = (
            "described as required, but optional"
            if required
            else "described as optional, but required"
        )
        yield Claim(name, message, lambda contract, one: (
            place.schema(contract, one) is not None
            and place.is_required(contract, one) is not required))  # fmt: skip


def _rule_claims(name: str, place: SchemaLocation, rule: DescribedRule) -> Iterator[Claim]:
    def is_known(contract: Contract, operation: Operation) -> bool:
        return place.schema(contract, operation) is not None

    for value in rule.rejected:
        yield Claim(name, f"“{rule.text}”, but {describe_value(value)} is allowed{_in_field(rule)}",
                    lambda contract, one, value=value: is_known(contract, one)
                    and place.allows(contract, one, value))  # fmt: skip
    for value in rule.allowed:
        text = f"“{rule.text}”, but {describe_value(value)} is not allowed{_in_field(rule)}"
        yield Claim(name, text,
                    lambda contract, one, value=value: is_known(contract, one)
                    and not place.allows(contract, one, value))  # fmt: skip


def _in_field(rule: DescribedRule) -> str:
    return f" in {'/'.join(rule.field)}" if rule.field else ""
