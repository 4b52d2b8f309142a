"""The API origin: replies to every operation of the contract, without naming any of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import frozen

from cometapi_runway._core.json_values import as_object, as_text, parse_json
from cometapi_runway.errors import Issue
from cometapi_runway.simulator._responses import refusals, shapes
from cometapi_runway.simulator._responses.reply import Reply, json_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cometapi_runway.simulator._gateway.file_server import FileServer
    from cometapi_runway.simulator._gateway.request import SimulatedRequest
    from cometapi_runway.simulator._gateway.resource_matcher import ResourceMatcher
    from cometapi_runway.simulator._gateway.tasks import SimulatedTask, TaskStore
    from cometapi_runway.simulator._rules.faults import Fault
    from cometapi_runway.simulator._settings import SimulatorSettings
    from cometapi_runway.validation import Contract, Operation

_OFFICIAL: Final = "official"
_FEED: Final = "feed"
_SLASHES: Final = re.compile("/+")


@frozen
class HandledRequest:
    """A reply, and the task that it concerns.

    Attributes:
        reply: The reply, before any fault is applied.
        task: The task that was created or read, if any.
    """

    reply: Reply
    task: SimulatedTask | None = None


@frozen
class OperationHandler:
    """Replies to requests for the contract's operations.

    Attributes:
        settings: The shapes of responses and refusals, and the keys that are accepted.
        contract: Routes and validates requests.
        store: The tasks.
        files: Signs the URLs of outputs.
        resources: Finds the resource of a request.
    """

    settings: SimulatorSettings
    contract: Contract
    store: TaskStore
    files: FileServer
    resources: ResourceMatcher

    def find_operation(self, request: SimulatedRequest) -> Operation | None:
        """Returns the operation that a request is for, if any."""
        route = self.contract.route(request.method, request.path)
        return None if isinstance(route, Issue) else route.operation

    def handle(
        self, request: SimulatedRequest, now: float, request_id: str, fault: Fault | None = None
    ) -> HandledRequest:
        """Acts on a request.

        Args:
            request: The request.
            now: The current time in Unix seconds.
            request_id: The request id in error messages.
            fault: The fault that applies; some change the moment that a read observes.
        """
        route = self.contract.route(request.method, request.path)
        if isinstance(route, Issue):
            return HandledRequest(self._refuse_route(request, request_id))
        operation, arguments = route.operation, route.arguments
        refusal = self._check(request)
        if refusal is not None:
            return HandledRequest(self._refuse(refusal, operation, request_id))
        if operation.is_read:
            return self._read(operation, _task_id(request, arguments), now, fault)
        return self._create(operation, request.body, now)

    def _check(self, request: SimulatedRequest) -> refusals.Refusal | None:
        """Checks a request. The real gateway checks the key first too."""
        issues = self.contract.check_request(
            request.method, request.target, request.headers, request.body
        )
        lacks_key = any(
            issue.rule == "security" or issue.path.lower() == "authorization" for issue in issues
        )
        keys = self.settings.keys
        if lacks_key or (keys is not None and request.key not in keys):
            return refusals.refuse_key()
        return refusals.refuse_invalid(issues) if issues else None

    def _refuse(self, refusal: refusals.Refusal, operation: Operation, request_id: str) -> Reply:
        envelope = self.settings.errors
        if envelope == "compat" and operation.tag == _OFFICIAL:
            return refusals.write_platform_refusal(refusal, request_id)
        return refusals.write_refusal(refusal, envelope, request_id)

    def _refuse_route(self, request: SimulatedRequest, request_id: str) -> Reply:
        allowed = self._allowed_methods(request.path)
        if allowed:
            return refusals.write_platform_refusal(refusals.refuse_method(allowed), request_id)
        corrected = _SLASHES.sub("/", request.path).rstrip("/")
        return refusals.reply_unknown_path(corrected if self._allowed_methods(corrected) else None)

    def _allowed_methods(self, path: str) -> tuple[str, ...]:
        methods = sorted({operation.method for operation in self.contract.operations})
        return tuple(method for method in methods if self.contract.match(method, path))

    def _create(self, operation: Operation, body: bytes, now: float) -> HandledRequest:
        task = self.store.create(operation, self.resources.match(operation, body), body, now)
        if task is None:
            return HandledRequest(refusals.write_task_refusal(refusals.refuse_quota()))
        form = None if operation.tag == _OFFICIAL else self.settings.shape.created
        return HandledRequest(json_reply(shapes.write_created(form, task.id)), task)

    def _read(
        self, operation: Operation, task_id: str, now: float, fault: Fault | None
    ) -> HandledRequest:
        task = self.store.tasks.get(task_id)
        if task is None:
            return HandledRequest(refusals.reply_unknown_task(self.settings.missing))
        moment = fault.observed_at(now, task.last_read) if fault else now
        if fault is None or not fault.repeats:
            task.polls += 1
            task.last_read = moment
        if not task.view(moment).is_visible:
            return HandledRequest(refusals.reply_unknown_task(self.settings.missing), task)
        form = self._choose_form(operation, task, moment)
        return HandledRequest(
            json_reply(shapes.write_task(form, self.snapshot(task, moment))), task
        )

    def _choose_form(self, operation: Operation, task: SimulatedTask, moment: float) -> shapes.Form:
        has_ended = task.view(moment).is_terminal
        if operation.resource == _FEED:
            return shapes.choose_form(self.settings.shape.feed, "flat", task.polls, has_ended)
        return shapes.choose_form(self.settings.shape.task, "raw", task.polls, has_ended)

    def snapshot(self, task: SimulatedTask, moment: float) -> shapes.TaskSnapshot:
        """Returns what responses contain about a task at a moment in Unix seconds."""
        view = task.view(moment)
        is_done = view.status == "SUCCEEDED"
        return shapes.TaskSnapshot(
            id=task.id,
            action=task.action,
            created=task.created,
            view=view,
            now=moment,
            output=(self.files.sign_url(task, moment),) if is_done else (),
            prompt=task.prompt,
            cost=float(task.price),
            is_compat=task.operation.tag != _OFFICIAL,
        )


def _task_id(request: SimulatedRequest, arguments: Mapping[str, str]) -> str:
    """The id that a read asks for: from its path, or from its body if the read is a POST."""
    if arguments:
        return next(iter(arguments.values()))
    body = as_object(parse_json(request.body)) or {}
    return as_text(body.get("task_id")) or ""
