"""See the package. The root must be replaced before other modules import it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.mutants import package_copy

package_copy.ROOT = Path(sys.argv[1])

from tests.mutants import __main__ as command  # noqa: E402 - see above
from tests.mutants import areas, picked_mutants, random_mutants, report, results, runner  # noqa: E402
from tests.mutants.mutation_operators import Mutant  # noqa: E402
from tests.mutants.suites import Suite  # noqa: E402

AREAS = (
    areas.Area("core", "wrapper/sample", 100),
    areas.Area("contract tools", "openapi/tools", 100),
    areas.Area("command line", "openapi/program", 100),
)


def _seeded(kind: str, given: dict[str, Any]) -> list[Mutant]:
    return [_mutant(name, *change) for name, change in given.get(kind, {}).items()]


def _mutant(name: str, before: str, after: str, file: str = "wrapper/sample/sums.py") -> Mutant:
    text = (package_copy.ROOT / file).read_text("utf-8")
    assert text.count(before) == 1, name
    return Mutant(
        name,
        areas.find_area(file),
        file,
        1,
        "",
        before,
        after,
        text.encode(),
        (text.encode().index(before.encode()),),
        "sample",
    )


def main() -> int:
    """Run the mutants of the folder."""
    given = json.loads((package_copy.ROOT / "defects.json").read_text("utf-8"))
    areas.AREAS = command.AREAS = report.AREAS = AREAS
    command.SUITES = (
        Suite("comparison", ("comparison",), ("core",)),
        Suite("contract", ("suite",), ("core",)),
        Suite("tools", ("tools_suite",), ("contract tools",)),
        Suite("quick", ("quick_suite",), ("command line",)),
        Suite("processes", ("process_suite",), ("command line",), starts_processes=True),
    )
    picked_mutants.code, picked_mutants.contract_changes = lambda: _seeded("picked", given), list
    if not given.get("drawn"):
        random_mutants.sample = lambda _, area, count: [
            one for one in _seeded("random", given) if one.area == area.name
        ][:count]
    same = [
        random_mutants.Equivalent("*", "*", *change, "sample") for change in given.get("same", [])
    ]
    random_mutants.equivalents = lambda: same
    runner.load_libraries = lambda: None
    # A test of the last suite starts a process.
    results._TEST_TIMEOUT = 0.3 if not given.get("slow") else 10.0
    return command.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
