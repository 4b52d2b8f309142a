"""Where the command line keeps its files, by the conventions of the user's system."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway.cli._errors import UsageError

DATABASE_VARIABLE: Final = "COMETAPI_RUNWAY_DATABASE"
JOURNAL_VARIABLE: Final = "COMETAPI_RUNWAY_JOURNAL"
SETTINGS_FILE_VARIABLE: Final = "COMETAPI_RUNWAY_CONFIG"


def get_default_journal_path() -> Path:
    """The journal without ``--journal``: one file for all gateways of the user."""
    # Imported late: the import takes a sixth of the time of `--help`.
    from platformdirs import user_data_path  # noqa: PLC0415

    return user_data_path(DISTRIBUTION, appauthor=False) / "journal.sqlite3"


def get_settings_file_path() -> Path:
    """The settings file, which may not exist."""
    path = os.environ.get(SETTINGS_FILE_VARIABLE, "").strip()
    if path:
        return expand_user(Path(path))
    from platformdirs import user_config_path  # noqa: PLC0415 - late, as above

    return user_config_path(DISTRIBUTION, appauthor=False) / "config.toml"


def expand_user(path: Path) -> Path:
    """A path with a leading ``~`` or ``~name`` replaced by the home folder.

    Raises:
        UsageError: There is no such home folder.
    """
    try:
        return path.expanduser()
    except RuntimeError as error:
        message = f"the home folder of {path} is unknown"
        raise UsageError(message, "write the whole path") from error


def check_writable(folder: Path) -> None:
    """Write a temporary file into a folder.

    File modes are no evidence: not on network or container file systems, nor for a superuser.

    Raises:
        OSError: The folder cannot be written.
    """
    # Imported late: only commands that save files need it.
    from tempfile import TemporaryFile  # noqa: PLC0415

    with TemporaryFile(dir=folder):
        pass
