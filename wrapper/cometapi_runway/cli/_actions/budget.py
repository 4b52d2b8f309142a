"""The budget that the options and the settings file name, and the price of a task."""

from __future__ import annotations

from decimal import Decimal

from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.budget import BudgetOptions
from cometapi_runway.cli._options.settings_file import load_price_table
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal import Budget, load_prices
from cometapi_runway.journal._budget import parse_price_table
from cometapi_runway.resources._client_resources import ClientResource
from cometapi_runway.resources._prices import check_resources, find_price


def make_budget(options: BudgetOptions) -> Budget | None:
    """The budget of a create command; None without limits, a name and prices.

    A price is the one in the file of ``--prices``, else the one in the settings file, else the one
    in the contract.

    Raises:
        UsageError: A price is malformed, or the file of prices cannot be read.
        ConfigurationError: A limit is malformed.
    """
    try:
        prices = _load_prices(options)
    except ConfigurationError as error:
        raise UsageError(
            str(error), "write prices as US dollars by resource, such as text_to_image = 0.32"
        ) from error
    scope = options.budget_scope
    if not prices and (options.max_cost, options.max_tasks, scope) == (None, None, None):
        return None
    return Budget(
        options.max_cost, options.max_tasks, "default" if scope is None else scope, prices
    )


def _load_prices(options: BudgetOptions) -> dict[str, Decimal]:
    source = f"{paths.get_settings_file_path()}: prices"
    prices = parse_price_table(load_price_table(), source)
    if options.prices is not None:
        prices |= load_prices(options.prices.expanduser())
    check_resources(prices)
    return prices


def get_price(resource: ClientResource, budget: Budget | None) -> Decimal | None:
    """US dollars for one task of a resource, or None if the price is not known.

    Raises:
        UsageError: The price is not known, and the budget limits the cost.
    """
    signature = resource.signature
    price = find_price(budget, signature.name, signature.operation)
    if price is None and budget is not None and budget.max_cost is not None:
        raise UsageError(
            f"--max-cost needs the price of {signature.name}, which is not known",
            "give it in a file with --prices FILE, or limit --max-tasks instead",
        )
    return price
