"""A program that does one whole job and kills itself, for good, at a chosen step of it.

Usage: crashing.py BASE_URL JOURNAL FOLDER STEP before|after
"""

from __future__ import annotations

import os
import signal
import sys

from cometapi_runway import RunwayClient
from cometapi_runway._flows.steps import Sleep, Step
from cometapi_runway._io.drivers import Driver

base_url, journal, folder, wanted, moment = sys.argv[1:]
steps = 0
do = Driver.do


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def counted(driver: Driver, step: Step) -> None:
    global steps  # noqa: PLW0603 - one program, one count
    if not isinstance(step, Sleep):
        steps += 1
    if steps == int(wanted) and moment == "before":
        die()
    do(driver, step)
    if steps == int(wanted) and moment == "after":
        die()


Driver.do = counted  # type: ignore[method-assign]
with RunwayClient("a-key", base_url=base_url, journal=journal) as client:
    task = client.character_performance.create(
        character="https://example.com/face.png", reference="https://example.com/clip.mp4"
    )
    task.wait(interval=0.02).download(folder)
