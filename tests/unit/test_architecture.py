"""`docs/architecture.md` names files that exist, and every room of the package."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import cometapi_runway

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


ROOMS = ("_core", "_flows", "_io", "_capture", "_live_check", "batch", "journal", "resources",
         "telemetry", "testing", "validation")  # fmt: skip
"""Those of the client itself."""


def list_attrs_classes(*rooms: str) -> Iterator[type]:
    for info in pkgutil.walk_packages(cometapi_runway.__path__, "cometapi_runway."):
        if info.name.split(".")[1] not in rooms:
            continue
        module = importlib.import_module(info.name)
        for one in vars(module).values():
            # `SafeClient` has the fields of the generated client.
            if isinstance(one, type) and attrs.has(one) and one.__module__ == info.name:
                yield from () if one.__name__ == "SafeClient" else (one,)


def test_no_constructor_takes_a_state_that_its_object_makes() -> None:
    found = list(list_attrs_classes(*ROOMS))
    assert len(found) > 50
    for one in found:
        own = [field for field in attrs.fields(one) if field.name.startswith("_")]
        made = [field.name for field in own if field.default is not attrs.NOTHING and field.init]
        assert not made, one


def test_what_has_a_state_of_its_own_is_equal_to_itself_only() -> None:
    for one in list_attrs_classes(*ROOMS):
        if not all(field.init for field in attrs.fields(one)):
            assert one.__eq__ is object.__eq__, one
