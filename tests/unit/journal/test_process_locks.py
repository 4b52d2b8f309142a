"""The byte that says that a process lives, as another process sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.process_lines import read_line

from cometapi_runway.journal import _process_locks
from cometapi_runway.journal._process_locks import ProcessLocks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks")
OTHER_PROCESS = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX, 1, 50)
fcntl.lockf(file, fcntl.LOCK_SH, 1, 80)
print("locked", flush=True)
for line in sys.stdin:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(line))
        print("free", flush=True)
    except OSError:
        print("taken", flush=True)
"""


@pytest.mark.parametrize(("drawn", "number"), [(0, 1), (2**40, 2**31 - 2)])
def test_a_process_locks_one_byte_and_looks_at_single_ones(
    drawn: int, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_process_locks.secrets, "randbelow", lambda end: min(drawn, end - 1))
    path = tmp_path / "locks"
    locks = ProcessLocks()
    own = locks.get_owner(path)
    # Windows locks no byte after the next one.
    assert own == number
    assert locks.get_owner(path) == own
    assert path.stat().st_mode & 0o777 == 0o600
    program = [sys.executable, "-I", "-S", "-c", OTHER_PROCESS, str(path)]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert read_line(other) == "locked\n"
        # Two processes that look at the same number see no lock of each other.
        assert locks.find_living(path, {49, 50, 51, 80}) == {50}
        assert locks.find_living(path, [own, own - 1]) == {own}
        for byte, expected in (
            *((free, "free") for free in (49, 51, 80, own - 1, own + 1)),
            (own, "taken"),
        ):
            print(byte, file=other.stdin, flush=True)
            assert read_line(other) == f"{expected}\n", byte
        other.stdin.close()
    assert locks.find_living(path, {49, 50, 51, 80}) == frozenset()


def test_a_child_has_a_number_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([4, 5])
    monkeypatch.setattr(_process_locks.secrets, "randbelow", lambda _: next(numbers))
    locks = ProcessLocks()
    path = tmp_path / "locks"
    assert locks.get_owner(path) == 5
    locks.reset_after_fork()
    assert locks.get_owner(path) == 6


@pytest.mark.parametrize("name", ["missing/locks", "."])
def test_where_the_file_cannot_be_opened_every_process_counts_as_living(
    tmp_path: Path, name: str
) -> None:
    locks = ProcessLocks()
    path = tmp_path / name
    assert locks.get_owner(path) is None
    assert locks.find_living(path, [3, 4, 4]) == frozenset({3, 4})
