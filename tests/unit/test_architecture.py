"""`docs/architecture.md` names files that exist, and every room of the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PACKAGE = ROOT / "wrapper" / "cometapi_runway"
# Names that the page shortens are relative to one of these.
BASES = (ROOT, PACKAGE, ROOT / "openapi" / "contract_tools")
NAMED = sorted(set(re.findall(r"`([\w./-]+(?:\.py|/))`", TEXT)))


@pytest.mark.parametrize("name", NAMED)
def test_a_named_file_or_folder_exists(name: str) -> None:
    assert any((base / name).exists() for base in BASES)


def test_every_room_is_described() -> None:
    rooms = {
        path.name + ("/" if path.is_dir() else "")
        for path in PACKAGE.iterdir()
        if not path.name.startswith("__") and path.name != "py.typed"
    }
    described = set(re.findall(r"^\| `([\w./]+)` \|", TEXT, re.MULTILINE))
    assert rooms <= described


def test_the_walks_name_enough_files_to_follow() -> None:
    assert len(NAMED) > 30
