"""openapi-python-client without a process of its own: it takes longer to load than to run."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock


def run_generator(*arguments: str) -> CompletedProcess[str]:
    """Run the generator with the arguments of its command line."""
    # Imported here: most tests do not need them.
    from openapi_python_client.cli import app  # noqa: PLC0415
    from typer.testing import CliRunner  # noqa: PLC0415

    tools = {"PATH": str(Path(sys.executable).parent)}
    with warnings.catch_warnings(), mock.patch.dict(os.environ, tools):
        warnings.simplefilter("ignore")
        done = CliRunner().invoke(app, arguments)
    return CompletedProcess([], done.exit_code, done.stdout, done.stderr)
