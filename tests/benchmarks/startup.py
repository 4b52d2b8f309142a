"""Start-up time of the command line, compared with its command-line library.

Run it: `python tests/benchmarks/startup.py`.

The baseline is `python -c "import cyclopts"`, the library of the commands. Help and version may
take twice as long. Each figure is the best of many processes in rotating order, so that load on the
machine affects all of them alike. CPU time is compared, because load affects it least.
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

from _results import report_figure

ROOT = Path(__file__).parents[2]
ROUNDS = 25
LIMIT = 2.0
# As an installed command starts; `-m` would add the time of runpy.
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
LIMITED = ("--version", "--help")


@dataclass
class Cost:
    """Time of a process, in milliseconds.

    Attributes:
        elapsed: Wall-clock time.
        busy: CPU time, user and system.
    """

    elapsed: float = float("inf")
    busy: float = float("inf")

    def best(self, other: Cost) -> Cost:
        """Return the lower times of both."""
        return Cost(min(self.elapsed, other.elapsed), min(self.busy, other.busy))


def measure_process(arguments: tuple[str, ...], environment: Mapping[str, str]) -> Cost:
    """Return the time of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, _, used = os.wait4(process.pid, 0)
    # os.wait4 has reaped the process, which Popen does not notice.
    process.returncode = 0
    elapsed = time.perf_counter() - start
    return Cost(elapsed * 1000, (used.ru_utime + used.ru_stime) * 1000)


def measure(environment: Mapping[str, str]) -> dict[str, Cost]:
    """Return the best run of each command."""
    best = {name: Cost() for name in MEASURED}
    for _ in range(ROUNDS):
        for name, arguments in MEASURED.items():
            best[name] = best[name].best(measure_process(arguments, environment))
    return best


def main() -> int:
    """Print the figures; return 1 if help or version is too slow."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'wrapper'}{os.pathsep}{ROOT / 'generated'}",
            "COMETAPI_RUNWAY_JOURNAL": f"{folder}/journal.sqlite3",
            "COMETAPI_RUNWAY_CONFIG": f"{folder}/config.toml",
        }
        found = measure(environment)
    base = found[BASE]
    print(f"{'command':<30} {'elapsed ms':>10} {'busy ms':>9}  {'ratio to pass + import':>9}")
    for name, one in found.items():
        print(f"{name:<30} {one.elapsed:>10.1f} {one.busy:>9.1f}  {one.busy / base.busy:.2f}")
    for name in LIMITED:
        ratio = found[name].busy / base.busy
        report_figure(f"cometapi-runway {name}", BASE, ratio, LIMIT)
    slow = [name for name in LIMITED if found[name].busy > LIMIT * base.busy]
    print(f"help and version at most {LIMIT:g}: {'no: ' + ', '.join(slow) if slow else 'yes'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
