"""A client of what the options say."""

from __future__ import annotations

from cometapi_runway._client import RunwayClient
from cometapi_runway.cli.options import Connection


def connect(
    connection: Connection, *, validate: bool = True, api_key: str | None = None
) -> RunwayClient:
    """Make a client.

    Args:
        connection: Gateway and record.
        validate: Whether requests are held against the contract.
        api_key: For gateways that are our own; a user's key comes from the environment.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    return RunwayClient(
        api_key,
        # An empty variable counts as not set.
        base_url=connection.base_url or None,
        runway_version=connection.runway_version or None,
        timeout=connection.request_timeout,
        validate=validate,
        journal=connection.record,
    )
