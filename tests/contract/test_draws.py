"""What is drawn depends on the schema and the seed, and on nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from . import st

STRING = {"type": "string"}
WORD = "local word "


@pytest.fixture
def local_module(tmp_path, monkeypatch):
    """A loaded module full of literals, which Hypothesis takes for the code under test."""
    file = Path(tmp_path) / "full_of_literals.py"
    file.write_text(f"WORDS = {[f'{WORD}{number}' for number in range(50)]}\n", "utf-8")
    spec = importlib.util.spec_from_file_location("full_of_literals", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "full_of_literals", module)
    spec.loader.exec_module(module)


def test_loaded_modules_do_not_change_what_is_drawn(local_module):
    drawn = [one.value for one in st.Source({}).right(STRING, 400)]
    assert len(drawn) > 300
    assert not [value for value in drawn if WORD in value]


@pytest.mark.skipif(st.DEEP, reason="a seed was asked for")
def test_the_same_is_drawn_each_time():
    one, other = (st.Source({}).right(STRING, 50) for _ in range(2))
    assert one == other


def test_the_coverage_phase_still_draws():
    """It has no documentation; without it most boundaries would be left to luck."""
    schema = {"type": "integer", "minimum": 3, "maximum": 9}
    right, wrong = st.Source({}).right(schema, 0), st.Source({}).wrong(schema, 0)
    assert all(bound in [one.value for one in right] for bound in (3, 9))
    assert all(beyond in [one.value for one in wrong] for beyond in (2, 10))
