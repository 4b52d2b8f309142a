"""A program that does a job and kills itself, with SIGKILL, at a chosen point of it.

A point is a kind of step, so the points come from the code: see `list_points`.

Usage: kill_at_step.py BASE_URL JOURNAL FOLDER JOB POINT before|after
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from cometapi_runway import RunwayClient
from cometapi_runway._core.partial_file import PartialFile
from cometapi_runway._flows.entries import Entry
from cometapi_runway._flows.steps import Publish, Record, Send, Step
from cometapi_runway._io.drivers import Driver

# Loaded before the fork, so that the first wait begins within its interval and sleeps.
from cometapi_runway.resources import _downloads, _waits  # noqa: F401

NO_POINT = "none"
CREATE_REQUEST, POLL = "Send create", "Send poll"
NAMED = "Publish, with the final name and the partial file's"
"""Inside the `Publish` step, after the final name and before the partial file is removed."""


def list_points() -> list[str]:
    """The name of every kind of step and of journal entry, and of what is inside a step."""
    kinds = [kind.__name__ for kind in get_args(Step) if kind not in {Send, Record}]
    entries = [f"Record {kind.__name__}" for kind in get_args(Entry)]
    return [CREATE_REQUEST, POLL, *kinds, *entries, NAMED]


def name_of(step: Step) -> str:
    """The point that a step is."""
    match step:
        case Send():
            return CREATE_REQUEST if step.task is None and step.call.body else POLL
        case Record():
            return f"Record {type(step.entry).__name__}"
        case _:
            return type(step).__name__


class Killer:
    """Kills this process at a point, the first time that it is reached, or a later time."""

    def __init__(self, point: str, moment: str, occurrence: int = 1) -> None:
        self.point, self.moment, self.occurrence = point, moment, occurrence
        self.reached: Counter[str] = Counter()

    def run(self, name: str, action: Callable[[], object]) -> None:
        self.reached[name] += 1
        self._die_if(name, "before")
        action()
        self._die_if(name, "after")

    def _die_if(self, name: str, moment: str) -> None:
        here = (name, moment, self.reached[name])
        if here == (self.point, self.moment, self.occurrence):
            os.kill(os.getpid(), signal.SIGKILL)


def install(killer: Killer) -> None:
    """Have a killer run every step of every flow."""
    do, release = Driver.do, PartialFile._release
    publishing = False

    def do_counted(driver: Driver, step: Step) -> None:
        nonlocal publishing
        publishing = isinstance(step, Publish)
        killer.run(name_of(step), lambda: do(driver, step))
        publishing = False

    def release_counted(part: PartialFile, **options: Any) -> None:
        if publishing:
            killer.run(NAMED, lambda: release(part, **options))
        else:
            release(part, **options)

    Driver.do = do_counted  # type: ignore[method-assign]
    PartialFile._release = release_counted  # type: ignore[method-assign]


def create(client: RunwayClient, folder: str) -> None:
    """Create a task, wait for it and save its file."""
    task = client.character_performance.create(
        character="https://example.com/face.png", reference="https://example.com/clip.mp4"
    )
    task.wait(interval=0.02).download(folder)


def resume(client: RunwayClient, folder: str) -> None:
    """Finish what an earlier process left."""
    for task in client.journal.resume(interval=0.02, include_unfetched=True):
        task.result().download(folder)


def run_forked(output: Path, arguments: Sequence[str]) -> None:
    """`main` of a forked process, which writes to a file."""
    sys.stdout = sys.stderr = output.open("w", encoding="utf-8")
    main(arguments)


def main(arguments: Sequence[str]) -> None:
    base_url, journal, folder, job, point, moment = arguments
    killer = Killer(point, moment)
    install(killer)
    with RunwayClient("a-key", base_url=base_url, journal=journal) as client:
        {"create": create, "resume": resume}[job](client, folder)
    print("\n".join(killer.reached))


if __name__ == "__main__":
    main(sys.argv[1:])
