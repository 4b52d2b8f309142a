"""The gateway itself: requests in, answers out, no sockets.

Everything the simulator decides is decided below this call, which neither waits nor looks at the
machine's clock. ASGI and sockets are put around it by `app` and `server`; a test can do without.
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

from cometapi_runway.simulator import shapes
from cometapi_runway.simulator.api import Api, Handled
from cometapi_runway.simulator.faults import Fault, Scene, act_out
from cometapi_runway.simulator.files import FileServer, Signer
from cometapi_runway.simulator.ledger import Charge, Ledger
from cometapi_runway.simulator.lifecycle import View, failed
from cometapi_runway.simulator.planning import Planner
from cometapi_runway.simulator.reply import Reply
from cometapi_runway.simulator.requests import Origin, Request, RequestRecord, redacted
from cometapi_runway.simulator.rules import DOWNLOAD, RuleBook, When, names_in
from cometapi_runway.simulator.settings import Options, Outcome, Settings
from cometapi_runway.simulator.tasks import Callback, SimulatedTask, TaskStore, names_of
from cometapi_runway.simulator.variants import Variants
from cometapi_runway.validation import contract

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON
    from cometapi_runway.validation import Operation

_CREDENTIALS = ("authorization", "x-api-key")


@frozen
class Leak:
    """A request for an output file that carried credentials, which belong to the API alone.

    Attributes:
        at: When, in Unix seconds.
        path: What was asked for.
        header: The header that carried them. Their value is not kept.
    """

    at: float
    path: str
    header: str


class Gateway:
    """A simulated gateway: stateful, deterministic, in memory.

    Args:
        settings: Its settings; or give them one by one as keyword arguments.
        options: Fields of `Settings`, used when no settings are given.

    Attributes:
        settings: Its settings.
        clock: Its time. Moving a manual clock is what makes tasks go on.
        contract: The contract that requests are judged by.
        faults: What goes wrong, by rule; rules can be added and cleared at any time.
        outcomes: How tasks end, by rule; likewise.
        watchers: Called with every request, before it is acted on and whatever comes of it.
    """

    def __init__(self, settings: Settings | None = None, **options: Unpack[Options]) -> None:
        self.settings = settings or Settings(**options)
        self.clock = self.settings.clock
        self.contract = self.settings.contract or contract()
        names = names_in(self.contract)
        self.faults: RuleBook[Fault] = RuleBook(names)
        self.outcomes: RuleBook[Outcome] = RuleBook(names)
        self.watchers: list[Callable[[Request], object]] = []
        # Requests may come from a server's thread while a test looks at the state from its own.
        self._lock = threading.RLock()
        self._variants = Variants(self.contract)
        self._media_host = urlsplit(self.settings.media_url).netloc
        self.reset()

    def reset(self) -> None:
        """Forgets all tasks, requests and charges, and goes back to the rules of the settings.

        The clock is left alone. What follows is drawn from the seed anew.
        """
        settings, timings = self.settings, self.settings.timings
        with self._lock:
            self.faults.replace(settings.faults)
            self.outcomes.replace(settings.outcomes)
            planner = Planner(settings.seed, timings, self.outcomes)
            self._store = TaskStore(planner, Ledger(settings.prices, settings.balance))
            signer = Signer.seeded(settings.seed)
            origin = settings.media_url.rstrip("/")
            self._files = FileServer(origin, timings.url_lifetime, signer, self._store.tasks)
            self._api = Api(settings, self.contract, self._store, self._files, self._variants)
            self._requests = deque[RequestRecord](maxlen=settings.remembered_requests)
            self._received = 0
            self._leaks: list[Leak] = []

    @property
    def tasks(self) -> Mapping[str, SimulatedTask]:
        """All tasks by id, oldest first."""
        return self._store.tasks

    def latest(self, limit: int) -> tuple[SimulatedTask, ...]:
        """The newest tasks, newest first."""
        with self._lock:
            return self._store.latest(limit)

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The latest requests to both origins, oldest first."""
        with self._lock:
            return tuple(self._requests)

    @property
    def received(self) -> int:
        """How many requests there were, with those that the log has forgotten."""
        return self._received

    @property
    def open_tasks(self) -> int:
        """How many tasks have not ended."""
        self._settle()
        return self._store.open

    @property
    def charges(self) -> tuple[Charge, ...]:
        """What was charged and refunded so far, oldest first."""
        return self.ledger.lines

    @property
    def ledger(self) -> Ledger:
        """Charges, refunds and the balance, up to now."""
        self._settle()
        return self._store.ledger

    @property
    def callbacks(self) -> tuple[Callback, ...]:
        """The callbacks that have come due, oldest first."""
        self._settle()
        return self._store.callbacks

    @property
    def leaked_keys(self) -> tuple[Leak, ...]:
        """Requests for output files that carried credentials."""
        return tuple(self._leaks)

    def view(self, task_id: str) -> View:
        """What a task looks like now.

        Raises:
            KeyError: There is no such task.
        """
        return self.tasks[task_id].view(self.clock.now())

    def output_url(self, task_id: str) -> str | None:
        """A fresh address of a task's output, or None while it has none.

        Raises:
            KeyError: There is no such task.
        """
        facts = self._api.facts(self.tasks[task_id], self.clock.now())
        return facts.output[0] if facts.output else None

    def callback_body(self, task_id: str) -> JSON:
        """What the callback of a task says, in the one form that CometAPI has shown.

        Raises:
            KeyError: There is no such task.
        """
        return shapes.digits(self._api.facts(self.tasks[task_id], self.clock.now()))

    def cancel(self, task_id: str) -> View:
        """Cancels a task, as Runway may on its own; one that has ended stays as it is.

        Raises:
            KeyError: There is no such task.
        """
        with self._lock:
            now = self.clock.now()
            return self._store.cancel(task_id, now).view(now)

    def fail_next(self, code: str | None = "INTERNAL", operation: str = "*") -> None:
        """Makes the next task of an operation fail; calls add up.

        Args:
            code: Runway's failure code; `lifecycle.FAILURES` holds the documented ones.
            operation: As in `When`.

        Raises:
            ValueError: Nothing is called `operation`.
        """
        self.outcomes.queue(Outcome(failed(code), When(operation)))

    def handle(
        self, method: str, url: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> Reply:
        """Answers a request to either origin.

        Args:
            method: HTTP method.
            url: Whole, or from the path on; percent-encoded. Host and port of the settings'
                `media_url` lead to the output files, all others to the API. Without a host in
                the address, the header ``Host`` decides.
            headers: Header fields.
            body: The body.

        Returns:
            The answer, and how it is to travel. Nothing here waits.
        """
        request = Request.read(method, url, headers, body)
        for watch in self.watchers:
            watch(request)
        with self._lock:
            self._settle()
            self._received += 1
            if request.host == self._media_host:
                return self._handle(request, "media", None)
            return self._handle(request, "api", self._api.operation(request))

    def _handle(self, request: Request, origin: Origin, operation: Operation | None) -> Reply:
        now = self.clock.now()
        scene = Scene(now, self._request_id(now))
        fault = self.faults.next(self._names(request, operation, origin))
        handled = Handled(Reply(200))
        if fault is None or not fault.prevents:
            handled = self._act(request, origin, scene, fault)
        reply = act_out(fault, handled.reply, scene) if fault else handled.reply
        path, headers, content = redacted(request)
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

    def _act(self, request: Request, origin: Origin, scene: Scene, fault: Fault | None) -> Handled:
        if origin == "api":
            return self._api.answer(request, scene.now, scene.request_id, fault)
        carried = [name for name in _CREDENTIALS if request.header(name) is not None]
        self._leaks += [Leak(scene.now, request.path, name) for name in carried]
        return Handled(self._files.answer(request, scene.now), self._files.task(request.path))

    def _names(
        self, request: Request, operation: Operation | None, origin: Origin
    ) -> frozenset[str]:
        if operation is None:
            return frozenset((DOWNLOAD,) if origin == "media" else ())
        return names_of(operation, self._variants.resource(operation, request.body))

    def _request_id(self, now: float) -> str:
        """A request id of the form that the gateway's messages show: a time and eight letters."""
        moment = datetime.fromtimestamp(now, UTC)
        tail = hashlib.blake2b(f"{self.settings.seed}:{self._received}".encode(), digest_size=4)
        return f"{moment:%Y%m%d%H%M%S%f}{tail.hexdigest().upper()}"

    def _settle(self) -> None:
        with self._lock:
            self._store.settle(self.clock.now())
