"""The documented example and the task's states, on routes mocked with respx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import respx
import yaml
from attrs import frozen

from .both_clients import ASSETS, BASE, ID, ClientHarness

ROOT = Path(__file__).parents[3]
PAGE = yaml.safe_load(
    (ROOT / "openapi/vendor/post-control-a-character.openapi.yaml").read_text("utf-8")
)
(PATH,) = PAGE["paths"]
OPERATION = PAGE["paths"][PATH]["post"]
ACCEPTED = OPERATION["responses"]["200"]["content"]["application/json"]["schema"]["example"]
OUTPUT = "https://cdn.example/output.mp4?_jwt=secret"
POLL = f"/runwayml/v1/tasks/{ID}"
HTML = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def raw(status: str, **more: Any) -> dict[str, Any]:
    """A task as the newer page shows it."""
    return {"id": ID, "status": status, "createdAt": "2026-05-01T12:47:47.351Z", **more}


RAW = {
    "pending": raw("PENDING"),
    "running": raw("RUNNING", progress=0.5),
    "done": raw("SUCCEEDED", output=[OUTPUT]),
    "failed": raw("FAILED", failure="no face was found", failureCode="ASSET.INVALID"),
    "cancelled": raw("CANCELLED"),
}


@frozen
class MockedGateway:
    """A client, and the mocked routes of the gateway."""

    harness: ClientHarness
    client: Any
    router: respx.MockRouter

    @property
    def create(self) -> respx.Route:
        return self.router.post(BASE + PATH)

    @property
    def poll(self) -> respx.Route:
        return self.router.get(BASE + POLL)

    def polls(self, *answers: Any) -> respx.Route:
        """The task's states in turn, the last one again and again."""
        replies = [_response(answer) for answer in answers]
        rest = iter(replies)

        def reply(_: httpx.Request) -> httpx.Response:
            found = next(rest, replies[-1])
            if isinstance(found, Exception):
                raise found
            return httpx.Response(found.status_code, headers=found.headers, content=found.content)

        return self.poll.mock(side_effect=reply)

    def submitted(self) -> Any:
        self.create.respond(json={"id": ID})
        return self.run(self.client.character_performance.create(**ASSETS))

    def run(self, result: Any) -> Any:
        return self.harness.run(result)


def _response(answer: Any) -> Any:
    return httpx.Response(200, json=answer) if isinstance(answer, dict) else answer
