"""The cells of an exported table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cometapi_runway.cli._commands.export import _open_output, format_cell
from cometapi_runway.cli._output.report import Report

from ..support.strategies import deterministic

JSON_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@deterministic
@given(JSON_VALUES, st.sampled_from(["", " ", "\t", "\n", "\r", "\x00"]), st.booleans())
def test_no_cell_begins_a_formula_or_sends_a_control_character(
    value: Any, blank: str, is_formula: bool
) -> None:
    if is_formula and isinstance(value, str):
        value = f"{blank}={value}"

    cell = format_cell(value)

    assert not cell.lstrip().startswith(FORMULAS)
    assert not any(one < " " and one not in "\t\n" for one in cell)


def test_a_file_has_the_same_encoding_on_every_system(tmp_path: Path) -> None:
    with _open_output(tmp_path / "a.csv", Report()) as write:
        assert write.__self__.encoding == "utf-8"  # type: ignore[attr-defined] # of a file


@deterministic
@given(JSON_VALUES)
def test_a_cell_keeps_the_value(value: Any) -> None:
    cell = format_cell(value)
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(["x", cell])

    assert next(csv.reader(io.StringIO(stream.getvalue()))) == ["x", cell]
    if value is None:
        assert cell == ""
    elif not isinstance(value, str):
        assert json.loads(cell.removeprefix("'")) == value
    elif value.isprintable():
        assert cell in {value, f"'{value}"}
