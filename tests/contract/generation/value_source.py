"""JSON values drawn from a schema, valid and invalid. The only module that imports schemathesis.

Schemathesis tests servers. Its cases are in wire form (percent-encoded, stringified), so sending
them through a client would encode everything twice. Each schema is therefore presented as the POST
body of an invented server, and only the bodies are used.

The coverage phase walks the boundaries of the schema and is cheap. Fuzzing adds random values.
Both are deterministic unless CONTRACT_SEED is set: to a number, or to `random` for a seed that is
chosen and printed. CONTRACT_FUZZ sets the number of fuzzed values.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import hypothesis
from attrs import asdict, frozen
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from hypothesis.internal.conjecture import providers

from cometapi_runway._core.json_values import JSON, Object

# Imported where it is used: most processes use values that were drawn before.
if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
    from schemathesis import GenerationMode
    from schemathesis.generation.case import Case
    from schemathesis.schemas import APIOperation

Mode = Literal["valid", "invalid"]

DEFAULT_FUZZ_EXAMPLES = 25
FUZZ_EXAMPLES = int(os.environ.get("CONTRACT_FUZZ", DEFAULT_FUZZ_EXAMPLES))
if os.environ.get("CONTRACT_SEED") == "random":
    # Worker processes inherit this environment and draw with the same seed.
    os.environ["CONTRACT_SEED"] = str(secrets.randbelow(2**32))
SEED = os.environ.get("CONTRACT_SEED") or None
# Whether a seed or a larger number of values changes what is drawn.
IS_DEEP_RUN = SEED is not None or FUZZ_EXAMPLES != DEFAULT_FUZZ_EXAMPLES
# Where values are kept: two workers and the next run draw the same.
KEPT_VALUES = None if IS_DEEP_RUN else Path(__file__).parents[3] / ".build" / "drawn-values"

# Hypothesis draws literals from the loaded local modules, so a test would draw other values alone
# than in the whole suite, and every edit would change them. There is no setting for this;
# test_value_source fails when this private name disappears.
providers._get_local_constants = providers.Constants
providers.CONSTANTS_CACHE.cache.clear()

_PATH = "/value"
# What a drawn value depends on, apart from its schema and the seed.
_GENERATOR = (
    sys.version,
    *(version(name) for name in ("hypothesis", "schemathesis", "jsonschema-rs")),
    Path(__file__).read_text("utf-8"),
)


@frozen
class DrawnValue:
    """A drawn value, and how it was drawn; failure messages show both."""

    value: JSON
    origin: str


class ValueSource:
    """Draws values from the schemas of one document and caches them by schema.

    Args:
        document: the OpenAPI document that references are resolved in.
        folder: where drawn values are kept for other processes and later runs; None to keep none.
    """

    def __init__(self, document: Object, folder: Path | None = None) -> None:
        self._folder = folder
        self._components = {"schemas": document.get("components", {}).get("schemas", {})}
        self._drawn: dict[tuple[str, Mode, int], tuple[DrawnValue, ...]] = {}

    def valid(self, schema: Object, fuzz: int = FUZZ_EXAMPLES) -> tuple[DrawnValue, ...]:
        """Values that match the schema."""
        return self._draw(schema, "valid", fuzz)

    def invalid(self, schema: Object, fuzz: int = FUZZ_EXAMPLES) -> tuple[DrawnValue, ...]:
        """Values that violate the schema, with one fault each in the coverage phase."""
        return self._draw(schema, "invalid", fuzz)

    def _draw(self, schema: Object, mode: Mode, fuzz: int) -> tuple[DrawnValue, ...]:
        key = (json.dumps(schema, sort_keys=True), mode, fuzz)
        if key not in self._drawn:
            self._drawn[key] = self._draw_once(schema, mode, fuzz)
        return self._drawn[key]

    def _draw_once(self, schema: Object, mode: Mode, fuzz: int) -> tuple[DrawnValue, ...]:
        file = self._file_of([schema, mode, fuzz])
        if file and file.exists():
            kept = json.loads(file.read_text("utf-8"))
            if kept is None:
                raise Unsatisfiable(f"there are no {mode} values of {schema}")
            return tuple(DrawnValue(**one) for one in kept)
        try:
            operation = self._server_operation(schema)
            found = [*_coverage_values(operation, mode), *_fuzzed_values(operation, mode, fuzz)]
        except Unsatisfiable:
            if file:
                _write(file, "null")
            raise
        drawn = tuple(_unique(found))
        if file:
            _write(file, json.dumps([asdict(one) for one in drawn]))
        return drawn

    def _file_of(self, what: JSON) -> Path | None:
        """The file of drawn values, named after everything that they depend on."""
        if self._folder is None:
            return None
        parts = json.dumps([what, self._components, SEED, _GENERATOR], sort_keys=True)
        return self._folder / f"{hashlib.sha256(parts.encode()).hexdigest()}.json"

    def _server_operation(self, schema: Object) -> APIOperation:
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        responses = {"200": {"description": "accepted"}}
        document = {
            "openapi": "3.1.0",
            "info": {"title": "invented server", "version": "1"},
            "paths": {_PATH: {"post": {"requestBody": body, "responses": responses}}},
            "components": self._components,
        }
        import schemathesis

        return schemathesis.openapi.from_dict(document)[_PATH]["POST"]


class ServerTester:
    """Tests a server with schemathesis.

    Args:
        document: the OpenAPI document of the server.
        base_url: the address of the server.
        session: the `requests.Session` that reaches it.
        config: the schemathesis configuration, the same as on the command line.
    """

    def __init__(self, document: Object, base_url: str, session: Any, config: Path) -> None:
        import schemathesis
        from schemathesis.config import SchemathesisConfig

        settings = SchemathesisConfig.from_path(config)
        self._schema = schemathesis.openapi.from_dict(deepcopy(document), config=settings)
        self._options = {"base_url": base_url, "session": session}

    def test_operation(
        self, method: str, path: str, examples: int = FUZZ_EXAMPLES
    ) -> Iterator[tuple[int, str]]:
        """Test one operation with valid and invalid requests.

        Yields:
            The status of each response and the failed checks as text, empty if all passed.
        """
        operation = self._schema[path][method]
        for mode in _modes().values():
            for case in _cases(operation, mode):
                yield self._send_and_check(case)
        checked: list[tuple[int, str]] = []
        strategy = hypothesis.strategies.one_of(
            *(operation.as_strategy(generation_mode=mode) for mode in _modes().values())
        )
        _run_cases(strategy, examples, lambda case: checked.append(self._send_and_check(case)))
        yield from checked

    def follow_links(self, scenarios: int) -> None:
        """Follow the links between operations; raise the first failure."""
        options = self._options

        class StateMachine(self._schema.as_state_machine()):
            def get_call_kwargs(self, case: Case) -> dict[str, Any]:
                return options

        StateMachine.run(settings=_settings(scenarios))

    def _send_and_check(self, case: Case) -> tuple[int, str]:
        from schemathesis.core.failures import FailureGroup

        response = case.call(**self._options)
        try:
            case.validate_response(response, transport_kwargs=self._options)
        except FailureGroup as failures:
            return response.status_code, str(failures)
        return response.status_code, ""


def _modes() -> dict[Mode, GenerationMode]:
    from schemathesis import GenerationMode

    return {"valid": GenerationMode.POSITIVE, "invalid": GenerationMode.NEGATIVE}


def _cases(operation: APIOperation, mode: GenerationMode) -> Iterable[Case]:
    # Undocumented but public (no underscore); test_value_source fails when it stops drawing.
    return operation.schema.iter_coverage_cases(
        operation,
        generation_modes=[mode],
        generation_config=operation.schema.config.generation_for(operation=operation),
    )


def _coverage_values(operation: APIOperation, mode: Mode) -> Iterator[DrawnValue]:
    for case in _cases(operation, _modes()[mode]):
        data = case.meta.phase.data
        about_body = data.parameter_location is not None and data.parameter_location.value == "body"
        if case.method == "POST" and about_body and _is_json(case.body):
            place = getattr(data, "location", None)
            yield DrawnValue(case.body, f"coverage: {data.scenario.name} {place or ''}".rstrip())


def _fuzzed_values(operation: APIOperation, mode: Mode, count: int) -> Iterator[DrawnValue]:
    values: list[JSON] = []

    def collect(case: Case) -> None:
        if _is_json(case.body):
            values.append(case.body)

    _run_cases(operation.as_strategy(generation_mode=_modes()[mode]), count, collect)
    return (DrawnValue(value, f"fuzz {index}") for index, value in enumerate(values))


def _run_cases(
    strategy: SearchStrategy[Case], count: int, action: Callable[[Case], object]
) -> None:
    """Run an action on a number of drawn cases."""

    def run_one(case: Case) -> None:
        action(case)

    test = _settings(count, Phase.generate)(hypothesis.given(strategy)(run_one))
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


def _write(file: Path, text: str) -> None:
    """Write a file at once, because other processes read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as part:
        part.write(text)
    Path(part.name).replace(file)


def _unique(found: Iterable[DrawnValue]) -> Iterator[DrawnValue]:
    seen: set[str] = set()
    for drawn in found:
        spelling = json.dumps(drawn.value, sort_keys=True)
        if spelling not in seen:
            seen.add(spelling)
            yield drawn


def _is_json(value: object) -> bool:
    """Whether a body is JSON: invalid ones may be raw bytes, absent ones a marker."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def describe_generation() -> str:
    """How the values of this run are drawn, for the head of a report."""
    how = f"seed {SEED}" if SEED else "deterministic"
    return f"coverage phase, then {FUZZ_EXAMPLES} fuzzed values per schema ({how})"
