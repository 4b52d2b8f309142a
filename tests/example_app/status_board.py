"""A second part of the example application: it reads task states with plain httpx."""

from __future__ import annotations

import os
from collections.abc import Iterable

import httpx

VERSION = "2024-11-06"


async def fetch_statuses(task_ids: Iterable[str], version: str = VERSION) -> dict[str, str]:
    """Return the gateway's status of each task."""
    headers = {
        "Authorization": f"Bearer {os.environ['COMETAPI_KEY']}",
        "X-Runway-Version": version,
    }
    base = os.environ.get("COMETAPI_RUNWAY_BASE_URL", "https://api.cometapi.com")
    async with httpx.AsyncClient(base_url=base, headers=headers) as http:
        responses = {one: await http.get(f"/runwayml/v1/tasks/{one}") for one in task_ids}
    return {one: response.json().get("status", "unknown") for one, response in responses.items()}
