"""No test waits for a process's line without a limit."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests import process_lines
from tests.process_lines import read_line

TESTS = Path(process_lines.__file__).parent


def start(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("program", "seconds"), [("import time; time.sleep(60)", 0.1), ("pass", 60.0)]
)
def test_a_process_without_a_line_fails_the_test_at_once(program: str, seconds: float) -> None:
    began = time.monotonic()
    with start(program) as process, pytest.raises(AssertionError, match="printed no line"):
        read_line(process, seconds)
    assert time.monotonic() - began < 30


def test_lines_are_read_one_by_one() -> None:
    with start("print('one'); print('two')") as process:
        assert [read_line(process), read_line(process)] == ["one\n", "two\n"]


def test_every_line_of_a_process_is_read_with_the_limit() -> None:
    unlimited = re.compile(r"\.std(out|err)\.read(line|lines)?\(")
    found = {
        str(file.relative_to(TESTS))
        for file in TESTS.rglob("*.py")
        if unlimited.search(file.read_text("utf-8"))
    }
    assert found == {"process_lines.py"}
