"""Where the command line keeps its files, by the rules of the user's system."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cometapi_runway.cli import NAME

JOURNAL_VARIABLE: Final = "COMETAPI_RUNWAY_JOURNAL"
CONFIG_VARIABLE: Final = "COMETAPI_RUNWAY_CONFIG"


def journal() -> Path:
    """The journal, unless another one is named: one for all of the user's gateways."""
    # Only when asked for: it is a sixth of what `--help` takes.
    from platformdirs import user_data_path  # noqa: PLC0415

    return user_data_path(NAME, appauthor=False) / "journal.sqlite3"


def config() -> Path:
    """The settings file; it need not be there."""
    named = os.environ.get(CONFIG_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path  # noqa: PLC0415

    return user_config_path(NAME, appauthor=False) / "config.toml"
