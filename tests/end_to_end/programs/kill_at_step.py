"""A program that creates, waits for and downloads a task, and kills itself at a given step.

Usage: kill_at_step.py BASE_URL JOURNAL FOLDER STEP before|after
"""

from __future__ import annotations

import os
import signal
import sys

from cometapi_runway import RunwayClient
from cometapi_runway._flows.steps import Sleep, Step
from cometapi_runway._io.drivers import Driver

base_url, journal, folder, kill_step, moment = sys.argv[1:]
steps = 0
run_step = Driver.do


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def count_and_run(driver: Driver, step: Step) -> None:
    global steps  # noqa: PLW0603 - one program, one count
    if not isinstance(step, Sleep):
        steps += 1
    if steps == int(kill_step) and moment == "before":
        kill_self()
    run_step(driver, step)
    if steps == int(kill_step) and moment == "after":
        kill_self()


Driver.do = count_and_run  # type: ignore[method-assign]
with RunwayClient("a-key", base_url=base_url, journal=journal) as client:
    task = client.character_performance.create(
        character="https://example.com/face.png", reference="https://example.com/clip.mp4"
    )
    task.wait(interval=0.02).download(folder)
