"""What the command line takes to start, beside what it is built on.

Run it: `python tests/benchmarks/startup.py`.

The measure is `python -c pass` plus the import of cyclopts, the library behind the commands: help
and version may take twice that. Each figure is the best of many processes, taken in turns, so
that a busy machine disturbs all of them alike; processor time is judged, since it is disturbed
least.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROUNDS = 25
LIMIT = 2.0
# As an installed command does it; `-m` would add what runpy takes.
CLI = ("-c", "from cometapi_runway.cli import main; main()")
BASE = "import cyclopts"
MEASURED: Mapping[str, tuple[str, ...]] = {
    "pass": ("-c", "pass"),
    BASE: ("-c", BASE),
    "--version": (*CLI, "--version"),
    "--help": (*CLI, "--help"),
    "character-performance --help": (*CLI, "character-performance", "--help"),
    "tasks wait --help": (*CLI, "tasks", "wait", "--help"),
    "tasks list": (*CLI, "tasks", "list"),
    "doctor, no gateway": (*CLI, "doctor", "--base-url", "http://127.0.0.1:1"),
    "import typer": ("-c", "import typer"),
    "import httpx": ("-c", "import httpx"),
}
JUDGED = ("--version", "--help")


@dataclass
class Cost:
    """What a process takes, in milliseconds.

    Attributes:
        elapsed: From its start to its end.
        busy: Of a processor, for itself and the system.
    """

    elapsed: float = float("inf")
    busy: float = float("inf")

    def best(self, other: Cost) -> Cost:
        """The least of both."""
        return Cost(min(self.elapsed, other.elapsed), min(self.busy, other.busy))


def cost(words: tuple[str, ...], environment: Mapping[str, str]) -> Cost:
    """What one process takes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, _, used = os.wait4(process.pid, 0)
    # Popen does not see that it was waited for.
    process.returncode = 0
    elapsed = time.perf_counter() - began
    return Cost(elapsed * 1000, (used.ru_utime + used.ru_stime) * 1000)


def measure(environment: Mapping[str, str]) -> dict[str, Cost]:
    """The best run of each command."""
    best = {name: Cost() for name in MEASURED}
    for _ in range(ROUNDS):
        for name, words in MEASURED.items():
            best[name] = best[name].best(cost(words, environment))
    return best


def main() -> int:
    """Print the figures and judge help and version."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'wrapper'}{os.pathsep}{ROOT / 'generated'}",
            "COMETAPI_RUNWAY_JOURNAL": f"{folder}/journal.sqlite3",
            "COMETAPI_RUNWAY_CONFIG": f"{folder}/config.toml",
        }
        found = measure(environment)
    # That process is `pass` and the import, in one.
    base = found[BASE]
    print(f"{'command':<30} {'elapsed ms':>10} {'busy ms':>9}  {'ratio to pass + import':>9}")
    for name, one in found.items():
        print(f"{name:<30} {one.elapsed:>10.1f} {one.busy:>9.1f}  {one.busy / base.busy:.2f}")
    slow = [name for name in JUDGED if found[name].busy > LIMIT * base.busy]
    print(f"help and version at most {LIMIT:g}: {'no: ' + ', '.join(slow) if slow else 'yes'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
