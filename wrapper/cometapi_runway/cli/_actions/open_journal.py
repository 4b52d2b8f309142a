"""The journal for commands that only read or settle it: offline, without a key."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from cometapi_runway.cli._options.shared import ConnectionOptions
from cometapi_runway.journal import Journal
from cometapi_runway.journal._location import parse_location


@contextlib.contextmanager
def open_journal(connection: ConnectionOptions) -> Generator[Journal | None]:
    """The journal, open; None if it is switched off or its file does not exist.

    Raises:
        ConfigurationError: It cannot be opened.
    """
    location = connection.journal_location
    path = None if location is None else parse_location(location).path
    if location is None or (path is not None and not path.exists()):
        yield None
        return
    journal = Journal(location)
    try:
        yield journal
    finally:
        journal.close()
