"""What is said of an operation by a page's read_samples, examples, defaults and words.

Each becomes a claim, a contradiction that a contract has or has not, so that the same claim can be
put to the page itself and to the contract derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import Contract, Operation
from cometapi_runway.validation._document import resolve
from cometapi_runway.validation._wording import show

from ..drivers.request_capture import SentRequest
from ..generation.schema_targets import declared_types
from .code_samples import read_samples
from .description_rules import DescribedRule, described_requirement, described_rules
from .schema_locations import SchemaLocation, has_keyword, schema_locations

Holds: TypeAlias = Callable[[Contract, Operation], bool]
# Far beyond any number that a page could mean.
_FAR = (-(10**15), 10**15)


@frozen(eq=False)
class Claim:
    """One contradiction that a page may have.

    Attributes:
        place: what of the page contradicts: a sample, an example, the words about a field.
        words: what it contradicts, and how.
        holds: whether a contract has the contradiction.
    """

    place: str
    words: str
    holds: Holds


def collect_claims(page: Contract, target: Contract, operation: Operation, same: Operation
           ) -> Iterator[Claim]:  # fmt: skip
    """Everything that a page, or the contract derived from it, may contradict.

    Args:
        page: the page by itself.
        target: the contract derived from it.
        operation: the page's operation.
        same: the same operation in the contract.
    """
    yield from _of_samples(page, target, operation)
    yield from _of_examples(page, target, operation, same)
    if operation.body_schema is not None:
        for place, schema in schema_locations(page.document, operation.body_schema, "body"):
            yield from _of_field(place, schema)
    for raw in operation.document.get("parameters", ()):
        said = resolve(page.document, raw)
        schema = {**resolve(page.document, said["schema"]), "description": said.get("description")}
        yield from _of_words(SchemaLocation(said["in"], (said["name"],)), schema)
    yield Claim("answers", "only success is documented",
                lambda _, one: all(r.status.startswith("2") for r in one.responses))  # fmt: skip


def _of_samples(page: Contract, target: Contract, operation: Operation) -> Iterator[Claim]:
    for sample in read_samples(operation.document):
        name = f"sample {sample.name}"
        if sample.sent is None:
            yield Claim(name, f"not understood: {sample.problem}", lambda _, __: True)
            continue
        found = {
            (issue.path, issue.rule): issue.message
            for contract in (target, page)
            for issue in _issues(contract, sample.sent)
        }
        for key, message in found.items():
            yield Claim(name, message, _sends(sample.sent, key))


def _issues(contract: Contract, sent: SentRequest):
    return contract.check_request(sent.method, sent.url, sent.headers, sent.content)


def _sends(sent: SentRequest, key: tuple[str, str]) -> Holds:
    return lambda contract, _: key in {(one.path, one.rule) for one in _issues(contract, sent)}


def _of_examples(
    page: Contract, target: Contract, operation: Operation, same: Operation
) -> Iterator[Claim]:
    for name, part, value in _examples(page.document, operation):
        found = {(issue.path, issue.rule): issue.message
                 for contract, one in ((target, same), (page, operation))
                 for issue in _judged(contract, one, part, value)}  # fmt: skip
        for key, message in found.items():
            yield Claim(name, message, _shows(part, value, key))


def _shows(part: str, value: JSON, key: tuple[str, str]) -> Holds:
    return lambda contract, operation: (
        key in {(issue.path, issue.rule) for issue in _judged(contract, operation, part, value)}
    )


def _judged(contract: Contract, operation: Operation, part: str, value: JSON):
    if part == "body":
        return contract.check_body(operation.id, value)
    return contract.check_response(operation.id, int(part), value)


def _examples(document: Object, operation: Operation) -> Iterator[tuple[str, str, JSON]]:
    """The examples of bodies and answers: what to call each, its part, and the value."""
    raw = operation.document
    media = [("body", resolve(document, raw.get("requestBody", {})))]
    media += [(status, resolve(document, one)) for status, one in raw["responses"].items()]
    for part, holder in media:
        one = holder.get("content", {}).get("application/json", {})
        listed = {name: value["value"] for name, value in one.get("examples", {}).items()}
        if "example" in one:
            listed[""] = one["example"]
        schema = resolve(document, one.get("schema", {}))
        if "example" in schema:
            listed["of the schema"] = schema["example"]
        yield from ((f"example {name} ({part})".replace("  ", " "), part, value)
                    for name, value in listed.items())  # fmt: skip


def _of_field(place: SchemaLocation, schema: Object) -> Iterator[Claim]:
    if "default" in schema:
        yield from _of_default(place, schema["default"])
    numeric = {"integer", "number"} & set(declared_types(schema))
    if numeric and "enum" not in schema:
        yield Claim(str(place), "a number without bounds", lambda contract, one: any(
            place.takes(contract, one, far) for far in _FAR))  # fmt: skip
    yield from _of_words(place, schema)


def _of_default(place: SchemaLocation, default: JSON) -> Iterator[Claim]:
    def is_offered(contract: Contract, operation: Operation) -> bool:
        schema = place.schema(contract, operation)
        return schema is not None and has_keyword(contract.document, schema, "default")

    yield Claim(f"default of {place}", "is required, and has a default all the same",
                lambda contract, one: bool(place.steps) and is_offered(contract, one)
                and place.is_required(contract, one))  # fmt: skip
    yield Claim(f"default of {place}", f"{show(default)} is not allowed there",
                lambda contract, one: place.schema(contract, one) is not None
                and not place.takes(contract, one, default))  # fmt: skip


def _of_words(place: SchemaLocation, schema: Object) -> Iterator[Claim]:
    for demand in described_rules(schema):
        meant = SchemaLocation(place.part, (*place.steps, *demand.below))
        yield from _of_demand(f"words about {place}", meant, demand)
    needed = described_requirement(schema.get("description"))
    if needed is not None and place.steps:
        words = (
            "called required, but may be left out" if needed else "called optional, but required"
        )
        yield Claim(f"words about {place}", words, lambda contract, one: (
            place.schema(contract, one) is not None
            and place.is_required(contract, one) is not needed))  # fmt: skip


def _of_demand(name: str, place: SchemaLocation, demand: DescribedRule) -> Iterator[Claim]:
    def known(contract: Contract, operation: Operation) -> bool:
        return place.schema(contract, operation) is not None

    for value in demand.refused:
        yield Claim(name, f"“{demand.words}”, yet {show(value)} is allowed{_where(demand)}",
                    lambda contract, one, value=value: known(contract, one)
                    and place.takes(contract, one, value))  # fmt: skip
    for value in demand.taken:
        yield Claim(name, f"“{demand.words}”, yet {show(value)} is not allowed{_where(demand)}",
                    lambda contract, one, value=value: known(contract, one)
                    and not place.takes(contract, one, value))  # fmt: skip


def _where(demand: DescribedRule) -> str:
    return f" in {'/'.join(demand.below)}" if demand.below else ""
