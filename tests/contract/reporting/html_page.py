"""The report as one HTML page without scripts or external files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from attrs import frozen
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cometapi_runway._core.json_values import JSON

# The columns of the tables: each kind of choice and its heading.
KINDS = {
    "status": "responses",
    "optional": "present or absent",
    "value": "enum values",
    "bound": "bounds",
    "type": "types",
    "branch": "branches",
    "items": "list lengths",
    "extra": "unknown fields",
}
# What each heading means, and the other words of the page.
TERMS = {
    "operation": "One route of the API; the table names where a client has it, and its id in "
    "the contract (operationId).",
    "coverage point": "One choice that the contract leaves open, such as one value of an enum. "
    "It is covered when a request or response that takes it passed every check.",
    "responses": "Each documented status and content type was received.",
    "present or absent": "Each optional field was there once and left out once.",
    "enum values": "Each value of a list of allowed values occurred.",
    "bounds": "Each number was at its smallest and largest allowed value, and each text at its "
    "shortest and longest.",
    "types": "Where several JSON types are allowed, such as text or null, each occurred.",
    "branches": "Where one of several schemas applies (oneOf, anyOf, a pattern with "
    "alternatives), each did.",
    "list lengths": "Each list was empty or as short as allowed, and had several items.",
    "unknown fields": "Where undeclared fields are allowed, there was one.",
    "exempted": "A point that may stay uncovered; the reason is listed with it.",
    "failed as expected": "The test of a known generator issue: it passes once upstream has "
    "fixed the issue, and fails this run then.",
    "contradiction": "A sample, default or sentence of a documentation page that the schema of "
    "that page, or the contract, forbids.",
    "overlay action": "One correction of a page, kept as data with its evidence in "
    "openapi/overlays.",
    "generated client, wrapper": "The code made from the contract "
    "(cometapi_runway_api), and the hand-written client on top of it (cometapi_runway).",
    "mutant": "A small deliberate fault in the code; it is killed when a test fails because of "
    "it, and survives when none does.",
}
OUTCOMES = ("passed", "failed", "xfailed", "skipped")
DIRECTIONS = {
    "requests": "What the client sends",
    "responses": "What the client receives",
}
# The client does not choose the response status, and a request has none.
COLUMNS = {"requests": [one for one in KINDS if one != "status"], "responses": list(KINDS)}


@frozen
class Cell:
    """How many coverage points of one kind an operation has, and how many were covered."""

    covered: int
    total: int
    exempted: int

    @property
    def state(self) -> str:
        """The style class of the cell."""
        if not self.total:
            return "none"
        if self.covered == self.total:
            return "all"
        return "listed" if self.covered + self.exempted == self.total else "some"

    @property
    def text(self) -> str:
        """The text of the cell."""
        return f"{self.covered}/{self.total}" if self.total else ""


def render_page(report: Mapping[str, Any]) -> str:
    """Render the page of a report.

    Args:
        report: the JSON document that `report_data.build_report` returns.
    """
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"line_breaks": with_line_breaks, "code": with_code}
    points = report["coverage_points"]
    return environment.get_template("report.html.jinja").render(
        report,
        kinds=KINDS,
        columns=COLUMNS,
        sample_rows=_sample_rows(report["samples"], report["pages"]),
        terms=TERMS,
        outcomes={name: report["tests"].get(name, 0) for name in OUTCOMES},
        names={one["id"]: one["names"] for one in report["operations"]},
        directions=DIRECTIONS,
        grid={name: dict(_rows(report["operations"], points, name)) for name in DIRECTIONS},
        details=dict(_details(points)),
        pages_by_file=_group_by(report["pages"], "page"),
        resolved=sum(not one["open"] for one in report["pages"]),
        issue_states=_count_states(report["generator_issues"]),
    )


def with_line_breaks(name: str) -> Markup:
    """A name that can break after its dots and underscores, for narrow screens."""
    pieces = re.split(r"([._])", name)
    return Markup("").join(
        Markup("{}<wbr>").format(piece) if piece in {".", "_"} else piece for piece in pieces
    )


def with_code(text: str) -> Markup:
    """A text whose parts between backticks are code elements."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if index % 2 else piece
        for index, piece in enumerate(pieces)
    )


def _sample_rows(
    samples: Iterable[tuple[str, str]], findings: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str, int, int]]:
    """Each code sample: page, name, contradictions of the page and of the contract."""
    by_place = _group_by([one | {"at": (one["page"], one["place"])} for one in findings], "at")
    for file, name in samples:
        own = by_place.get((file, f"sample {name}"), [])
        yield file, name, sum(one["on_page"] for one in own), sum(one["open"] for one in own)


def _rows(
    operations: Iterable[Mapping[str, Any]], points: list[Mapping[str, Any]], direction: str
) -> Iterator[tuple[str, list[Cell]]]:
    for operation in operations:
        own = [one for one in points
               if (one["operation"], one["direction"]) == (operation["id"], direction)]  # fmt: skip
        yield operation["id"], [_cell(own, kind) for kind in COLUMNS[direction]]


def _cell(points: Iterable[Mapping[str, Any]], kind: str) -> Cell:
    selected = [one for one in points if one["kind"] == kind]
    covered = sum(bool(one["clients"]) for one in selected)
    return Cell(covered, len(selected), sum(bool(one["reason"]) for one in selected))


def _details(points: list[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Points by operation, direction, part and path; parts with equal points are merged."""
    for operation, own in groupby(sorted(points, key=_location), key=lambda one: one["operation"]):
        parts: dict[tuple[str, Any], list[str]] = {}
        for (direction, part), group in groupby(own, key=lambda one: _location(one)[1:3]):
            paths = [(path, [_chip(one) for one in chips])
                     for path, chips in groupby(group, key=lambda one: one["path"])]  # fmt: skip
            key = direction, tuple((path, tuple(chips)) for path, chips in paths)
            parts.setdefault(key, []).append(part)
        yield operation, [(direction, names, paths)
                          for (direction, paths), names in parts.items()]  # fmt: skip


def _location(point: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return point["operation"], point["direction"], point["part"], point["path"]


def _chip(point: Mapping[str, Any]) -> tuple[str, str, str]:
    """A point's choice, the clients that covered it, and the reason if it is exempted."""
    return point["choice"], " and ".join(point["clients"]), point["reason"]


def _group_by(rows: Iterable[Mapping[str, Any]], key: str) -> dict[Any, list[Mapping[str, Any]]]:
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _count_states(issues: Iterable[Mapping[str, JSON]]) -> str:
    """How many generator issues remain, and how many are fixed upstream."""
    states = Counter(one["state"] for one in issues)
    fixed = f", {states['fixed']} fixed upstream" if states["fixed"] else ""
    return f"{states['present']} present{fixed}"
