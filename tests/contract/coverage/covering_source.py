"""A value source whose values cover every coverage point of a schema.

Values for points that ordinary drawing missed are drawn from a schema narrowed to that point, so
coverage does not depend on chance.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import evolve
from hypothesis.errors import Unsatisfiable

from cometapi_runway._core.json_values import Object
from cometapi_runway.validation._schemas import compile_schema

from ..generation.value_source import FUZZ_EXAMPLES, DrawnValue, ValueSource
from .coverage_points import CoveragePoint, build_trees_once

_RETRY_EXAMPLES = 20


class CoveringSource(ValueSource):
    """A source whose valid values together take every point that can be taken.

    Args:
        document: the OpenAPI document that references are resolved in.
        folder: where drawn values are kept.
    """

    def __init__(self, document: Object, folder: Path | None = None) -> None:
        super().__init__(document, folder)
        self._document = document
        self._tree_of = build_trees_once(document)
        self._completed: dict[tuple[str, int], tuple[DrawnValue, ...]] = {}

    def valid(self, schema: Object, fuzz: int = FUZZ_EXAMPLES) -> tuple[DrawnValue, ...]:
        """Values that match the schema, those drawn for a missed point last."""
        key = (json.dumps(schema, sort_keys=True), fuzz)
        if key not in self._completed:
            drawn = super().valid(schema, fuzz)
            self._completed[key] = (*drawn, *self._draw_missed(schema, drawn))
        return self._completed[key]

    def minimal_cover(self, schema: Object) -> tuple[DrawnValue, ...]:
        """The valid values that each add a point: few values that cover all points."""
        tree = self._tree_of(schema)
        covered: set[CoveragePoint] = set()
        selected: list[DrawnValue] = []
        for one in self.valid(schema):
            points = set(tree.points_of(one.value))
            if not selected or points - covered:
                selected.append(one)
                covered |= points
        return tuple(selected)

    def _draw_missed(self, schema: Object, drawn: Iterable[DrawnValue]) -> Iterator[DrawnValue]:
        tree = self._tree_of(schema)
        is_valid = compile_schema(self._document, schema).is_valid
        covered = {point for one in drawn for point in tree.points_of(one.value)}
        for target in tree.all_targets():
            if target.point in covered:
                continue
            for found in self._draw_from(target.schema):
                points = set(tree.points_of(found.value))
                if target.point in points and is_valid(found.value):
                    covered |= points
                    yield evolve(found, origin=f"{found.origin}, for {target.point}")
                    break

    def _draw_from(self, schema: Object) -> Iterator[DrawnValue]:
        try:
            yield from super().valid(schema, 0)
            yield from super().valid(schema, _RETRY_EXAMPLES)
        except Unsatisfiable:
            return  # the rest of the schema rules this choice out
