"""Every benchmark, several times, and one table of all figures.

    python tests/benchmarks [--runs 3] [--output FILE] [NAME ...]

A figure is the median of the runs, with the lowest and the highest. The output file is written only
after all benchmarks. Exits with 1 if a median is above its limit, or a benchmark reported less in
one run than in another.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _results import FILE_VARIABLE

FOLDER = Path(__file__).parent


@dataclass
class Figure:
    """One row of the table.

    Attributes:
        limit: What the median may be at most, or None.
        values: One value per run.
    """

    benchmark: str
    subject: str
    peer: str
    unit: str
    limit: float | None
    values: list[float] = field(default_factory=list)

    @property
    def is_missed(self) -> bool:
        """Whether the median is above the limit."""
        return self.limit is not None and statistics.median(self.values) > self.limit

    def format_row(self) -> str:
        """The row as Markdown."""
        low, middle, high = min(self.values), statistics.median(self.values), max(self.values)
        unit = "" if self.unit == "times" else f" {self.unit}"
        limit = "" if self.limit is None else f"{self.limit:g}{unit}"
        return (
            f"| {self.subject} | {self.peer} | {'**' * self.is_missed}{middle:.4g}{unit}"
            f"{'**' * self.is_missed} | {low:.4g} to {high:.4g} | {limit} |"
        )


def run_benchmark(path: Path, environment: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Run a benchmark once, whose output is shown, and yield what it reports."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        results.touch()
        done = subprocess.run(
            [sys.executable, path], env={**environment, FILE_VARIABLE: str(results)}, check=False
        )
        if done.returncode:
            print(f"{path.name} ended with exit code {done.returncode}", flush=True)
        yield from map(json.loads, results.read_text("utf-8").splitlines())


def run_all(paths: Sequence[Path], runs: int) -> list[Figure]:
    """Run each benchmark as often as asked; all of them once before any of them again."""
    found: dict[tuple[str, str, str], Figure] = {}
    for number in range(1, runs + 1):
        for path in paths:
            print(f"== {path.name}, run {number} of {runs}", flush=True)
            for one in run_benchmark(path, dict(os.environ)):
                value = one.pop("value")
                key = (path.stem, str(one["subject"]), str(one["peer"]))
                figure = found.setdefault(key, Figure(path.stem, **one))
                figure.values.append(value)
    return sorted(found.values(), key=lambda figure: figure.benchmark)


def describe_machine() -> str:
    """The processor, its cores, system and Python."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text().splitlines()
        model = next((line for line in lines if line.startswith("model name")), model)
        model = model.partition(": ")[2] or model
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, {python}"


def format_page(figures: Sequence[Figure], runs: int, load: float) -> str:
    """The page with the table."""
    date = datetime.datetime.now(datetime.UTC).date()
    rows = "\n".join(figure.format_row() for figure in figures)
    return f"""# Performance

Written by `make bench` on {date}; change a benchmark in `tests/benchmarks`, not this page.

- Machine: {describe_machine()}; load average at the start {load:.1f}.
- Each figure is the median of {runs} runs, with the lowest and the highest. Without a unit it is
  the ratio to the peer, measured in the same run.
- A figure in bold is above its limit; the docstring of its benchmark says why.

| what | compared with | median | lowest to highest | at most |
| --- | --- | --- | --- | --- |
{rows}
"""


def main() -> int:
    """Run the benchmarks, print the table, and write it."""
    parser = argparse.ArgumentParser(description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", help="benchmarks, such as calls; all by default")
    parser.add_argument("--runs", type=int, default=3, help="how often each runs (default: 3)")
    parser.add_argument("--output", type=Path, help="where to write the table")
    options = parser.parse_args()
    names = options.names or sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))

    load = os.getloadavg()[0]
    figures = run_all([FOLDER / f"{name}.py" for name in names], options.runs)
    page = format_page(figures, options.runs, load)
    print(page)
    incomplete = [figure for figure in figures if len(figure.values) != options.runs]
    silent = set(names) - {figure.benchmark for figure in figures}
    for name in sorted({figure.benchmark for figure in incomplete} | silent):
        print(f"{name}: not every run reported every figure")
    if options.output:
        options.output.write_text(page, encoding="utf-8")
    return int(bool(incomplete or silent) or any(figure.is_missed for figure in figures))


if __name__ == "__main__":
    raise SystemExit(main())
