"""Generates a client from an example document and calls it."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from attrs import define, field
from tests.generator_in_process import run_generator

from . import example_documents

# The settings of this repository: an issue that they avoid does not concern it.
CONFIG = Path(__file__).parents[3] / "openapi" / "generator.yaml"
NAME = "example_client"


@define
class GeneratorRun:
    """The result of a generator run."""

    code: int
    output: str
    package: Path

    def modules(self) -> set[str]:
        """The operations in the package."""
        return {one.stem for one in self.package.glob("api/*/*.py")} - {"__init__"}


def generate(document: Mapping[str, Any], name: str, folder: Path, *options: str) -> GeneratorRun:
    """Generate a client into a folder; `options` are further options of the generator."""
    source, package = folder / f"{name}.json", folder / name
    source.write_text(json.dumps(document), "utf-8")
    files = ("--path", source, "--config", CONFIG, "--output-path", package)
    done = run_generator("generate", "--meta", "none", *options, *map(str, files))
    return GeneratorRun(done.returncode, done.stdout + done.stderr, package)


@define
class ExampleClient:
    """A generated client with a mock transport.

    Attributes:
        name: its import name; its folder is on the path.
        response: the response to every request.
        sent: the requests.
    """

    name: str
    response: httpx.Response = field(factory=lambda: httpx.Response(200, json={}))
    sent: list[httpx.Request] = field(factory=list)

    def module(self, operation: str, tag: str = "odd") -> ModuleType:
        """Import the module of an operation."""
        return importlib.import_module(f"{self.name}.api.{tag}.{operation}")

    def model(self, name: str) -> Any:
        """A model by its class name."""
        return getattr(importlib.import_module(f"{self.name}.models"), name)

    def client(self, **options: Any) -> Any:
        """An authenticated client."""
        client_class = importlib.import_module(f"{self.name}.client").AuthenticatedClient
        transport = httpx.MockTransport(self._handle)
        return client_class("http://example.test", token="a-key", **{
            "httpx_args": {"transport": transport}, **options})  # fmt: skip

    def call(self, operation: str, **arguments: Any) -> Any:
        """Call an operation and return its detailed response."""
        with self.client() as client:
            return self.module(operation).sync_detailed(client=client, **arguments)

    def send(self, operation: str, **arguments: Any) -> httpx.Request:
        """Call an operation and return the request that was sent."""
        self.call(operation, **arguments)
        return self.sent[-1]

    def body(self, operation: str, body: Any) -> Any:
        """Call an operation and return the body that was sent."""
        return json.loads(self.send(operation, body=body).content)

    def parse(self, operation: str, value: Any, status: int = 200) -> Any:
        """Respond with JSON and return what the client parses."""
        self.response = httpx.Response(status, json=value)
        return self.call(operation).parsed

    def _handle(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.sent.append(request)
        return self.response


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The folder of the generated clients; it is on the import path."""
    path = tmp_path_factory.mktemp("generated")
    sys.path.insert(0, str(path))
    yield path
    sys.path.remove(str(path))


@pytest.fixture(scope="session")
def package(folder):
    """The client of the `EXCHANGES` document."""
    run = generate(example_documents.EXCHANGES, NAME, folder)
    assert run.code == 0, run.output
    return NAME


@pytest.fixture
def example(package):
    """The client of the `EXCHANGES` document, with a new transport."""
    return ExampleClient(package)
