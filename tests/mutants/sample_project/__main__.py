"""See the package. The root must be replaced before other modules import it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.mutants import package_copy

package_copy.ROOT = Path(sys.argv[1])

from tests.mutants import __main__ as command  # noqa: E402 - see above
from tests.mutants import picked_mutants, random_mutants, results, runner  # noqa: E402
from tests.mutants.mutation_operators import Mutant  # noqa: E402
from tests.mutants.suites import Suite  # noqa: E402


def _seeded(kind: str, given: dict[str, Any]) -> list[Mutant]:
    return [_mutant(name, *change) for name, change in given.get(kind, {}).items()]


def _mutant(name: str, before: str, after: str) -> Mutant:
    file = "wrapper/sample/sums.py"
    text = (package_copy.ROOT / file).read_text("utf-8")
    assert text.count(before) == 1, name
    return Mutant(
        name, "wrapper", file, 1, "", before, after, text.replace(before, after), "sample"
    )


def main() -> int:
    """Run the mutants of the folder."""
    given = json.loads((package_copy.ROOT / "defects.json").read_text("utf-8"))
    command.SUITES = (Suite("comparison", "comparison"), Suite("contract", "suite"))
    picked_mutants.code, picked_mutants.contract_changes = lambda: _seeded("picked", given), list
    random_mutants.sample = lambda *_: _seeded("random", given)
    same = [
        random_mutants.Equivalent("*", "*", *change, "sample") for change in given.get("same", [])
    ]
    random_mutants.equivalents = lambda: same
    runner.load_libraries = lambda: None
    results._TEST_TIMEOUT = 0.3
    return command.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
