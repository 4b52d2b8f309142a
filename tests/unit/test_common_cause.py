"""A run with many failures of one cause ends soon and names the cause; see `common_cause`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.common_cause import LIMIT

pytest_plugins = ["pytester"]

# Other plugins are not needed and take a second to load in each process.
NEEDLESS = [f"-pno:{name}" for name in ("schemathesis", "hypothesispytest", "anyio", "respx")]
CONFTEST = """
from tests.common_cause import install as pytest_sessionstart

def check(value):
    if value is None:
        raise LookupError("no value: nothing at all")
    assert value > 1, "a text: with a colon"
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeconftest(CONFTEST)

    def start(tests: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(test_many=f"import pytest\nfrom conftest import check\n{tests}")
        # Only workers need another process, whose start takes longer than what it runs.
        run = pytester.runpytest_subprocess if arguments else pytester.runpytest_inprocess
        return run("-p", "no:cacheprovider", *NEEDLESS, *arguments)

    return start


@pytest.mark.parametrize(
    ("value", "kind", "line"), [(None, "LookupError", 5), (1, "AssertionError", 6)]
)
def test_a_dozen_failures_of_one_cause_end_the_run(run, value, kind, line):
    result = run(f"""
@pytest.mark.parametrize("number", range(40))
def test_it(number):
    check({value})
""")
    result.assert_outcomes(failed=LIMIT)
    message = f"*{LIMIT} tests failed of one cause: {kind} at *conftest.py:{line}*"
    result.stdout.fnmatch_lines([message])
    assert result.stdout.str().count("of one cause") == 1


def test_they_end_the_run_of_several_workers(run):
    began = time.monotonic()
    result = run("""
import time

@pytest.mark.parametrize("number", range(400))
def test_it(number):
    time.sleep(0.1)
    check(None)
""", "-n", "2", "--dist", "worksteal")  # fmt: skip
    assert time.monotonic() - began < 15
    assert LIMIT <= result.parseoutcomes()["failed"] < 100
    result.stdout.fnmatch_lines([f"*{LIMIT} tests failed of one cause: LookupError at *"])


def test_failures_in_fixtures_count(run):
    result = run("""
@pytest.fixture
def value():
    check(None)

@pytest.mark.parametrize("number", range(40))
def test_it(number, value):
    pass
""")
    result.assert_outcomes(errors=LIMIT)


def test_failures_of_several_causes_do_not_end_the_run(run):
    result = run("""
@pytest.mark.parametrize("number", range(30))
def test_it(number):
    if number % 3 == 0:
        check(None)
    check(number % 3)
""")
    result.assert_outcomes(failed=20, passed=10)
    assert "of one cause" not in result.stdout.str()


def test_expected_failures_do_not_count(run):
    result = run("""
@pytest.mark.xfail
@pytest.mark.parametrize("number", range(40))
def test_it(number):
    check(None)
""")
    result.assert_outcomes(xfailed=40)
