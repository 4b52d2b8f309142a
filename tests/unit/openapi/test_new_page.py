"""A page that CometAPI puts up tomorrow: vendored and named, its operation can be called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tools.__main__ import vendor
from contract_tools._common.workspace import Workspace
from contract_tools.generate.regenerate import regenerate

ROOT = Path(__file__).resolve().parents[3]


SEED_PAGE = ROOT / "tests" / "data" / "pages" / "control-a-character.md"


PATH = "/runwayml/v1/invented_lip_sync"


NAMES = f"""\
overlay: '1.1.0'
info: {{title: Lip sync, version: '1.0.0'}}
actions:
  - target: "$.paths['{PATH}'].post"
    description: The family of the route, and the name the wrapper has for it.
    x-evidence: Invented.
    update: {{tags: [official], x-resource: invented_lip_sync}}
"""


# In a process of its own: the generated package there is another one.
PROGRAM = """
import asyncio, json, sys
import httpx
from cometapi_runway import AsyncRunwayClient, InvalidRequestError, RunwayClient

sent = []

def gateway(request):
    sent.append([request.method, request.url.path, json.loads(request.content)])
    return httpx.Response(200, json={"id": "accepted"})

body = json.loads(sys.argv[1])
client = RunwayClient("sk-new-page", transport=httpx.MockTransport(gateway))
task = client.operation("lip_sync_an_invention").create(**body)
try:
    client.operation("lip_sync_an_invention").create(**{**body, "seed": "x"})
except InvalidRequestError as error:
    refusal = str(error)
try:
    client.operation("lip_sync_an_invention").create(character=body["character"])
except InvalidRequestError as error:
    missing = sorted(issue.path for issue in error.issues)

async def again():
    async with AsyncRunwayClient("sk", transport=httpx.MockTransport(gateway)) as client:
        return await client.operation("lip_sync_an_invention").create(**body)

other = asyncio.run(again())
print(json.dumps([task.id, other.id, task.operation, sent, refusal, missing]))
"""


ARGUMENTS = {
    "character": {"type": "image", "uri": "https://example.com/a.png"},
    "reference": {"type": "video", "uri": "https://example.com/a.mp4"},
    "body_control": False,
    "expression_intensity": 2,
    "seed": 7,
    "model": "lips_one",
    "ratio": "1280:720",
    "content_moderation": {"publicFigureThreshold": "auto"},
}


BODY = {
    "character": ARGUMENTS["character"],
    "reference": ARGUMENTS["reference"],
    "bodyControl": False,
    "expressionIntensity": 2,
    "seed": 7,
    "model": "lips_one",
    "ratio": "1280:720",
    "contentModeration": {"publicFigureThreshold": "auto"},
}


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A copy of the contract folder with one page more."""
    here = Workspace.here()
    shutil.copytree(here.root / "openapi", tmp_path / "openapi")
    shutil.copytree(here.package, tmp_path / "generated" / here.package.name)
    shutil.copy(here.pyproject, tmp_path)
    page = SEED_PAGE.read_text("utf-8")
    for old, new in (
        ("/runwayml/v1/character_performance", PATH),
        ("control_a_character", "lip_sync_an_invention"),
        ("post-control-a-character", "post-lip-sync-an-invention"),
    ):
        assert old in page
        page = page.replace(old, new)
    (tmp_path / "page.md").write_text(page, "utf-8")
    copy = Workspace(tmp_path)
    vendor(copy, str(tmp_path / "page.md"))
    (copy.overlays / "40-lip-sync.overlay.yaml").write_text(NAMES, "utf-8")
    regenerate(copy)
    return copy


def test_a_new_page_can_be_called_without_a_line_of_python(place: Workspace) -> None:
    packages = os.pathsep.join([str(place.package.parent), str(ROOT / "wrapper")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(ARGUMENTS)],
        env={**os.environ, "PYTHONPATH": packages},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second, operation, sent, refusal, missing = json.loads(done.stdout)
    assert (first, second, operation) == ("accepted", "accepted", "lip_sync_an_invention")
    assert sent == [["POST", PATH, BODY]] * 2
    assert "/seed must be a whole number" in refusal
    assert missing == sorted(ARGUMENTS.keys() - {"character"})
