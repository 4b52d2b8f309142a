"""What benchmarks tell `make bench`, which makes one table of it.

A benchmark calls `report_figure` for each figure that matters. Run alone, it only prints.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

FILE_VARIABLE = "BENCHMARK_RESULTS"


def report_figure(
    subject: str, peer: str, value: float, limit: float | None = None, unit: str = "times"
) -> None:
    """Report one figure of this run.

    Args:
        subject: What was measured, such as "create + retrieve, awaiting".
        peer: What it is compared with, such as "bare httpx".
        value: The ratio to the peer, or an amount in the unit.
        limit: What the value may be at most; None if it has no limit.
        unit: "times" for a ratio, else the unit of the value, such as "KiB".
    """
    if name := os.environ.get(FILE_VARIABLE):
        figure = {"subject": subject, "peer": peer, "value": value, "limit": limit, "unit": unit}
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(figure) + "\n")
