"""Failed tests grouped by what made them fail, so that one fault is read once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from .results import RecordedTest

# The fields of a request or response that a message may begin with.
_PLACE = re.compile(r"(/|header |query |path |cookie )")


@define
class Cause:
    """One cause and the tests that failed of it.

    Attributes:
        text: what is wrong, in one line.
        operations: the ids of the operations that it concerns.
        tests: the tests that failed.
        failures: the failed checks, each once; a failure in several clients names them all.
    """

    text: str
    operations: list[str] = field(factory=list)
    tests: list[RecordedTest] = field(factory=list)
    failures: list[dict[str, Any]] = field(factory=list)

    def add(self, test: RecordedTest, failure: dict[str, Any] | None = None) -> None:
        """Add a failed test, and the failed check by which it has this cause."""
        operation = failure["operation"] if failure else test.operation
        if operation and operation not in self.operations:
            self.operations.append(operation)
        if test not in self.tests:
            self.tests.append(test)
        if failure:
            self._add_failure(test, failure)

    def _add_failure(self, test: RecordedTest, failure: dict[str, Any]) -> None:
        for one in self.failures:
            if (one["operation"], one["summary"]) == (failure["operation"], test.summary):
                if failure["client"] not in one["clients"]:
                    one["clients"].append(failure["client"])
                return
        self.failures.append({**failure, "summary": test.summary, "clients": [failure["client"]]})


def group_by_cause(tests: Iterable[RecordedTest]) -> list[Cause]:
    """The causes of all failed tests, the one with the most tests first."""
    found: dict[tuple[str, str], Cause] = {}
    for test in tests:
        if test.outcome != "failed":
            continue
        for failure in test.contract_failures:
            text = (failure["messages"] or ("no message",))[0]
            # The same field fails with other values in other clients.
            is_place = _PLACE.match(text)
            key = (failure["operation"], failure["field"]) if is_place else ("", text)
            found.setdefault(key, Cause(text)).add(test, failure)
        if not test.contract_failures:
            found.setdefault(("", test.cause), Cause(test.cause)).add(test)
    return sorted(found.values(), key=lambda one: -len(one.tests))
