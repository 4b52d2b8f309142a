"""``doctor``: what works and what does not, found out without spending anything.

The gateway is asked for a task that cannot exist: a read, answered ``task_not_exist`` when all is
well. Nothing is ever posted.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from attrs import evolve, frozen
from cyclopts import Parameter

from cometapi_runway import _settings as settings
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.task import TASK_NOT_EXIST
from cometapi_runway._core.version import __version__
from cometapi_runway._flows.read_response import parse_http_date
from cometapi_runway._settings import resolve_settings
from cometapi_runway.cli import config, places
from cometapi_runway.cli.deferred import Deferred
from cometapi_runway.cli.endings import Exit, ending
from cometapi_runway.cli.options import Connection, Display, Place
from cometapi_runway.cli.report import Report
from cometapi_runway.errors import (
    APIStatusError,
    AuthenticationError,
    ConfigurationError,
    RunwayError,
    TaskNotFoundError,
)
from cometapi_runway.journal import Journal
from cometapi_runway.validation import contract

if TYPE_CHECKING:
    from cometapi_runway._core import task
    from cometapi_runway._core.raw_response import RawResponse
    from cometapi_runway.cli import clients
    from cometapi_runway.journal import _journal as journal
else:
    answers = Deferred("cometapi_runway._flows.read_response")
    clients = Deferred("cometapi_runway.cli.clients")
    journal = Deferred("cometapi_runway.journal")
    task = Deferred("cometapi_runway._core.task")

_PROBE: Final = "cometapi-runway-doctor"
_NO_KEY: Final = "no-key"
_DRIFT: Final = 60.0
_ANOTHER: Final = f"put a valid one into {settings.KEY_VARIABLE}"

_CONNECTION: Final = Connection()
_PLACE: Final = Place()
_DISPLAY: Final = Display()


@frozen
class Check:
    """One thing looked at.

    Attributes:
        name: What.
        state: How it is.
        words: In a person's words.
        code: The exit code if it failed.
    """

    name: str
    state: Literal["ok", "warn", "fail"]
    words: str
    code: Exit = Exit.SUCCESS


def doctor(
    *,
    place: Place = _PLACE,
    connection: Connection = _CONNECTION,
    display: Display = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> Exit:
    """Check versions, settings, key, gateway, clock, record and folder; spends nothing."""
    code = Exit.SUCCESS
    for check in _checks(place, connection):
        report.result(
            f"{check.state:<5} {check.name:<9} {check.words}",
            "check",
            {"name": check.name, "state": check.state, "message": check.words},
        )
        code = code or check.code
    return code


def _checks(place: Place, connection: Connection) -> Iterator[Check]:
    yield _versions()
    yield _file()
    key = os.environ.get(settings.KEY_VARIABLE, "").strip()
    checked = _key(key)
    yield checked
    yield from _gateway(connection, "" if checked.code else key)
    yield _record(connection)
    yield _folder(place.output.expanduser())


def _versions() -> Check:
    info = contract().document.get("info")
    version = info.get("version") if isinstance(info, dict) else None
    words = f"cometapi-runway {__version__}, contract {version}, Python {platform.python_version()}"
    return Check("versions", "ok", words)


def _file() -> Check:
    file = places.config()
    found = config.load()
    if not file.exists():
        return Check("settings", "ok", f"no settings file ({file})")
    return Check("settings", "ok", f"{file}: {', '.join(found) or 'empty'}")


def _key(key: str) -> Check:
    variable = settings.KEY_VARIABLE
    if not key:
        return Check("key", "fail", f"{variable} is not set; export it", Exit.KEY)
    try:
        # The others are named, so that only the key can be at fault.
        resolve_settings(
            key,
            base_url=settings.DEFAULT_BASE_URL,
            runway_version=settings.DEFAULT_RUNWAY_VERSION,
        )
    except ConfigurationError as error:
        return Check("key", "fail", str(error), Exit.KEY)
    return Check("key", "ok", f"{variable} is set ({len(key)} characters)")


def _gateway(connection: Connection, key: str) -> Iterator[Check]:
    """Whether the gateway answers, whether it takes the key, and what time it has."""
    try:
        # Without the record: a broken one is another check's finding.
        client = clients.connect(evolve(connection, no_journal=True), api_key=key or _NO_KEY)
    except ConfigurationError as error:
        yield Check("gateway", "fail", str(error), Exit.USAGE)
        return
    with client:
        began = time.perf_counter()
        try:
            client.tasks.retrieve(_PROBE)
        except RunwayError as error:
            took = time.perf_counter() - began
            yield _reached(error, redact_url(client.settings.base_url), took, key)
            answer = _answer(error)
            if answer is not None:
                yield _clock(answer)
        else:
            yield Check("gateway", "warn", f"{client.settings.base_url} knows the task {_PROBE!r}")


def _reached(error: RunwayError, address: str, took: float, key: str) -> Check:
    where = f"{address} answers in {took * 1000:.0f} ms"
    cause = error.__cause__ if isinstance(error, TaskNotFoundError) else error
    is_refused = isinstance(cause, AuthenticationError)
    is_well = isinstance(cause, APIStatusError) and cause.code == TASK_NOT_EXIST
    if not key and (is_refused or is_well):
        # What went along is no key, and some gateways look at it only when something is paid.
        return Check("gateway", "ok", f"{where}; without a key it could not say more")
    if isinstance(cause, AuthenticationError):
        told = ending(cause)
        words = f"{where} and refuses the key: {cause.message}; {_ANOTHER}"
        return Check("gateway", "fail", words, told.code)
    if is_well:
        return Check("gateway", "ok", f"{where} and takes the key")
    if isinstance(cause, APIStatusError):
        return Check("gateway", "warn", f"{where}, but not as expected: {cause}", Exit.GATEWAY)
    told = ending(error)
    words = f"{address} cannot be asked: {error}; check the network and the address"
    return Check("gateway", "fail", words, told.code)


def _answer(error: RunwayError) -> RawResponse | None:
    cause = error.__cause__ if isinstance(error, TaskNotFoundError) else error
    return cause.raw_response if isinstance(cause, APIStatusError) else None


def _clock(answer: RawResponse) -> Check:
    """Whether the gateway's time is ours; a signed address is good until a time of day."""
    there = parse_http_date(answer.headers.get("date", ""))
    if there is None:
        return Check("clock", "ok", "the gateway does not say what time it has")
    drift = answer.received_at - there
    if abs(drift) > _DRIFT:
        way = "ahead of" if drift > 0 else "behind"
        return Check("clock", "warn", f"this computer is {abs(drift):.0f} s {way} the gateway")
    return Check("clock", "ok", "as the gateway's")


def _record(connection: Connection) -> Check:
    file = connection.record
    if file is None:
        return Check("record", "warn", "switched off: an interrupted task can be lost")
    try:
        record = Journal(file)
        unfinished, unknown = record.tasks(unfinished=True), len(record.unknown())
        record.close()
    except ConfigurationError as error:
        return Check("record", "fail", str(error), Exit.USAGE)
    away = ", ".join(f"{n} at {url}" for url, n in connection.elsewhere(unfinished).items())
    count = f"{len(unfinished)} unfinished" + (f" ({away})" if away else "")
    words = f"{file}: {count}, {unknown} of unknown outcome"
    return Check("record", "warn" if unknown else "ok", words)


def _folder(folder: Path) -> Check:
    if not folder.exists():
        near = next(parent for parent in folder.absolute().parents if parent.exists())
        if os.access(near, os.W_OK):
            return Check("folder", "ok", f"{folder} will be made")
        words = f"{folder} cannot be made in {near}; give another one with --output"
        return Check("folder", "fail", words, Exit.USAGE)
    try:
        places.probe(folder)
    except OSError as error:
        return Check("folder", "fail", f"{folder}: {error.strerror}", Exit.USAGE)
    return Check("folder", "ok", f"{folder.absolute()} can be written")
