"""The options for what may be spent, and the settings file's prices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from attrs import frozen
from cyclopts import Parameter

from cometapi_runway.cli._options.shared import COST_GROUP
from cometapi_runway.errors import ConfigurationError

if TYPE_CHECKING:
    from cyclopts import Token


def _convert_amount(_type: object, tokens: Sequence[Token]) -> Decimal:
    # Imported late: help needs no journal.
    from cometapi_runway.journal._budget import parse_amount  # noqa: PLC0415

    try:
        return parse_amount(tokens[0].value, "It", "budget")
    except ConfigurationError as error:
        raise ValueError(str(error)) from error


def _convert_count(_type: object, tokens: Sequence[Token]) -> int:
    # cyclopts would round a fraction, and so raise a limit.
    text = tokens[0].value
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"It must be a whole number from 0, got {text!r}")
    return int(text)


@Parameter(name="*", group=COST_GROUP)
@frozen(kw_only=True)
class PriceOptions:
    """Where prices come from."""

    prices: Annotated[
        Path | None,
        Parameter(
            help="Prices: a TOML file with a table [prices], US dollars by resource.",
            metavar="FILE",
        ),
    ] = None


@Parameter(name="*", group=COST_GROUP)
@frozen(kw_only=True)
class LimitOptions(PriceOptions):
    """What the tasks of one budget may cost, and the prices."""

    max_cost: Annotated[
        Decimal | None,
        Parameter(
            help="Send nothing that would bring the cost of all tasks of the budget above this.",
            converter=_convert_amount,
            metavar="USD",
        ),
    ] = None
    max_tasks: Annotated[
        int | None,
        Parameter(
            help="Send nothing if the budget has had so many tasks, refused ones not counted.",
            converter=_convert_count,
            metavar="N",
        ),
    ] = None


@Parameter(name="*", group=COST_GROUP)
@frozen(kw_only=True)
class BudgetOptions(LimitOptions):
    """A budget of a name, which many commands share."""

    budget_scope: Annotated[
        str | None,
        Parameter(
            help="The budget's name. Tasks that are created with any option of a budget count "
            "towards it; `tasks spent` shows how many.",
            metavar="NAME",
            show_default=lambda _: "default",
        ),
    ] = None


@Parameter(name="*", group=COST_GROUP)
@frozen(kw_only=True)
class SessionBudgetOptions(BudgetOptions):
    """What a session may buy. Unlike a single command, it always has a limit and a name."""

    max_tasks: Annotated[
        int,
        Parameter(help="Tasks that the session may buy.", converter=_convert_count, metavar="N"),
    ] = 5
    budget_scope: Annotated[
        str | None,
        Parameter(
            help="The session's name. Servers with the same journal and name share the limits, "
            "also one after the other.",
            metavar="NAME",
            show_default=lambda _: "mcp and today's date",
        ),
    ] = None

    @property
    def session(self) -> str:
        """The session's name."""
        # A name for ever would use the limits up for good, and one for each process would lift
        # them whenever a host restarts the server.
        return self.budget_scope or f"mcp {datetime.now(UTC).astimezone().date().isoformat()}"
