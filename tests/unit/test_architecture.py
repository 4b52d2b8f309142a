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


# What an object finds out or makes itself.
MADE = {
    "PartialFile": {"path", "origin", "_file"},
    "RequestAttempt": {
        "body", "response", "_has_events", "_has_started_connecting", "_has_started_sending",
        "_is_opening_tunnel", "_proxy_status",
    },
    "_Forecast": {"step", "ended", "waited", "_least", "_most"},
    "_Watch": {"span", "current", "requests", "attributes"},
    "_CreateWatch": {"is_sent", "outcome"},
    "_WaitWatch": {"status", "last_poll_at"},
    "_DownloadWatch": {"received"},
}  # fmt: skip
# They hold a connection, a lock, a clock or the contract, or stand for one of these.
SINGLE = {
    "ArgumentField", "AsyncFileClient", "AsyncScheduler", "AsyncSession", "AsyncVirtualClock",
    "ClientResource", "ContractChecker", "ExampleResponses", "FileClient", "Operation", "Parameter",
    "PartialFile", "RequestAttempt", "RequestChecker", "Response", "Scheduler", "Session",
    "SharedClock", "SimulatedTransport", "VirtualClock", "Visibility", "Wait", "WaitQueue", "_Body",
    "_CreateWatch", "_DownloadWatch", "_Forecast", "_Pools", "_RouterTransport", "_WaitWatch",
    "_Watch",
}  # fmt: skip


def test_what_an_object_makes_is_no_argument() -> None:
    seen = set()
    for one in list_attrs_classes(*ROOMS):
        if one.__name__ in MADE:
            seen.add(one.__name__)
            own = [field for field in attrs.fields(one) if not field.inherited]
            assert {field.name for field in own if not field.init} >= MADE[one.__name__], one
    assert seen == MADE.keys()


def test_what_is_alive_is_equal_to_itself_only() -> None:
    """So it can be a key, and comparing two never reads what they hold."""
    classes = list(list_attrs_classes(*ROOMS))
    assert {one.__name__ for one in classes if one.__hash__ is object.__hash__} >= SINGLE
    unshown = {one.__name__ for one in classes if one.__repr__ is object.__repr__}
    assert unshown >= {"AsyncFileClient", "AsyncSession", "FileClient", "Session"}


def test_what_is_known_of_a_task_is_given_by_name() -> None:
    """So that a further field of `Task` shifts none of them."""
    for kind in (TrackedTask, BoundTask, AsyncBoundTask):
        own = [field for field in attrs.fields(kind) if not field.inherited]
        assert own, kind
        assert all(field.kw_only for field in own), kind


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
