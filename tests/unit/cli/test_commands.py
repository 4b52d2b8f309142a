"""The commands and their options are the recorded ones, word for word."""

from __future__ import annotations

import json

from .command_list import RECORD, list_commands


def test_commands_and_options_are_the_recorded_ones() -> None:
    """If they changed on purpose: ``python -m tests.unit.cli.command_list``, and read the diff."""
    found, recorded = list_commands(), json.loads(RECORD.read_text("utf-8"))
    for name, lines in recorded.items():
        assert found.get(name) == lines, name
    assert list(found) == list(recorded)
