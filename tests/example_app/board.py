"""Another part of it: a board of running orders, which asks the gateway with plain httpx."""

from __future__ import annotations

import os
from collections.abc import Iterable

import httpx

VERSION = "2024-11-06"


async def board(orders: Iterable[str], version: str = VERSION) -> dict[str, str]:
    """The state of each order, in the gateway's words."""
    headers = {
        "Authorization": f"Bearer {os.environ['COMETAPI_KEY']}",
        "X-Runway-Version": version,
    }
    base = os.environ.get("COMETAPI_RUNWAY_BASE_URL", "https://api.cometapi.com")
    async with httpx.AsyncClient(base_url=base, headers=headers) as http:
        answers = {order: await http.get(f"/runwayml/v1/tasks/{order}") for order in orders}
    return {order: answer.json().get("status", "unknown") for order, answer in answers.items()}
