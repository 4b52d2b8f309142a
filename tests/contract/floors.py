"""How much of the contract a run must exercise, and what it may leave out, for a stated reason.

`facets.toml` holds both. Whatever is not exercised is listed there; whatever is listed there is
neither exercised nor gone from the contract. So the list says exactly what nobody tests.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import field, frozen

from .ledger import Entries, Open, exercised

LIST = Path(__file__).with_name("facets.toml")


@frozen
class Excuse:
    """Facets that are not exercised, and why.

    Attributes:
        direction: calls or responses.
        facet: the facet in words, as a run prints it.
        reason: why it is left out.
        operations: where; empty: wherever the contract has it.
        part: body, header, ``200 application/json``; empty: any.
    """

    direction: str
    facet: str
    reason: str = field(validator=lambda _, __, value: _reasoned(value))
    operations: tuple[str, ...] = field(default=(), converter=tuple)
    part: str = ""

    def covers(self, one: Open) -> bool:
        """Whether it is about this facet."""
        return (
            one.direction == self.direction
            and str(one.facet) == self.facet
            and (not self.operations or one.operation in self.operations)
            and (not self.part or one.part == self.part)
        )

    def __str__(self) -> str:
        where = ", ".join(self.operations) or "any operation"
        return f"{where}, {self.direction}: {self.part or 'any part'}: {self.facet}"


def _reasoned(reason: str) -> None:
    if len(reason.split()) < 3:
        raise ValueError(f"{reason!r} is no reason")


@frozen
class Count:
    """How many facets of one direction were exercised."""

    taken: int
    of: int
    floor: float

    @property
    def share(self) -> float:
        """The part that was; all of nothing is all."""
        return self.taken / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.taken} of {self.of} ({self.share:.1%}, at least {self.floor:.0%})"


@frozen
class Verdict:
    """What a run exercised, judged.

    Attributes:
        facets: every facet, with who exercised it.
        reasons: those that nobody did, with the reason for it.
        counts: by direction.
        problems: what must be mended, each a sentence.
        notes: what luck added in a deep run: no fault.
    """

    facets: Mapping[Open, list[str]]
    reasons: Mapping[Open, str]
    counts: Mapping[str, Count]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read(path: Path = LIST) -> tuple[dict[str, float], tuple[Excuse, ...]]:
    """The floors by direction, and the excuses."""
    document = tomllib.loads(path.read_text("utf-8"))
    return document["floor"], tuple(Excuse(**one) for one in document.get("open", ()))


def judge(
    facets: Iterable[Open],
    entries: Entries,
    floors: Mapping[str, float],
    excuses: Iterable[Excuse],
    *,
    deep: bool = False,
) -> Verdict:
    """Hold what was exercised against the floors and the list.

    Args:
        facets: everything the contract leaves open.
        entries: the merged ledgers.
        floors: the share of each direction that must be exercised.
        excuses: what may be left out.
        deep: whether chance played a part, so that hitting a listed facet is luck.
    """
    found = exercised(facets, entries)
    missed = [one for one, clients in found.items() if not clients]
    reasons: dict[Open, str] = {}
    lucky: list[str] = []
    problems: list[str] = []
    for excuse in excuses:
        covered = [one for one in found if excuse.covers(one)]
        if not covered:
            problems.append(f"listed, but not in the contract any more: {excuse}")
        lucky += [f"listed as not exercised, but it is: {one}" for one in covered if found[one]]
        reasons |= {one: excuse.reason for one in covered if not found[one]}
    problems += [f"not exercised and not listed: {one}" for one in missed if one not in reasons]
    counts = {direction: _count(found, direction, floor) for direction, floor in floors.items()}
    problems += [f"{name}: only {one}" for name, one in counts.items() if one.share < one.floor]
    kept = () if deep else lucky
    return Verdict(found, reasons, counts, (*problems, *kept), tuple(lucky) if deep else ())


def _count(found: Mapping[Open, list[str]], direction: str, floor: float) -> Count:
    those = [clients for one, clients in found.items() if one.direction == direction]
    return Count(sum(map(bool, those)), len(those), floor)
