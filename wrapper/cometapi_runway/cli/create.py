"""One command per operation, made when it is asked for.

``create:<name>`` is the command of the creation of that name; `app` names it without importing
anything, so that ``--help`` stays quick.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from attrs import frozen
from cyclopts import App, Parameter

from cometapi_runway._core.redaction import redact_url
from cometapi_runway.cli import NAME, derive
from cometapi_runway.cli.creations import Creation, creations
from cometapi_runway.cli.deferred import Deferred
from cometapi_runway.cli.derive import Option
from cometapi_runway.cli.endings import Exit, Interrupted, OutputError, UsageError, command
from cometapi_runway.cli.options import RUN, Connection, Display, Saving, Waiting
from cometapi_runway.cli.report import Report, facts
from cometapi_runway.errors import InvalidRequestError

if TYPE_CHECKING:
    from cometapi_runway.cli import clients, curl, watching
else:
    clients = Deferred("cometapi_runway.cli.clients")
    curl = Deferred("cometapi_runway.cli.curl")
    watching = Deferred("cometapi_runway.cli.watching")


@Parameter(name="*", group=RUN)
@frozen(kw_only=True)
class Making:
    """What is done with the request, apart from its fields."""

    json: Annotated[
        str | None,
        Parameter(
            name="--json",
            help="The body as JSON, from a file or - for stdin; options change single fields.",
            metavar="FILE|-",
            allow_leading_hyphen=True,
        ),
    ] = None
    dry_run: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="Check and show the request; send nothing."
        ),
    ] = False
    validate: Annotated[
        bool,
        Parameter(
            negative="--no-validate",
            help="Hold the request against the contract.",
            show_default=False,
        ),
    ] = True
    wait: Annotated[
        bool, Parameter(help="Wait and save the files; else print the id.", show_default=False)
    ] = True

    def body(self) -> Mapping[str, Any]:
        """The body in the file, empty without one.

        Raises:
            UsageError: It cannot be read.
        """
        if self.json is None:
            return {}
        if self.json == "-":
            return derive.read_body(sys.stdin.buffer.read(), "standard input")
        return derive.read_body(read_file(Path(self.json).expanduser()), self.json)


_MAKING: Final = Making()
_WAITING: Final = Waiting()
_SAVING: Final = Saving()
_CONNECTION: Final = Connection()
_DISPLAY: Final = Display()


@frozen(kw_only=True)
class Order:
    """Everything that a create command was told.

    Attributes:
        api_key: For a gateway of our own; a user's key comes from the environment.
    """

    creation: Creation
    arguments: Mapping[str, Any]
    making: Making = _MAKING
    waiting: Waiting = _WAITING
    saving: Saving = _SAVING
    connection: Connection = _CONNECTION
    api_key: str | None = None

    @property
    def call(self) -> dict[str, Any]:
        """The arguments of ``create``; a field that is none of them goes along as it is."""
        known = self.creation.signature.parameters
        call: dict[str, Any] = {n: v for n, v in self.arguments.items() if n in known}
        more = {n: v for n, v in self.arguments.items() if n not in known}
        return {**call, "extra_body": more} if more else call


def __getattr__(name: str) -> App:
    """The command of a creation, by its name."""
    for creation in creations():
        if creation.name == name:
            return make_app(creation)
    raise AttributeError(name)


def read_file(file: Path) -> bytes:
    """A file's content.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", "give another file") from error


def make_app(creation: Creation) -> App:
    """The command of a creation."""
    found = derive.options(creation)
    app = App(name=creation.words[-1], usage=_usage(creation, found), help_epilogue="")
    app.default(_function(creation, found))
    return app


def carry_out(order: Order, report: Report) -> Exit:
    """Submit, and see the task through if that is wanted.

    Raises:
        RunwayError: The request was refused, or its outcome is unknown.
        Interrupted: By Ctrl-C.
    """
    wish = watching.wish(
        order.connection,
        folder=order.saving.prepare() if order.making.wait else None,
        overwrite=order.saving.overwrite,
        waiting=order.waiting,
    )
    validate, key = order.making.validate, order.api_key
    with clients.connect(order.connection, validate=validate, api_key=key) as client:
        report.note(f"using the gateway {redact_url(client.settings.base_url)}")
        try:
            task = order.creation.on(client).create(**order.call)
        except KeyboardInterrupt as error:
            raise _interrupted(error) from None
        if not order.making.wait:
            try:
                report.result(task.id, "submitted", facts(task))
            except (OutputError, BrokenPipeError):
                # It is paid for: the id must be seen somewhere.
                report.submitted(task)
                raise
            return Exit.SUCCESS
        report.submitted(task)
        return watching.see_through(client, [task], wish, report)


def _function(creation: Creation, found: Sequence[Option]) -> Callable[..., Exit]:
    """The function behind a command, with the parameters that the command line reads."""

    def run(
        *,
        making: Making = _MAKING,
        waiting: Waiting = _WAITING,
        saving: Saving = _SAVING,
        connection: Connection = _CONNECTION,
        display: Display = _DISPLAY,
        report: Annotated[Report, Parameter(parse=False)],
        **given: Any,
    ) -> Exit:
        body = making.body()
        slips = derive.strange(creation, found, body) if making.validate else []
        if slips:
            raise InvalidRequestError(slips)
        typed = {name: value for name, value in given.items() if value is not None}
        order = Order(
            creation=creation,
            arguments={**derive.arguments(found, body), **typed},
            making=making,
            waiting=waiting,
            saving=saving,
            connection=connection,
        )
        if making.json is None:
            _require(found, order)
        if making.dry_run:
            return curl.show(order, report)
        return carry_out(order, report)

    shared = inspect.signature(run, eval_str=True).parameters.values()
    parameters = [option.parameter for option in found]
    parameters += [one for one in shared if one.kind is inspect.Parameter.KEYWORD_ONLY]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # for cyclopts
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _require(found: Sequence[Option], order: Order) -> None:
    missing = [o.flag for o in found if o.is_required and o.argument not in order.arguments]
    if missing:
        words = " and ".join(missing)
        advice = command(*order.creation.words, "--help")
        raise UsageError(
            f"{words} must be given, or the whole body with --json FILE", f"see {advice}"
        )


def _usage(creation: Creation, found: Sequence[Option]) -> str:
    """The usage line, with the required options."""
    head = f"Usage: {NAME} {' '.join(creation.words)} "
    required = [f"{option.flag} {option.metavar}" for option in found if option.is_required]
    return textwrap.fill(
        head + " ".join([*required, "[OPTIONS]"]),
        subsequent_indent=" " * 7,
        break_on_hyphens=False,
    )


def _interrupted(error: KeyboardInterrupt) -> Interrupted:
    """Ctrl-C while a paid request was under way: the flow says what is known about it."""
    notes = [note.removeprefix(f"{NAME}: ") for note in getattr(error, "__notes__", ())]
    accepted = getattr(error, "task_id", None)
    if accepted is not None:
        advice = command("tasks", "wait", accepted)
    elif not notes or "nothing was accepted" in notes[0]:
        advice = "run it again whenever you like"
    else:
        advice = "before you repeat it, look into the usage log of your CometAPI account"
    return Interrupted(notes[0] if notes else "interrupted; nothing was sent", advice)
