"""The example application's tests pass with nothing but the fixtures."""

from __future__ import annotations

from pathlib import Path

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).parents[2] / "example_app"
NO_SLEEP = """
import time
import pytest

@pytest.fixture(autouse=True)
def no_sleep(monkeypatch):
    def refuse(seconds):
        raise AssertionError("slept")
    monkeypatch.setattr(time, "sleep", refuse)
"""


def test_they_import_nothing_from_the_package():
    (tests,) = EXAMPLE.glob("test_*.py")
    assert "import cometapi" not in tests.read_text()
    assert "from cometapi" not in tests.read_text()
    assert not list(EXAMPLE.glob("conftest.py"))


def test_they_pass_without_configuration_or_sleep(pytester):
    folder = pytester.mkpydir("example")
    for source in EXAMPLE.glob("*.py"):
        (folder / source.name).write_text(source.read_text())
    pytester.makeconftest(NO_SLEEP)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    passed = result.parseoutcomes()["passed"]
    assert passed >= 9
    result.assert_outcomes(passed=passed)
