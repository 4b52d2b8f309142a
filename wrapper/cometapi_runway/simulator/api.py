"""The first origin: every operation of the contract, none of them by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import frozen

from cometapi_runway._core.json_values import as_object, as_text, parse_json
from cometapi_runway.errors import Issue
from cometapi_runway.simulator import refusals, shapes
from cometapi_runway.simulator.reply import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cometapi_runway.simulator.faults import Fault
    from cometapi_runway.simulator.files import FileServer
    from cometapi_runway.simulator.requests import Request
    from cometapi_runway.simulator.settings import Settings
    from cometapi_runway.simulator.tasks import SimulatedTask, TaskStore
    from cometapi_runway.simulator.variants import Variants
    from cometapi_runway.validation import Contract, Operation

_OFFICIAL: Final = "official"
_FEED: Final = "feed"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_SLASHES: Final = re.compile("/+")


@frozen
class Handled:
    """An answer, and what the log wants to know about it.

    Attributes:
        reply: The answer, before any fault spoils it.
        task: The task that was made or read.
    """

    reply: Reply
    task: SimulatedTask | None = None


@frozen
class Api:
    """Answers the contract's requests.

    Attributes:
        settings: How answers and refusals are written.
        contract: What is asked for, and whether it is asked for rightly.
        store: The tasks.
        files: Gives finished tasks the addresses of their outputs.
        variants: Tells resources that share a route apart.
    """

    settings: Settings
    contract: Contract
    store: TaskStore
    files: FileServer
    variants: Variants

    def operation(self, request: Request) -> Operation | None:
        """The operation that a request hits, if any."""
        route = self.contract.route(request.method, request.path)
        return None if isinstance(route, Issue) else route.operation

    def answer(
        self, request: Request, now: float, request_id: str, fault: Fault | None = None
    ) -> Handled:
        """Acts on a request.

        Args:
            request: The request.
            now: The present, in Unix seconds.
            request_id: What error messages call the request.
            fault: What befalls it; some faults let a read see another moment than the present.
        """
        route = self.contract.route(request.method, request.path)
        if isinstance(route, Issue):
            return Handled(self._misrouted(request, request_id))
        operation, arguments = route.operation, route.arguments
        problem = self._problem(request)
        if problem is not None:
            return Handled(self._refuse(problem, operation, request_id))
        if operation.is_read:
            return self._read(operation, _task_id(request, arguments), now, fault)
        return self._create(operation, request.body, now)

    def _problem(self, request: Request) -> refusals.Problem | None:
        """What is wrong with a request; the key comes first, as it does at the real gateway."""
        issues = self.contract.check_request(
            request.method, request.target, request.headers, request.body
        )
        is_unnamed = any(issue.path.lower() == "authorization" for issue in issues)
        keys = self.settings.keys
        if is_unnamed or (keys is not None and request.key not in keys):
            return refusals.unauthorised()
        return refusals.invalid(issues) if issues else None

    def _refuse(self, problem: refusals.Problem, operation: Operation, request_id: str) -> Reply:
        envelope = self.settings.errors
        if envelope == "compat" and operation.tag == _OFFICIAL:
            envelope = "platform"
        return refusals.reply(problem, envelope, request_id)

    def _misrouted(self, request: Request, request_id: str) -> Reply:
        allowed = self._methods(request.path)
        if allowed:
            return refusals.platform_reply(refusals.wrong_method(allowed), request_id)
        clean = _SLASHES.sub("/", request.path).rstrip("/")
        return refusals.wrong_path(clean if self._methods(clean) else None)

    def _methods(self, path: str) -> tuple[str, ...]:
        return tuple(method for method in _METHODS if self.contract.match(method, path))

    def _create(self, operation: Operation, body: bytes, now: float) -> Handled:
        task = self.store.create(operation, self.variants.resource(operation, body), body, now)
        if task is None:
            return Handled(refusals.task_reply(refusals.out_of_quota()))
        era = None if operation.tag == _OFFICIAL else self.settings.shape.created
        return Handled(json_reply(shapes.created(era, task.id)), task)

    def _read(self, operation: Operation, task_id: str, now: float, fault: Fault | None) -> Handled:
        task = self.store.tasks.get(task_id)
        if task is None:
            return Handled(refusals.missing(self.settings.missing))
        moment = fault.moment(now, task.last_read) if fault else now
        if fault is None or not fault.repeats:
            task.polls += 1
            task.last_read = moment
        if not task.view(moment).is_visible:
            return Handled(refusals.missing(self.settings.missing), task)
        form = self._form(operation, task, moment)
        return Handled(json_reply(shapes.render(form, self.facts(task, moment))), task)

    def _form(self, operation: Operation, task: SimulatedTask, moment: float) -> shapes.Form:
        has_ended = task.view(moment).is_terminal
        if operation.resource == _FEED:
            return shapes.settle(self.settings.shape.feed, "flat", task.polls, has_ended)
        return shapes.settle(self.settings.shape.task, "raw", task.polls, has_ended)

    def facts(self, task: SimulatedTask, moment: float) -> shapes.Facts:
        """All that an answer can tell of a task at a moment, in Unix seconds."""
        view = task.view(moment)
        is_done = view.status == "SUCCEEDED"
        return shapes.Facts(
            id=task.id,
            action=task.action,
            created=task.created,
            view=view,
            now=moment,
            output=(self.files.address(task, moment),) if is_done else (),
            prompt=task.prompt,
            cost=float(task.price),
            is_compat=task.operation.tag != _OFFICIAL,
        )


def _task_id(request: Request, arguments: Mapping[str, str]) -> str:
    """The id that a read asks for: in its path, or in its body for the reads that are POSTs."""
    if arguments:
        return next(iter(arguments.values()))
    body = as_object(parse_json(request.body)) or {}
    return as_text(body.get("task_id")) or ""
