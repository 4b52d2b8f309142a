"""A terminal and a simulated gateway for each command."""

from __future__ import annotations

import copy
import errno
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

# cyclopts validates values a second time once pydantic is loaded, as it is in many applications.
import pydantic
import pytest
from cyclopts import App, field_info
from cyclopts.argument import ArgumentCollection, _collection
from cyclopts.argument.utils import extract_docstring_help

from cometapi_runway.cli._commands import create
from cometapi_runway.cli._options.resource_options import ResourceOption
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.journal import Journal
from cometapi_runway.resources._client_resources import ClientResource
from cometapi_runway.simulator import (
    INSTANT,
    Gateway,
    SimulatorServer,
)

from .named_commands import check_named_commands
from .terminal import CREATE, KEY, Terminal


@pytest.fixture(scope="session")
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(timings=INSTANT, keys={KEY}) as running:
        yield running


@pytest.fixture(autouse=True, scope="session")
def _cache_scripts() -> Iterator[None]:
    """Generate the script of each shell once: cyclopts takes up to a second for each."""
    generate = App.generate_completion
    known: dict[tuple[object, ...], str] = {}

    def remembered(app: App, **options: Any) -> str:
        key = (app.name, *options.items())
        if key not in known:
            known[key] = generate(app, **options)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "generate_completion", remembered)
        yield


@pytest.fixture(autouse=True, scope="session")
def _cache_options() -> Iterator[None]:
    """Work out the options of each command once: cyclopts does so five times for each call.

    More than half of the time of these tests went to it. `cli_process` has the commands as they
    are.
    """
    make = create._make_function
    functions: dict[object, Callable[..., ExitCode]] = {}
    collect = ArgumentCollection._from_callable
    collections: dict[object, ArgumentCollection] = {}

    def remembered(resource: ClientResource, options: Sequence[ResourceOption]) -> Any:
        key = resource.name, *((one.argument, one.field, one.metavar) for one in options)
        if key not in functions:
            functions[key] = make(resource, options)
        return functions[key]

    def collected(
        kind: type[ArgumentCollection], function: Any, *defaults: Any, **options: Any
    ) -> ArgumentCollection:
        options["reserved"] = tuple(options.get("reserved") or ())
        key = function, defaults, tuple(options.items())
        if key not in collections:
            collections[key] = collect(function, *defaults, **options)
        return copy_arguments(collections[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create, "_make_function", remembered)
        patch.setattr(ArgumentCollection, "_from_callable", classmethod(collected))
        patch.setattr(field_info, "get_type_hints", cache(get_type_hints))
        patch.setattr(_collection, "extract_docstring_help", cache(extract_docstring_help))
        patch.setattr(pydantic, "TypeAdapter", cache(pydantic.TypeAdapter))
        yield


def copy_arguments(arguments: ArgumentCollection) -> ArgumentCollection:
    """Copy what reading a command line changes: each argument, and which are its children."""
    copies = {id(one): copy.copy(one) for one in arguments}
    for one in copies.values():
        one.tokens = list(one.tokens)
        one.children = ArgumentCollection(copies[id(child)] for child in one.children)
    return ArgumentCollection(copies.values())


@pytest.fixture
def gateway(server: SimulatorServer) -> Gateway:
    server.gateway.reset()
    return server.gateway


@pytest.fixture
def run(
    gateway: Gateway,
    server: SimulatorServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Terminal]:
    """Commands in an empty folder, with their own key, journal and gateway."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMETAPI_KEY", KEY)
    monkeypatch.setenv("COMETAPI_RUNWAY_BASE_URL", server.base_url)
    monkeypatch.setenv("COMETAPI_RUNWAY_JOURNAL", str(tmp_path / "journal.sqlite3"))
    monkeypatch.setenv("COMETAPI_RUNWAY_CONFIG", str(tmp_path / "config.toml"))
    terminal = Terminal(capsys)
    yield terminal
    for result in terminal.history:
        assert KEY not in result.everything
        assert "Traceback" not in result.everything
        check_named_commands(result.everything)
        if result.code:
            assert re.search('^next:|"next"', result.err, re.MULTILINE)


@pytest.fixture
def journal(tmp_path: Path, run: Terminal) -> Iterator[Journal]:
    found = Journal(tmp_path / "journal.sqlite3")
    yield found
    found.close()


@pytest.fixture
def read_only_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that even a superuser cannot write, unlike one with restricted modes."""
    folder = tmp_path / "read_only_folder"
    folder.mkdir()
    probe = tempfile.TemporaryFile

    def refuse(*, dir: Path) -> Any:
        if Path(dir).absolute() == folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(dir))
        return probe(dir=dir)

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    return folder


@pytest.fixture
def three_tasks(run: Terminal) -> list[str]:
    """Three tasks in the journal, none waited for."""
    return [run(*CREATE, "--no-wait").out.strip() for _ in range(3)]
