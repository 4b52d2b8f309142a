"""Records of what a gateway received, and assertions about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from cometapi_runway._core.naming import count_noun
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

_MAX_LINES: Final = 20


class GatewayAssertions:
    """Tasks, requests and charges of a gateway.

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
        """The requests received, downloads included, oldest first."""
        return self.gateway.requests

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Charges and refunds, oldest first."""
        return self.gateway.charges

    @property
    def spent(self) -> Decimal:
        """US dollars charged minus refunds. Most prices are fictional."""
        return self.gateway.ledger.total

    def requests_to(self, operation: str) -> tuple[RequestRecord, ...]:
        """Return the requests to an operation, resource or tag, or of ``"download"``.

        Raises:
            ValueError: There is no such name.
        """
        check_name(collect_names(self.gateway.contract), operation)
        return tuple(one for one in self.requests if operation in self._find_names(one))

    def assert_charged(self, times: int = 1, *, operation: str = EVERYTHING) -> None:
        """Assert how many tasks were charged, refunded ones included.

        Args:
            times: Expected number.
            operation: Count only one operation, resource or tag.

        Raises:
            AssertionError: The number differs; the message shows the ledger.
            ValueError: There is no such operation, resource or tag.
        """
        __tracebackhide__ = True
        check_name(collect_names(self.gateway.contract), operation)
        found = [line for line in self.charges if line.kind == "charge"]
        if operation != EVERYTHING:
            found = [line for line in found if operation in self._find_task_names(line.task_id)]
        if len(found) != times:
            lines = [f"{line.kind} {line.amount} USD {line.task_id}" for line in self.charges]
            expected = count_noun(times, "charge") + _format_operation(operation)
            head = f"expected {expected}, found {len(found)}"
            raise AssertionError(_format_list(head, lines))

    def assert_requested(self, times: int | None = None, *, operation: str) -> None:
        """Assert how many requests an operation received.

        Args:
            times: Expected number; at least one if None.
            operation: An operation, resource or tag.

        Raises:
            AssertionError: The number differs; the message shows all requests.
            ValueError: There is no such operation, resource or tag.
        """
        __tracebackhide__ = True
        found = len(self.requests_to(operation))
        if found != times and (times is not None or not found):
            count = "a request" if times is None else count_noun(times, "request")
            head = f"expected {count}{_format_operation(operation)}, found {found}"
            raise AssertionError(_format_list(head, map(_format_request, self.requests)))

    def assert_downloaded(self, times: int | None = None) -> None:
        """Assert how many output files were requested; see `assert_requested`."""
        __tracebackhide__ = True
        self.assert_requested(times, operation=DOWNLOAD)

    def history(self) -> str:
        """Return the last requests and all charges, one line each."""
        lines = [_format_request(one) for one in self.requests[-_MAX_LINES:]]
        lines += [f"{line.kind} {line.amount} USD {line.task_id}" for line in self.charges]
        return "\n".join(lines)

    def _find_names(self, record: RequestRecord) -> frozenset[str]:
        if record.origin == "media":
            return frozenset((DOWNLOAD,))
        if record.operation is None:
            return frozenset()
        operation = self.gateway.contract.operation(record.operation)
        return name_request(operation, operation.resource) | self._find_created_resource(record)

    def _find_created_resource(self, record: RequestRecord) -> frozenset[str]:
        """Return the resource that a request used, for operations that several resources share."""
        task = self.tasks.get(record.task_id or "")
        is_created_by_it = task is not None and task.operation.id == record.operation
        return frozenset((task.resource,)) if task and is_created_by_it else frozenset()

    def _find_task_names(self, task_id: str) -> frozenset[str]:
        task = self.tasks[task_id]
        return name_request(task.operation, task.resource)


def _format_request(record: RequestRecord) -> str:
    response = "no response" if record.status is None else f"HTTP {record.status}"
    fault = f" ({record.fault})" if record.fault else ""
    return f"{record.method} {record.path}: {response}{fault}"


def _format_operation(operation: str) -> str:
    return "" if operation == EVERYTHING else f" of {operation}"


def _format_list(head: str, lines: Iterable[str]) -> str:
    items = list(lines)
    if not items:
        return f"{head}; the gateway recorded nothing"
    return "\n  ".join((f"{head}. The gateway recorded:", *items))
