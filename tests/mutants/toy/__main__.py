"""See the package. The root has to be another before any other module has taken it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.mutants import overlay

overlay.ROOT = Path(sys.argv[1])

from tests.mutants import __main__ as command  # noqa: E402 - see above
from tests.mutants import picked, randomly, run, verdicts  # noqa: E402
from tests.mutants.judges import Judge  # noqa: E402
from tests.mutants.sites import Mutant  # noqa: E402


def _seeded(kind: str, given: dict[str, Any]) -> list[Mutant]:
    return [_mutant(name, *change) for name, change in given.get(kind, {}).items()]


def _mutant(name: str, before: str, after: str) -> Mutant:
    file = "wrapper/toy/sums.py"
    text = (overlay.ROOT / file).read_text("utf-8")
    assert text.count(before) == 1, name
    return Mutant(name, "wrapper", file, 1, "", before, after, text.replace(before, after), "toys")


def main() -> int:
    """Seed what the folder says."""
    given = json.loads((overlay.ROOT / "defects.json").read_text("utf-8"))
    command.JUDGES = (Judge("naive", "naive"), Judge("contract", "suite"))
    picked.code, picked.moved = lambda: _seeded("picked", given), list
    randomly.sample = lambda *_: _seeded("random", given)
    same = [randomly.Equivalent("*", "*", *change, "toys") for change in given.get("same", [])]
    randomly.equivalents = lambda: same
    run.load_libraries = lambda: None
    verdicts._PATIENCE = 0.3
    return command.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
