"""``tasks spent``: what the tasks of the gateway have cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final

from cyclopts import Parameter

from cometapi_runway._core.naming import count_noun
from cometapi_runway.cli._actions.open_journal import open_journal
from cometapi_runway.cli._options.shared import RUN_GROUP, ConnectionOptions, DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.journal import Spending

_CONNECTION: Final = ConnectionOptions()
_DISPLAY: Final = DisplayOptions()


def spent(
    *,
    scope: Annotated[
        str | None,
        Parameter(
            help="Only tasks of this budget, see --budget-scope; by default, all tasks.",
            metavar="NAME",
            group=RUN_GROUP,
        ),
    ] = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Show how many tasks the gateway was sent and what they cost; works offline.

    Refused requests are not counted. Requests of unknown outcome are, until they are settled as
    not charged.
    """
    with open_journal(connection) as journal:
        spending = (
            Spending(Decimal(0), 0, 0)
            if journal is None
            else journal.spent(scope, gateway=connection.gateway)
        )
    budget = "" if scope is None else f"budget {scope!r}: "
    report.show_result(
        f"{budget}{_describe(spending)} at {connection.gateway}",
        "spent",
        {
            "scope": scope,
            "base_url": connection.gateway,
            "tasks": spending.tasks,
            "cost": str(spending.cost),
            "unpriced": spending.unpriced,
        },
    )
    return ExitCode.SUCCESS


def _describe(spending: Spending) -> str:
    tasks = count_noun(spending.tasks, "task")
    if not spending.unpriced:
        return f"{tasks}, {spending.cost} USD"
    if spending.unpriced == spending.tasks:
        return f"{tasks}, price unknown"
    return f"{tasks}, {spending.cost} USD and {spending.unpriced} of unknown price"
