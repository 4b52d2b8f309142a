"""The only module that knows schemathesis: JSON values drawn from a schema, right ones and wrong.

Schemathesis tests servers. What it would send to one is already in wire form (percent-encoded,
stringified), so feeding its cases to a client would encode everything twice. It is therefore shown
a mirror: an invented server whose one POST body is the schema wanted, and only bodies are taken.

The coverage phase comes first: it walks the schema's boundaries and costs next to nothing. Fuzzing
adds what nobody thought of. Both are deterministic unless CONTRACT_SEED says otherwise: a number,
or `random` for one that is picked and printed. CONTRACT_FUZZ sets how much is fuzzed.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import hypothesis
import schemathesis
from attrs import frozen
from hypothesis import HealthCheck, Phase
from hypothesis.internal.conjecture import providers
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation

from cometapi_runway._core.json_values import JSON, Object

Mode = Literal["right", "wrong"]

USUAL_FUZZ = 25
FUZZ = int(os.environ.get("CONTRACT_FUZZ", USUAL_FUZZ))
if os.environ.get("CONTRACT_SEED") == "random":
    # Workers are started with this environment, and so draw with the same seed.
    os.environ["CONTRACT_SEED"] = str(secrets.randbelow(2**32))
SEED = os.environ.get("CONTRACT_SEED") or None
# Whether chance, or more work than usual, decides what is drawn.
DEEP = SEED is not None or FUZZ != USUAL_FUZZ

# Hypothesis mixes in literals of whatever local modules happen to be loaded, so that a test run
# by itself would draw other values than in the whole suite, and every edit would move them. There
# is no setting for it; a test of ours notices if this name ever goes.
providers._get_local_constants = providers.Constants
providers.CONSTANTS_CACHE.cache.clear()

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


class Tester:
    """schemathesis as it is meant: a tester of servers, pointed at an application.

    Args:
        app: an ASGI application that describes itself at `path`.
        path: where.
        config: the configuration that the command line takes as well.
    """

    def __init__(self, app: Any, path: str, config: Path) -> None:
        settings = SchemathesisConfig.from_path(config)
        self._schema = schemathesis.openapi.from_asgi(path, app, config=settings)

    def tried(self, method: str, path: str, fuzz: int = FUZZ) -> Iterator[tuple[int, str]]:
        """Try one operation, right and wrong: the status of each answer and what it lacks."""
        operation = self._schema[path][method]
        for mode in _MODES.values():
            for case in _cases(operation, mode):
                yield _judged(case)
        judged: list[tuple[int, str]] = []
        strategy = hypothesis.strategies.one_of(
            *(operation.as_strategy(generation_mode=mode) for mode in _MODES.values())
        )
        _each(strategy, fuzz, lambda case: judged.append(_judged(case)))
        yield from judged

    def walk(self, scenarios: int) -> None:
        """Follow the links between operations; the first finding is raised."""
        self._schema.as_state_machine().run(settings=_settings(scenarios))


def _judged(case: Case) -> tuple[int, str]:
    response = case.call()
    try:
        case.validate_response(response)
    except FailureGroup as failures:
        return response.status_code, str(failures)
    return response.status_code, ""


def _cases(operation: APIOperation, mode: GenerationMode) -> Iterable[Case]:
    # Undocumented but public: no underscore. A canary test says when it stops drawing.
    return operation.schema.iter_coverage_cases(
        operation,
        generation_modes=[mode],
        generation_config=operation.schema.config.generation_for(operation=operation),
    )


def _covered(operation: APIOperation, mode: Mode) -> Iterator[Drawn]:
    for case in _cases(operation, _MODES[mode]):
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

    _each(operation.as_strategy(generation_mode=_MODES[mode]), count, collect)
    return (Drawn(value, f"fuzz {index}") for index, value in enumerate(values))


def _each(strategy: SearchStrategy[Case], count: int, work: Callable[[Case], object]) -> None:
    """Do something with so many drawn cases."""

    def each(case: Case) -> None:
        work(case)

    test = _settings(count, Phase.generate)(hypothesis.given(strategy)(each))
    if count:
        (hypothesis.seed(int(SEED))(test) if SEED else test)()


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
