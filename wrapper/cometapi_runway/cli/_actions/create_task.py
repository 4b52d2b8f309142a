"""Submit the request of a create command, then wait for its task and save the files."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import evolve, frozen

from cometapi_runway._client import RunwayClient
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.submission_failure import InterruptedSubmission
from cometapi_runway._io.drivers import ResponseWatcher
from cometapi_runway.cli._actions.budget import get_price, make_budget
from cometapi_runway.cli._actions.client import make_client
from cometapi_runway.cli._actions.finish_tasks import make_run_options, wait_and_save
from cometapi_runway.cli._errors import (
    CommandInterrupted,
    OutputError,
    UsageError,
    format_command,
)
from cometapi_runway.cli._options.budget import BudgetOptions
from cometapi_runway.cli._options.request import RequestOptions
from cometapi_runway.cli._options.shared import (
    ConnectionOptions,
    SavingOptions,
    WaitingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.cli._output.report import (
    SENT_EARLIER,
    CreateDetails,
    Report,
    make_result_fields,
)
from cometapi_runway.cli._output.text import describe_price
from cometapi_runway.errors import RunwayError
from cometapi_runway.resources._bound_task import BoundTask
from cometapi_runway.resources._client_resources import ClientResource

_REQUEST: Final = RequestOptions()
_BUDGET: Final = BudgetOptions()
_WAITING: Final = WaitingOptions()
_SAVING: Final = SavingOptions()
_CONNECTION: Final = ConnectionOptions()


@frozen(kw_only=True)
class CreateCommand:
    """A create command with all its options.

    Attributes:
        resource: The client's resource.
        arguments: The arguments of its ``create``, and fields that the contract does not name.
        request: How the request is made and sent.
        budget: What may be spent.
        waiting: How its task is waited for.
        saving: Where its files are saved.
        connection: Gateway and journal.
        api_key: The key for a local gateway; a user's key comes from the environment.
        watcher: Is shown every response, instead of what the environment names; or None.
    """

    resource: ClientResource
    arguments: Mapping[str, Any]
    request: RequestOptions = _REQUEST
    budget: BudgetOptions = _BUDGET
    waiting: WaitingOptions = _WAITING
    saving: SavingOptions = _SAVING
    connection: ConnectionOptions = _CONNECTION
    api_key: str | None = None
    watcher: ResponseWatcher | None = None

    @property
    def create_arguments(self) -> dict[str, Any]:
        """The arguments of ``create``; fields that it does not name go into ``extra_body``."""
        names = self.resource.signature.parameters
        known = {name: value for name, value in self.arguments.items() if name in names}
        extra = {name: value for name, value in self.arguments.items() if name not in names}
        return {
            **known,
            **({"extra_body": extra} if extra else {}),
            "idempotency_key": self.request.idempotency_key,
            "label": self.request.label,
        }

    def make_details(self, price: Decimal | None, *, is_reused: bool = False) -> CreateDetails:
        """What the output of a create command says of its task."""
        return CreateDetails(
            price=price,
            idempotency_key=self.request.idempotency_key,
            label=self.request.label,
            is_reused=is_reused,
        )


def create_task(command: CreateCommand, report: Report) -> ExitCode:
    """Submit the request; unless ``--no-wait``, wait for the task and save its files.

    Raises:
        UsageError: An option needs the journal, which is switched off, or the price.
        ConfigurationError: A setting is missing or malformed.
        CommandInterrupted: By Ctrl-C.
    """
    _check_journal(command)
    budget = make_budget(command.budget)
    price = get_price(command.resource, budget)
    is_waiting = command.request.wait
    options = make_run_options(
        command.connection,
        folder=command.saving.prepare_folder() if is_waiting else None,
        overwrite=command.saving.overwrite,
        waiting=command.waiting,
    )
    with make_client(
        command.connection,
        # Prices alone need no journal.
        budget=None if command.connection.journal_location is None else budget,
        validate=command.request.validate,
        api_key=command.api_key,
    ) as client:
        if command.watcher is not None:
            client.session.driver = evolve(client.session.driver, watcher=command.watcher)
        gateway = redact_url(client.settings.base_url)
        report.show_note(f"using the gateway {gateway}; {describe_price(price)}")
        _warn_of_unknown_submissions(client, command, report)
        try:
            task = command.resource.get_from(client).create(**command.create_arguments)
        except KeyboardInterrupt as error:
            raise make_interruption(error) from None
        except RunwayError as error:
            exit_report = make_exit_report(error, command.connection.options_to_repeat)
            report.show_failure(exit_report, error)
            return exit_report.code
        details = command.make_details(price, is_reused=task.is_reused)
        if not is_waiting:
            _show_id(task, details, report)
            return ExitCode.SUCCESS
        report.show_submitted(task, details)
        return wait_and_save(client, [task], options, report)


def _show_id(task: BoundTask, details: CreateDetails, report: Report) -> None:
    if task.is_reused:
        report.show_note(SENT_EARLIER)
    try:
        fields = {**make_result_fields(task), **details.to_fields()}
        report.show_result(task.id, "submitted", fields)
    except (OutputError, BrokenPipeError):
        # The task is paid for: show its id on stderr instead.
        report.show_submitted(task, details)
        raise


def _check_journal(command: CreateCommand) -> None:
    """Refuse options that need a journal where it is switched off."""
    needs = {
        "--idempotency-key": command.request.idempotency_key,
        "--label": command.request.label,
        "--max-cost": command.budget.max_cost,
        "--max-tasks": command.budget.max_tasks,
        "--budget-scope": command.budget.budget_scope,
    }
    flags = [flag for flag, value in needs.items() if value is not None]
    if flags and command.connection.journal_location is None:
        verb = "needs" if len(flags) == 1 else "need"
        raise UsageError(
            f"{' and '.join(flags)} {verb} the journal, which --no-journal switches off",
            "leave out --no-journal; the settings file may hold it as no-journal",
        )


def _warn_of_unknown_submissions(
    client: RunwayClient, command: CreateCommand, report: Report
) -> None:
    """Warn of earlier requests that may have been charged: this one may be a repetition."""
    if client.journal.store is None:
        return
    key = command.request.idempotency_key
    # What has the same idempotency key is not sent again, and reported by itself.
    unknown = [one for one in client.journal.unknown() if key is None or one.idempotency_key != key]
    options = command.connection.options_to_repeat
    if len(unknown) == 1:
        settle = format_command("tasks", "settle", unknown[0].key, "--task", "ID", *options)
        report.show_warning(
            "an earlier request of unknown outcome may have been charged; check the usage log of "
            f"your CometAPI account, then close it: `{settle}`"
        )
    elif unknown:
        show = format_command("tasks", "list", "--unknown", *options)
        report.show_warning(
            f"{len(unknown)} earlier requests of unknown outcome may have been charged; `{show}` "
            "shows how to close each with `tasks settle`"
        )


def make_interruption(error: KeyboardInterrupt) -> CommandInterrupted:
    """What Ctrl-C during a submission left behind, and what to do about it."""
    submission = InterruptedSubmission.of(error)
    if submission is None:
        return CommandInterrupted("interrupted; nothing was sent", _RUN_AGAIN)
    if submission.task_id is not None:
        advice = format_command("tasks", "wait", submission.task_id)
    elif submission.may_be_accepted:
        advice = (
            "check the usage log of your CometAPI account before you repeat it; "
            f"`{format_command('tasks', 'list', '--unknown')}` shows the request"
        )
    else:
        advice = _RUN_AGAIN
    return CommandInterrupted(submission.message, advice)


_RUN_AGAIN: Final = "run it again at any time"
