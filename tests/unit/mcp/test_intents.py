"""Plans in files: what cannot be read is unknown, and what cannot be removed stays for later."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cometapi_runway.errors import ConfigurationError
from cometapi_runway.mcp import _intents
from cometapi_runway.mcp._intents import Intent, IntentStore

ID = "0123456789abcdef"
WHOLE = {"resource": "video_upscale", "gateway": "https://example.com", "body": {"a": ["é"]}}


@pytest.fixture
def store(tmp_path: Path) -> IntentStore:
    return IntentStore(tmp_path / "plans" / "of one")


def test_a_plan_is_read_as_it_was_written(store: IntentStore) -> None:
    intents = [Intent("r", "g", {"a": [1, None, "é"]}) for _ in range(3)]
    for intent in intents:
        store.save(intent)
    assert len({intent.id for intent in intents}) == 3
    assert [store.load(intent.id) for intent in intents] == intents
    assert sorted(path.name for path in store.folder.iterdir()) == sorted(
        f"{intent.id}.json" for intent in intents
    )
    assert store.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in store.folder.iterdir()} == {0o600}
    assert "é" not in repr(intents[0])


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'{"resource": "r"}',
        *(json.dumps({**WHOLE, name: 5}).encode() for name in WHOLE),
        *(json.dumps({key: value for key, value in WHOLE.items() if key != name}).encode()
          for name in WHOLE),
    ],
)  # fmt: skip
def test_a_damaged_file_is_no_plan(store: IntentStore, content: bytes) -> None:
    store.folder.mkdir(parents=True)
    path = store.folder / f"{ID}.json"
    path.write_text(json.dumps(WHOLE), "utf-8")
    assert store.load(ID) == Intent("video_upscale", "https://example.com", {"a": ["é"]}, ID)
    path.write_bytes(content)
    assert store.load(ID) is None


def test_what_is_no_file_is_no_plan(store: IntentStore) -> None:
    assert store.load(ID) is None
    store.remove(ID)
    (store.folder / f"{ID}.json" / "x").mkdir(parents=True)
    assert store.load(ID) is None
    store.remove(ID)
    os.utime(store.folder / f"{ID}.json", (0, 0))
    store.remove_old()
    assert [path.name for path in store.folder.iterdir()] == [f"{ID}.json"]


@pytest.mark.parametrize("name", [ID[:-1], f"{ID}0", ID.upper(), "../secret", ""])
def test_a_name_that_is_no_id_is_never_looked_for(store: IntentStore, name: str) -> None:
    path = store.folder / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(WHOLE), "utf-8")
    os.utime(path, (0, 0))
    assert store.load(name) is None
    store.remove_old()
    assert path.exists()


def test_a_plan_is_old_after_a_week(store: IntentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_intents.time, "time", lambda: 8 * 86_400.0)
    store.folder.mkdir(parents=True)
    for number, modified in enumerate((86_399, 86_400, 86_401)):
        path = store.folder / f"{number:016x}.json"
        path.write_text("{}")
        os.utime(path, (modified, modified))
    # Its age cannot be read.
    (store.folder / f"{ID}.json").symlink_to(f"{ID}.json")
    store.remove_old()
    left = sorted(path.name for path in store.folder.iterdir())
    assert left == [f"{1:016x}.json", f"{2:016x}.json", f"{ID}.json"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "plans"
    with pytest.raises(ConfigurationError, match=f"cannot keep the plan in {folder}: ") as refused:
        IntentStore(folder).save(Intent("r", "g", {}))
    assert refused.value.setting == "journal"
    assert isinstance(refused.value.__cause__, OSError)
