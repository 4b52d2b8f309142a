"""Ends a run in which a dozen tests failed of one cause: the others say nothing new."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

LIMIT = 12
FLAG = "common-cause"
# The user property of a report that says what failed, where the place does not.
COMMON_CAUSE = "common cause"


@frozen
class Cause:
    """The type of an exception, and where it was raised."""

    kind: str
    place: str

    @classmethod
    def of(cls, report: pytest.TestReport) -> Cause:
        """The cause of a failed report. A failure without a traceback is its own text."""
        named = dict(report.user_properties).get(COMMON_CAUSE)
        if named is not None:
            return cls(str(named), "a check")
        crash: Any = getattr(report.longrepr, "reprcrash", None)
        if crash is None:
            return cls(report.longreprtext, "without a traceback")
        # A failed assertion is shown without its type.
        kind = re.match(r"[\w.]+(?=:|$)", crash.message)
        return cls(kind[0] if kind else "AssertionError", f"{crash.path}:{crash.lineno}")


# pytest keeps plugins in sets.
@frozen(eq=False)
class CommonCause:
    """The plugin of a process that sees all reports: the only one, or the one with the workers."""

    session: pytest.Session
    folder: Path
    failures: Counter[Cause] = field(factory=Counter[Cause])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            cause = Cause.of(report)
            self.failures[cause] += 1
            if self.failures[cause] == LIMIT:
                self.session.shouldfail = (
                    f"{LIMIT} tests failed of one cause: {cause.kind} at {cause.place}"
                )
                (self.folder / FLAG).touch()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[FLAG] = str(self.folder / FLAG)

    def pytest_sessionfinish(self) -> None:
        shutil.rmtree(self.folder)


@frozen(eq=False)
class Worker:
    """The plugin of a worker, which would otherwise go on with the tests that it has."""

    session: pytest.Session
    flag: Path

    def pytest_runtest_logfinish(self) -> None:
        if self.flag.exists():
            self.session.shouldfail = "tests failed of one cause"


def install(session: pytest.Session) -> None:
    """Watch the failures of a session."""
    given = getattr(session.config, "workerinput", None)
    if given is None:
        plugin: object = CommonCause(session, Path(tempfile.mkdtemp()))
    else:
        plugin = Worker(session, Path(given[FLAG]))
    session.config.pluginmanager.register(plugin, "common-cause")
