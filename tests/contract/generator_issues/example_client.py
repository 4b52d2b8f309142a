"""Generating a client from one of the example_documents, and driving it."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from attrs import define, field

from . import example_documents

# The repository's own settings: an infidelity that they avoid is none of ours.
CONFIG = Path(__file__).parents[3] / "openapi" / "generator.yaml"
NAME = "unfaithful_client"


@define
class GeneratorRun:
    """How a run of the generator ended."""

    code: int
    words: str
    package: Path

    def modules(self) -> set[str]:
        """The operations that made it into the package."""
        return {one.stem for one in self.package.glob("api/*/*.py")} - {"__init__"}


def generate(document: dict[str, Any], name: str, folder: Path) -> GeneratorRun:
    """Generate a client, warnings left as warnings."""
    source, package = folder / f"{name}.json", folder / name
    source.write_text(json.dumps(document), "utf-8")
    tools = str(Path(sys.executable).parent)
    done = subprocess.run(
        [sys.executable, "-I", "-m", "openapi_python_client", "generate", "--meta", "none",
         "--path", source, "--config", CONFIG, "--output-path", package],
        env={"PATH": os.pathsep.join([tools, os.environ["PATH"]])},
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    return GeneratorRun(done.returncode, done.stdout + done.stderr, package)


@define
class ExampleClient:
    """A generated client behind a captured wire.

    Attributes:
        name: its import name; its folder is on the path.
        answer: what the wire answers.
        sent: what was sent.
    """

    name: str
    answer: httpx.Response = field(factory=lambda: httpx.Response(200, json={}))
    sent: list[httpx.Request] = field(factory=list)

    def module(self, operation: str, tag: str = "odd") -> ModuleType:
        """The module of an operation, imported now."""
        return importlib.import_module(f"{self.name}.api.{tag}.{operation}")

    def model(self, name: str) -> Any:
        """A model by its class name."""
        return getattr(importlib.import_module(f"{self.name}.models"), name)

    def client(self, **options: Any) -> Any:
        """A client of the kind that takes a key."""
        made = importlib.import_module(f"{self.name}.client").AuthenticatedClient
        transport = httpx.MockTransport(self._handle)
        return made("http://example.test", token="a-key", **{
            "httpx_args": {"transport": transport}, **options})  # fmt: skip

    def call(self, operation: str, **arguments: Any) -> Any:
        """Call an operation and return its detailed response."""
        with self.client() as client:
            return self.module(operation).sync_detailed(client=client, **arguments)

    def send(self, operation: str, **arguments: Any) -> httpx.Request:
        """Call an operation and return what was sent."""
        self.call(operation, **arguments)
        return self.sent[-1]

    def body(self, operation: str, body: Any) -> Any:
        """Call an operation and return the body that was sent."""
        return json.loads(self.send(operation, body=body).content)

    def parse(self, operation: str, value: Any, status: int = 200) -> Any:
        """What the client makes of a JSON answer."""
        self.answer = httpx.Response(status, json=value)
        return self.call(operation).parsed

    def _handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.sent.append(request)
        return self.answer


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where clients are generated; on the path."""
    made = tmp_path_factory.mktemp("unfaithful")
    sys.path.insert(0, str(made))
    yield made
    sys.path.remove(str(made))


@pytest.fixture(scope="session")
def package(folder):
    """The client that talks."""
    run = generate(example_documents.EXCHANGES, NAME, folder)
    assert run.code == 0, run.words
    return NAME


@pytest.fixture
def example(package):
    """The client that talks, behind a fresh transport."""
    return ExampleClient(package)
