"""A failed check as the engineer who fixes it sees it.

A failure names the operation and the field, and has the smallest value that still fails, a curl
command, and a test to paste into `tests/contract`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pprint import pformat
from textwrap import indent

from attrs import asdict, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation._messages import describe_value

from .shrinking import blame_fields

_PASTE_FILE = "tests/contract/test_found.py"
_IMPORTS = """from .checks import generated_checks, wrapper_checks
from .checks.harness import RequestArguments, respond_with_success, valid_requests
"""


@frozen
class ContractFailure:
    """One check that failed for one value.

    Attributes:
        operation: the operation's id.
        client: the client and the function that was called.
        messages: what is wrong, each beginning with the field if it is known.
        origin: how the value was drawn.
        value: the smallest value that fails, as text.
        curl: the request without the key; empty if none was sent.
        test: a test that fails in the same way.
    """

    operation: str
    client: str
    messages: tuple[str, ...]
    origin: str
    value: str = ""
    curl: str = ""
    test: str = ""

    @property
    def field(self) -> str:
        """The start of the first message; failures with equal fields are reported once."""
        return "".join(self.messages[:1]).partition(": ")[0]

    def __str__(self) -> str:
        head = f"{self.operation} ({self.client}): " + "\n    ".join(self.messages[:6])
        lines = [head, f"  drawn by: {self.origin}"]
        lines += [f"  smallest value: {self.value[:600]}"] if self.value else []
        lines += [f"  {self.curl[:1200]}"] if self.curl else []
        if self.test:
            lines += [f"  as a test, for {_PASTE_FILE}:", indent(self.test, "    ")]
        return "\n".join(lines)


class ContractCheckError(AssertionError):
    """A check failed for an operation.

    Attributes:
        failures: the first few failures.
    """

    def __init__(self, failures: list[ContractFailure]) -> None:
        super().__init__("\n".join(map(str, failures)))
        self.failures = failures

    def as_json(self) -> list[dict[str, JSON]]:
        """The failures, to pass them to the process that writes the report."""
        return [{**asdict(one), "field": one.field} for one in self.failures]


def raise_failures(failures: Iterator[ContractFailure], limit: int = 3) -> None:
    """Raise the first few failures with different fields, if there are any."""
    __tracebackhide__ = True
    found: dict[str, ContractFailure] = {}
    for failure in islice(failures, 4 * limit):
        found.setdefault(failure.field, failure)
        if len(found) == limit:
            break
    if found:
        raise ContractCheckError(list(found.values()))


def add_field_names(
    messages: list[str], value: JSON, others: Iterable[JSON], passes: Callable[[JSON], bool]
) -> tuple[str, ...]:
    """Messages that begin with a field, which is found by substitution if none is named.

    For a union the generated code raises the error of the last branch, so its message does not
    name the field that is wrong.
    """
    if any(one.startswith("/") for one in messages):
        return tuple(messages)
    blamed = [f"{pointer}: {describe_value(bad)} is not understood, {describe_value(good)} is"
              for pointer, bad, good in blame_fields(value, others, passes)]  # fmt: skip
    return (*blamed, *messages)


def format_test(name: str, fixtures: str, setup: str, check: str, **values: JSON | Object) -> str:
    """The source of a test that fails in the same way.

    Args:
        name: what is tested; becomes the function name.
        fixtures: the fixtures of the test, as a parameter list.
        setup: statements that come first, one per line.
        check: an expression that returns the list of messages.
        values: values of the names that `setup` and `check` use.
    """
    word = re.sub(r"\W+", "_", name).strip("_").lower()
    body = [
        f"{key} = {pformat(value, width=90, sort_dicts=False)}" for key, value in values.items()
    ]
    body += [*setup.splitlines(), f"assert {check} == []"]
    return "\n".join(
        [*_IMPORTS.splitlines(), "", "", f"def test_{word}({fixtures}):"]
        + [indent(line, "    ") for line in body]
    )
