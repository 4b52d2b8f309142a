"""What happened, and assertions about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from cometapi_runway.simulator._rules.names import (
    DOWNLOAD,
    EVERYTHING,
    check_name,
    collect_names,
    name_request,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from cometapi_runway.simulator import Charge, Gateway, RequestRecord, SimulatedTask

_SHOWN: Final = 20


class Checked:
    """What a gateway saw.

    Attributes:
        gateway: The gateway.
    """

    gateway: Gateway

    @property
    def tasks(self) -> Mapping[str, SimulatedTask]:
        """All tasks by id, oldest first."""
        return self.gateway.tasks

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The requests that came in, downloads included, oldest first."""
        return self.gateway.requests

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Charges and refunds, oldest first."""
        return self.gateway.charges

    @property
    def spent(self) -> Decimal:
        """US dollars charged and not given back. Most prices are fictional."""
        return self.gateway.ledger.total

    def requests_to(self, operation: str) -> tuple[RequestRecord, ...]:
        """The requests to one operation, resource or tag, or the ``"download"``s.

        Raises:
            ValueError: Nothing is called that.
        """
        check_name(collect_names(self.gateway.contract), operation)
        return tuple(one for one in self.requests if operation in self._names(one))

    def assert_charged(self, times: int = 1, *, operation: str = EVERYTHING) -> None:
        """Asserts how many tasks were charged, whether or not the charge was given back.

        Args:
            times: How many.
            operation: Only those of one operation, resource or tag.

        Raises:
            AssertionError: It is another number; the message shows the ledger.
            ValueError: Nothing is called `operation`.
        """
        __tracebackhide__ = True
        check_name(collect_names(self.gateway.contract), operation)
        found = [line for line in self.charges if line.kind == "charge"]
        if operation != EVERYTHING:
            found = [line for line in found if operation in self._names_of_task(line.task_id)]
        if len(found) != times:
            lines = [f"{line.kind} {line.amount} USD {line.task_id}" for line in self.charges]
            head = f"expected {_count(times, 'charge')}{_of(operation)}, found {len(found)}"
            raise AssertionError(_listed(head, lines))

    def assert_requested(self, times: int | None = None, *, operation: str) -> None:
        """Asserts that requests of one kind came in.

        Args:
            times: How many; at least one if None.
            operation: An operation, resource or tag.

        Raises:
            AssertionError: It is another number; the message shows all requests.
            ValueError: Nothing is called `operation`.
        """
        __tracebackhide__ = True
        found = len(self.requests_to(operation))
        if found != times and (times is not None or not found):
            wanted = "a request" if times is None else _count(times, "request")
            head = f"expected {wanted}{_of(operation)}, found {found}"
            raise AssertionError(_listed(head, map(_line, self.requests)))

    def assert_downloaded(self, times: int | None = None) -> None:
        """Asserts that output files were asked for; see `assert_requested`."""
        __tracebackhide__ = True
        self.assert_requested(times, operation=DOWNLOAD)

    def history(self) -> str:
        """What happened, one line per request and charge."""
        lines = [_line(one) for one in self.requests[-_SHOWN:]]
        lines += [f"{line.kind} {line.amount} USD {line.task_id}" for line in self.charges]
        return "\n".join(lines)

    def _names(self, record: RequestRecord) -> frozenset[str]:
        if record.origin == "media":
            return frozenset((DOWNLOAD,))
        if record.operation is None:
            return frozenset()
        operation = self.gateway.contract.operation(record.operation)
        return name_request(operation, operation.resource) | self._names_of_created(record)

    def _names_of_created(self, record: RequestRecord) -> frozenset[str]:
        """For an operation that several resources share: the one that this request meant."""
        task = self.tasks.get(record.task_id or "")
        is_made_here = task is not None and task.operation.id == record.operation
        return frozenset((task.resource,)) if task and is_made_here else frozenset()

    def _names_of_task(self, task_id: str) -> frozenset[str]:
        task = self.tasks[task_id]
        return name_request(task.operation, task.resource)


def _line(record: RequestRecord) -> str:
    answer = "no answer" if record.status is None else f"HTTP {record.status}"
    fault = f" ({record.fault})" if record.fault else ""
    return f"{record.method} {record.path}: {answer}{fault}"


def _count(times: int, noun: str) -> str:
    return f"{times} {noun}" if times == 1 else f"{times} {noun}s"


def _of(operation: str) -> str:
    return "" if operation == EVERYTHING else f" of {operation}"


def _listed(head: str, lines: Iterable[str]) -> str:
    shown = list(lines)
    if not shown:
        return f"{head}; there was nothing at all"
    return "\n  ".join((f"{head}. There were:", *shown))
