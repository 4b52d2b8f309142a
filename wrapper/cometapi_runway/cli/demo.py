"""``demo``: the product itself against a local gateway, from request to file."""

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

from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli import NAME, create, derive
from cometapi_runway.cli.creations import creations
from cometapi_runway.cli.deferred import Deferred
from cometapi_runway.cli.endings import Exit, Interrupted, command
from cometapi_runway.cli.options import Connection, Display, Saving, Waiting
from cometapi_runway.cli.report import Report, size_text
from cometapi_runway.cli.simulate import needed
from cometapi_runway.journal import Journal
from cometapi_runway.resources import _inputs as inputs

if TYPE_CHECKING:
    from cometapi_runway import simulator
    from cometapi_runway.journal import SubmissionRecord
    from cometapi_runway.journal import _journal as journal
    from cometapi_runway.simulator import SimulatorServer
else:
    journal = Deferred("cometapi_runway.journal")
    simulator = Deferred("cometapi_runway.simulator")

# The operation whose page is in hand, and its example with it.
_SHOWN: Final = "character_performance"
# A dozen simulated seconds in three real ones, looked at often enough for a bar to move.
_SPEED: Final = 4.0
_INTERVAL: Final = 0.2
_KEY: Final = "demo-needs-no-key"

_DISPLAY: Final = Display()
_SAVING: Final = Saving(output=Path("out"))


def demo(
    *,
    saving: Saving = _SAVING,
    display: Display = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> Exit:
    """Make a video against a local gateway: the page's own example, from request to file."""
    creation = next(one for one in creations() if one.name == _SHOWN)
    arguments = derive.arguments(derive.options(creation), creation.example)
    try:
        server = simulator.SimulatorServer(clock=simulator.SimClock.scaled(_SPEED))
    except ModuleNotFoundError as error:
        raise needed(error) from error
    with server, tempfile.TemporaryDirectory() as folder:
        report.note(
            f"A local gateway runs at {server.base_url}; nothing leaves this computer.\n"
            f"Sending the example of {creation.operation.method} {creation.operation.path} to it.\n"
        )
        record = Path(folder) / "journal.sqlite3"
        order = create.Order(
            creation=creation,
            arguments=arguments,
            waiting=Waiting(interval=_INTERVAL),
            saving=evolve(saving, overwrite=True),
            connection=Connection(base_url=server.base_url, journal=record),
            api_key=_KEY,
        )
        try:
            code = create.carry_out(order, report)
        except KeyboardInterrupt:
            # Its task lives in the local gateway, which ends with it.
            words = "interrupted; the local gateway has ended, and its task with it"
            raise Interrupted(words, command("demo")) from None
        if code is Exit.SUCCESS:
            _tell(order, server, Journal(record), report)
    return code


def _tell(order: create.Order, server: SimulatorServer, record: Any, report: Report) -> None:
    """What came of it, and how to do the same in earnest."""
    try:
        done: SubmissionRecord = record.tasks()[0]
    finally:
        record.close()
    file, charged = done.files[0], sum(line.amount for line in server.gateway.charges)
    required = _required(order)
    report.note(
        f"\ntask     {done.task_id}\n"
        f"file     {_near(file)}  ({size_text(file.stat().st_size)})\n"
        f"charged  {charged:.2f} US dollars, by the local gateway: nothing in earnest\n\n"
        f"The same against the real gateway:\n\n"
        f"{indent(_as_command(order, required), '  ')}\n\n"
        f"or in Python:\n\n{indent(_as_python(order, required), '  ')}"
    )


def _required(order: create.Order) -> dict[str, str]:
    """The required arguments, each in its shortest form."""
    required = order.creation.signature.required
    return {name: _short(value) for name, value in order.arguments.items() if name in required}


def _short(value: Any) -> str:
    """An asset as its address alone, which tells its type."""
    return str(inputs.split_asset(value, "", ("image", "video")).uri)


def _near(file: Path) -> Path:
    """A file as seen from here, if it is below."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file


def _as_command(order: create.Order, required: Mapping[str, str]) -> str:
    words = " ".join(order.creation.words)
    options = [f"--{name.replace('_', '-')} {value}" for name, value in required.items()]
    lines = [f"{_program()} {words}", *options, f"--output {order.saving.output}"]
    return f"export {KEY_VARIABLE}=<your key>\n" + " \\\n    ".join(lines)


def _program() -> str:
    """How the command is called here: `make demo` keeps it in a folder that no path leads to."""
    called = Path(sys.argv[0])
    return NAME if shutil.which(NAME) or called.name != NAME else shlex.quote(str(_near(called)))


def _as_python(order: create.Order, required: Mapping[str, str]) -> str:
    resource = ".".join((*order.creation.groups, order.creation.resource))
    arguments = "".join(f'        {name}="{value}",\n' for name, value in required.items())
    return (
        "from cometapi_runway import RunwayClient\n\n"
        "with RunwayClient() as client:\n"
        f"    task = client.{resource}.create(\n{arguments}    )\n"
        f'    print(task.wait().download("{order.saving.output}"))'
    )
