"""Drawn values depend only on the schema and the seed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis.errors import Unsatisfiable

from .generation import value_source

STRING = {"type": "string"}
WORD = "local word "


@pytest.fixture
def local_module(tmp_path, monkeypatch):
    """A loaded module with literals, which Hypothesis would draw from."""
    file = Path(tmp_path) / "full_of_literals.py"
    file.write_text(f"WORDS = {[f'{WORD}{number}' for number in range(50)]}\n", "utf-8")
    spec = importlib.util.spec_from_file_location("full_of_literals", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "full_of_literals", module)
    spec.loader.exec_module(module)


def test_loaded_modules_do_not_change_the_drawn_values(local_module):
    drawn = [one.value for one in value_source.ValueSource({}).valid(STRING, 400)]
    assert len(drawn) > 300
    assert not [value for value in drawn if WORD in value]


@pytest.mark.skipif(value_source.IS_DEEP_RUN, reason="the run has a random seed")
def test_drawing_is_deterministic():
    one, other = (value_source.ValueSource({}).valid(STRING, 50) for _ in range(2))
    assert one == other


def test_the_coverage_phase_draws_boundaries():
    """It is undocumented; without it most boundaries would be drawn by chance only."""
    schema = {"type": "integer", "minimum": 3, "maximum": 9}
    valid, invalid = (
        value_source.ValueSource({}).valid(schema, 0),
        value_source.ValueSource({}).invalid(schema, 0),
    )
    assert all(bound in [one.value for one in valid] for bound in (3, 9))
    assert all(outside in [one.value for one in invalid] for outside in (2, 10))


def test_kept_values_are_the_drawn_ones(tmp_path, monkeypatch):
    folder = tmp_path / "kept"
    drawn = value_source.ValueSource({}).valid(STRING, 5)
    assert value_source.ValueSource({}, folder).valid(STRING, 5) == drawn
    draws = []
    monkeypatch.setattr(value_source, "_fuzzed_values", lambda *what: draws.append(what) or [])
    assert value_source.ValueSource({}, folder).valid(STRING, 5) == drawn
    assert not draws
    components = {"components": {"schemas": {"Other": {}}}}
    for source, schema, count in (
        (value_source.ValueSource({}, folder), STRING, 6),
        (value_source.ValueSource({}, folder), {**STRING, "minLength": 1}, 5),
        (value_source.ValueSource(components, folder), STRING, 5),
    ):
        draws.clear()
        source.valid(schema, count)
        assert draws, "something else was asked for than is kept"


def test_a_schema_without_values_stays_without(tmp_path):
    for _ in range(2):
        with pytest.raises(Unsatisfiable):
            value_source.ValueSource({}, tmp_path).valid({"not": {}}, 5)
