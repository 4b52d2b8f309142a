"""What a comparison finds: changes, what each means on the wire, and what it does in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from attrs import field, frozen

from contract_tools._common.json_values import Json, JsonObject

Direction: TypeAlias = Literal["request", "response"]
Verdict: TypeAlias = Literal["breaking", "compatible", "undecided"]


@frozen
class Judgement:
    """What a change means on the wire.

    Attributes:
        verdict: breaking, compatible, or undecided where neither could be shown.
        reason: why; empty for a compatible change.
        witness: a list with one value that shows it, or an empty list.
    """

    verdict: Verdict
    reason: str = ""
    witness: list[Json] = field(factory=list)


COMPATIBLE = Judgement("compatible")
UNDECIDED = Judgement("undecided")

Judge: TypeAlias = Callable[[JsonObject, JsonObject, Direction, str], Judgement]


@frozen
class Effect:
    """What a change does to one Python name.

    Attributes:
        name: the class, field, argument or function.
        what: what happens to it.
        breaking: whether a program that uses it must be changed.
    """

    name: str
    what: str
    breaking: bool


@frozen
class Change:
    """One change of a document.

    Attributes:
        operation: the operationId; empty for a change of the document itself.
        part: the part of the operation: body, a parameter, a response, security; empty for all.
        place: a JSON pointer into an instance of that part, where there is one.
        what: what changed.
        judgement: what it means on the wire.
        effects: what it does in Python.
    """

    operation: str
    part: str
    place: str
    what: str
    judgement: Judgement
    effects: tuple[Effect, ...] = ()

    @property
    def location(self) -> str:
        """Part and place, for a report."""
        return f"{self.part} {self.place}".strip() or "the operation"

    @property
    def verdict(self) -> Verdict:
        """Breaking if it breaks requests, responses or programs; else the judgement's verdict."""
        breaks = any(effect.breaking for effect in self.effects)
        return "breaking" if breaks else self.judgement.verdict


def breaking(reason: str) -> Judgement:
    """Return the judgement of a change that breaks a rule."""
    return Judgement("breaking", reason)
