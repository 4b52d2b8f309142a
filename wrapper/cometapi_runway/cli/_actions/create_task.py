"""Submit the request of a create command, then wait for its task and save the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.submission_failure import InterruptedSubmission
from cometapi_runway.cli._actions.client import make_client
from cometapi_runway.cli._actions.finish_tasks import make_run_options, wait_and_save
from cometapi_runway.cli._errors import CommandInterrupted, OutputError, format_command
from cometapi_runway.cli._options.request import RequestOptions
from cometapi_runway.cli._options.shared import (
    ConnectionOptions,
    SavingOptions,
    WaitingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report, make_result_fields
from cometapi_runway.resources._client_resources import ClientResource

_REQUEST: Final = RequestOptions()
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
        waiting: How its task is waited for.
        saving: Where its files are saved.
        connection: Gateway and journal.
        api_key: The key for a local gateway; a user's key comes from the environment.
    """

    resource: ClientResource
    arguments: Mapping[str, Any]
    request: RequestOptions = _REQUEST
    waiting: WaitingOptions = _WAITING
    saving: SavingOptions = _SAVING
    connection: ConnectionOptions = _CONNECTION
    api_key: str | None = None

    @property
    def create_arguments(self) -> dict[str, Any]:
        """The arguments of ``create``; fields that it does not name go into ``extra_body``."""
        names = self.resource.signature.parameters
        known = {name: value for name, value in self.arguments.items() if name in names}
        extra = {name: value for name, value in self.arguments.items() if name not in names}
        return {**known, "extra_body": extra} if extra else known


def create_task(command: CreateCommand, report: Report) -> ExitCode:
    """Submit the request; unless ``--no-wait``, wait for the task and save its files.

    Raises:
        RunwayError: The request was refused, or its outcome is unknown.
        CommandInterrupted: By Ctrl-C.
    """
    is_waiting = command.request.wait
    options = make_run_options(
        command.connection,
        folder=command.saving.prepare_folder() if is_waiting else None,
        overwrite=command.saving.overwrite,
        waiting=command.waiting,
    )
    with make_client(
        command.connection, validate=command.request.validate, api_key=command.api_key
    ) as client:
        report.show_note(f"using the gateway {redact_url(client.settings.base_url)}")
        try:
            task = command.resource.get_from(client).create(**command.create_arguments)
        except KeyboardInterrupt as error:
            raise make_interruption(error) from None
        if not is_waiting:
            try:
                report.show_result(task.id, "submitted", make_result_fields(task))
            except (OutputError, BrokenPipeError):
                # The task is paid for: show its id on stderr instead.
                report.show_submitted(task)
                raise
            return ExitCode.SUCCESS
        report.show_submitted(task)
        return wait_and_save(client, [task], options, report)


def make_interruption(error: KeyboardInterrupt) -> CommandInterrupted:
    """What Ctrl-C during a submission left behind, and what to do about it."""
    submission = InterruptedSubmission.of(error)
    if submission is None:
        return CommandInterrupted("interrupted; nothing was sent", _RUN_AGAIN)
    if submission.task_id is not None:
        advice = format_command("tasks", "wait", submission.task_id)
    elif submission.may_be_accepted:
        advice = "check the usage log of your CometAPI account before you repeat it"
    else:
        advice = _RUN_AGAIN
    return CommandInterrupted(submission.message, advice)


_RUN_AGAIN: Final = "run it again at any time"
