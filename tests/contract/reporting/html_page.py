"""The report as one page: everything it needs is in it, and it needs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from attrs import frozen
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cometapi_runway._core.json_values import JSON

# The columns of the grids: a kind of choice, and what to call it.
KINDS = {
    "status": "answers",
    "optional": "given or left out",
    "value": "listed values",
    "bound": "bounds",
    "type": "types",
    "branch": "forms",
    "items": "lengths of lists",
    "extra": "unknown fields",
}
DIRECTIONS = {
    "calls": "What the client sends",
    "responses": "What the client is answered",
}
# A client does not choose its answers; a request has no status.
COLUMNS = {"calls": [one for one in KINDS if one != "status"], "responses": list(KINDS)}


@frozen
class Cell:
    """How many choices of one kind an operation leaves open, and how many were exercised."""

    taken: int
    of: int
    listed: int

    @property
    def state(self) -> str:
        """A class of the style sheet."""
        if not self.of:
            return "none"
        if self.taken == self.of:
            return "all"
        return "listed" if self.taken + self.listed == self.of else "some"

    @property
    def text(self) -> str:
        """What the cell says."""
        return f"{self.taken}/{self.of}" if self.of else ""


def render_page(document: Mapping[str, Any]) -> str:
    """The page of a report.

    Args:
        document: as `document.build` makes it.
    """
    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"breakable": with_line_breaks, "ticked": with_code}
    facets = document["facets"]
    return environment.get_template("page.html.jinja").render(
        document,
        kinds=KINDS,
        columns=COLUMNS,
        verdicts=_verdicts(document["samples"], document["pages"]),
        breaches=_breaches(document["failures"]),
        others=[one for one in document["failures"] if not one["breaches"]],
        directions=DIRECTIONS,
        grid={name: dict(_rows(document["operations"], facets, name)) for name in DIRECTIONS},
        drill=dict(_drill(facets)),
        pages_by_file=_grouped(document["pages"], "page"),
        settled=sum(not one["open"] for one in document["pages"]),
        told=_told(document["infidelities"]),
    )


def with_line_breaks(name: str) -> Markup:
    """A name that may be broken after its underscores, for narrow screens."""
    return Markup("_<wbr>").join(name.split("_"))


def with_code(text: str) -> Markup:
    """A text in which what stands between backticks is code."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if index % 2 else piece
        for index, piece in enumerate(pieces)
    )


def _breaches(failures: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The breaches, those that several doors to one operation share told once."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for failure in failures:
        for breach in failure["breaches"]:
            key = breach["operation"], breach["what"], failure["about"]
            shown = found.setdefault(key, {**breach, "about": failure["about"], "doors": []})
            shown["doors"] += [breach["how"]] if breach["how"] not in shown["doors"] else []
    return [found[key] for key in sorted(found)]


def _verdicts(
    samples: Iterable[tuple[str, str]], findings: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, str, int, int]]:
    """Each code sample: page, name, how often it contradicts the page, how often the contract."""
    by_place = _grouped([one | {"at": (one["page"], one["place"])} for one in findings], "at")
    for file, name in samples:
        own = by_place.get((file, f"sample {name}"), [])
        yield file, name, sum(one["on_page"] for one in own), sum(one["open"] for one in own)


def _rows(
    operations: Iterable[Mapping[str, Any]], facets: list[Mapping[str, Any]], direction: str
) -> Iterator[tuple[str, list[Cell]]]:
    for operation in operations:
        own = [one for one in facets
               if (one["operation"], one["direction"]) == (operation["id"], direction)]  # fmt: skip
        yield operation["id"], [_cell(own, kind) for kind in COLUMNS[direction]]


def _cell(facets: Iterable[Mapping[str, Any]], kind: str) -> Cell:
    those = [one for one in facets if one["kind"] == kind]
    taken = sum(bool(one["by"]) for one in those)
    return Cell(taken, len(those), sum(bool(one["reason"]) for one in those))


def _drill(facets: list[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Facets by operation, direction, part and place, parts with the same facets told once."""
    for operation, own in groupby(sorted(facets, key=_where), key=lambda one: one["operation"]):
        parts: dict[tuple[str, Any], list[str]] = {}
        for (direction, part), those in groupby(own, key=lambda one: _where(one)[1:3]):
            places = [(place, [_chip(one) for one in chips])
                      for place, chips in groupby(those, key=lambda one: one["place"])]  # fmt: skip
            key = direction, tuple((place, tuple(chips)) for place, chips in places)
            parts.setdefault(key, []).append(part)
        yield operation, [(direction, names, places)
                          for (direction, places), names in parts.items()]  # fmt: skip


def _where(facet: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return facet["operation"], facet["direction"], facet["part"], facet["place"]


def _chip(facet: Mapping[str, Any]) -> tuple[str, str, str]:
    """A facet as a choice, who exercised it, and why nobody did."""
    return facet["choice"], " and ".join(facet["by"]), facet["reason"]


def _grouped(rows: Iterable[Mapping[str, Any]], key: str) -> dict[Any, list[Mapping[str, Any]]]:
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _told(infidelities: Iterable[Mapping[str, JSON]]) -> str:
    """How many infidelities there are, and how many of them upstream has mended."""
    states = Counter(one["state"] for one in infidelities)
    mended = f", {states['mended']} mended upstream" if states["mended"] else ""
    return f"{states['still so']} still so{mended}"
