"""The gateway: requests in, replies out, without sockets.

`Gateway.handle` makes every decision of the simulator. It does not wait or read the machine's
clock. `_server` adds ASGI and sockets; a test can call it directly.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Unpack
from urllib.parse import urlsplit

from attrs import frozen

from cometapi_runway.simulator._gateway.file_server import FileServer, Signer
from cometapi_runway.simulator._gateway.ledger import Charge, Ledger
from cometapi_runway.simulator._gateway.operations import HandledRequest, OperationHandler
from cometapi_runway.simulator._gateway.planner import Planner
from cometapi_runway.simulator._gateway.request import SimulatedRequest
from cometapi_runway.simulator._gateway.request_log import Origin, RequestRecord, redact_request
from cometapi_runway.simulator._gateway.resource_matcher import ResourceMatcher
from cometapi_runway.simulator._gateway.tasks import Callback, SimulatedTask, TaskStore
from cometapi_runway.simulator._lifecycle import View, failed
from cometapi_runway.simulator._responses.reply import Reply
from cometapi_runway.simulator._responses.shapes import write_digits
from cometapi_runway.simulator._rules.fault_effects import FaultContext, apply_fault
from cometapi_runway.simulator._rules.faults import Fault
from cometapi_runway.simulator._rules.names import DOWNLOAD, collect_names, name_request
from cometapi_runway.simulator._rules.outcomes import Outcome
from cometapi_runway.simulator._rules.rule_book import RuleBook, When
from cometapi_runway.simulator._settings import Options, SimulatorSettings
from cometapi_runway.validation import contract

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON
    from cometapi_runway.simulator._responses.shapes import TaskSnapshot
    from cometapi_runway.validation import Operation

_CREDENTIALS = ("authorization", "x-api-key")


@frozen
class Leak:
    """A request for an output file that carried credentials, which only the API may receive.

    Attributes:
        at: When, in Unix seconds.
        path: The requested path.
        header: The header with the credentials. Its value is not stored.
    """

    at: float
    path: str
    header: str


class Gateway:
    """A simulated gateway: stateful, deterministic, in memory.

    Args:
        settings: Its settings.
        options: Fields of `SimulatorSettings`, used if `settings` is None.

    Attributes:
        settings: Its settings.
        clock: Its clock. Tasks progress when a manual clock is moved.
        contract: The contract that requests are validated against.
        faults: What goes wrong, by rule. Rules can be changed at any time.
        outcomes: How tasks end, by rule. Rules can be changed at any time.
        watchers: Called with every request before the gateway acts on it.
    """

    def __init__(
        self, settings: SimulatorSettings | None = None, **options: Unpack[Options]
    ) -> None:
        self.settings = settings or SimulatorSettings(**options)
        self.clock = self.settings.clock
        self.contract = self.settings.contract or contract()
        names = collect_names(self.contract)
        self.faults: RuleBook[Fault] = RuleBook(names)
        self.outcomes: RuleBook[Outcome] = RuleBook(names)
        self.watchers: list[Callable[[SimulatedRequest], object]] = []
        # A server's thread handles requests while a test reads the state from its own thread.
        self._lock = threading.RLock()
        self._resources = ResourceMatcher(self.contract)
        self._media_host = urlsplit(self.settings.media_url).netloc
        self.reset()

    def reset(self) -> None:
        """Deletes all tasks, requests and charges, and restores the rules of the settings.

        The clock keeps its time. Ids and durations start again from the seed.
        """
        settings, timings = self.settings, self.settings.timings
        with self._lock:
            self.faults.replace(settings.faults)
            self.outcomes.replace(settings.outcomes)
            planner = Planner(settings.seed, timings, self.outcomes)
            self._store = TaskStore(planner, Ledger(settings.prices, settings.balance))
            signer = Signer.from_seed(settings.seed)
            origin = settings.media_url.rstrip("/")
            self._files = FileServer(origin, timings.url_lifetime, signer, self._store.tasks)
            self._operations = OperationHandler(
                settings, self.contract, self._store, self._files, self._resources
            )
            self._requests = deque[RequestRecord](maxlen=settings.remembered_requests)
            self._received = 0
            self._leaks: list[Leak] = []

    @property
    def tasks(self) -> Mapping[str, SimulatedTask]:
        """All tasks by id, oldest first."""
        return self._store.tasks

    def latest(self, limit: int) -> tuple[SimulatedTask, ...]:
        """Returns the newest tasks, newest first."""
        with self._lock:
            return self._store.latest(limit)

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The latest requests to both origins, oldest first."""
        with self._lock:
            return tuple(self._requests)

    @property
    def received(self) -> int:
        """How many requests were received, including those no longer in the log."""
        return self._received

    @property
    def open_tasks(self) -> int:
        """How many tasks have not ended."""
        self._settle()
        return self._store.open

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Charges and refunds so far, oldest first."""
        return self.ledger.lines

    @property
    def ledger(self) -> Ledger:
        """The ledger of charges and refunds, up to now."""
        self._settle()
        return self._store.ledger

    @property
    def callbacks(self) -> tuple[Callback, ...]:
        """The callbacks that are due, oldest first."""
        self._settle()
        return self._store.callbacks

    @property
    def leaked_keys(self) -> tuple[Leak, ...]:
        """Requests for output files that carried credentials."""
        return tuple(self._leaks)

    def view(self, task_id: str) -> View:
        """Computes the current state of a task.

        Raises:
            KeyError: There is no such task.
        """
        return self.tasks[task_id].view(self.clock.now())

    def output_url(self, task_id: str) -> str | None:
        """Makes a new URL of a task's output; returns None before it has one.

        Raises:
            KeyError: There is no such task.
        """
        output = self._snapshot(task_id).output
        return output[0] if output else None

    def callback_body(self, task_id: str) -> JSON:
        """Writes the body of a task's callback, in the only form that CometAPI documents.

        Raises:
            KeyError: There is no such task.
        """
        return write_digits(self._snapshot(task_id))

    def cancel(self, task_id: str) -> View:
        """Cancels a task and returns its state; a task that has ended stays unchanged.

        Raises:
            KeyError: There is no such task.
        """
        with self._lock:
            now = self.clock.now()
            return self._store.cancel(task_id, now).view(now)

    def fail_next(self, code: str | None = "INTERNAL", operation: str = "*") -> None:
        """Makes the next task of an operation fail; several calls apply to several tasks.

        Args:
            code: Runway's failure code; `FAILURES` has the documented ones.
            operation: As in `When`.

        Raises:
            ValueError: The contract has no such operation.
        """
        self.outcomes.queue(Outcome(failed(code), When(operation)))

    def handle(
        self, method: str, url: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> Reply:
        """Handles a request to the API or to the media origin, and returns at once.

        Args:
            method: HTTP method.
            url: A complete URL, or path and query; percent-encoded. Host and port of the
                setting `media_url` select the output files, all others the API. A URL without a
                host uses the header ``Host``.
            headers: Header fields.
            body: The body.

        Returns:
            The reply, with the delays and resets for its delivery.
        """
        request = SimulatedRequest.parse(method, url, headers, body)
        for watch in self.watchers:
            watch(request)
        with self._lock:
            self._settle()
            self._received += 1
            if request.host == self._media_host:
                return self._handle(request, "media", None)
            return self._handle(request, "api", self._operations.find_operation(request))

    def _handle(
        self, request: SimulatedRequest, origin: Origin, operation: Operation | None
    ) -> Reply:
        now = self.clock.now()
        context = FaultContext(now, self._request_id(now))
        fault = self.faults.take_next(self._names(request, operation, origin))
        handled = HandledRequest(Reply(200))
        if fault is None or not fault.blocks:
            handled = self._act(request, origin, context, fault)
        reply = apply_fault(fault, handled.reply, context) if fault else handled.reply
        path, headers, content = redact_request(request)
        self._requests.append(
            RequestRecord(
                number=self._received,
                at=now,
                origin=origin,
                method=request.method,
                path=path,
                headers=headers,
                content=content,
                operation=operation.id if operation else None,
                task_id=handled.task.id if handled.task else None,
                status=None if reply.drop == "before" else reply.status,
                fault=fault.kind if fault else None,
            )
        )
        return reply

    def _act(
        self, request: SimulatedRequest, origin: Origin, context: FaultContext, fault: Fault | None
    ) -> HandledRequest:
        if origin == "api":
            return self._operations.handle(request, context.now, context.request_id, fault)
        present = [name for name in _CREDENTIALS if request.header(name) is not None]
        self._leaks += [Leak(context.now, request.path, name) for name in present]
        reply = self._files.handle(request, context.now)
        return HandledRequest(reply, self._files.find_task(request.path))

    def _names(
        self, request: SimulatedRequest, operation: Operation | None, origin: Origin
    ) -> frozenset[str]:
        if operation is None:
            return frozenset((DOWNLOAD,) if origin == "media" else ())
        return name_request(operation, self._resources.match(operation, request.body))

    def _request_id(self, now: float) -> str:
        """A request id in the gateway's form: a timestamp and eight hexadecimal digits."""
        moment = datetime.fromtimestamp(now, UTC)
        tail = hashlib.blake2b(f"{self.settings.seed}:{self._received}".encode(), digest_size=4)
        return f"{moment:%Y%m%d%H%M%S%f}{tail.hexdigest().upper()}"

    def _snapshot(self, task_id: str) -> TaskSnapshot:
        return self._operations.snapshot(self.tasks[task_id], self.clock.now())

    def _settle(self) -> None:
        with self._lock:
            self._store.settle(self.clock.now())
