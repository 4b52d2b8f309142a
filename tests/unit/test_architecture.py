"""`docs/architecture.md` names files that exist, and every room of the package."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
from tests.cases import each_case

import cometapi_runway
from cometapi_runway._core.task import Task
from cometapi_runway._flows.submit import SubmitRequest
from cometapi_runway.journal import SubmissionRecord
from cometapi_runway.resources._bound_task import AsyncBoundTask, BoundTask
from cometapi_runway.resources._client_journal import AsyncClientJournal, ClientJournal
from cometapi_runway.resources._tracked_task import TrackedTask

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PACKAGE = ROOT / "wrapper" / "cometapi_runway"
# Names that the page shortens are relative to one of these.
BASES = (ROOT, PACKAGE, ROOT / "openapi" / "contract_tools")
NAMED = sorted(set(re.findall(r"`([\w./-]+(?:\.py|/))`", TEXT)))


@each_case("name", NAMED)
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


# What is long, or says nothing to a reader.
UNSHOWN_TYPES = re.compile(
    r"(Async)?Session|BinaryIO|Mapping\[str, Object\]|bytes|bytearray|httpx\.Response|Visibility"
    r"|TraceContext|tuple\[Response, \.\.\.\]"
)
UNSHOWN_NAMES = {"raw", "owner", "accepted_at", "is_halted", "to_httpx", "_session",
                 "payload", "layers", "document"}  # fmt: skip


def test_no_representation_shows_a_connection_or_a_body() -> None:
    for one in list_attrs_classes(*ROOMS):
        for field in attrs.fields(one):
            kind = str(field.type).removesuffix(" | None")
            if UNSHOWN_TYPES.fullmatch(kind) or field.name in UNSHOWN_NAMES:
                assert not field.repr, (one, field.name)


def test_what_says_nothing_about_a_task_does_not_make_it_another() -> None:
    """How the client knows it, and who recorded it."""
    apart = {"raw", "trace_parent", "model", "accepted_at", "is_reused", "error", "visibility",
             "session", "_session", "owner", "trace"}  # fmt: skip
    for one in (Task, TrackedTask, BoundTask, AsyncBoundTask, SubmissionRecord, SubmitRequest,
                ClientJournal, AsyncClientJournal):  # fmt: skip
        names = {field.name for field in attrs.fields(one)} & apart
        own = (
            {"model", "trace_parent", "error"}
            if one in {SubmissionRecord, SubmitRequest}
            else set()
        )
        unequal = {field.name for field in attrs.fields(one) if field.name in names and field.eq}
        assert unequal <= own, one
