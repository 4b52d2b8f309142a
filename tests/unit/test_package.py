"""The public names of the package, and what an import loads."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

import cometapi_runway

ROOT = Path(__file__).parents[2]
HEAVY = ("httpx", "httpcore", "attrs", "attr", "cometapi_runway_api", "jsonschema_rs", "asyncio")


def run(program: str) -> Any:
    """Return what a fresh interpreter prints, parsed as JSON."""
    path = f"import sys; sys.path[:0] = [{str(ROOT / 'wrapper')!r}, {str(ROOT / 'generated')!r}]"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{path}\nimport json\n{program}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


LOADED = f"print(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"


def test_importing_the_package_loads_no_dependency() -> None:
    count = (
        "before = set(sys.modules)\n"
        "import cometapi_runway\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = run(count)
    assert loaded == ["cometapi_runway", "cometapi_runway._core", "cometapi_runway._core.version"]
    assert run(f"import cometapi_runway\n{LOADED}") == []


# What each stage of a program may not load, its modules included.
OTHER_USES = (
    "asyncio", "concurrent", "sqlite3", "cometapi_runway._async_client", "cometapi_runway._capture",
    "cometapi_runway._flows.download", "cometapi_runway._io.async_driver",
    "cometapi_runway._io.async_transport", "cometapi_runway._io.fetch",
    "cometapi_runway._io.file_client", "cometapi_runway._io.scheduler", "cometapi_runway.batch",
    "cometapi_runway.callbacks", "cometapi_runway.cli", "cometapi_runway.journal",
    "cometapi_runway.mcp", "cometapi_runway.simulator", "cometapi_runway.telemetry",
    "cometapi_runway.testing", "dbos", "opentelemetry", "psycopg",
)  # fmt: skip
FIRST_CALL = (
    "cometapi_runway._flows.submit", "cometapi_runway._flows.wait", "cometapi_runway.validation",
    "cometapi_runway_api", "jsonschema_rs", "tomllib",
)  # fmt: skip


def test_a_blocking_client_loads_only_what_it_uses() -> None:
    """`httpx` itself loads the libraries of its command line, where they are installed."""
    stages = run(
        "import httpx\n"
        "httpx.Client()\n"
        "before = set(sys.modules)\n"
        "from cometapi_runway import RunwayClient\n"
        "reply = lambda _: httpx.Response(200, json={'id': 'x', 'status': 'RUNNING'})\n"
        "client = RunwayClient('a-key', transport=httpx.MockTransport(reply))\n"
        "client.video_upscale.create, client.tasks.retrieve\n"
        "ready = set(sys.modules) - before\n"
        "client.video_upscale.create(video_uri='https://example.com/a.mp4')\n"
        "client.tasks.retrieve('x')\n"
        "print(json.dumps([sorted(ready), sorted(set(sys.modules) - before)]))"
    )
    ready, called = (
        {".".join(name.split(".")[:n]) for name in names for n in range(1, 4)} for names in stages
    )
    assert ready & {*OTHER_USES, *FIRST_CALL} == set()
    assert called & set(OTHER_USES) == set()
    assert set(FIRST_CALL) - {"tomllib"} <= called


@each_case(
    ("name", "allowed"),
    [
        ("RunwayError", {"attrs", "attr"}),
        ("Issue", {"attrs", "attr"}),
        ("Task", {"attrs", "attr"}),
        ("__version__", set()),
    ],
)
def test_a_name_loads_only_what_it_needs(name: str, allowed: set[str]) -> None:
    assert set(run(f"from cometapi_runway import {name}\n{LOADED}")) <= allowed


def test_errors_can_be_caught_without_loading_a_client() -> None:
    program = "import cometapi_runway\ncometapi_runway.RateLimitError(429)\n" + LOADED
    assert "httpx" not in run(program)


def test_every_public_name_exists_and_is_listed() -> None:
    listed = run("import cometapi_runway\nprint(json.dumps(dir(cometapi_runway)))")
    assert set(cometapi_runway.__all__) <= set(listed)
    assert sorted(cometapi_runway.__all__) == list(cometapi_runway.__all__)
    for name in cometapi_runway.__all__:
        value = getattr(cometapi_runway, name)
        own_name = getattr(value, "__name__", "__version__")
        assert (own_name, name) == ("Literal", "TaskStatus") or own_name == name
        # It is kept, so that the next use is an ordinary one.
        assert value is vars(cometapi_runway)[name]
    assert {name for name in listed if not name.startswith("_")} >= {
        name for name in cometapi_runway.__all__ if not name.startswith("_")
    }


def test_a_star_import_imports_every_public_name() -> None:
    names = run(
        "space = {}\nexec('from cometapi_runway import *', space)\n"
        "print(json.dumps(sorted(n for n in space if n not in {'__builtins__'})))"
    )
    assert names == sorted(cometapi_runway.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'RunwayML'"):
        cometapi_runway.RunwayML  # noqa: B018 - the access is the test


def test_every_error_is_in_the_tree_of_the_docstring() -> None:
    errors = import_module("cometapi_runway.errors")
    assert errors.__doc__ is not None
    drawn = errors.__doc__.partition("An error that")[0]
    found = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(found) > 20
    for kind in found:
        assert issubclass(kind, errors.RunwayError)
        assert kind.__name__ in drawn
        assert kind.__name__ in cometapi_runway.__all__
        assert kind.__doc__
    lines = {line.split("── ")[1].split()[0]: line for line in drawn.splitlines() if "── " in line}
    assert lines.keys() | {"RunwayError"} == {kind.__name__ for kind in found}
    for kind in set(found) - {errors.RunwayError}:
        level = lines[kind.__name__].index("──") // 4
        assert kind.__mro__.index(errors.RunwayError) == level, kind


def test_the_version_matches_the_distribution() -> None:
    try:
        installed = version("cometapi-runway")
    except PackageNotFoundError:
        installed = cometapi_runway.__version__
    assert cometapi_runway.__version__ == installed


def test_the_package_is_typed() -> None:
    for package in ("cometapi_runway", "cometapi_runway_api"):
        folder = Path(str(import_module(package).__file__)).parent
        assert (folder / "py.typed").is_file()
