"""``simulate``: run a local gateway until Ctrl-C."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway._settings import BASE_URL_VARIABLE, KEY_VARIABLE
from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options.shared import DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report

if TYPE_CHECKING:
    from cometapi_runway import simulator
    from cometapi_runway.simulator import SimulatorServer
else:
    simulator = LazyModule("cometapi_runway.simulator")

_DISPLAY: Final = DisplayOptions()
_MAX_SEED: Final = 1_000_000
_LIBRARIES_OF_THE_EXTRA: Final = frozenset({"anyio", "starlette", "uvicorn"})
Port: TypeAlias = Annotated[int, Parameter(validator=Number(gte=0, lte=65535))]
_GROUP: Final = Group("Local gateway", sort_key=1)


def make_missing_extra_error(error: ModuleNotFoundError) -> UsageError:
    """The error that names the missing extra.

    Raises:
        ModuleNotFoundError: The missing module is not of the extra.
    """
    if error.name not in _LIBRARIES_OF_THE_EXTRA:
        raise error
    return UsageError(
        "the local gateway needs an extra that is not installed",
        f"pip install '{DISTRIBUTION}[cli,simulator]'",
    )


def simulate(
    *,
    port: Annotated[Port, Parameter(help="Port of the API; 0 for a free one.", group=_GROUP)] = 0,
    media_port: Annotated[
        Port, Parameter(help="Port of the files; 0 for a free one.", group=_GROUP)
    ] = 0,
    speed: Annotated[float, Parameter(help="Speed relative to real time.", group=_GROUP)] = 1.0,
    shape: Annotated[
        str,
        Parameter(help="Shape of the responses; an unknown name lists all.", group=_GROUP),
    ] = "raw",
    seed: Annotated[
        int | None,
        Parameter(
            help="Random seed for ids and times; by default a new one each time.",
            metavar="N",
            group=_GROUP,
        ),
    ] = None,
    balance: Annotated[
        float | None,
        Parameter(help="US dollars in the account; unlimited by default.", group=_GROUP),
    ] = None,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Run a local gateway until Ctrl-C: tasks progress, files are real, nothing is charged."""
    with _translate_errors():
        settings = simulator.SimulatorSettings(
            clock=simulator.SimClock.scaled(speed),
            shape=simulator.ResponseShapes.from_name(shape),  # type: ignore[arg-type] # it checks the name
            # The journal outlives the gateway: with a fixed seed, two gateways would give the
            # same ids to different tasks.
            seed=secrets.randbelow(_MAX_SEED) if seed is None else seed,
            balance=balance,
        )
        simulator.run(
            settings,
            port=port,
            media_port=media_port,
            on_ready=lambda server: _show_addresses(server, report),
        )
    report.show_note("the local gateway has stopped; its tasks are gone")
    return ExitCode.SUCCESS


@contextmanager
def _translate_errors() -> Generator[None]:
    """Turn errors that prevent the gateway from running into a `UsageError`."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise make_missing_extra_error(error) from error
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error), f"see {format_command('simulate', '--help')}") from error
    except OSError as error:
        where = f" on {error.filename}" if error.filename else ""
        raise UsageError(
            f"cannot listen{where}: {error.strerror}",
            "choose another --port or --media-port, or 0 for a free one",
        ) from error


def _show_addresses(server: SimulatorServer, report: Report) -> None:
    text = "\n".join(
        (
            f"gateway  {server.base_url}",
            f"files    {server.media_url}",
            f"status   {server.status_url}",
        )
    )
    seed = server.gateway.settings.seed
    fields: dict[str, JSON] = {
        "base_url": server.base_url,
        "media_url": server.media_url,
        "status_url": server.status_url,
        "seed": seed,
    }
    report.show_result(text, "ready", fields)
    report.show_note(
        "\nIn another terminal, to use it instead of the real gateway:\n"
        f"  export {BASE_URL_VARIABLE}={server.base_url} {KEY_VARIABLE}=any\n\n"
        f"Ctrl-C stops it; --seed {seed} repeats its ids and times."
    )
