"""The only module that knows schemathesis: JSON values drawn from a schema, right ones and wrong.

Schemathesis tests servers. What it would send to one is already in wire form (percent-encoded,
stringified), so feeding its cases to a client would encode everything twice. It is therefore shown
a mirror: an invented server whose one POST body is the schema wanted, and only bodies are taken.

The coverage phase comes first: it walks the schema's boundaries, costs next to nothing and does
not change when unrelated code does. Fuzzing adds what nobody thought of. Both are deterministic
unless CONTRACT_SEED says otherwise; CONTRACT_FUZZ sets how much is fuzzed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import hypothesis
import schemathesis
from attrs import frozen
from hypothesis import HealthCheck, Phase
from hypothesis.errors import NoSuchExample
from schemathesis import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation

from cometapi_runway.jsonvalue import JSON, Object

Mode = Literal["right", "wrong"]

FUZZ = int(os.environ.get("CONTRACT_FUZZ", "25"))
SEED = os.environ.get("CONTRACT_SEED")

_MODES = {"right": GenerationMode.POSITIVE, "wrong": GenerationMode.NEGATIVE}
_PATH = "/value"


@frozen
class Drawn:
    """One drawn value and how it came about, for the message when it breaks something."""

    value: JSON
    origin: str


class Source:
    """Draws values of the schemas of one document, each schema once.

    Args:
        document: the OpenAPI document that references point into.
    """

    def __init__(self, document: Object) -> None:
        self._components = {"schemas": document.get("components", {}).get("schemas", {})}
        self._drawn: dict[tuple[str, Mode, int], tuple[Drawn, ...]] = {}

    def right(self, schema: Object, fuzz: int = FUZZ) -> tuple[Drawn, ...]:
        """Values that the schema allows."""
        return self._draw(schema, "right", fuzz)

    def wrong(self, schema: Object, fuzz: int = FUZZ) -> tuple[Drawn, ...]:
        """Values that the schema forbids, one fault each in the coverage phase."""
        return self._draw(schema, "wrong", fuzz)

    def shrink(self, schema: Object, mode: Mode, fails: Callable[[JSON], bool]) -> JSON:
        """The smallest value found that fails as well; None where chance finds no other."""
        strategy = self._mirror(schema).as_strategy(generation_mode=_MODES[mode])
        bodies = strategy.filter(lambda case: _is_json(case.body)).map(lambda case: case.body)
        try:
            return hypothesis.find(bodies, fails, settings=_settings(500, Phase.shrink))
        except NoSuchExample:
            return None

    def _draw(self, schema: Object, mode: Mode, fuzz: int) -> tuple[Drawn, ...]:
        key = (json.dumps(schema, sort_keys=True), mode, fuzz)
        if key not in self._drawn:
            operation = self._mirror(schema)
            found = [*_covered(operation, mode), *_fuzzed(operation, mode, fuzz)]
            self._drawn[key] = tuple(_unique(found))
        return self._drawn[key]

    def _mirror(self, schema: Object) -> APIOperation:
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        responses = {"200": {"description": "taken"}}
        document = {
            "openapi": "3.1.0",
            "info": {"title": "mirror", "version": "1"},
            "paths": {_PATH: {"post": {"requestBody": body, "responses": responses}}},
            "components": self._components,
        }
        return schemathesis.openapi.from_dict(document)[_PATH]["POST"]


def _covered(operation: APIOperation, mode: Mode) -> Iterator[Drawn]:
    # Undocumented but public: no underscore. A canary test says when it stops drawing.
    cases = operation.schema.iter_coverage_cases(
        operation,
        generation_modes=[_MODES[mode]],
        generation_config=operation.schema.config.generation_for(operation=operation),
    )
    for case in cases:
        data = case.meta.phase.data
        about_body = data.parameter_location is not None and data.parameter_location.value == "body"
        if case.method == "POST" and about_body and _is_json(case.body):
            place = getattr(data, "location", None)
            yield Drawn(case.body, f"coverage: {data.scenario.name} {place or ''}".rstrip())


def _fuzzed(operation: APIOperation, mode: Mode, count: int) -> Iterator[Drawn]:
    values: list[JSON] = []

    def collect(case: Case) -> None:
        if _is_json(case.body):
            values.append(case.body)

    test = hypothesis.given(operation.as_strategy(generation_mode=_MODES[mode]))(collect)
    test = _settings(count, Phase.generate)(test)
    if count:
        (hypothesis.seed(int(SEED))(test) if SEED else test)()
    return (Drawn(value, f"fuzz {index}") for index, value in enumerate(values))


def _settings(count: int, *phases: Phase) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=max(count, 1),
        derandomize=SEED is None,
        database=None,
        deadline=None,
        phases=[Phase.generate, *phases],
        suppress_health_check=list(HealthCheck),
    )


def _unique(found: Iterable[Drawn]) -> Iterator[Drawn]:
    seen: set[str] = set()
    for drawn in found:
        spelling = json.dumps(drawn.value, sort_keys=True)
        if spelling not in seen:
            seen.add(spelling)
            yield drawn


def _is_json(value: object) -> bool:
    """Whether a body is JSON: wrong ones may be raw bytes, absent ones a marker."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def announce() -> str:
    """How the values of this run were drawn, for the head of a report."""
    how = f"seed {SEED}" if SEED else "deterministic"
    return f"coverage phase, then {FUZZ} fuzzed values a schema ({how})"
