"""A client with the settings that the options name."""

from __future__ import annotations

from cometapi_runway._client import RunwayClient
from cometapi_runway.cli._options.shared import ConnectionOptions
from cometapi_runway.journal import Budget


def make_client(
    connection: ConnectionOptions,
    *,
    budget: Budget | None = None,
    validate: bool = True,
    api_key: str | None = None,
) -> RunwayClient:
    """Make a client.

    Args:
        connection: Gateway and journal.
        budget: What may be spent; it needs a journal.
        validate: Whether requests are validated against the contract.
        api_key: The key for a local gateway; a user's key comes from the environment.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    return RunwayClient(
        api_key,
        # An empty option or variable counts as not set.
        base_url=connection.base_url or None,
        runway_version=connection.runway_version or None,
        timeout=connection.request_timeout,
        validate=validate,
        journal=connection.journal_location,
        budget=budget,
    )
