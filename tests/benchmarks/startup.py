"""Start-up time: of a program that makes one blocking client, and of the command line.

Run it: `python tests/benchmarks/startup.py`.

A client made, a resource and `tasks.retrieve` reached may take 1.35 times as long as
`import httpx; httpx.Client()`, and `import cometapi_runway` 2 ms more than an empty process. The
same is printed for processes in which httpx does not find the libraries of its own command line,
which development installs: without them, httpx starts a third faster. The command line's baseline
is `python -c "import cyclopts"`, the library of the commands; help and version may take twice as
long.

Figures are the best of many processes in rotating order, ratios the medians of the rounds', so that
load on the machine affects all of them alike. CPU time is compared, because load affects it least.
"""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from _results import report_figure

ROOT = Path(__file__).parents[2]
ROUNDS = 15
LIMIT = 2.0
READY_LIMIT = 1.35
IMPORT_LIMIT_MS = 2.0
# As an installed command starts; `-m` would add the time of runpy.
CLI = ("-c", "from cometapi_runway.cli import main; main()")
BASE = "import cyclopts"
CLIENT = "import httpx; httpx.Client()"
IMPORT = "import cometapi_runway"
READY = (
    "from cometapi_runway import RunwayClient; client = RunwayClient('a-key'); "
    "client.character_performance.create; client.tasks.retrieve"
)
# Makes httpx load no command line, as where only its required libraries are installed.
LEAN = "import sys; sys.modules.update(dict.fromkeys(('click', 'rich', 'pygments'))); "
MEASURED: Mapping[str, tuple[str, ...]] = {
    "pass": ("-c", "pass"),
    IMPORT: ("-c", IMPORT),
    CLIENT: ("-c", CLIENT),
    "client ready": ("-c", READY),
    "httpx.Client(), lean": ("-c", LEAN + CLIENT),
    "client ready, lean": ("-c", LEAN + READY),
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


def measure(environment: Mapping[str, str]) -> list[dict[str, Cost]]:
    """Return the cost of each command in each round; the first one writes the bytecode."""
    rounds = [
        {name: measure_process(arguments, environment) for name, arguments in MEASURED.items()}
        for _ in range(ROUNDS + 1)
    ]
    return rounds[1:]


def compare(rounds: list[dict[str, Cost]], name: str, base: str) -> float:
    """Return the median of the rounds' ratios of two commands."""
    return statistics.median(one[name].busy / one[base].busy for one in rounds)


def main() -> int:
    """Print the figures; return 1 if help or version is too slow."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            # As installed: not compiled at every start.
            "PYTHONPYCACHEPREFIX": f"{folder}/bytecode",
            "PYTHONPATH": f"{ROOT / 'wrapper'}{os.pathsep}{ROOT / 'generated'}",
            "COMETAPI_RUNWAY_JOURNAL": f"{folder}/journal.sqlite3",
            "COMETAPI_RUNWAY_CONFIG": f"{folder}/config.toml",
        }
        rounds = measure(environment)
    found = {name: functools.reduce(Cost.best, (one[name] for one in rounds)) for name in MEASURED}
    base = found[BASE]
    print(f"{'command':<30} {'elapsed ms':>10} {'busy ms':>9}  {'ratio to pass + import':>9}")
    for name, one in found.items():
        print(f"{name:<30} {one.elapsed:>10.1f} {one.busy:>9.1f}  {one.busy / base.busy:.2f}")
    for name in LIMITED:
        ratio = found[name].busy / base.busy
        report_figure(f"cometapi-runway {name}", BASE, ratio, LIMIT)
    slow = [name for name in LIMITED if found[name].busy > LIMIT * base.busy]
    print(f"help and version at most {LIMIT:g}: {'no: ' + ', '.join(slow) if slow else 'yes'}")
    added = found[IMPORT].busy - found["pass"].busy
    ready = compare(rounds, "client ready", CLIENT)
    lean = compare(rounds, "client ready, lean", "httpx.Client(), lean")
    report_figure(IMPORT, "an empty process", added, IMPORT_LIMIT_MS, "ms")
    report_figure("client, resource and tasks.retrieve reached", CLIENT, ready, READY_LIMIT)
    report_figure("the same, without httpx's own command line", CLIENT, lean, None)
    print(f"{IMPORT}: {added:.1f} ms more than an empty process, at most {IMPORT_LIMIT_MS:g}")
    print(f"client ready: {ready:.2f} times {CLIENT}, at most {READY_LIMIT:g}; lean {lean:.2f}")
    return 1 if slow or ready > READY_LIMIT or added > IMPORT_LIMIT_MS else 0


if __name__ == "__main__":
    sys.exit(main())
