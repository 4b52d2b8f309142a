"""The commands and their options are the recorded ones, word for word."""

from __future__ import annotations

import json

from cyclopts import Parameter

from cometapi_runway._core.version import __version__
from cometapi_runway.cli._app import _OTHER_GROUP, _apply_settings_file, build_app

from .command_list import RECORD, list_commands


def test_commands_and_options_are_the_recorded_ones() -> None:
    """If they changed on purpose: ``python -m tests.unit.cli.command_list``, and read the diff."""
    found, recorded = list_commands(), json.loads(RECORD.read_text("utf-8"))
    for name, lines in recorded.items():
        assert found.get(name) == lines, name
    assert list(found) == list(recorded)


def test_the_application_itself() -> None:
    app = build_app()
    assert (app.name, app.version, app.help_format) == (
        ("cometapi-runway",), __version__, "plaintext",
    )  # fmt: skip
    assert app.config == (_apply_settings_file,)
    # No option of a list has an --empty- variant.
    assert app.default_parameter == Parameter(negative_iterable=())
    assert [app[flag].group for flag in ("--help", "--version")] == [(_OTHER_GROUP,)] * 2
