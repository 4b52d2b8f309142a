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


def probe(folder: Path) -> None:
    """Write into a folder, and leave it as it was.

    Modes do not tell: not those of a network's or a container's folder, nor what a superuser may.

    Raises:
        OSError: It cannot be written.
    """
    from tempfile import TemporaryFile  # noqa: PLC0415 - only who saves files pays for it

    with TemporaryFile(dir=folder):
        pass


def config() -> Path:
    """The settings file; it need not be there."""
    named = os.environ.get(CONFIG_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path  # noqa: PLC0415

    return user_config_path(NAME, appauthor=False) / "config.toml"
