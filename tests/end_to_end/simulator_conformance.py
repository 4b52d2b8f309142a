"""Schemathesis against the running simulator, all checks and phases, stateful included.

    python tests/end_to_end/simulator_conformance.py [ARGUMENT OF `schemathesis run` …]

The simulator runs on a free loopback port. Its clock advances with each request, so that the run
meets tasks in every state and the same `--seed` sends the same requests. Some tasks fail or are
cancelled, and responses change shape from one poll to the next. The exit status is that of
schemathesis.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Unpack

from attrs import frozen

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "wrapper"), str(ROOT / "generated")]

from tests.end_to_end import preloaded_python  # noqa: E402
from tests.hypothesis_tables import link_tables  # noqa: E402

from cometapi_runway.simulator import (  # noqa: E402 - the path is set above
    Ending,
    Gateway,
    Options,
    Outcome,
    SimClock,
    SimulatorServer,
    When,
    failed,
)

SECONDS_PER_REQUEST = 2.0
KEY = "simulated-key"
# What a run of schemathesis loads, mostly when it needs it.
MODULES = (
    "pyrate_limiter",
    "rich.progress",
    "schemathesis.cli.commands.run.executor",
    "schemathesis.cli.commands.run.handlers.output",
    "schemathesis.engine.core",
    "schemathesis.engine.run.probes",
    "schemathesis.engine.run.stateful._executor",
    "schemathesis.engine.run.unit._hypothesis_executor",
    "schemathesis.engine.run.unit._pool",
    "schemathesis.python.asgi",
    "schemathesis.specs.openapi.schemas",
    "schemathesis.specs.openapi.stateful.dependencies",
    "schemathesis.transport.asgi",
    "schemathesis.transport.requests",
    "yaml",
)
ENDINGS = (
    Outcome(failed("SAFETY.INPUT.TEXT"), When(every=3)),
    Outcome(failed(None), When(every=5)),
    Outcome(Ending("CANCELLED"), When(every=7)),
)


@frozen
class Run:
    """The result of one run."""

    code: int
    output: str
    gateway: Gateway


def run(*arguments: str, **options: Unpack[Options]) -> Run:
    """Run schemathesis against a new simulator.

    Args:
        arguments: Further arguments for `schemathesis run`.
        options: Settings of the simulator that override the defaults above.
    """
    clock = options.pop("clock", SimClock.manual())
    options = {"clock": clock, "shape": "mixed", "outcomes": ENDINGS, **options}
    # schemathesis sends invalid requests, and the server would log each of them.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    # schemathesis leaves a folder in its working directory.
    with SimulatorServer(keys={KEY}, **options) as server, tempfile.TemporaryDirectory() as folder:
        link_tables(Path(folder))
        server.gateway.watchers.append(lambda _: clock.advance(SECONDS_PER_REQUEST))
        words = command_line(server.base_url, arguments)
        with preloaded_python.start(
            Path(find_spec("schemathesis.cli.__main__").origin),
            *words, modules=MODULES, folder=Path(folder),
        ) as done:  # fmt: skip
            output, _ = done.communicate()
        return Run(done.returncode, output, server.gateway)


def command_line(base_url: str, arguments: Sequence[str]) -> list[str]:
    """The arguments of schemathesis in a run."""
    return [
        *("--config-file", str(Path(__file__).with_name("schemathesis.toml"))),
        *("run", str(ROOT / "openapi" / "runway.yaml"), "--url", base_url),
        *("--header", f"Authorization: Bearer {KEY}"),
        *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
        # Not `--generation-deterministic`, which draws without a seed.
        *("--seed", "1", "--workers", "1", "--no-color"),
        *arguments,
    ]


if __name__ == "__main__":
    done = run(*sys.argv[1:])
    print(done.output)
    sys.exit(done.code)
