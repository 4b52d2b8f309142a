"""Decides whether a changed schema still allows what the old one did.

jsonschema_rs compares the sets of values that two schemas allow. Where they differ, a value that
shows it is searched for and checked with both schemas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import jsonschema_rs
from jsonschema_rs.canonical import Containment, Satisfiability

from contract_tools.diff.changes import COMPATIBLE, Judgement
from contract_tools.diff.witness import WitnessSearch, find_examples

if TYPE_CHECKING:
    from contract_tools._common.json_values import Json, JsonObject
    from contract_tools.diff.changes import Direction

_REASONS: dict[Direction, str] = {
    "request": "what was allowed is refused now",
    "response": "a response can contain what it could not before",
}


def judge(old: JsonObject, new: JsonObject, direction: Direction, place: str = "") -> Judgement:
    """Judge a change of the schema of a request part or a response.

    Args:
        old: the inlined schema as it was.
        new: as it is.
        direction: a request must be allowed as before, a response must contain nothing new.
        place: where in an instance the schemas differ; empty for several places.
    """
    wide, narrow = (old, new) if direction == "request" else (new, old)
    try:
        gap = _gap(wide, narrow)
    except ValueError as error:
        return Judgement("undecided", f"the schemas cannot be compared: {error}")
    if gap is None:
        return COMPATIBLE
    decided, rest = gap
    accepts, rejects = (jsonschema_rs.Draft202012Validator(one) for one in (wide, narrow))
    search = WitnessSearch(find_examples(wide), place)

    def is_witness(value: Json) -> bool:
        return accepts.is_valid(value) and not rejects.is_valid(value)

    witness = search.find(rest, is_witness) or search.find(wide, is_witness)
    if witness or decided:
        return Judgement("breaking", _REASONS[direction], witness)
    return Judgement("undecided", "neither compatibility nor a difference could be shown")


def _gap(wide: JsonObject, narrow: JsonObject) -> tuple[bool, Json] | None:
    """Return whether one schema surely allows more than another, and what; None if it does not."""
    whole, part = (jsonschema_rs.canonicalize(one) for one in (wide, narrow))
    covered = part.covers(whole)
    if covered == Containment.YES:
        return None
    rest = whole.subtract(part)
    if rest.satisfiability() == Satisfiability.NO:
        return None
    # The values are JSON: the canonical form was not asked to use decimals.
    return covered == Containment.NO, cast("Json", rest.to_json_schema())
