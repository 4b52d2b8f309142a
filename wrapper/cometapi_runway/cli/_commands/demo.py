"""``demo``: create a video against a local gateway, from request to file."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any, Final

from attrs import evolve
from cyclopts import Parameter

from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli._errors import CommandInterrupted, format_command
from cometapi_runway.cli._options.resource_options import (
    body_to_arguments,
    list_resource_options,
)
from cometapi_runway.cli._options.shared import (
    ConnectionOptions,
    DisplayOptions,
    SavingOptions,
    WaitingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.cli._output.text import format_size
from cometapi_runway.resources._client_resources import get_client_resource

if TYPE_CHECKING:
    from cometapi_runway import journal, simulator
    from cometapi_runway.cli._actions import create_task
    from cometapi_runway.resources import _inputs as inputs
    from cometapi_runway.simulator import SimulatorServer
else:
    create_task = LazyModule("cometapi_runway.cli._actions.create_task")
    inputs = LazyModule("cometapi_runway.resources._inputs")
    journal = LazyModule("cometapi_runway.journal")
    simulator = LazyModule("cometapi_runway.simulator")

_RESOURCE: Final = "character_performance"
# A task takes a dozen simulated seconds, which are three real ones; polled often enough for the
# bar to move.
_SPEED: Final = 4.0
_INTERVAL: Final = 0.2
_KEY: Final = "demo-needs-no-key"

_DISPLAY: Final = DisplayOptions()
_SAVING: Final = SavingOptions(output=Path("out"))


def demo(
    *,
    saving: SavingOptions = _SAVING,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Create a video against a local gateway: the page's own example, from request to file."""
    resource = get_client_resource(_RESOURCE)
    operation = resource.operation
    server = simulator.SimulatorServer(clock=simulator.SimClock.scaled(_SPEED))
    with server, tempfile.TemporaryDirectory() as folder:
        report.show_note(
            f"A local gateway runs at {server.base_url}; nothing leaves this computer.\n"
            f"Sending the example of {operation.method} {operation.path} to it.\n"
        )
        journal_path = Path(folder) / "journal.sqlite3"
        command = create_task.CreateCommand(
            resource=resource,
            arguments=body_to_arguments(list_resource_options(resource), resource.example),
            waiting=WaitingOptions(interval=_INTERVAL),
            saving=evolve(saving, overwrite=True),
            connection=ConnectionOptions(base_url=server.base_url, journal=journal_path),
            api_key=_KEY,
        )
        try:
            code = create_task.create_task(command, report)
        except KeyboardInterrupt:
            # Its task exists in the local gateway only, which stops with this command.
            message = "interrupted; the local gateway has stopped, its task is gone"
            raise CommandInterrupted(message, format_command("demo")) from None
        if code is ExitCode.SUCCESS:
            _show_next_steps(command, server, journal_path, report)
    return code


def _show_next_steps(
    command: create_task.CreateCommand, server: SimulatorServer, journal_path: Path, report: Report
) -> None:
    """Show the result, and how to do the same against the real gateway."""
    store = journal.Journal(journal_path)
    try:
        submission = store.tasks()[0]
    finally:
        store.close()
    file, charged = submission.files[0], sum(line.amount for line in server.gateway.charges)
    required = _list_required_arguments(command)
    report.show_note(
        f"\ntask     {submission.task_id}\n"
        f"file     {_make_relative(file)}  ({format_size(file.stat().st_size)})\n"
        f"charged  {charged:.2f} US dollars by the local gateway, which is no real money\n\n"
        f"The same against the real gateway:\n\n"
        f"{indent(_format_shell_example(command, required), '  ')}\n\n"
        f"or in Python:\n\n{indent(_format_python_example(command, required), '  ')}"
    )


def _list_required_arguments(command: create_task.CreateCommand) -> dict[str, str]:
    """The required arguments, each in its shortest form."""
    required = command.resource.signature.required
    return {
        name: _get_address(value) for name, value in command.arguments.items() if name in required
    }


def _get_address(value: Any) -> str:
    """An asset's address, which implies its type."""
    return str(inputs.asset_fields(value, "")["uri"])


def _make_relative(file: Path) -> Path:
    """A file relative to the current folder, if it is inside."""
    current = Path.cwd()
    return file.relative_to(current) if file.is_relative_to(current) else file


def _format_shell_example(command: create_task.CreateCommand, required: Mapping[str, str]) -> str:
    flags = {option.argument: option.flag for option in list_resource_options(command.resource)}
    words = " ".join(command.resource.command_words)
    options = [f"{flags[name]} {value}" for name, value in required.items()]
    lines = [f"{_get_program()} {words}", *options, f"--output {command.saving.output}"]
    return f"export {KEY_VARIABLE}=<your key>\n" + " \\\n    ".join(lines)


def _get_program() -> str:
    """The program as it can be called here: `make demo` runs one that is not on the PATH."""
    called = Path(sys.argv[0])
    if shutil.which(DISTRIBUTION) or called.name != DISTRIBUTION:
        return DISTRIBUTION
    return shlex.quote(str(_make_relative(called)))


def _format_python_example(command: create_task.CreateCommand, required: Mapping[str, str]) -> str:
    arguments = "".join(f'        {name}="{value}",\n' for name, value in required.items())
    return (
        "from cometapi_runway import RunwayClient\n\n"
        "with RunwayClient() as client:\n"
        f"    task = client.{command.resource.name}.create(\n{arguments}    )\n"
        f'    print(task.wait().download("{command.saving.output}"))'
    )
