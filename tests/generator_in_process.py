"""openapi-python-client without a process of its own: it takes longer to load than to run."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from jinja2 import Environment, FileSystemBytecodeCache

# Half of its time it compiles templates, which are always the same.
TEMPLATES = Path(__file__).resolve().parents[1] / ".build" / "generator-templates"


def run_generator(*arguments: str) -> CompletedProcess[str]:
    """Run the generator with the arguments of its command line."""
    # Imported here: most tests do not need them.
    import openapi_python_client
    from openapi_python_client.cli import app
    from typer.testing import CliRunner

    kept = TEMPLATES / f"{version('openapi-python-client')}-{version('jinja2')}"
    kept.mkdir(parents=True, exist_ok=True)
    environment = functools.partial(Environment, bytecode_cache=FileSystemBytecodeCache(str(kept)))
    tools = {"PATH": str(Path(sys.executable).parent)}
    with (
        warnings.catch_warnings(),
        mock.patch.dict(os.environ, tools),
        mock.patch.object(openapi_python_client, "Environment", environment),
    ):
        warnings.simplefilter("ignore")
        done = CliRunner().invoke(app, arguments)
    return CompletedProcess([], done.exit_code, done.stdout, done.stderr)
