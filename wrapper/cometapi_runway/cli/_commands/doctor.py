"""``doctor``: check what works, without spending anything.

The gateway is asked for a task that cannot exist: a read, which answers ``task_not_exist`` if all
is well. Nothing is ever posted. With ``--live``, the gateway is compared to the contract; only
``--live --spend`` creates a task.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from attrs import evolve, frozen
from cyclopts import Parameter

from cometapi_runway import _settings as settings
from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.task import TASK_NOT_EXIST
from cometapi_runway._core.version import DISTRIBUTION, __version__
from cometapi_runway._flows.read_response import parse_http_date
from cometapi_runway._settings import resolve_settings
from cometapi_runway.cli._errors import format_command
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.budget import BudgetOptions
from cometapi_runway.cli._options.live import LiveOptions
from cometapi_runway.cli._options.settings_file import load_settings_file
from cometapi_runway.cli._options.shared import (
    ConnectionOptions,
    DisplayOptions,
    FolderOptions,
    SavingOptions,
    WaitingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.cli._output.report import Report
from cometapi_runway.errors import (
    APIStatusError,
    AuthenticationError,
    ConfigurationError,
    RunwayError,
    TaskNotFoundError,
)
from cometapi_runway.validation import contract

if TYPE_CHECKING:
    from cometapi_runway import journal
    from cometapi_runway._core.raw_response import RawResponse
    from cometapi_runway.cli._actions import client as client_action
    from cometapi_runway.cli._actions import live_check, live_spend
else:
    client_action = LazyModule("cometapi_runway.cli._actions.client")
    live_check = LazyModule("cometapi_runway.cli._actions.live_check")
    live_spend = LazyModule("cometapi_runway.cli._actions.live_spend")
    journal = LazyModule("cometapi_runway.journal")

_TASK_ID_TO_PROBE: Final = "cometapi-runway-doctor"
_PLACEHOLDER_KEY: Final = "no-key"
_MAX_CLOCK_DRIFT: Final = 60.0

_CONNECTION: Final = ConnectionOptions()
_FOLDER: Final = FolderOptions()
_DISPLAY: Final = DisplayOptions()
_LIVE: Final = LiveOptions()
_WAITING: Final = WaitingOptions()
_BUDGET: Final = BudgetOptions()


@frozen
class Check:
    """The result of one check.

    Attributes:
        name: What was checked.
        state: The result.
        message: The result for people.
        code: The exit code if it failed.
    """

    name: str
    state: Literal["ok", "warn", "fail"]
    message: str
    code: ExitCode = ExitCode.SUCCESS


def doctor(
    *,
    live: LiveOptions = _LIVE,
    waiting: WaitingOptions = _WAITING,
    budget: BudgetOptions = _BUDGET,
    place: FolderOptions = _FOLDER,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Check versions, settings, key, gateway, clock, journal and folder; spends nothing.

    With --live, ask the gateway questions that create no task, and compare it to the contract.
    """
    live.check()
    if live.live:
        purchase = live_spend.Purchase(
            options=live,
            connection=connection,
            waiting=waiting,
            budget=budget,
            saving=SavingOptions(output=place.output),
        )
        return _run_live(purchase, report)
    code = ExitCode.SUCCESS
    for check in _run_checks(place, connection):
        report.show_result(
            f"{check.state:<5} {check.name:<9} {check.message}",
            "check",
            {"name": check.name, "state": check.state, "message": check.message},
        )
        code = code or check.code
    return code


def _run_live(purchase: live_spend.Purchase, report: Report) -> ExitCode:
    """Ask the free questions; with ``--spend``, buy a task if it could be read afterwards."""
    live = purchase.options
    live_spend.check_spending(live, purchase.connection)
    folder = live_check.prepare_evidence_folder(live.evidence)
    check = live_check.make_live_check(purchase.connection, folder, report)
    result = check.run()
    if not live.spend:
        return result.code
    if live_spend.find_offer().resource.operation.tag not in result.readable:
        report.show_warning("nothing was bought: the gateway does not answer reads of its tasks")
        return result.code
    try:
        code = live_spend.spend(purchase, check.evidence, report)
    finally:
        check.write_evidence()
    return code or result.code


def _run_checks(place: FolderOptions, connection: ConnectionOptions) -> Iterator[Check]:
    yield _check_versions()
    yield _check_settings_file()
    key = Secret(os.environ.get(settings.KEY_VARIABLE, "").strip())
    key_check = _check_key(key)
    yield key_check
    yield from _check_gateway(connection, has_key=not key_check.code)
    yield _check_journal(connection)
    yield _check_folder(paths.expand_user(place.output))


def _check_versions() -> Check:
    info = contract().document.get("info")
    version = info.get("version") if isinstance(info, dict) else None
    python = platform.python_version()
    return Check(
        "versions", "ok", f"{DISTRIBUTION} {__version__}, contract {version}, Python {python}"
    )


def _check_settings_file() -> Check:
    file = paths.get_settings_file_path()
    table = load_settings_file()
    if not file.exists():
        return Check("settings", "ok", f"no settings file ({file})")
    return Check("settings", "ok", f"{file}: {', '.join(table) or 'empty'}")


def _check_key(key: Secret) -> Check:
    variable = settings.KEY_VARIABLE
    if not key.reveal():
        return Check("key", "fail", f"{variable} is not set; export it", ExitCode.KEY)
    try:
        # The other settings are passed, so that only the key can fail.
        resolve_settings(
            key,
            base_url=settings.DEFAULT_BASE_URL,
            runway_version=settings.DEFAULT_RUNWAY_VERSION,
        )
    except ConfigurationError as error:
        return Check("key", "fail", str(error), ExitCode.KEY)
    length = count_noun(len(key.reveal()), "character")
    return Check("key", "ok", f"{variable} is set ({length})")


def _check_gateway(connection: ConnectionOptions, *, has_key: bool) -> Iterator[Check]:
    """Check whether the gateway answers, whether it accepts the key, and its clock."""
    try:
        # Without the journal, which has a check of its own.
        client = client_action.make_client(
            evolve(connection, no_journal=True), api_key=None if has_key else _PLACEHOLDER_KEY
        )
    except ConfigurationError as error:
        yield Check("gateway", "fail", str(error), ExitCode.USAGE)
        return
    with client:
        address = redact_url(client.settings.base_url)
        started = time.perf_counter()
        try:
            client.tasks.retrieve(_TASK_ID_TO_PROBE)
        except RunwayError as error:
            elapsed = time.perf_counter() - started
            yield _judge_gateway(error, address, elapsed, has_key=has_key)
            response = _get_response(error)
            if response is not None:
                yield _check_clock(response)
        else:
            yield Check("gateway", "warn", f"{address} knows the task {_TASK_ID_TO_PROBE!r}")


def _judge_gateway(error: RunwayError, address: str, elapsed: float, *, has_key: bool) -> Check:
    answers = f"{address} answers in {elapsed * 1000:.0f} ms"
    cause = error.__cause__ if isinstance(error, TaskNotFoundError) else error
    is_refused = isinstance(cause, AuthenticationError)
    is_as_expected = isinstance(cause, APIStatusError) and cause.code == TASK_NOT_EXIST
    if not has_key and (is_refused or is_as_expected):
        # A placeholder was sent, and some gateways check the key on paid requests only.
        return Check("gateway", "ok", f"{answers}; without a key the key cannot be checked")
    if isinstance(cause, AuthenticationError):
        message = (
            f"{answers} and refuses the key: {cause.message}; "
            f"put a valid one into {settings.KEY_VARIABLE}"
        )
        return Check("gateway", "fail", message, make_exit_report(cause).code)
    if is_as_expected:
        return Check("gateway", "ok", f"{answers} and accepts the key")
    if isinstance(cause, APIStatusError):
        message = f"{answers}, but not as expected: {cause}; check the address"
        return Check("gateway", "warn", message, ExitCode.GATEWAY)
    message = f"{address} does not answer: {error}; check the network and the address"
    return Check("gateway", "fail", message, make_exit_report(error).code)


def _get_response(error: RunwayError) -> RawResponse | None:
    cause = error.__cause__ if isinstance(error, TaskNotFoundError) else error
    return cause.raw_response if isinstance(cause, APIStatusError) else None


def _check_clock(response: RawResponse) -> Check:
    """Compare this computer's clock to the gateway's: signed addresses expire at a fixed time."""
    gateway_time = parse_http_date(response.headers.get("date", ""))
    if gateway_time is None:
        return Check("clock", "ok", "the gateway does not state its time")
    drift = response.received_at - gateway_time
    if abs(drift) > _MAX_CLOCK_DRIFT:
        direction = "ahead of" if drift > 0 else "behind"
        message = f"this computer is {abs(drift):.0f} s {direction} the gateway"
        return Check("clock", "warn", message)
    return Check("clock", "ok", "same as the gateway's")


def _check_journal(connection: ConnectionOptions) -> Check:
    location = connection.journal_location
    if location is None:
        return Check("journal", "warn", "switched off: an interrupted task can be lost")
    try:
        with contextlib.closing(journal.Journal(location)) as store:
            unfinished, unknown = store.tasks(unfinished=True), len(store.unknown())
    except ConfigurationError as error:
        return Check("journal", "fail", str(error), ExitCode.USAGE)
    others = connection.count_other_gateways(unfinished)
    elsewhere = ", ".join(f"{count} at {address}" for address, count in others.items())
    count = f"{len(unfinished)} unfinished" + (f" ({elsewhere})" if elsewhere else "")
    message = f"{connection.journal_name}: {count}, {unknown} of unknown outcome"
    if unknown:
        message += f"; see {format_command('tasks', 'list', '--unknown')}"
    return Check("journal", "warn" if unknown else "ok", message)


def _check_folder(folder: Path) -> Check:
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.exists())
        if os.access(parent, os.W_OK):
            return Check("folder", "ok", f"{folder} will be created")
        message = f"{folder} cannot be created in {parent}; choose another one with --output"
        return Check("folder", "fail", message, ExitCode.USAGE)
    try:
        paths.check_writable(folder)
    except OSError as error:
        return Check("folder", "fail", f"{folder}: {error.strerror}", ExitCode.USAGE)
    return Check("folder", "ok", f"{folder.absolute()} can be written")
