"""Whether a changed schema still takes, or still gives, what the old one did.

jsonschema_rs decides containment on canonical forms. Where the answer is no, a value that shows it
is looked for in what one schema has and the other has not, and checked by validating.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

import jsonschema_rs
from attrs import field, frozen
from jsonschema_rs.canonical import Containment, Satisfiability

from contract_tools import specdiff_sample
from contract_tools.errors import ContractError
from contract_tools.specdiff_edits import OWNER, WORDING
from contract_tools.values import Json, JsonObject, at_pointer, entries, members

Direction: TypeAlias = Literal["request", "answer"]
Verdict: TypeAlias = Literal["breaking", "compatible", "undecided"]


@frozen
class Judgement:
    """What a change means on the wire.

    Attributes:
        verdict: breaking, compatible, or undecided where neither could be shown.
        reason: the verdict in words; empty for a compatible change.
        witness: a list with the value that shows it, or empty.
    """

    verdict: Verdict
    reason: str = ""
    witness: list[Json] = field(factory=list)


COMPATIBLE = Judgement("compatible")
_REASONS = {
    "request": "what was allowed is refused now",
    "answer": "what was never answered can come now",
}


def judge(old: JsonObject, new: JsonObject, direction: Direction, place: str = "") -> Judgement:
    """Judge a change of a whole request part or answer.

    Args:
        old: the inlined schema as it was.
        new: as it is.
        direction: a request must be allowed as before, an answer may say no more than before.
        place: where in an instance they differ, if that is one place.
    """
    wide, narrow = (old, new) if direction == "request" else (new, old)
    try:
        gap = _gap(wide, narrow)
    except ValueError as error:
        return Judgement("undecided", f"the schemas cannot be compared: {error}")
    if gap is None:
        return COMPATIBLE
    decided, rest = gap
    takes, refuses = (jsonschema_rs.Draft202012Validator(one) for one in (wide, narrow))
    drawn = specdiff_sample.Drawing(specdiff_sample.example_values(wide), place)

    def shows(value: Json) -> bool:
        return takes.is_valid(value) and not refuses.is_valid(value)

    witness = drawn.find(rest, shows) or drawn.find(wide, shows)
    if witness or decided:
        return Judgement("breaking", _REASONS[direction], witness)
    return Judgement("undecided", "neither shown to be covered nor to differ")


def _gap(wide: JsonObject, narrow: JsonObject) -> tuple[bool, Json] | None:
    """What one schema has beyond another, and whether that is sure; None for nothing."""
    whole, part = (jsonschema_rs.canonicalize(one) for one in (wide, narrow))
    covered = part.covers(whole)
    if covered == Containment.YES:
        return None
    rest = whole.subtract(part)
    if rest.satisfiability() == Satisfiability.NO:
        return None
    # Numbers come back as they went in: no decimals were asked for.
    return covered == Containment.NO, cast("Json", rest.to_json_schema())


def inline(document: JsonObject, schema: Json, above: tuple[str, ...] = ()) -> Json:
    """A schema with every reference replaced by what it refers to, which then knows its name.

    A schema that refers to itself is any value at the second turn: comparing stops there.
    """
    if isinstance(schema, list):
        return [inline(document, one, above) for one in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference in above:
            return {}
        target = _target(document, reference)
        found = members(inline(document, target, (*above, reference)))
        beside = {key: _inlined(document, key, schema[key], above) for key in schema}
        beside.pop("$ref")
        return {**_flat({**found, **beside}), OWNER: reference.rpartition("/")[2]}
    return _flat({key: _inlined(document, key, child, above) for key, child in schema.items()})


def _flat(schema: JsonObject) -> JsonObject:
    """A schema with the branches of its `allOf` laid into it, where no two of them disagree.

    The contract puts a reference and the words beside it into an `allOf`; that is no rule of
    its own, and moving a field's rules into a component is no change.
    """
    merged: JsonObject = {key: child for key, child in schema.items() if key != "allOf"}
    kept: list[Json] = []
    for branch in entries(schema.get("allOf")):
        rules = {key: child for key, child in members(branch).items() if key not in WORDING}
        if all(merged.get(key, child) == child for key, child in rules.items()):
            merged = {**members(branch), **merged}
        else:
            kept.append(branch)
    return {**merged, "allOf": kept} if kept else merged


def _inlined(document: JsonObject, key: str, child: Json, above: tuple[str, ...]) -> Json:
    if key in {"enum", "const", "example", "examples", "default"}:
        return child
    if key == "properties":
        # A property may be called $ref.
        parts = members(child).items()
        return {name: inline(document, one, above) for name, one in parts}
    return inline(document, child, above)


def _target(document: JsonObject, reference: str) -> Json:
    if not reference.startswith("#/"):
        raise ContractError(f"{reference} points outside the document")
    return at_pointer(document, reference.removeprefix("#"))
