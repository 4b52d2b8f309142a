"""What a broken law looks like to the person who has to mend it.

A breach names the operation and the field, and comes with the smallest value that still breaks the
law, as a request to paste into a shell and as a test to paste into this folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pprint import pformat
from textwrap import indent

from attrs import asdict, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation._messages import describe_value as show

from .shrink import blame

_PASTED = "tests/contract/test_found.py"


@frozen
class Breach:
    """One law broken by one value.

    Attributes:
        operation: the operation's id.
        how: which client and which of its doors.
        complaints: what is wrong, each with the field at its head.
        drawn: how the value came about.
        value: the smallest value that breaks it, as text.
        curl: the request, without the key; empty where none was sent.
        test: the same as a test.
    """

    operation: str
    how: str
    complaints: tuple[str, ...]
    drawn: str
    value: str = ""
    curl: str = ""
    test: str = ""

    @property
    def what(self) -> str:
        """The field and the fault, by which breaches are told apart."""
        return "".join(self.complaints[:1]).partition(": ")[0]

    def __str__(self) -> str:
        head = f"{self.operation} ({self.how}): " + "\n    ".join(self.complaints[:6])
        lines = [head, f"  drawn: {self.drawn}"]
        lines += [f"  with {self.value[:600]}"] if self.value else []
        lines += [f"  {self.curl[:1200]}"] if self.curl else []
        if self.test:
            lines += [f"  as a test, for {_PASTED}:", indent(self.test, "    ")]
        return "\n".join(lines)


class BrokenLawError(AssertionError):
    """Some breaches of one law, for one operation.

    Attributes:
        breaches: the first few.
    """

    def __init__(self, breaches: list[Breach]) -> None:
        super().__init__("\n".join(map(str, breaches)))
        self.breaches = breaches

    def as_json(self) -> list[dict[str, JSON]]:
        """The breaches, for a report that is written elsewhere."""
        return [{**asdict(one), "what": one.what} for one in self.breaches]


def report(breaches: Iterator[Breach], most: int = 3) -> None:
    """Fail with the first few breaches that differ, if there are any."""
    __tracebackhide__ = True
    found: dict[str, Breach] = {}
    for breach in islice(breaches, 4 * most):
        found.setdefault(breach.what, breach)
        if len(found) == most:
            break
    if found:
        raise BrokenLawError(list(found.values()))


def named(
    complaints: list[str], value: JSON, others: Iterable[JSON], passes: Callable[[JSON], bool]
) -> tuple[str, ...]:
    """Complaints with a field at their head, found by trial where they name none.

    The generated code raises the error of a branch that nobody meant, so an error says little
    about where it came from.
    """
    if any(one.startswith("/") for one in complaints):
        return tuple(complaints)
    blamed = [f"{pointer}: {show(bad)} is not understood, {show(good)} is"
              for pointer, bad, good in blame(value, others, passes)]  # fmt: skip
    return (*blamed, *complaints)


def as_test(name: str, fixtures: str, setup: str, law: str, **values: JSON | Object) -> str:
    """A test that breaks the same law.

    Args:
        name: what is being tested; made into a function's name.
        fixtures: those the law needs, as a parameter list.
        setup: what comes first, a statement a line.
        law: an expression whose value is the list of complaints.
        values: names that `setup` and `law` use, with their values.
    """
    word = re.sub(r"\W+", "_", name).strip("_").lower()
    body = [
        f"{key} = {pformat(value, width=90, sort_dicts=False)}" for key, value in values.items()
    ]
    body += [*setup.splitlines(), f"assert {law} == []"]
    return "\n".join(
        ["from . import laws, wrapper_laws", "", "", f"def test_{word}({fixtures}):"]
        + [indent(line, "    ") for line in body]
    )
