"""``batch work``: one more worker for the batches of a database."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Final

from cometapi_runway import batch
from cometapi_runway.cli._commands.batch import ReportArgument
from cometapi_runway.cli._errors import CommandInterrupted, UsageError, format_command
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.batch import DatabaseOption, list_database_words
from cometapi_runway.cli._options.shared import ConnectionOptions, DisplayOptions, hide_password
from cometapi_runway.cli._output.exit_codes import ExitCode

_CONNECTION: Final = ConnectionOptions()
_DISPLAY: Final = DisplayOptions()


def work(
    *,
    database: DatabaseOption = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: ReportArgument,
) -> ExitCode:
    """Be one more worker for the batches of a database, on any machine, until Ctrl-C.

    A worker that is killed is noticed by the others, which go on with its rows.
    """
    if database is None:
        raise UsageError(
            "--database is required: workers share the rows of a PostgreSQL database",
            f"name it with --database URL or {paths.DATABASE_VARIABLE}",
        )
    stop = threading.Event()

    def on_sigterm(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, on_sigterm) if is_main else None
    report.show_note(f"working for the batches of {hide_password(database)}; Ctrl-C ends it")
    try:
        batch.work(
            database,
            is_stopping=stop.is_set,
            base_url=connection.base_url or None,
            timeout=connection.request_timeout,
        )
    except KeyboardInterrupt:
        stop.set()
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)
    words = (*connection.base_url_options, *list_database_words(database))
    message = "interrupted; its tasks continue at the gateway, and other workers go on with them"
    raise CommandInterrupted(message, format_command("batch", "work", *words))
