"""`python -m tests.contract.reporting`: run the whole contract suite and write its report.

Further arguments go to pytest: `-n 2` for two workers. The report is written to
`.build/contract`: `index.html`, `contract.json` and `junit.xml`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .unfinished import begin_report

ROOT = Path(__file__).parents[3]
FOLDER = Path(".build", "contract")


def main(arguments: list[str]) -> int:
    """Run the suite and return pytest's exit status."""
    begin_report(FOLDER)
    suite = Path(__file__).parents[1].relative_to(ROOT)
    options = [
        "-q",
        # The report's own summary names each cause once, instead of each failed test.
        "-rN",
        "--dist",
        "loadscope",
        "--no-loadscope-reorder",
        f"--junitxml={FOLDER / 'junit.xml'}",
    ]
    return pytest.main([str(suite), *options, f"--contract-report={FOLDER}", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
