"""``simulate``: the local gateway, until Ctrl-C."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from cyclopts import Group, Parameter
from cyclopts.validators import Number

from cometapi_runway._core.json_values import JSON
from cometapi_runway._settings import BASE_URL_VARIABLE, KEY_VARIABLE
from cometapi_runway.cli import NAME
from cometapi_runway.cli.deferred import Deferred
from cometapi_runway.cli.endings import Exit, UsageError, command
from cometapi_runway.cli.options import Display
from cometapi_runway.cli.report import Report

if TYPE_CHECKING:
    from cometapi_runway import simulator
    from cometapi_runway.simulator import SimulatorServer
else:
    simulator = Deferred("cometapi_runway.simulator")

_DISPLAY: Final = Display()
_SEEDS: Final = 1_000_000
_EXTRA: Final = frozenset({"anyio", "starlette", "uvicorn"})
Port: TypeAlias = Annotated[int, Parameter(validator=Number(gte=0, lte=65535))]
_GROUP: Final = Group("Local gateway", sort_key=1)


def needed(error: ModuleNotFoundError) -> UsageError:
    """The missing extra in a person's words.

    Raises:
        ModuleNotFoundError: Something else is missing.
    """
    if error.name not in _EXTRA:
        raise error
    return UsageError(
        "the local gateway is an extra that is not installed",
        f"pip install '{NAME}[cli,simulator]'",
    )


def simulate(
    *,
    port: Annotated[Port, Parameter(help="Port of the API; 0 for a free one.", group=_GROUP)] = 0,
    media_port: Annotated[
        Port, Parameter(help="Port of the files; 0 for a free one.", group=_GROUP)
    ] = 0,
    speed: Annotated[
        float, Parameter(help="How many times as fast as real time passes.", group=_GROUP)
    ] = 1.0,
    shape: Annotated[
        str,
        Parameter(help="How answers are written; a wrong name lists them all.", group=_GROUP),
    ] = "raw",
    seed: Annotated[
        int | None,
        Parameter(
            help="What ids and times are drawn from; another one each time if not given.",
            metavar="N",
            group=_GROUP,
        ),
    ] = None,
    balance: Annotated[
        float | None,
        Parameter(help="US dollars in the account; without end if not given.", group=_GROUP),
    ] = None,
    display: Display = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> Exit:
    """Run a local gateway until Ctrl-C: tasks live, files are real, nothing is charged."""
    with _explained():
        chosen = simulator.SimulatorSettings(
            clock=simulator.SimClock.scaled(speed),
            shape=simulator.ResponseShapes.from_name(shape),  # type: ignore[arg-type] # it judges the name
            # Else every run had the same ids, and the record, which outlives it, mistook the
            # tasks of one for those of another.
            seed=secrets.randbelow(_SEEDS) if seed is None else seed,
            balance=balance,
        )
        simulator.run(
            chosen, port=port, media_port=media_port, on_ready=lambda s: _ready(s, report)
        )
    report.note("the local gateway has ended; its tasks are gone")
    return Exit.SUCCESS


@contextmanager
def _explained() -> Generator[None]:
    """Says in a person's words what keeps the gateway from running."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise needed(error) from error
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error), f"see {command('simulate', '--help')}") from error
    except OSError as error:
        where = f" on {error.filename}" if error.filename else ""
        raise UsageError(
            f"cannot listen{where}: {error.strerror}",
            "give another --port or --media-port, or 0 for a free one",
        ) from error


def _ready(server: SimulatorServer, report: Report) -> None:
    text = "\n".join(
        (
            f"gateway  {server.base_url}",
            f"files    {server.media_url}",
            f"status   {server.status_url}",
        )
    )
    seed = server.gateway.settings.seed
    facts: dict[str, JSON] = {
        "base_url": server.base_url,
        "media_url": server.media_url,
        "status_url": server.status_url,
        "seed": seed,
    }
    report.result(text, "ready", facts)
    report.note(
        "\nIn another terminal, to talk to it instead of the real gateway:\n"
        f"  export {BASE_URL_VARIABLE}={server.base_url} {KEY_VARIABLE}=any\n\n"
        f"Ctrl-C ends it; --seed {seed} gives the same ids and times again."
    )
