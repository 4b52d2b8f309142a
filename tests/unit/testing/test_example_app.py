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
    files = [file.read_text() for file in EXAMPLE.glob("test_*.py")]
    assert len(files) == 2
    assert not [text for text in files if "import cometapi" in text or "from cometapi" in text]
    assert not list(EXAMPLE.glob("conftest.py"))


def test_they_pass_without_configuration_or_sleep(pytester):
    folder = pytester.mkpydir("example")
    for source in EXAMPLE.glob("*.py"):
        (folder / source.name).write_text(source.read_text())
    pytester.makeconftest(NO_SLEEP)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist")
    passed = result.parseoutcomes()["passed"]
    assert passed >= 16
    result.assert_outcomes(passed=passed)
