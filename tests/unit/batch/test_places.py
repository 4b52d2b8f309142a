"""Where records and outputs are: what is decided from the arguments, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from sqlalchemy.exc import DBAPIError

from cometapi_runway._core.secret import Secret
from cometapi_runway.batch import _places
from cometapi_runway.batch._outputs import is_remote, open_folder
from cometapi_runway.batch._places import Place, check_database, make_place
from cometapi_runway.errors import ConfigurationError, DownloadError, MissingExtraError
from cometapi_runway.journal import Journal

DATABASE = Secret("postgresql://user:pa55@host:5433/name?sslmode=disable")


def test_records_are_in_the_folder_unless_another_is_named(tmp_path: Path) -> None:
    temporary = Path(tempfile.gettempdir()) / "cometapi-runway"
    for folder, data, database, expected in (
        (str(tmp_path), None, None, Place(tmp_path / ".cometapi-runway")),
        (str(tmp_path), tmp_path / "d", None, Place(tmp_path / "d")),
        ("s3://bucket", tmp_path / "d", None, Place(tmp_path / "d")),
        (str(tmp_path), "relative", None, Place(Path.cwd() / "relative")),
        (str(tmp_path), None, DATABASE, Place(temporary, DATABASE)),
        (str(tmp_path), tmp_path / "d", DATABASE, Place(tmp_path / "d", DATABASE)),
    ):
        assert make_place(folder, data, database) == expected
    with pytest.raises(ConfigurationError, match="data: a batch with a remote folder") as refusal:
        make_place("s3://bucket/out", None, None)
    assert (refusal.value.setting, refusal.value.is_missing) == ("data", True)


def test_a_database_is_one_of_postgresql(tmp_path: Path) -> None:
    for scheme in ("postgresql", "postgres"):
        check_database(Secret(f"{scheme}://h/d"))
    for url in ("mysql://u:pa55@h/d", "sqlite:///d", "name", ""):
        for check in (check_database, lambda one: make_place("out", tmp_path, one)):
            with pytest.raises(ConfigurationError, match="database: must be") as refusal:
                check(Secret(url))
            assert refusal.value.setting == "database"
            assert "pa55" not in str(refusal.value)


def test_the_urls_of_the_engine() -> None:
    place = Place(Path("/data"))
    assert place.get_batch_folder("b") == Path("/data/batches/b")
    assert place.get_engine_url("b") == "sqlite:////data/batches/b/engine.sqlite3"
    url = Place(Path("/data"), DATABASE).get_engine_url("b")
    assert url.startswith("postgresql+psycopg://user:pa55@/name?")
    assert {"host=host", "port=5433", "sslmode=disable"} <= set(url.partition("?")[2].split("&"))
    with pytest.raises(ConfigurationError, match="is not a URL of PostgreSQL") as refusal:
        Place(Path("/data"), Secret("postgresql://h/d?no=option")).get_engine_url("b")
    assert refusal.value.setting == "database"


def test_the_journal_is_the_database_the_callers_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_place(str(tmp_path / "a" / "out"), None, None)
    with contextlib.closing(place.open_journal(None)) as journal:
        assert (place.data / "journal.sqlite3").exists()
        assert place.open_journal(journal) is journal
    with contextlib.closing(place.open_journal(tmp_path / "own.journal")):
        assert (tmp_path / "own.journal").exists()
    opened: list[str] = []
    monkeypatch.setattr(
        _places,
        "Journal",
        type("J", (Journal,), {"__init__": lambda _, where: opened.append(where)}),
    )
    database = Place(tmp_path, DATABASE)
    with pytest.raises(ConfigurationError, match="has its journal there") as refusal:
        database.open_journal(tmp_path / "own.journal")
    assert refusal.value.setting == "journal"
    assert opened == []
    database.open_journal(None)
    assert opened == [DATABASE.reveal()]


def test_batches_are_listed_by_name(tmp_path: Path) -> None:
    place = Place(tmp_path / "new")
    assert place.list_names() == []
    for name in ("b", "a"):
        place.open_store(name).close()
    assert place.list_names() == ["a", "b"]
    store = place.open_store("a")
    with place.lease("a", store) as (number, leases):
        assert 0 < int(number) < 2**31
        assert leases.find_living() == {number}
        assert (place.is_run("a", store), place.is_run("b", store)) == (True, False)
        with (
            pytest.raises(ConfigurationError, match=r"^batch 'a' is run by another process"),
            place.lease("a", store),
        ):
            pass
    assert not place.is_run("a", store)
    store.close()


def test_a_store_that_cannot_be_opened_is_refused_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "batches").write_text("a file")
    url = Secret("postgresql://u:pa55@127.0.0.1:1/d?connect_timeout=1")
    for place in (Place(tmp_path), Place(tmp_path, url)):
        with pytest.raises(ConfigurationError, match=r"database: cannot be opened: \S") as refusal:
            place.open_store("b")
        assert refusal.value.setting == "database"
        assert "pa55" not in str(refusal.value)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("library", ["dbos", "sqlalchemy", "psycopg"])
def test_a_missing_library_is_named_before_anything_is_opened(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = _places.find_spec
    monkeypatch.setattr(_places, "find_spec", lambda name: None if name == library else find(name))
    with pytest.raises(MissingExtraError, match=library) as refusal:
        Place(tmp_path / "new").open_store("b")
    assert refusal.value.setting == "batch"
    assert not (tmp_path / "new").exists()


class FakeTask:
    """A task with a number of outputs."""

    id = "task-1"

    def __init__(self, count: int) -> None:
        self.output = ["https://e.com/a.png"] * count

    async def download_as(self, folder: Path, stems: list[str]) -> list[Path]:
        files = [folder / f"{stem}.png" for stem in stems]
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(file.name)
        return files


@pytest.mark.parametrize("is_url", [False, True])
def test_outputs_have_the_name_of_their_row(is_url: bool, tmp_path: Path) -> None:
    place = tmp_path / "new" / "out"
    url = f"file://{place}/" if is_url else str(place)
    assert is_remote(url) is is_url
    folder = open_folder(url)
    for count, name, expected in (
        (1, "fox", ["fox.png"]),
        (2, "heroes/owl", ["heroes/owl-1of2.png", "heroes/owl-2of2.png"]),
    ):
        task: Any = FakeTask(count)
        assert list(asyncio.run(folder.save(task, name))) == expected
        assert [(place / one).read_text() for one in expected] == [
            one.rpartition("/")[2] for one in expected
        ]
    # A folder that is there is opened again.
    open_folder(url)
    results = tmp_path / "results.jsonl"
    for content in ("one", "two"):
        results.write_text(content)
        folder.publish(results)
        assert not is_url or (place / "results.jsonl").read_text() == content
    assert is_url or not (place / "results.jsonl").exists()


def test_a_folder_that_cannot_be_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    for folder in (str(file), str(file / "deep"), "nothing-like-it://bucket", "s3://bucket/out"):
        with pytest.raises(ConfigurationError, match=r"output: cannot (create|open) ") as refusal:
            open_folder(folder)
        assert refusal.value.setting == "output"
        assert folder in str(refusal.value)


@pytest.mark.parametrize("path", ["bucket/X", "bucket/X/"])
def test_a_remote_folder_has_no_part_without_a_name(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[str] = []
    system = SimpleNamespace(
        makedirs=lambda *_, **__: None, put_file=lambda _, target: put.append(target)
    )
    core = SimpleNamespace(url_to_fs=lambda _: (system, path))
    monkeypatch.setitem(sys.modules, "fsspec.core", core)  # type: ignore[arg-type]
    open_folder(f"any://{path}").publish(tmp_path / "results.jsonl")
    assert put == ["bucket/X/results.jsonl"]


def test_an_output_that_cannot_be_put_names_task_and_place() -> None:
    folder: Any = open_folder("memory://bucket/out")
    broken = SimpleNamespace(makedirs=lambda *_, **__: None, put_file=lambda *_: 1 / 0)
    folder = type(folder)(folder.url, broken, "out")
    task: Any = FakeTask(1)
    with pytest.raises(DownloadError, match=r"cannot save \['a.png'\] at memory://") as refusal:
        asyncio.run(folder.save(task, "a"))
    assert refusal.value.task_id == "task-1"
    assert isinstance(refusal.value.__cause__, ZeroDivisionError)


def test_why_a_database_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        # The driver's reason, without SQLAlchemy's and without further lines.
        (DBAPIError("SELECT 1", None, Exception(" locked\nagain")), "locked"),
    ]
    place = make_place(str(tmp_path), None, None)
    for error, reason in errors:

        def fail(_: object, __: str, error: Exception = error) -> NoReturn:
            raise error

        monkeypatch.setattr(Place, "_open_database", fail)
        with pytest.raises(ConfigurationError) as caught:
            place.open_store("b")
        assert str(caught.value) == f"database: cannot be opened: {reason}"
        assert caught.value.setting == "database"
        assert caught.value.__suppress_context__
