"""How much of the contract a run must cover, and which points it may leave uncovered.

`coverage_thresholds.toml` holds both. Each uncovered point must be listed there with a reason, and
each listed point must exist and be uncovered, so the list is exactly what is not tested.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import field, frozen

from .coverage_recorder import CoverageEntries, LocatedPoint, clients_by_point

THRESHOLDS_FILE = Path(__file__).with_name("coverage_thresholds.toml")


@frozen
class Exemption:
    """Coverage points that are not covered, and why.

    Attributes:
        direction: ``requests`` or ``responses``.
        point: the point as a run prints it.
        reason: why it is not covered, in at least three words.
        operations: the operations it applies to; empty for all.
        part: ``body``, ``header``, ``200 application/json``; empty for all.
    """

    direction: str
    point: str
    reason: str = field(validator=lambda _, __, value: _check_reason(value))
    operations: tuple[str, ...] = field(default=(), converter=tuple)
    part: str = ""

    def covers(self, one: LocatedPoint) -> bool:
        """Whether the exemption applies to a point."""
        return (
            one.direction == self.direction
            and str(one.point) == self.point
            and (not self.operations or one.operation in self.operations)
            and (not self.part or one.part == self.part)
        )

    def __str__(self) -> str:
        where = ", ".join(self.operations) or "any operation"
        return f"{where}, {self.direction}: {self.part or 'any part'}: {self.point}"


def _check_reason(reason: str) -> None:
    if len(reason.split()) < 3:
        raise ValueError(f"{reason!r} is not a reason")


@frozen
class CoverageCount:
    """How many points of one direction were covered."""

    covered: int
    total: int
    threshold: float

    @property
    def share(self) -> float:
        """The covered share; 1.0 if there are no points."""
        return self.covered / self.total if self.total else 1.0

    def __str__(self) -> str:
        return (
            f"{self.covered} of {self.total} "
            f"({self.share:.1%}, at least {self.threshold:.0%} required)"
        )


@frozen
class CoverageResult:
    """The coverage of a run, compared with thresholds and exemptions.

    Attributes:
        points: every point with the clients that covered it.
        reasons: the exempted points with their reasons.
        counts: by direction.
        problems: what fails the run, one sentence each.
        notes: exempted points that a deep run covered by chance.
    """

    points: Mapping[LocatedPoint, list[str]]
    reasons: Mapping[LocatedPoint, str]
    counts: Mapping[str, CoverageCount]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_thresholds(path: Path = THRESHOLDS_FILE) -> tuple[dict[str, float], tuple[Exemption, ...]]:
    """Read the thresholds by direction, and the exemptions."""
    document = tomllib.loads(path.read_text("utf-8"))
    return document["threshold"], tuple(Exemption(**one) for one in document.get("exemption", ()))


def evaluate_coverage(
    points: Iterable[LocatedPoint],
    entries: CoverageEntries,
    thresholds: Mapping[str, float],
    exemptions: Iterable[Exemption],
    *,
    deep: bool = False,
) -> CoverageResult:
    """Compare the covered points with thresholds and exemptions.

    Args:
        points: every point of the contract.
        entries: the merged records of all workers.
        thresholds: the share of each direction that must be covered.
        exemptions: points that may stay uncovered.
        deep: whether values were drawn at random; covering an exempted point is then a note.
    """
    found = clients_by_point(points, entries)
    uncovered = [one for one, clients in found.items() if not clients]
    reasons: dict[LocatedPoint, str] = {}
    unneeded: list[str] = []
    problems: list[str] = []
    for exemption in exemptions:
        exempted = [one for one in found if exemption.covers(one)]
        if not exempted:
            problems.append(f"exempted, but not in the contract: {exemption}")
        unneeded += [f"exempted, but covered: {one}" for one in exempted if found[one]]
        reasons |= {one: exemption.reason for one in exempted if not found[one]}
    problems += [f"not covered and not exempted: {one}" for one in uncovered if one not in reasons]
    counts = {name: _count(found, name, share) for name, share in thresholds.items()}
    problems += [f"{name}: only {one}" for name, one in counts.items() if one.share < one.threshold]
    if deep:
        return CoverageResult(found, reasons, counts, tuple(problems), tuple(unneeded))
    return CoverageResult(found, reasons, counts, (*problems, *unneeded))


def _count(
    found: Mapping[LocatedPoint, list[str]], direction: str, threshold: float
) -> CoverageCount:
    selected = [clients for one, clients in found.items() if one.direction == direction]
    return CoverageCount(sum(map(bool, selected)), len(selected), threshold)
