"""A program whose processes share a journal, create tasks at once, and are killed on the way.

It forks one process for each worker of the plan, a few at a time; a worker that is killed makes
room for the next one. A fork takes milliseconds, so that one test can kill dozens of processes.

Usage: shared_journal.py PLAN, which is JSON; see `Plan`. It prints one JSON object a line: the
steps that were reached, the results of the creates, and how each worker ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypedDict

import httpx
from tests.end_to_end.programs.kill_at_step import Killer, install

from cometapi_runway import Budget, RunwayClient, RunwayError

Moment = Literal["before", "after"]


class Job(TypedDict):
    """One create.

    Attributes:
        key: Its idempotency key, or None.
        resource: The client's resource.
        arguments: The arguments of its ``create``.
    """

    key: str | None
    resource: str
    arguments: dict[str, Any]


class Worker(TypedDict):
    """One process.

    Attributes:
        jobs: Numbers of the plan's jobs, in order.
        dies_at: The step at which it kills itself, which time it is reached, and before or after
            it; None for never.
        dies_after: Seconds after which it is killed; None for never.
    """

    jobs: list[int]
    dies_at: tuple[str, int, Moment] | None
    dies_after: float | None


class Plan(TypedDict):
    """What the processes do.

    Attributes:
        base_url: The gateway.
        journal: The journal.
        processes: How many run at once.
        budget: The arguments of `Budget`, or None.
        jobs: The creates.
        workers: The processes.
    """

    base_url: str
    journal: str
    processes: int
    budget: dict[str, Any] | None
    jobs: list[Job]
    workers: list[Worker]


class ReportingKiller(Killer):
    """Reports each step when it is reached for the first time, also if it is killed there."""

    def run(self, name: str, action: Callable[[], object]) -> None:
        if name not in self.reached:
            report(step=name)
        super().run(name, action)


def report(**result: object) -> None:
    """Print a line that no other process's line can interrupt, and that a kill leaves whole."""
    os.write(1, json.dumps(result).encode() + b"\n")


def work(plan: Plan, worker: Worker) -> None:
    """Do a worker's jobs and report each result."""
    point, occurrence, moment = worker["dies_at"] or ("", 0, "before")
    install(ReportingKiller(point, moment, occurrence))
    budget = None if plan["budget"] is None else Budget(**plan["budget"])
    with RunwayClient(
        "a-key", base_url=plan["base_url"], journal=plan["journal"], budget=budget, timeout=20
    ) as client:
        for number in worker["jobs"]:
            report(job=number, **create(client, plan["jobs"][number]))


def create(client: RunwayClient, job: Job) -> Mapping[str, object]:
    """Do one job."""
    options = {} if job["key"] is None else {"idempotency_key": job["key"]}
    resource: Any = getattr(client, job["resource"])
    try:
        return {"task": resource.create(**job["arguments"], **options).id}
    except RunwayError as error:
        return {"error": type(error).__name__, "message": str(error)}


def fork(plan: Plan, worker: Worker) -> int:
    """Start a worker; return its process id."""
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        work(plan, worker)
        status = 0
    except BaseException as error:
        report(failure=repr(error))
    finally:
        os._exit(status)


def supervise(plan: Plan) -> None:
    """Run all workers."""
    waiting = list(enumerate(plan["workers"]))
    running: dict[int, int] = {}
    due: dict[int, float] = {}
    while waiting or running:
        while waiting and len(running) < plan["processes"]:
            number, worker = waiting.pop(0)
            process = fork(plan, worker)
            running[process] = number
            if worker["dies_after"] is not None:
                due[process] = time.monotonic() + worker["dies_after"]
        for process in kill_due(due):
            del due[process]
        # With nobody to kill, it need not look again and again.
        ended, status = os.waitpid(-1, os.WNOHANG if due else 0)
        if ended:
            due.pop(ended, None)
            report(worker=running.pop(ended), status=os.waitstatus_to_exitcode(status))
        else:
            time.sleep(0.003)


def kill_due(due: Mapping[int, float]) -> Iterable[int]:
    """Kill the processes whose moment has come; they have not been waited for."""
    late = [process for process, moment in due.items() if moment <= time.monotonic()]
    for process in late:
        os.kill(process, signal.SIGKILL)
    return late


def warm_up(plan: Plan) -> None:
    """Load what every worker needs: the contract, the models, the database's driver."""
    accept = httpx.MockTransport(lambda _request: httpx.Response(200, json={"id": "warm-up"}))
    with RunwayClient("a-key", transport=accept) as client:
        for job in {job["resource"]: job for job in plan["jobs"]}.values():
            getattr(client, job["resource"]).create(**job["arguments"])
    if plan["journal"].startswith("postgresql"):
        import psycopg  # noqa: F401 - only where it is needed


if __name__ == "__main__":
    content: Plan = json.loads(sys.argv[1])
    warm_up(content)
    supervise(content)
