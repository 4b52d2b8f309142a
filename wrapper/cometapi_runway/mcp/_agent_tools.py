"""What the tools do, with an asynchronous client and its journal."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import mcp_types as types
from attrs import define, field, frozen

from cometapi_runway._async_client import AsyncRunwayClient
from cometapi_runway._core.json_values import JSON, Object, as_object
from cometapi_runway._core.redaction import safe_repr, strip_payloads
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway._core.task import PENDING, SUCCEEDED, Task
from cometapi_runway._flows.entries import Reservation
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.wait import succeed
from cometapi_runway._settings import NOT_FOUND_GRACE, POLL_INTERVAL
from cometapi_runway.errors import (
    ConfigurationError,
    DownloadError,
    InvalidRequestError,
    Issue,
    NotFoundError,
    SubmissionUnknownError,
    TaskCancelledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
)
from cometapi_runway.journal import SubmissionRecord
from cometapi_runway.mcp._intents import Intent, IntentStore, make_idempotency_key
from cometapi_runway.mcp._results import ErrorReport, ResultWriter
from cometapi_runway.mcp._tools import MAX_WAIT, ToolDescription, list_tools
from cometapi_runway.resources._argument_fields import find_unknown_fields, list_argument_fields
from cometapi_runway.resources._bound_task import AsyncBoundTask
from cometapi_runway.resources._client_resources import ClientResource
from cometapi_runway.resources._prepare_request import prepare_create
from cometapi_runway.resources._unknown_models import describe_unknown_model

OnProgress: TypeAlias = Callable[[float, float | None, str], Awaitable[None]]
"""Called with how much is done, of how much, and a sentence."""
_HEARTBEAT: Final = 5.0
"""Seconds between two progress notifications, from which a host sees that a tool still works."""
_NO_PRICE: Final = "unknown"
_RECENT: Final = timedelta(days=1)
"""How long a submission is remembered when an equal request is planned."""
_RECENT_SUBMISSIONS: Final = 100
_MAX_TASKS: Final = 1000
"""Tasks of which the session remembers whether the gateway knows them."""


@frozen
class SessionOptions:
    """What bounds a session of an agent.

    Attributes:
        output: The folder for files; nothing is written outside it.
        scope: The scope of the client's budget, which is the session's name.
        resources: What the session may buy.
        intents: The folder in which planned requests are kept.
        interval: Seconds between two polls of a task, at least.
    """

    output: Path
    scope: str
    resources: tuple[ClientResource, ...]
    intents: Path
    interval: float = POLL_INTERVAL


@define
class AgentTools:
    """The tools of one session.

    Attributes:
        client: The client, which has a journal, and the session's budget.
        options: The session's bounds.
        explain: Puts an error into the words of the command line.
        tools: The tools by name.
    """

    client: AsyncRunwayClient
    options: SessionOptions
    explain: Callable[[Exception], ErrorReport]
    tools: Mapping[str, ToolDescription] = field(init=False)
    _intents: IntentStore = field(init=False)
    _results: ResultWriter = field(init=False)
    _tasks: OrderedDict[str, AsyncBoundTask] = field(factory=OrderedDict[str, "AsyncBoundTask"])
    _submissions: set[asyncio.Task[AsyncBoundTask]] = field(
        factory=set["asyncio.Task[AsyncBoundTask]"]
    )

    def __attrs_post_init__(self) -> None:
        if self.client.journal.store is None:
            raise ConfigurationError(
                "the server needs a journal, so that an intent buys one task",
                setting="journal",
                is_missing=True,
            )
        self.tools = list_tools(self.options.resources)
        self._intents = IntentStore(self.options.intents)
        self._results = ResultWriter(self.client.settings.api_key)
        self._intents.remove_old()

    async def call(
        self, name: str, arguments: Object, on_progress: OnProgress
    ) -> types.CallToolResult:
        """Call a tool. Whatever goes wrong is a result that says what to do next."""
        try:
            tool = self._find_tool(name)
            tool.check(arguments)
            if tool.resource is not None:
                return self._results.write(await self._plan(tool.resource, arguments))
            return await self._call_fixed(name, arguments, on_progress)
        except Exception as error:
            return self._results.write_error(error, self.explain(error))

    async def finish_submissions(self) -> None:
        """Wait for requests that are being sent, so that their tasks are on record."""
        if self._submissions:
            await asyncio.wait(self._submissions)

    async def count_unfinished(self) -> int:
        """How many tasks continue at the gateway."""
        journal = self.client.journal
        return len(await asyncio.to_thread(journal.tasks, unfinished=True))

    def _find_tool(self, name: str) -> ToolDescription:
        tool = self.tools.get(name)
        if tool is None:
            advice = suggest_name(name, self.tools)
            message = f"name: there is no tool {safe_repr(name)} in this session; {advice}"
            raise InvalidRequestError([Issue("name", "unknown", name, message)])
        return tool

    async def _call_fixed(
        self, name: str, arguments: Mapping[str, Any], on_progress: OnProgress
    ) -> types.CallToolResult:
        match name:
            case "submit":
                return self._results.write(await self._submit(arguments["intent_id"]))
            case "wait":
                seconds = float(arguments.get("seconds", MAX_WAIT))
                state = await self._wait(arguments["task_id"], seconds, on_progress)
                return self._results.write(state)
            case "download":
                return await self._download(arguments["task_id"], on_progress)
            case "list_tasks":
                return self._results.write(await self._list_tasks(**arguments))
            case _:
                return self._results.write(await self._list_unknown())

    async def _plan(self, resource: ClientResource, body: Object) -> Object:
        client = self.client
        signature = resource.signature
        reservation = client.session.reserve(signature.name, signature.operation)
        call = prepare_create(signature, _to_arguments(resource, body), client.settings).call
        intent = Intent(resource.name, client.settings.base_url, call.body or {})
        self._intents.save(intent)
        request: dict[str, JSON] = {
            "method": call.method,
            "path": call.url,
            "body": strip_payloads(call.body),
        }
        earlier = await asyncio.to_thread(self._find_equal, call, has_seed="seed" in body)
        warning = describe_unknown_model(
            signature.name, signature.operation, intent.body, client.settings.api_key
        )
        return {
            "intent_id": intent.id,
            "request": request,
            "price_usd": _format_price(reservation.price),
            "budget": await self._describe_budget(reservation),
            "warnings": [] if warning is None else [warning],
            "already_submitted": None if earlier is None else _describe_submission(earlier),
            "next": _advise_on_plan(earlier),
        }

    def _find_equal(self, call: PreparedRequest, *, has_seed: bool) -> SubmissionRecord | None:
        """The last submission of the same request that may have been charged, if it is recent."""
        oldest = datetime.now(UTC) - _RECENT
        body = _comparable_body(call.body, has_seed=has_seed)
        for record in self.client.journal.tasks(limit=_RECENT_SUBMISSIONS):
            is_candidate = record.created_at >= oldest and record.state != "REFUSED"
            if (
                is_candidate
                and record.operation == call.operation
                and _comparable_body(as_object(record.arguments), has_seed=has_seed) == body
            ):
                return record
        return None

    async def _describe_budget(self, reservation: Reservation) -> Object:
        scope, max_cost = self.options.scope, reservation.max_cost
        spent = await asyncio.to_thread(self.client.journal.spent, scope)
        return {
            "session": scope,
            "tasks": spent.tasks,
            "max_tasks": reservation.max_tasks,
            "cost_usd": str(spent.cost),
            "max_cost_usd": None if max_cost is None else str(max_cost),
            "tasks_of_unknown_price": spent.unpriced,
        }

    async def _submit(self, intent_id: str) -> Object:
        intent = await asyncio.to_thread(self._intents.load, intent_id)
        if intent is None:
            task: Task = await self._find_submitted(intent_id)
        else:
            # A host that gives up on the tool must not interrupt a paid request: its outcome
            # would be unknown. The next call with the intent finds the task.
            task = await asyncio.shield(self._start(self._create(intent)))
        return {
            "task_id": task.id,
            "intent_id": intent_id,
            "seed": task.seed,
            "next": f"wait for task {task.id}",
        }

    def _start(
        self, submission: Coroutine[Any, Any, AsyncBoundTask]
    ) -> asyncio.Task[AsyncBoundTask]:
        task = asyncio.create_task(submission)
        self._submissions.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[AsyncBoundTask]) -> None:
        self._submissions.discard(task)
        if not task.cancelled():
            # Retrieved, so that asyncio does not report it as lost if the caller has left.
            task.exception()

    async def _create(self, intent: Intent) -> AsyncBoundTask:
        resource = self._get_resource(intent)
        task = await resource.get_from(self.client).create(
            **_to_arguments(resource, intent.body),
            idempotency_key=make_idempotency_key(intent.id),
            label=self.options.scope,
        )
        self._intents.remove(intent.id)
        return task

    def _get_resource(self, intent: Intent) -> ClientResource:
        if intent.gateway != self.client.settings.base_url:
            raise _refuse_intent(intent.id, "gateway", f"was planned for {intent.gateway}")
        for resource in self.options.resources:
            if resource.name == intent.resource:
                return resource
        raise _refuse_intent(
            intent.id, "operation", f"is of {intent.resource}, which this session may not use"
        )

    async def _find_submitted(self, intent_id: str) -> Task:
        """The task that an intent has bought."""
        key = make_idempotency_key(intent_id)
        journal = self.client.journal

        def find() -> SubmissionRecord | None:
            return journal.find(idempotency_key=key)

        record = await asyncio.to_thread(find)
        if record is None or record.state == "REFUSED":
            raise _refuse_intent(intent_id, "unknown", "is not known; plan the request")
        # A broken response may name a task.
        if record.task_id is None or record.state == "UNKNOWN":
            raise _make_unknown_error(
                record,
                f"intent {intent_id} was sent once, and it is unknown whether it was accepted. "
                "Nothing was sent now",
            )
        return Task(record.task_id, PENDING, seed=record.seed)

    async def _wait(self, task_id: str, seconds: float, on_progress: OnProgress) -> Object:
        started = self.client.session.driver.clock.now()
        task = await self._bind(task_id)
        async with _report_progress(task, seconds, on_progress) as on_update:
            try:
                ended: Task = await task.wait(seconds, on_update, interval=self.options.interval)
            except TaskTimeoutError as error:
                return _describe_state(
                    error.task_details or task, self._advise_on_wait(error, task, started)
                )
            except TaskNotFoundError:
                self._tasks.pop(task_id, None)
                raise
            except (TaskFailedError, TaskCancelledError) as error:
                advice = self.explain(error).advice
                return _describe_state(error.task_details or task, advice)
        return _describe_state(ended, "download saves its files")

    def _advise_on_wait(
        self, error: TaskTimeoutError, task: AsyncBoundTask, started: float
    ) -> str | None:
        """What to do after a wait in which the gateway did not know the task; else None."""
        if task.visibility.seen or not isinstance(error.__cause__, NotFoundError):
            return None
        if task.accepted_at is None:
            # Otherwise each wait, which is short, would allow for a new task again.
            task = self._tasks[task.id] = self.client.bind(task, started)
        age = self.client.session.driver.clock.now() - (task.accepted_at or started)
        return (
            f"the gateway does not know task {task.id} yet. A new task can be unknown for a while: "
            "check the id with list_tasks and call wait again. The id counts as unknown if it "
            f"stays so for {max(NOT_FOUND_GRACE - age, 0):.0f} s more"
        )

    async def _bind(self, task_id: str) -> AsyncBoundTask:
        """The task by its id, as it was left by the last call.

        It has its age if the journal has it: a new one may not be visible.
        """
        task = self._tasks.get(task_id)
        if task is None:
            task = await self._recall(task_id)
            self._tasks[task_id] = task
            if len(self._tasks) > _MAX_TASKS:
                self._tasks.popitem(last=False)
        return task

    async def _recall(self, task_id: str) -> AsyncBoundTask:
        client = self.client
        task = client.tasks.bind(task_id)
        record = await asyncio.to_thread(client.journal.find, task_id)
        if record is None:
            return task
        age = max(time.time() - record.created_at.timestamp(), 0.0)
        return client.bind(task.unbound(), client.session.driver.clock.now() - age)

    async def _download(self, task_id: str, on_progress: OnProgress) -> types.CallToolResult:
        task = await (await self._bind(task_id)).refresh()
        if not task.is_terminal:
            message = f"task {task_id} is {task.status} and has no output yet; wait for it first"
            raise DownloadError(message, task_id=task_id)
        succeed(task)

        async def on_chunk(index: int, size: int, total: int | None) -> None:
            # Each output counts from zero: the number must grow, so only the first is shown.
            if index == 0:
                await on_progress(size, total, f"downloading {task_id}")

        paths = await task.download(self.options.output, on_progress=on_chunk)
        folder = self.options.output.resolve()
        for path in paths:
            if not path.resolve().is_relative_to(folder):
                message = f"{path} is a link out of the folder {folder}; remove it"
                raise DownloadError(message, task_id=task_id)
        fields: Object = {"task_id": task_id, "files": [str(folder / path.name) for path in paths]}
        return await asyncio.to_thread(self._results.write, fields, paths)

    async def _list_tasks(self, *, unfinished: bool = False, limit: int = 20) -> Object:
        journal = self.client.journal
        records = await asyncio.to_thread(journal.tasks, unfinished=unfinished, limit=limit)
        return {"tasks": [_describe_submission(record) for record in records]}

    async def _list_unknown(self) -> Object:
        records = await asyncio.to_thread(self.client.journal.unknown)
        return {"submissions": [self._describe_unknown(record) for record in records]}

    def _describe_unknown(self, record: SubmissionRecord) -> dict[str, JSON]:
        error = _make_unknown_error(record, "it may have been charged")
        return {**_describe_submission(record), "next": self.explain(error).advice}


def _make_unknown_error(record: SubmissionRecord, problem: str) -> SubmissionUnknownError:
    error = SubmissionUnknownError(
        f"{record.operation}: {problem}",
        operation=record.operation,
        fingerprint=record.fingerprint,
        key=record.key,
    )
    error.task_id = record.task_id
    return error


def _to_arguments(resource: ClientResource, body: Object) -> dict[str, Any]:
    """The arguments of ``create`` for a body.

    Raises:
        InvalidRequestError: The body has a field that the contract does not name.
    """
    names = {one.field: one.argument.name for one in list_argument_fields(resource)}
    unknown = find_unknown_fields(resource.name, names, body)
    if unknown:
        raise InvalidRequestError(unknown)
    return {names[name]: value for name, value in body.items()}


def _comparable_body(body: Object | None, *, has_seed: bool) -> JSON:
    """A body as the journal keeps it; a seed counts only if the agent gave one."""
    fields = as_object(strip_payloads(body)) or {}
    return {name: value for name, value in fields.items() if has_seed or name != "seed"}


def _advise_on_plan(earlier: SubmissionRecord | None) -> str:
    if earlier is None:
        return "nothing was sent; submit sends it, and charges for it once"
    if earlier.task_id is None:
        advice = "the outcome is not known yet: see unknown, and submit that intent_id again"
    else:
        advice = f"wait for task {earlier.task_id} or download it"
    return (
        f"nothing was sent. An equal request was submitted before, see already_submitted; {advice}."
        " Submit this intent only to buy another task"
    )


def _refuse_intent(intent_id: str, rule: str, problem: str) -> InvalidRequestError:
    message = f"intent_id: {safe_repr(intent_id)} {problem}"
    return InvalidRequestError([Issue("intent_id", rule, intent_id, message)])


@contextlib.asynccontextmanager
async def _report_progress(
    task: Task, seconds: float, on_progress: OnProgress
) -> AsyncGenerator[Callable[[Task], Awaitable[None]]]:
    """Report the progress of a wait, at every change and every few seconds without one."""
    started, latest = time.monotonic(), task

    async def report() -> None:
        elapsed = min(time.monotonic() - started, seconds)
        await on_progress(elapsed, seconds, f"{latest.id} is {_format_status(latest)}")

    async def on_update(seen: Task) -> None:
        nonlocal latest
        latest = seen
        await report()

    async def beat() -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            await report()

    heartbeat = asyncio.create_task(beat())
    try:
        yield on_update
    finally:
        heartbeat.cancel()
        # The host may have left, and then nothing can be sent to it.
        await asyncio.gather(heartbeat, return_exceptions=True)


def _format_status(task: Task) -> str:
    percent = "" if task.progress is None or task.is_terminal else f" {task.progress:.0%}"
    return f"{task.status}{percent}"


def _describe_state(task: Task, advice: str | None = None) -> dict[str, JSON]:
    """A task's state. Its output is not shown: the addresses are signed."""
    return {
        "task_id": task.id,
        "status": task.status,
        "ended": task.is_terminal,
        "progress": task.progress,
        "outputs": len(task.output) if task.status == SUCCEEDED else None,
        "failure": task.failure,
        "failure_code": task.failure_code,
        "next": advice or "it continues at the gateway; call wait again",
    }


def _describe_submission(record: SubmissionRecord) -> dict[str, JSON]:
    """A submission without its arguments, which may be large and private."""
    reason = record.failure_reason
    return {
        "task_id": record.task_id,
        "intent_id": (record.idempotency_key or "").removeprefix("mcp-") or None,
        "operation": record.operation,
        "state": record.state,
        "reason": record.reason if reason is None else reason.value,
        "failure_code": record.failure_code,
        "created_at": record.created_at.isoformat(),
        "price_usd": _format_price(record.price),
        "seed": record.seed,
        "files": [str(path) for path in record.files],
    }


def _format_price(price: object) -> str:
    return _NO_PRICE if price is None else str(price)
