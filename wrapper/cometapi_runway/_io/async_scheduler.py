"""Run many waits at once, each in an asyncio task, and yield each result when it is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

from cometapi_runway._core.task import Task
from cometapi_runway._flows.steps import Flow
from cometapi_runway._io.async_driver import AsyncDriver
from cometapi_runway._io.scheduler import WaitOutcome, list_tasks_on_interrupt, to_outcome


async def run_flows(
    driver: AsyncDriver, flows: Mapping[str, Flow[Task]]
) -> AsyncGenerator[tuple[str, WaitOutcome]]:
    """Yield each task's id and outcome, in the order in which the waits end."""
    outcomes: asyncio.Queue[tuple[str, WaitOutcome]] = asyncio.Queue()
    unfinished = set(flows)

    async def run_one(task_id: str, flow: Flow[Task]) -> None:
        outcome: WaitOutcome
        try:
            with driver.polls.join(task_id):
                outcome = await driver.run(flow)
        except Exception as error:
            outcome = to_outcome(task_id, error)
        outcomes.put_nowait((task_id, outcome))

    # Not a TaskGroup: an asynchronous generator must not yield inside its scope.
    running = [asyncio.create_task(run_one(*item)) for item in flows.items()]
    try:
        with list_tasks_on_interrupt(unfinished):
            for _ in running:
                task_id, outcome = await outcomes.get()
                unfinished.discard(task_id)
                yield task_id, outcome
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
